"""Small photos with three targets: mask (3 classes of different sizes), gender (2 classes) and age (numbers)."""

import csv
import json
import shutil

import numpy
from PIL import Image
from support import runs

MASKS = ("wear", "wear", "bad", "wear", "none", "bad")  # by person
TARGETS = [{"name": "mask"}, {"name": "gender"}, {"name": "age", "edges": [30, 50]}]


def rows(train=96, test=12, unlabelled=4):
    """The table: {id: {column: value}}."""
    table = {}
    for i in range(train + test + unlabelled):
        person = i // 2
        age = 18 + person * 7 % 53
        gender = "fm"[person % 3 == 0]
        split = "train" if i < train else "test" if i < train + test else "unlabelled"
        labels = {"mask": MASKS[person % 6], "gender": gender, "age": str(age)} if split != "unlabelled" else {}
        table[f"r{i}"] = {"mask": "", "gender": "", "age": "", **labels, "person": f"p{person}", "split": split}
    return table


def prepare(folder, table=None, pictured=None, white=(), copies=(), side=12):
    """Makes folder/crops.h5 from the table. Its photos show `pictured`, another table with the same ids, so that labels
    can change while images stay. `white`: ids of photos that are all white; `copies`: sets of ids that show the first one's photo."""
    table = table or rows()
    (folder / "photos").mkdir(parents=True, exist_ok=True)
    lines = [["id", "path", *next(iter(table.values()))]]
    for i, (name, row) in enumerate(table.items()):
        lines.append([name, f"{name}.png", *row.values()])
        shown = (pictured or table)[name]
        image = numpy.random.default_rng(i).normal(90, 50, (side, side, 3))
        if shown["mask"] in MASKS:
            image[side // 2 :, :, ("wear", "bad", "none").index(shown["mask"])] += 80
            image[: side // 2, : side // 2] += 60 * (shown["gender"] == "m")
            image[: side // 2, side // 2 :] += 1.5 * (float(shown["age"]) - 45)
        image = image + 255 * (name in white)
        Image.fromarray(image.clip(0, 255).astype(numpy.uint8)).save(folder / "photos" / f"{name}.png")
    for first, *others in copies:
        for other in others:
            shutil.copy(folder / f"photos/{first}.png", folder / f"photos/{other}.png")
    with open(folder / "samples.csv", "w", newline="") as file:
        csv.writer(file).writerows(lines)
    done = runs.pleat(
        "prepare",
        "--table",
        folder / "samples.csv",
        "--images",
        folder / "photos",
        "--out",
        folder / "crops.h5",
        "--size",
        side,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout
    return folder / "crops.h5"


def changed(config, changes):
    """The config with changes such as {"train.lr": 1e-2, "targets[].bins": 5}; [] is the first item of a list."""
    for key, value in dict(changes).items():
        place = config
        *path, last = key.replace("[]", ".0").split(".")
        for part in path:
            place = place[int(part)] if isinstance(place, list) else place.setdefault(part, {})
        place[last] = value
    return config


def config(crops, changes=()):
    """A config that trains in well under a second, as a dict with these changes."""
    return changed(
        {
            "seed": 7,
            "data": {"crops": str(crops), "group": "person"},
            "targets": [{"name": "mask"}],
            "folds": {"k": 2},
            "models": [{"name": "resnet20"}],
            "train": {"epochs": 1, "batch": 16, "lr": 3e-3, "precision": "fp32", "augment": {"pad": 1}},
            "cluster": {"threads": 1, "device": "cpu"},
        },
        changes,
    )


def write_config(path, crops, changes=()):
    path.write_text(json.dumps(config(crops, changes), indent=1) + "\n")  # JSON is YAML
    return path

"""Everything at once: two targets, two models, two repeats, groups, unlabelled and test rows, from photos to predictions."""
import collections
import csv
import json
import random
import shutil

import h5py
import numpy
import pytest
from PIL import Image
from support import runs

PERSONS, PHOTOS, K, REPEATS = 24, 5, 3, 2


def write_photos(folder):
    """Persons with a few photos each. Targets: the person's colour and the photo's bright half."""
    rng = random.Random(3)
    (folder / "photos").mkdir()
    lines = ["id,path,person,colour,half,split"]
    for person in range(PERSONS):
        split = {0: "test", 1: "unlabelled"}.get(person % 8, "train")
        for photo in range(PHOTOS):
            name, colour, half = f"{person}-{photo}", ["red", "green"][person // 8 % 2], ["top", "bottom"][rng.randrange(2)]
            pixels = numpy.clip(numpy.random.default_rng(len(lines)).normal(90, 40, (12, 12, 3)), 0, 255).astype(numpy.uint8)
            pixels[:, :, 0 if colour == "red" else 1] |= 128
            (pixels[:6] if half == "top" else pixels[6:])[...] |= 64
            Image.fromarray(pixels).save(folder / "photos" / f"{name}.png")
            labels = "," if split == "unlabelled" else f"{colour},{half}"
            lines.append(f"{name},{name}.png,person {person},{labels},{split}")
    (folder / "samples.csv").write_text("\n".join(lines) + "\n")


def models(weights):
    return f"[{{id: cold, name: resnet20}}, {{id: warm, name: resnet20, weights: {weights}}}]"


@pytest.fixture(scope="module")
def wide_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wide")
    write_photos(folder)
    crops = folder / "crops.h5"
    done = runs.pleat("prepare", "--table", folder / "samples.csv", "--images", folder / "photos", "--out", crops, "--size", 12)
    assert done.returncode == 0, done.stdout
    common = dict(data=f"{{crops: {crops}, group: person}}", train="{epochs: 1, batch: 16, lr: 1e-3, augment: {pad: 1}}")
    first = runs.write_config(folder / "first.yaml", crops, targets="[{name: colour}]", folds="{k: 2}", **common)
    done = runs.pleat("train", first, "--run", folder / "first")
    assert done.returncode == 0, done.stdout
    shutil.copy(folder / "first/round_0/colour/resnet20/fold_0/weights.safetensors", folder / "start.safetensors")
    config = runs.write_config(folder / "config.yaml", crops, targets="[{name: colour}, {name: half}]",
                               models=models(folder / "start.safetensors"), ensemble="mean", folds=f"{{k: {K}, repeats: {REPEATS}}}", **common)
    done = runs.pleat("train", config, "--run", folder / "run")
    assert done.returncode == 0, done.stdout
    return folder, config, runs.results(folder / "run")


def rows_of(path):
    with open(path) as file:
        return list(csv.DictReader(file))


def test_no_person_is_on_two_sides_of_a_fold(wide_run):
    folder, _, _ = wide_run
    person_of = {row["id"]: row["person"] for row in rows_of(folder / "samples.csv")}
    plan = rows_of(folder / "run/folds.csv")
    assert len(plan) == sum(row["split"] == "train" for row in rows_of(folder / "samples.csv"))
    for column in ("fold", "fold_2"):
        folds_of = collections.defaultdict(set)
        for row in plan:
            assert row["group"] == person_of[row["id"]]
            folds_of[row["group"]].add(row[column])
        assert all(len(folds) == 1 for folds in folds_of.values())


def test_the_files_say_what_their_formats_promise(wide_run):
    folder, _, files = wide_run
    assert len(files) == 4 + 2 * (2 * 2 * K * REPEATS), sorted(files)
    splits = collections.Counter(row["split"] for row in rows_of(folder / "samples.csv"))
    with h5py.File(folder / "run/round_0/oof.h5") as oof:
        assert oof["folds"].shape == (REPEATS, splits["train"])
        for target in ("colour", "half"):
            models = [name.decode() for name in oof[f"targets/{target}/model_order"][:]]
            assert models == ["cold", "warm"]
            probs = [oof[f"targets/{target}/models/{model}/probs"][:] for model in models]
            assert numpy.abs(sum(probs) / 2 - oof[f"targets/{target}/ensemble"][:]).max() < 1e-12
            assert numpy.abs(probs[0].sum(1) - 1).max() < 1e-12
    predictions = rows_of(folder / "run/predictions.csv")
    assert collections.Counter(row["split"] for row in predictions) == {"test": splits["test"], "unlabelled": splits["unlabelled"]}
    assert list(predictions[0]) == ["id", "split", "colour", "colour:green", "colour:red", "half", "half:bottom", "half:top"]
    ensemble = json.loads((folder / "run/round_0/ensemble.json").read_text())["targets"]["half"]["members"]
    assert len(ensemble) == 2 * K * REPEATS and abs(sum(member["weight"] for member in ensemble) - 1) < 1e-12


def test_the_summary_keeps_its_contract(wide_run):
    folder, _, _ = wide_run
    summary = json.loads((folder / "run/summary.json").read_text())
    assert summary["score"] == "macro_f1" and set(summary["targets"]) == {"colour", "half"}
    for target in summary["targets"].values():
        assert {"accuracy", "macro_f1", "log_loss", "score", "score_spread"} <= set(target["oof"])
        assert {"accuracy", "macro_f1", "log_loss", "score"} <= set(target["test"])
        assert len(target["folds"]) == K and set(target["models"]) == {"cold", "warm"}
    assert summary["wall_seconds"] > 0 and summary["train_images_per_second"] > 0
    assert summary["ranks"] == 1 and summary["threads"] == 1 and len(summary["rounds"]) == 1


def test_running_it_again_changes_no_file_and_no_figure(wide_run, tmp_path):
    """Moving the file of starting weights changes no key: only its contents count."""
    folder, config, expected = wide_run
    before = json.loads((folder / "run/summary.json").read_text())
    shutil.copy(folder / "start.safetensors", tmp_path / "moved.safetensors")
    moved = ("--set", f"models={models(tmp_path / 'moved.safetensors')}")
    again = runs.pleat("train", config, *moved, "--run", folder / "run", ranks=2)
    assert again.returncode == 0, again.stdout
    assert runs.results(folder / "run") == expected
    after = json.loads((folder / "run/summary.json").read_text())
    assert after.pop("rounds")[0]["done_before"] == 2 * 2 * K * REPEATS
    before.pop("rounds")
    assert after == before


@pytest.mark.parametrize("ranks", [0, 2])
def test_killed_and_run_again_it_ends_with_the_same_bytes(wide_run, tmp_path, ranks):
    _, config, expected = wide_run
    first = runs.pleat("train", config, "--run", tmp_path / "run", ranks=ranks, PLEAT_FAULT="before_done:4:kill")
    assert first.returncode not in (0, 2, 3, 4, 5, 75), first.stdout
    earlier = json.loads((tmp_path / "run/time.json").read_text())
    assert earlier["images"] > 0
    again = runs.pleat("train", config, "--run", tmp_path / "run", ranks=ranks)
    assert again.returncode == 0, again.stdout
    assert runs.results(tmp_path / "run") == expected
    summary = json.loads((tmp_path / "run/summary.json").read_text())
    assert summary["wall_seconds"] > earlier["wall_seconds"], "figures are of all starts"


def test_a_plan_without_groups_is_refused_with_them(wide_run, tmp_path):
    folder, config, _ = wide_run
    plan = rows_of(folder / "run/folds.csv")
    lines = ["id,group,fold"] + [f"{row['id']},{row['id']},{i % K}" for i, row in enumerate(plan)]
    (tmp_path / "folds.csv").write_text("\n".join(lines) + "\n")
    done = runs.pleat("train", config, "--set", f"folds.file={tmp_path}/folds.csv", "--set", "folds.repeats=1", "--run", tmp_path / "run")
    assert done.returncode == 3, done.stdout
    for words in ("folds.csv", "person 2", "'2-0'", "'2-1'", "data.group"):
        assert words in done.stdout, done.stdout


def test_a_row_without_a_group_and_a_person_in_train_and_test_are_named(wide_run, tmp_path):
    folder, config, _ = wide_run
    table = (folder / "samples.csv").read_text()
    for change, code, words in [
        (table.replace("2-1.png,person 2,", "2-1.png,,"), 3, ["row '2-1'", "column person", "empty"]),
        (table.replace("0-1.png,person 0,", "0-1.png,person 2,"), 0, ["1 of the groups in column person", "'person 2'", "test scores"]),
    ]:
        (tmp_path / "samples.csv").write_text(change)
        prepared = runs.pleat("prepare", "--table", tmp_path / "samples.csv", "--images", folder / "photos", "--out", tmp_path / "crops.h5", "--size", 12)
        assert prepared.returncode == 0, prepared.stdout
        done = runs.pleat("train", config, "--set", f"data.crops={tmp_path}/crops.h5", "--run", tmp_path / "run", "--dry-run", ranks=2)
        assert done.returncode == code, done.stdout
        assert all(word in done.stdout for word in words), done.stdout
        assert done.stdout.count(words[0]) == 1, "one rank says it"

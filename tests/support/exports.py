"""Makes runs and exports, and compares exports."""
import csv
import importlib.util
import json
import random

import h5py
import numpy
import torch
from PIL import Image
from support import runs

FP32 = ("--set", "train.precision=fp32")
TRAIN = "{epochs: 1, batch: 16, lr: 3e-3}"


def pleat(*arguments, **how):
    done = runs.pleat(*arguments, **how)
    assert done.returncode == 0, done.stdout
    return done


def write_photos(folder):
    """Writes photos of several sizes whose pixels show mask, gender and age. Table: 36 train, 6 test, 6 unlabelled."""
    rng = random.Random(1)
    (folder / "photos").mkdir()
    lines = ["id,path,mask,gender,age,split"]
    for i in range(48):
        mask, gender, age = i % 3, i // 3 % 2, 15 + 7 * i % 60
        width, height = rng.randrange(14, 60), rng.randrange(14, 60)
        pixels = numpy.random.default_rng(i).normal(100, 50, (height, width, 3))
        pixels[: height // 2, : width // 2, mask] += 80
        pixels[height // 2:] += 60 * gender
        pixels[:, width // 2:, 2] += age
        path = f"{i}.{('png', 'jpg')[i % 2]}"
        Image.fromarray(pixels.clip(0, 255).astype("uint8")).save(folder / "photos" / path)
        split = "train" if i < 36 else "test" if i < 42 else "unlabelled"
        lines.append(f"p{i},{path},{('no', 'wear', 'wrong')[mask]},{'fm'[gender]},{age},{split}")
    (folder / "t.csv").write_text("\n".join(lines) + "\n")
    return folder / "t.csv", folder / "photos"


def load(folder):
    """Loads an export with the loader in its folder."""
    return loader_of(folder).load(folder)


def loader_of(folder):
    """The module ensemble.py of an export."""
    spec = importlib.util.spec_from_file_location("exported_ensemble", folder / "ensemble.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rows_of(path):
    with open(path) as file:
        return {row["id"]: row for row in csv.DictReader(file)}


def largest_difference(rows, ids, ensemble, predicted):
    """Largest difference of probabilities, and of numbers relative to the largest, over all columns of the rows."""
    probs, numbers = predicted
    scale = {f"{target}:{name}": 1 for target, names in ensemble.classes.items() for name in names}
    scale |= {f"{target}.{part}": abs(numbers[target]).max() for target in numbers for part in ("mean", "deviation")}
    assert {column for row in rows.values() for column in row} == {"id", "split", *probs, *scale}
    ours = {f"{target}:{name}": probs[target][:, c] for target, names in ensemble.classes.items() for c, name in enumerate(names)}
    ours |= {f"{target}.{part}": numbers[target][:, c] for target in numbers for c, part in enumerate(("mean", "deviation"))}
    return max(abs(float(rows[each][column]) - ours[column][i]) / scale[column]
               for i, each in enumerate(ids) if each in rows for column in scale)


def crops_of(path):
    with h5py.File(path) as crops:
        return crops["images"][:], [each.decode() for each in crops["table/id"][:]]


def gray_run(folder):
    """Makes a run on gray IDX images and its export."""
    crops = runs.prepare(folder, rows=48, test_rows=12)
    config = runs.write_config(folder / "c.yaml", crops, folds="{k: 2}", train=TRAIN,
                               models="[{name: resnet34}, {name: resnet20}, {name: efficientnet_b1, stem: small}]")
    pleat("train", config, *FP32, "--run", folder / "run")
    pleat("export", folder / "run", "--out", folder / "export")
    return folder


def script_with_a_constant(path, outputs, channels=3):
    """A TorchScript network with a non-persistent buffer, as launch/export_model.py writes it."""
    class Small(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = torch.nn.Conv2d(channels, 8, 3, 2, 1)
            self.norm = torch.nn.BatchNorm2d(8)
            self.fc = torch.nn.Linear(8, outputs)
            self.register_buffer("factor", torch.tensor(1.5), persistent=False)

        def forward(self, x):
            return self.fc(torch.relu(self.norm(self.conv(x))).mean((2, 3)) * self.factor)

    torch.manual_seed(1)
    origin = json.dumps({"source": "timm:none", "constants": ["factor"], "head": ["fc"], "mean": [0.5, 0.4, 0.3][:channels], "std": [0.3, 0.2, 0.1][:channels]})
    torch.jit.save(torch.jit.script(Small()), path, _extra_files={"pleat.json": origin})


def tree(folder):
    """Bytes of each file, by name."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*"))
            if file.is_file() and "__pycache__" not in file.parts}


def flip_a_byte(file):
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)

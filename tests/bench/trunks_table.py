"""The comparison of shared trunks in docs/results.md: makes three data sets, trains with and without trunks, prints a table.

    .venv/bin/python tests/bench/trunks_table.py --folder /tmp/trunks [--data photos,faces,fashion] [--folds 5,10] [--seeds 42,43,44]

Photos: 2,000 drawn photos and 600 new ones. Faces: 200 drawn persons and 100 new ones, 18 classes. Fashion: 20,000 images
of Fashion-MNIST and its 10,000 test images. All runs of a data set and a number of folds use the folds of the first.
Finished runs are not trained again, and interrupted ones are resumed.
"""
import argparse
import csv
import json
import pathlib
import statistics

import numpy
import safetensors.numpy
from faces_table import make_crops, make_table, run, span

ROOT = pathlib.Path(__file__).resolve().parents[2]
FASHION = pathlib.Path("/usr/share/datasets/fashion-mnist")


def photos(pleat, folder):
    crops = folder / "photos.h5"
    if not crops.exists():
        run(ROOT / ".venv/bin/python", ROOT / "tests/bench/photos.py", folder / "photos", "--photos", 2000, "--test", 600)
        run("mpirun", "--bind-to", "none", "-n", 2, pleat, "prepare", "--table", folder / "photos/samples.csv", "--images", folder / "photos/photos",
            "--size", 64, "--crop", "center", "--out", crops)
    return crops


def faces(pleat, folder):
    make_table(pleat, folder, 200, 100)
    return make_crops(pleat, folder, "center")


def fashion(pleat, folder):
    crops = folder / "fashion.h5"
    if not crops.exists():
        run(pleat, "prepare", "--idx-images", FASHION / "train-images-idx3-ubyte.gz", "--idx-labels", FASHION / "train-labels-idx1-ubyte.gz",
            "--idx-test-images", FASHION / "t10k-images-idx3-ubyte.gz", "--idx-test-labels", FASHION / "t10k-labels-idx1-ubyte.gz", "--out", crops)
    return crops


PHOTOS = """seed: 42
data: {crops: %s, group: group}
targets: [{name: label}]
models: [{name: resnet18}]
train: {epochs: 8, batch: 64, lr: 1e-3}
report: false
"""
FACES = """seed: 42
data: {crops: %s, group: person}
targets: [{name: mask, classes: [wear, incorrect, normal]}, {name: gender, classes: [male, female]}, {name: age, edges: [30, 60], bins: 11}]
targets_as: heads
joint: {name: class}
models: [{name: resnet18}]
train: {epochs: 8, batch: 32, lr: 1.5e-3}
report: false
"""
FASHION_CONFIG = """seed: 42
data: {crops: %s, limit: 20000}
targets: [{name: label}]
models: [{name: resnet20}]
train: {epochs: 8, batch: 128, optimizer: sgd, lr: 0.2, weight_decay: 5e-4, augment: {pad: 2}}
report: false
"""
# data: (crops, config, target)
DATA = {"photos": (photos, PHOTOS, "label"), "faces": (faces, FACES, "class"), "fashion": (fashion, FASHION_CONFIG, "label")}

# name: (description, epochs, folds.trunks). With 5 folds, 11 epochs of trunks train about as many images as 8 without, and
# 8 about as many as 6 without.
RECIPES = {
    5: {"plain": ("without trunks", 8, 0), "trunks": ("trunks", 8, 0.5), "less": ("without trunks, fewer epochs", 6, 0),
        "more": ("trunks, more epochs", 11, 0.5)},
    10: {"plain": ("without trunks", 8, 0), "trunks": ("trunks", 8, 0.5), "less": ("without trunks, fewer epochs", 5, 0),
         "more": ("trunks, more epochs", 12, 0.5)},
}


def train(pleat, folder, data, k, name, seed):
    make, config, _ = DATA[data]
    _, epochs, share = RECIPES[k][name]
    crops = make(pleat, folder)
    runs = folder / "runs" / f"{data}_{k}"
    runs.mkdir(parents=True, exist_ok=True)
    (folder / f"{data}.yaml").write_text(config % crops)
    first, out = runs / "plain_42", runs / f"{name}_{seed}"
    options = [f"seed={seed}", f"folds.k={k}", f"train.epochs={epochs}", f"folds.trunks={share}"]
    if out != first:
        options.append(f"folds.file={first / 'folds.csv'}")
    run("mpirun", "--bind-to", "none", "-n", 2, pleat, "train", folder / f"{data}.yaml", "--run", out, *[part for each in options for part in ("--set", each)])
    return out


def images_of(out):
    """Training images of all networks and trunks."""
    return sum(json.loads(line)["images"] for path in [*out.glob("round_0/*/*/*/metrics.jsonl"), *out.glob("trunks/*/*/*/metrics.jsonl")]
               for line in path.read_text().splitlines())


def agreement(out):
    """Mean share of test rows on which two folds' networks of the same model name the same class."""
    votes = []
    for path in sorted(out.glob("round_0/*/*/fold_*/predictions.safetensors")):
        tensors = safetensors.numpy.load_file(path)
        votes.append(numpy.stack([tensors[name].argmax(1) for name in sorted(tensors) if name.startswith("test.logits")]))
    pairs = [(a, b) for i, a in enumerate(votes) for b in votes[:i]]
    return statistics.fmean(float((a == b).all(0).mean()) for a, b in pairs)


def figures(out, target):
    of = json.loads((out / "summary.json").read_text())["targets"][target]
    folds = next(iter(of["models"].values()))["test"].get("folds", [])
    return {"oof": of["oof"]["macro_f1"], "test": of["test"]["macro_f1"],
            "one fold": statistics.fmean(fold["macro_f1"] for fold in folds) if folds else None, "spread": of["oof"].get("score_spread"), "images": images_of(out), "agree": agreement(out)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=pathlib.Path, required=True, help="for data, crops and runs; about 4 GB")
    parser.add_argument("--data", default=",".join(DATA), help="data sets, with commas")
    parser.add_argument("--folds", default="5,10", help="numbers of folds, with commas")
    parser.add_argument("--seeds", default="42,43,44", help="with commas; 42 makes the folds")
    parser.add_argument("--pleat", type=pathlib.Path, default=ROOT / "build/pleat", help="the program; default: build/pleat")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    folder, pleat = arguments.folder.resolve(), arguments.pleat.resolve()
    seeds = [int(seed) for seed in arguments.seeds.split(",")]
    print("| data | folds | training | images | OOF | new rows, ensemble | new rows, one fold | spread over folds | agree |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for data in arguments.data.split(","):
        for k in map(int, arguments.folds.split(",")):
            for name, (what, epochs, _) in RECIPES[k].items():
                found = [figures(train(pleat, folder, data, k, name, seed), DATA[data][2]) for seed in seeds]
                columns = [span([each[key] for each in found]) if found[0][key] is not None else "" for key in ("oof", "test", "one fold", "spread", "agree")]
                print(f"| {data} | {k} | {what}, {epochs} epochs | {found[0]['images']:,} | {' | '.join(columns)} |", flush=True)


if __name__ == "__main__":
    main()

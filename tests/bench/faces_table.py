"""The comparisons in docs/results.md on drawn faces: makes data, trains all recipes on the same folds, prints a table.

    .venv/bin/python tests/bench/faces_table.py --folder /tmp/faces [--only heads,joint] [--seeds 42,43] [--list]

Finished recipes are not trained again, and interrupted ones are resumed. The test split is new persons with correct
labels. The ensemble's score on them is the truth for judging the out-of-fold scores.
"""
import argparse
import csv
import json
import pathlib
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PERSONS, NEW_PERSONS = 200, 100
CROPS = {"center": ["--crop", "center"], "face": ["--crop", "face"], "background": ["--crop", "center", "--background", "remove"]}
AGE = "targets=[{name: age, edges: [30, 60], %s}]"
HEADS = ["targets_as=heads"]
BASE, FIRST = "heads", 42  # recipe to compare with, and seed of the folds
ALONE = ["joint.name="]

# name: (description, --set values, crops, number of seeds)
RECIPES = {
    "separate": ("a network for each target, age in 11 bins", [], "center", 2),
    "joint": ("one network of 18 classes", ["targets_as=joint", "targets.2.bins=0"], "center", 2),
    "heads": ("one network, a head for each target, age in 11 bins", HEADS, "center", 3),
    "heads_direct": ("heads, age as 3 classes", HEADS + ["targets.2.bins=0"], "center", 3),
    "heads_spread": ("heads, 11 bins, labels spread over neighbours", HEADS + ["targets.2.bin_spread=1"], "center", 2),
    "heads_regress": ("heads, age as a number", HEADS + ["targets.2.bins=0", "targets.2.regress=true"], "center", 2),
    "heads_shift": ("heads, taught 58 for 60", HEADS + ["targets.2.train_edges=[30, 58]"], "center", 2),
    "age_alone": ("age alone, 11 bins", [AGE % "bins: 11"] + ALONE, "center", 1),
    "age_direct": ("age alone, 3 classes", [AGE % "bins: 0"] + ALONE, "center", 1),
    "models": ("heads, 16 epochs: ResNet18, EfficientNet-B0 and B4, and their ensemble",
               HEADS + ["models=[{name: resnet18, id: r18}, {name: efficientnet_b0, id: b0}, {name: efficientnet_b4, id: b4}]",
                        "train.epochs=16"],  # from random weights, 8 epochs are too few for EfficientNet
               "center", 1),
    "cutmix": ("heads, CutMix", HEADS + ["train.augment.cutmix=1"], "center", 2),
    "focal": ("heads, focal loss", HEADS + ["train.loss.focal=2"], "center", 2),
    "f1": ("heads, a third of the loss is macro F1", HEADS + ["train.loss.f1=0.33"], "center", 2),
    "weights": ("heads, class weights", HEADS + ["train.loss.class_weights=balanced_sqrt"], "center", 2),
    "sampling": ("heads, weighted sampling", HEADS + ["train.sampling=balanced_sqrt"], "center", 2),
    "face": ("heads, cropped to the face", HEADS, "face", 2),
    "background": ("heads, background removed", HEADS, "background", 2),
}


def run(*command):
    subprocess.run([*map(str, command)], check=True, stdout=subprocess.DEVNULL)


def make_table(pleat, folder, known=PERSONS, new=NEW_PERSONS, noise=0.01):
    """Makes `known` persons to train on, with this share of wrong labels, and `new` persons with correct labels."""
    if (folder / "samples.csv").exists():
        return
    rows = []
    for part, persons, seed, wrong, split in (("known", known, 1, noise, "train"), ("new", new, 2, 0, "test")):
        images = folder / part / "train/images"
        run(pleat, "make-faces", "--out", folder / part, "--persons", persons, "--seed", seed, "--label-noise", wrong)
        run(pleat, "person-folders", "--csv", folder / part / "train/train.csv", "--images", images,
            "--out", folder / f"{part}.csv")
        for row in csv.DictReader(open(folder / f"{part}.csv")):
            row.update(id=f"{part}-{row['id']}", person=f"{part}-{row['person']}", split=split,
                       path=str((images / row["path"]).relative_to(folder)))
            rows.append(row)
    with open(folder / "samples.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def make_crops(pleat, folder, kind):
    crops = folder / f"{kind}.h5"
    if not crops.exists():
        run("mpirun", "--bind-to", "none", "-n", 2, pleat, "prepare", "--table", folder / "samples.csv", "--images", folder,
            "--out", crops, "--size", 64, *CROPS[kind])
    return crops


def train(pleat, folder, name, seed):
    """Trains a recipe and returns its summary. All recipes use the folds of `heads` with the first seed, so that scores
    differ only by the recipe and the networks' random numbers."""
    _, assignments, kind, _ = RECIPES[name]
    out = folder / "runs" / f"{name}_{seed}"
    options = [f"data.crops={make_crops(pleat, folder, kind)}", f"seed={seed}", *assignments]
    folds = folder / "runs" / f"{BASE}_{FIRST}" / "folds.csv"
    if (name, seed) != (BASE, FIRST):
        options.append(f"folds.file={folds}")
    run("mpirun", "--bind-to", "none", "-n", 2, pleat, "train", ROOT / "configs/faces.yaml", "--run", out,
        *[part for option in options for part in ("--set", option)])
    return json.loads((out / "summary.json").read_text())


def figures(summaries, target, model=None):
    """[OOF scores of all seeds], [test scores] of the ensemble or of one of its models."""
    of = [summary["targets"][target] for summary in summaries]
    if model:
        return [each["models"][model]["macro_f1"] for each in of], [each["models"][model]["test"]["macro_f1"] for each in of]
    return [each["oof"]["macro_f1"] for each in of], [each["test"]["macro_f1"] for each in of]


def span(values):
    mean = sum(values) / len(values)
    return f"{mean:.3f}" if len(values) == 1 else f"{mean:.3f} [{min(values):.3f}, {max(values):.3f}]"


def against(values, base):
    """Mean over the seeds of the difference to the base recipe."""
    differences = [value - other for value, other in zip(values, base)]
    return f"{sum(differences) / len(differences):+.3f}"


def print_rows(name, summaries, base):
    what = RECIPES[name][0]
    several = len(summaries[0]["targets"]["age"]["models"]) > 1
    lines = [(f"{what}: {model} alone", model) for model in summaries[0]["targets"]["age"]["models"]] if several else []
    seconds = sum(summary["wall_seconds"] for summary in summaries) / len(summaries)
    for text, model in [*lines, (what, None)]:
        columns = []
        for target in ("class", "age", "gender", "mask"):
            if target not in summaries[0]["targets"]:
                columns += ["", ""] if target != "class" else ["", "", "", ""]
                continue
            oof, test = figures(summaries, target, model)
            columns += [span(oof), span(test)]
            if target == "class":
                of_base = figures(base, target)
                columns += [against(oof, of_base[0]), against(test, of_base[1])]
        print(f"| {text} | {len(summaries)} | {' | '.join(columns)} | {'' if model else f'{seconds:.0f}'} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=pathlib.Path, required=True, help="for data, crops and runs; about 200 MB")
    parser.add_argument("--only", default=",".join(RECIPES), help="recipes, with commas; --list shows them")
    parser.add_argument("--seeds", default="42,43,44", help="with commas; each recipe takes as many as its line says")
    parser.add_argument("--pleat", type=pathlib.Path, default=ROOT / "build/pleat", help="the program; default: build/pleat")
    parser.add_argument("--list", action="store_true", help="show the recipes and their options")
    arguments = parser.parse_args()
    if arguments.list:
        for name, (what, assignments, kind, seeds) in RECIPES.items():
            print(f"{name:14} {what}; {kind} crops, {seeds} seeds: {' '.join(f'--set {each!r}' for each in assignments)}")
        return
    arguments.folder.mkdir(parents=True, exist_ok=True)
    folder = arguments.folder.resolve()
    start = time.monotonic()
    pleat = arguments.pleat.resolve()
    make_table(pleat, folder)
    seeds = [int(seed) for seed in arguments.seeds.split(",")]
    train(pleat, folder, BASE, FIRST)
    print("| recipe | seeds | class, OOF | class, truth | OOF against heads | truth against heads | age, OOF | age, truth "
          "| gender, OOF | gender, truth | mask, OOF | mask, truth | s |")
    print("| --- |" + " --- |" * 12)
    for name in arguments.only.split(","):
        used = seeds[: RECIPES[name][3]]
        base = [train(pleat, folder, BASE, seed) for seed in used]  # finished runs are not trained again
        print_rows(name, [train(pleat, folder, name, seed) for seed in used], base)
    print(f"\n{(time.monotonic() - start) / 60:.0f} min in all")


if __name__ == "__main__":
    main()

"""The comparison of rounds in docs/results.md on drawn faces: makes data, trains all recipes, prints a table.

    .venv/bin/python tests/bench/rounds_table.py --folder /tmp/crowd [--only plain,groups] [--seeds 42,43,44] [--list]

120 labelled and 400 unlabelled persons, and 150 new persons whose true labels judge each round. Finished recipes are
not trained again, and interrupted ones are resumed.
"""
import argparse
import json
import pathlib
import shutil
import time

from faces_table import make_crops, make_table, run

ROOT = pathlib.Path(__file__).resolve().parents[2]
PERSONS, NEW_PERSONS = 520, 150
OWN = ["rounds.constant_in_group=[]", "rounds.composition={}"]

# name: (description, --set values)
RECIPES = {
    "plain": ("no rounds", ["rounds.count=1"]),
    "groups": ("own fold's teachers, group evidence", []),
    "own": ("own fold's teachers, each photo alone", OWN),
    "shared": ("shared teachers, group evidence", ["rounds.teacher=shared"]),
}


def crops(pleat, folder):
    make_table(pleat, folder, PERSONS, NEW_PERSONS)
    return make_crops(pleat, folder, "center")


def train(pleat, folder, name, seed):
    """Trains a recipe and returns its summary. `plain` is the first round of all others."""
    out = folder / "runs" / f"{name}_{seed}"
    options = [f"data.crops={crops(pleat, folder)}", f"seed={seed}", "rounds.stop=never", *RECIPES[name][1]]
    if name != "plain" and not out.exists():
        first = folder / "runs" / f"plain_{seed}"
        if first.exists():
            shutil.copytree(first, out)
    run("mpirun", "--bind-to", "none", "-n", 2, pleat, "train", ROOT / "configs/faces_rounds.yaml", "--run", out,
        *[part for option in options for part in ("--set", option)])
    return json.loads((out / "summary.json").read_text())


def scores(summary, round):
    """(OOF, truth) of the 18 classes in a round."""
    rounds = summary["rounds"]
    of = (rounds[round]["targets"] if len(rounds) > 1 else summary["targets"])["class"]
    return of["oof"]["macro_f1"], of["test"]["macro_f1"]


def span(values):
    return f"{sum(values) / len(values):.3f} [{min(values):.3f}, {max(values):.3f}]"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=pathlib.Path, required=True, help="for data, crops and runs; about 1 GB")
    parser.add_argument("--only", default=",".join(RECIPES), help="recipes, with commas; --list shows them")
    parser.add_argument("--seeds", default="42,43,44", help="with commas")
    parser.add_argument("--pleat", type=pathlib.Path, default=ROOT / "build/pleat", help="the program; default: build/pleat")
    parser.add_argument("--list", action="store_true", help="show the recipes and their options")
    arguments = parser.parse_args()
    if arguments.list:
        for name, (what, assignments) in RECIPES.items():
            print(f"{name:14} {what}: {' '.join(f'--set {each!r}' for each in assignments)}")
        return
    arguments.folder.mkdir(parents=True, exist_ok=True)
    folder, pleat, start = arguments.folder.resolve(), arguments.pleat.resolve(), time.monotonic()
    print("| recipe | round | class, OOF | class, new persons | gain over no rounds, by seed |")
    print("| --- | --- | --- | --- | --- |")
    seeds = [int(seed) for seed in arguments.seeds.split(",")]
    plain = [scores(train(pleat, folder, "plain", seed), 0) for seed in seeds]
    for name in arguments.only.split(","):
        summaries = [train(pleat, folder, name, seed) for seed in seeds]
        for round in range(len(summaries[0]["rounds"])):
            found = [scores(summary, round) for summary in summaries]
            gains = ", ".join(f"{truth - base:+.3f}" for (_, truth), (_, base) in zip(found, plain))
            print(f"| {RECIPES[name][0]} | {round} | {span([oof for oof, _ in found])} | {span([truth for _, truth in found])} | {gains} |", flush=True)
    print(f"\n{(time.monotonic() - start) / 60:.0f} min in all")


if __name__ == "__main__":
    main()

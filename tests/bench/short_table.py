"""The comparison of options for short trainings in docs/recipes.md: trains each option alone and some together on three data sets.

    .venv/bin/python tests/bench/short_table.py --folder /tmp/trunks [--data photos,faces,fashion] [--seeds 42,43] [--only whiten,flips]

The data are those of trunks_table.py, in 3 folds and 4 epochs; of Fashion-MNIST 6,000 images. Finished runs are not trained again.
"""
import argparse
import json
import pathlib
import statistics

from faces_table import run
from trunks_table import DATA, ROOT

FEW = {"photos": [], "faces": [], "fashion": ["data.limit=6000", "train.batch=64", "train.lr=0.1"]}

# name: (description, --set values)
OPTIONS = {
    "base": ("none", []),
    "whiten": ("`models[].whiten`", ["models.0.whiten=true"]),
    "zero": ("`models[].zero_last_norm`", ["models.0.zero_last_norm=true"]),
    "flips": ("`train.augment.alternate_flips`", ["train.augment.alternate_flips=true"]),
    "bias": ("`train.norm_bias_rate: 4`", ["train.norm_bias_rate=4"]),
    "bias64": ("`train.norm_bias_rate: 64`", ["train.norm_bias_rate=64"]),
    "momentum": ("`train.norm_momentum: 0.3`, `train.ema: 0.98`", ["train.norm_momentum=0.3", "train.ema=0.98"]),
    "ema": ("`train.ema: 0.98`", ["train.ema=0.98"]),
    "grow": ("half the batch, growing to `train.last_batch`", None),
    "small": ("half the batch", None),
    "all": ("`whiten`, `alternate_flips`, half the batch", None),
}
BATCH = {"photos": 64, "faces": 32, "fashion": 64}


def options_of(name, data):
    half, whole = BATCH[data] // 2, BATCH[data]
    if name == "grow":
        return [f"train.batch={half}", f"train.last_batch={2 * whole}"]
    if name == "small":
        return [f"train.batch={half}"]
    if name == "all":
        return [f"train.batch={half}", "models.0.whiten=true", "train.augment.alternate_flips=true"]
    return OPTIONS[name][1]


def train(pleat, folder, data, name, seed):
    make, config, target = DATA[data]
    runs = folder / "runs" / f"short_{data}"
    runs.mkdir(parents=True, exist_ok=True)
    (folder / f"{data}.yaml").write_text(config % make(pleat, folder))
    first, out = runs / "base_42", runs / f"{name}_{seed}"
    options = [f"seed={seed}", "folds.k=3", "train.epochs=4", *FEW[data], *options_of(name, data)]
    if out != first and data != "fashion":  # data.limit and folds.file exclude each other
        options.append(f"folds.file={first / 'folds.csv'}")
    run("mpirun", "--bind-to", "none", "-n", 2, pleat, "train", folder / f"{data}.yaml", "--run", out, *[part for each in options for part in ("--set", each)])
    summary = json.loads((out / "summary.json").read_text())
    of = summary["targets"][target]
    return of["oof"]["macro_f1"], of["test"]["macro_f1"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=pathlib.Path, required=True, help="for data, crops and runs; about 2 GB")
    parser.add_argument("--data", default=",".join(DATA), help="data sets, with commas")
    parser.add_argument("--only", default=",".join(OPTIONS), help="options, with commas")
    parser.add_argument("--seeds", default="42,43", help="with commas; 42 makes the folds")
    parser.add_argument("--pleat", type=pathlib.Path, default=ROOT / "build/pleat", help="the program; default: build/pleat")
    arguments = parser.parse_args()
    folder, pleat = arguments.folder.resolve(), arguments.pleat.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    seeds = [int(seed) for seed in arguments.seeds.split(",")]
    print("| data | option | OOF | new rows | OOF gain, by seed |\n| --- | --- | --- | --- | --- |")
    for data in arguments.data.split(","):
        base = [train(pleat, folder, data, "base", seed)[0] for seed in seeds]
        for name in arguments.only.split(","):
            found = [train(pleat, folder, data, name, seed) for seed in seeds]
            gains = ", ".join(f"{oof - before:+.3f}" for (oof, _), before in zip(found, base))
            print(f"| {data} | {OPTIONS[name][0]} | {statistics.fmean(oof for oof, _ in found):.3f} | {statistics.fmean(new for _, new in found):.3f} | {gains} |", flush=True)


if __name__ == "__main__":
    main()

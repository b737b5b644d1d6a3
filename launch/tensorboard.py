#!/usr/bin/env python3
"""Writes TensorBoard event files for runs of pleat: each fold is a run of one experiment.

    launch/tensorboard.py runs/a runs/b                # into runs/tensorboard
    launch/tensorboard.py runs/sweep --out boards      # the cells of a sweep
    tensorboard --logdir runs/tensorboard

Per network: loss, learning rate, images/s, share of time waiting for data, and with train.keep: best the score on the
rows set aside. Per finished run: its OOF and held-out scores, and the config's values as hyperparameters. A second call
replaces the files of the first. The package tensorboard must be installed (pip install tensorboard).
"""
import argparse
import json
import os
import pathlib
import shutil
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path = [path for path in sys.path if pathlib.Path(path or ".").resolve() != ROOT / "launch"]  # this file hides the package
VENV = ROOT / ".venv/bin/python"
USAGE, DATA = 2, 3
MARK = ".pleat_tensorboard"  # in every folder that this program writes


def fail(code, text):
    print(f"tensorboard.py: {text}", file=sys.stderr)
    sys.exit(code)


def import_writer():
    """Imports torch's SummaryWriter, or restarts under .venv."""
    try:
        from torch.utils.tensorboard import SummaryWriter
        return SummaryWriter
    except ImportError as error:
        if error.name and error.name.startswith("tensorboard"):
            fail(USAGE, f"the package tensorboard is missing; install it: {sys.executable} -m pip install tensorboard")
        if not VENV.exists() or pathlib.Path(sys.prefix) == ROOT / ".venv":
            fail(USAGE, "torch is missing; run launch/setup.sh, which installs it into .venv")
        os.execv(VENV, [str(VENV), *sys.argv])


def is_run(folder):
    return (folder / "config.yaml").is_file() or (folder / "summary.json").is_file()


def runs_at(path):
    """The run folders at a path: itself, the cells of a sweep, or the runs that the folder holds."""
    if not path.is_dir():
        fail(DATA, f"no such folder: {path}")
    if (path / "sweep.json").is_file():
        return sorted(each for each in (path / "trials").glob("*") if is_run(each))
    if is_run(path):
        return [path]
    return sorted(each for each in path.iterdir() if each.is_dir() and is_run(each))


def epochs_of(file):
    """The whole lines of metrics.jsonl. A live run may be writing the last one."""
    for line in file.read_text(errors="replace").splitlines():
        try:
            epoch = json.loads(line)
            yield {name: float(epoch[name]) for name in ("epoch", "loss", "lr", "images", "seconds", "waited_seconds")} | (
                {"inner_score": float(epoch["inner_score"])} if "inner_score" in epoch else {})
        except (ValueError, KeyError, TypeError):
            return


def write_network(writer, epochs):
    for epoch in epochs:
        step = int(epoch["epoch"])
        writer.add_scalar("train/loss", epoch["loss"], step)
        writer.add_scalar("train/learning_rate", epoch["lr"], step)
        if epoch["seconds"] > 0:
            writer.add_scalar("speed/images_per_second", epoch["images"] / epoch["seconds"], step)
            writer.add_scalar("speed/waiting_share", epoch["waited_seconds"] / epoch["seconds"], step)
        if "inner_score" in epoch:
            writer.add_scalar("train/inner_score", epoch["inner_score"], step)


def scores_of(run):
    """{"oof/gender/macro_f1": 0.71, …}; empty for a run that is not finished."""
    try:
        summary = json.loads((run / "summary.json").read_text())
        return {f"{rows}/{target}/{name}": float(value)
                for target, scores in summary["targets"].items() for rows in ("oof", "test") if isinstance(scores.get(rows), dict)
                for name, value in scores[rows].items() if name in ("accuracy", "macro_f1", "log_loss")}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def config_of(run):
    """{"train.lr": 0.001, …}: numbers, words and switches of config.yaml."""
    values = {}
    try:
        import yaml
    except ImportError:
        return values
    try:
        config = yaml.safe_load((run / "config.yaml").read_text())
    except (OSError, ValueError, yaml.YAMLError):
        return values

    def collect(prefix, node):
        if isinstance(node, dict):
            for name, value in node.items():
                collect(f"{prefix}.{name}" if prefix else str(name), value)
        elif isinstance(node, list):
            for i, value in enumerate(node):
                collect(f"{prefix}[{i}]", value)
        elif isinstance(node, (bool, int, float, str)):
            values[prefix] = node

    collect("", config)
    return values


def fresh(folder):
    """An empty folder. One that another program has filled is left alone."""
    if folder.exists():
        if any(folder.iterdir()) and not (folder / MARK).exists():
            fail(DATA, f"{folder} holds files of another program; give another folder with --out")
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / MARK).touch()
    return folder


def write_run(make_writer, run, folder):
    """Returns the number of networks."""
    networks = 0
    for file in sorted(run.glob("round_*/*/*/fold_*/metrics.jsonl")):
        name = "/".join(file.parent.relative_to(run).parts)
        with make_writer(log_dir=str(folder / name)) as writer:
            write_network(writer, epochs_of(file))
        networks += 1
    scores = scores_of(run)
    if scores:
        with make_writer(log_dir=str(folder / "result")) as writer:
            writer.add_hparams(config_of(run), scores, run_name=".")
    return networks


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=pathlib.Path, metavar="RUN", help="folder of a run or a sweep, or a folder of runs")
    parser.add_argument("--out", type=pathlib.Path, help="folder for the event files; default: tensorboard beside the first run")
    arguments = parser.parse_args()
    make_writer = import_writer()
    runs = [run for path in arguments.runs for run in runs_at(path)]
    if not runs:
        fail(DATA, f"no run in {', '.join(map(str, arguments.runs))}; give the folder of a run")
    out = arguments.out or arguments.runs[0].resolve().parent / "tensorboard"
    taken = set()
    for run in runs:
        name = run.resolve().name
        while name in taken:
            name += "_"
        taken.add(name)
        networks = write_run(make_writer, run, fresh(out / name))
        print(f"{out / name}: {networks} network{'' if networks == 1 else 's'} of {run}")
    print(f"look at them with: tensorboard --logdir {out}")


if __name__ == "__main__":
    main()

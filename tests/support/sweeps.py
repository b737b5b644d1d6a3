"""Small sweeps for tests from outside."""
import csv
import hashlib
import re

from support import runs

GRID = ["--axis", "train.lr=1e-4,1e-3,1e-2", "--axis", "train.batch=32,64"]
TIMES = ("images_per_second", "seconds")


def sweep(config, folder, *arguments, axes=GRID, **how):
    return runs.pleat("sweep", config, *axes, "--run", folder, *arguments, **how)


def done(config, folder, *arguments, **how):
    """A sweep that must end well. Returns its output."""
    finished = sweep(config, folder, *arguments, **how)
    assert finished.returncode == 0, finished.stdout
    return finished.stdout


def table(folder):
    """{cell: {column: value}} of sweep.csv, without the times."""
    with open(folder / "sweep.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    return {row["cell"]: {key: value for key, value in row.items() if key not in TIMES} for row in rows}


def best(folder):
    return next(name for name, row in table(folder).items() if row["verdict"] == "best")


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def results(folder):
    """Everything that must be the same for any number of ranks: choices, and SHA-256 of weights, predictions and tables."""
    files = [path for pattern in ("trials/*/round_0/*.h5", "trials/*/predictions.csv", "trials/*/round_0/*/*/*/*.safetensors",
                                  "short/*/round_0/*/*/*/*.safetensors", "ensemble/predictions.csv") for path in folder.glob(pattern)]
    return {"table": table(folder), "best": (folder / "best.yaml").read_text()} | {
        str(path.relative_to(folder)): digest(path) for path in sorted(files)}


def trained(output):
    """The jobs that a sweep's output says were trained."""
    return re.findall(r" I (.+): starts on host", output)

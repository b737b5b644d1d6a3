"""Runs pleat train from the command line and reads its run folder."""
import itertools
import json

from measure import PLEAT, mpirun, sh


def write_config(bench, crops, **sections):
    """Writes a new config file. Keyword arguments are top-level keys with YAML text."""
    keys = {"data": f"{{crops: {crops}}}", "targets": "[{name: label}]", "models": "[{name: resnet18}]", **sections}
    path = bench.folder() / "bench.yaml"
    path.write_text("".join(f"{key}: {value}\n" for key, value in keys.items()))
    return path


def train_command(config, folder, settings=()):
    return [PLEAT, "train", config, "--run", folder, *itertools.chain.from_iterable(("--set", setting) for setting in settings)]


class Run:
    """A run in its own folder."""

    def __init__(self, bench):
        self.folder = bench.folder() / "run"
        self.text = ""

    def train(self, config, ranks, settings=(), cores=None, env=None):
        """With 0 ranks, runs without mpirun."""
        command = train_command(config, self.folder, settings)
        self.text = sh(*(mpirun(ranks, *command) if ranks else command), cores=cores, env=env)
        return self

    def oof(self):
        """Scores of the first target's ensemble."""
        targets = json.loads((self.folder / "summary.json").read_text())["targets"]
        scores = next(iter(targets.values()))["oof"]
        return {name: scores[name] for name in ("accuracy", "macro_f1")}

    def jobs(self):
        """Epochs of each finished job, from metrics.jsonl."""
        files = sorted(self.folder.glob("round_0/*/*/fold_*/metrics.jsonl"))
        return [[json.loads(line) for line in file.read_text().splitlines()] for file in files]

    def rates(self):
        """Training images per second of each finished job."""
        return [rate_of([epoch["images"] for epoch in job], [epoch["seconds"] for epoch in job]) for job in self.jobs()]

    def waited(self):
        """Share of training time spent waiting for batches."""
        epochs = [epoch for job in self.jobs() for epoch in job[1:]]
        return sum(epoch["waited_seconds"] for epoch in epochs) / sum(epoch["seconds"] for epoch in epochs)

    def plan_seconds(self):
        """Seconds of measuring the convolution plans, from the run's log; 0 if they were cached."""
        lines = [line for line in self.text.splitlines() if "measured" in line and "convolutions" in line]
        return sum(float(line.partition(" in ")[2].split()[0]) for line in lines)


def rate_of(images, seconds):
    """Images per second without the first epoch, which warms up both pleat and peer."""
    return sum(images[1:]) / sum(seconds[1:])

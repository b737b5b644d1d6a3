"""pleat train by its command line, and what it leaves in its run folder."""
import itertools
import json

from measure import PLEAT, mpirun, sh


def write_config(bench, crops, **sections):
    """A file of its own for each call; keyword arguments are top-level keys, as YAML text."""
    keys = {"data": f"{{crops: {crops}}}", "targets": "[{name: label}]", "models": "[{name: resnet18}]", **sections}
    path = bench.folder() / "bench.yaml"
    path.write_text("".join(f"{key}: {value}\n" for key, value in keys.items()))
    return path


def train_command(config, folder, settings=()):
    return [PLEAT, "train", config, "--run", folder, *itertools.chain.from_iterable(("--set", setting) for setting in settings)]


class Run:
    """A run in a folder of its own."""

    def __init__(self, bench):
        self.folder = bench.folder() / "run"
        self.text = ""

    def train(self, config, ranks, settings=(), cores=None, env=None):
        """ranks 0: without mpirun."""
        command = train_command(config, self.folder, settings)
        self.text = sh(*(mpirun(ranks, *command) if ranks else command), cores=cores, env=env)
        return self

    def oof(self):
        """Scores of the first target's ensemble."""
        targets = json.loads((self.folder / "summary.json").read_text())["targets"]
        scores = next(iter(targets.values()))["oof"]
        return {name: scores[name] for name in ("accuracy", "macro_f1")}

    def jobs(self):
        """Epochs of each finished job, as metrics.jsonl has them."""
        files = sorted(self.folder.glob("round_0/*/*/fold_*/metrics.jsonl"))
        return [[json.loads(line) for line in file.read_text().splitlines()] for file in files]

    def rates(self):
        """Training images per second of each finished job."""
        return [rate_of([epoch["images"] for epoch in job], [epoch["seconds"] for epoch in job]) for job in self.jobs()]

    def waited(self):
        """Share of the time that training waited for batches."""
        epochs = [epoch for job in self.jobs() for epoch in job[1:]]
        return sum(epoch["waited_seconds"] for epoch in epochs) / sum(epoch["seconds"] for epoch in epochs)

    def plan_seconds(self):
        """What measuring the convolution plans took, by the run's own word; 0 if they were cached."""
        lines = [line for line in self.text.splitlines() if "measured" in line and "convolutions" in line]
        return sum(float(line.partition(" in ")[2].split()[0]) for line in lines)


def rate_of(images, seconds):
    """Images per second. The first epoch warms up, for pleat and peer alike."""
    return sum(images[1:]) / sum(seconds[1:])

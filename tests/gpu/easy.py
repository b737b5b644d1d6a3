"""Runs on images so easy that four epochs tell nearly all of them apart, on any device: a network that does not learn is seen at once."""
import itertools
import json

from support import runs

ROWS, TEST_ROWS = 600, 200
NOISE = 0.03  # of an accuracy; runs on CPU with other seeds differ by less than 0.01


def write(folder):
    """The config of the runs, in `folder` with its crops. Two folds; no flips, since two of the classes mirror each other."""
    return runs.write_config(folder / "config.yaml", runs.prepare(folder, ROWS, TEST_ROWS), folds="{k: 2}", cluster="{threads: 1, device: cuda}",
                             train="{epochs: 4, batch: 32, lr: 3e-3, precision: fp32, augment: {pad: 1, flip: false}}")


def train(config, run, *settings, ranks=0, **environment):
    """pleat train with values of the config replaced. Returns the finished process."""
    sets = itertools.chain.from_iterable(("--set", setting) for setting in settings)
    return runs.pleat("train", config, *sets, "--run", run, ranks=ranks, **environment)


def summary(run):
    return json.loads((run / "summary.json").read_text())


def accuracy(run):
    """Out-of-fold, of the ensemble."""
    return summary(run)["targets"]["label"]["oof"]["accuracy"]

"""Runs on easy images: four epochs classify nearly all of them, so a network that does not learn stands out."""
import itertools
import json

from support import runs

ROWS, TEST_ROWS = 600, 200
NOISE = 0.03  # of an accuracy; runs on CPU with other seeds differ by less than 0.01


def write(folder):
    """Writes config and crops of the runs to `folder`. Two folds; no flips, since two classes are mirror images."""
    return runs.write_config(folder / "config.yaml", runs.prepare(folder, ROWS, TEST_ROWS), folds="{k: 2}", cluster="{threads: 1, device: cuda}",
                             train="{epochs: 4, batch: 32, lr: 3e-3, precision: fp32, augment: {pad: 1, flip: false}}")


def train(config, run, *settings, ranks=0, **environment):
    """Runs pleat train with some config values replaced. Returns the finished process."""
    sets = itertools.chain.from_iterable(("--set", setting) for setting in settings)
    return runs.pleat("train", config, *sets, "--run", run, ranks=ranks, **environment)


def summary(run):
    return json.loads((run / "summary.json").read_text())


def accuracy(run):
    """Out-of-fold accuracy of the ensemble."""
    return summary(run)["targets"]["label"]["oof"]["accuracy"]

"""Compares pleat compare with scikit-learn's scores and a bootstrap in NumPy."""
import json

import numpy
import pytest
from sklearn.metrics import accuracy_score, f1_score, log_loss
from support import oof_files, runs

CLASSES = 3
SCORES = {
    "accuracy": lambda labels, probs: accuracy_score(labels, probs.argmax(1)),
    "macro_f1": lambda labels, probs: f1_score(labels, probs.argmax(1), average="macro"),
    "log_loss": lambda labels, probs: -log_loss(labels, probs, labels=range(probs.shape[1])),
}


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Two runs on 150 persons with one to six photos each: folder, labels, groups, probabilities of both, folds."""
    folder, rng = tmp_path_factory.mktemp("pair"), numpy.random.default_rng(4)
    groups = [f"p{i}" for i in range(150) for _ in range(1 + i % 6)]
    labels = rng.choice(CLASSES, len(groups), p=[0.5, 0.3, 0.2])
    probs = [oof_files.draw(rng, labels, CLASSES, right) for right in (0.85, 0.75)]
    folds = numpy.array([int(group[1:]) % 3 for group in groups])
    for name, each in zip("ab", probs):
        oof_files.write_run(folder / name, each, labels, groups, folds)
    return folder, labels, groups, probs, folds


def compared(folder, score, *flags):
    done = runs.pleat("compare", folder / "a", folder / "b", "--score", score, "--json", folder / f"{score}.json", *flags)
    assert done.returncode == 0, done.stdout
    return json.loads((folder / f"{score}.json").read_text())["experiments"][0]["targets"]["label"]


def resampled(pair, score, resamples=4000):
    """The 95 % interval of the difference on resampled persons, by NumPy's generator."""
    _, labels, groups, probs, _ = pair
    rng = numpy.random.default_rng(1)
    rows_of = [numpy.flatnonzero(numpy.array(groups) == name) for name in dict.fromkeys(groups)]
    values = []
    for _ in range(resamples):
        rows = numpy.concatenate([rows_of[g] for g in rng.integers(0, len(rows_of), len(rows_of))])
        values.append(score(labels[rows], probs[1][rows]) - score(labels[rows], probs[0][rows]))
    return numpy.quantile(values, [0.025, 0.975])


@pytest.mark.parametrize("name", SCORES)
def test_scores_and_differences_are_scikit_learns(pair, name):
    folder, labels, _, probs, folds = pair
    target = compared(folder, name)
    ours = {each["run"]: each["oof"] for each in target["runs"]}
    theirs = {run: SCORES[name](labels, each) for run, each in zip("ab", probs)}
    assert ours == pytest.approx(theirs, abs=1e-12)
    one = target["pairs"][0]
    assert (one["run"], one["against"]) == ("b", "a"), "the best run comes first"
    assert one["difference"]["value"] == pytest.approx(theirs["b"] - theirs["a"], abs=1e-12)
    for fold, difference in enumerate(one["folds"]):
        mine = folds == fold
        assert difference == pytest.approx(SCORES[name](labels[mine], probs[1][mine]) - SCORES[name](labels[mine], probs[0][mine]), abs=1e-12)
    f1 = [f1_score(labels, each.argmax(1), average=None) for each in probs]
    for k in range(CLASSES):
        assert one["class_f1"][f"c{k}"]["value"] == pytest.approx(f1[1][k] - f1[0][k], abs=1e-12)


@pytest.mark.parametrize("name", ["accuracy", "log_loss"])  # scikit-learn's F1 takes a minute for as many resamples
def test_intervals_are_those_of_a_bootstrap_over_persons(pair, name):
    one = compared(pair[0], name)["pairs"][0]["difference"]
    low, high = resampled(pair, SCORES[name])
    width = high - low
    assert one["low"] == pytest.approx(low, abs=0.06 * width) and one["high"] == pytest.approx(high, abs=0.06 * width)

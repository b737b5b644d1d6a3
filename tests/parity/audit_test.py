"""Compares the suspect labels of pleat audit with cleanlab's, on made-up problems."""
import csv

import numpy
import pytest
from cleanlab.count import compute_confident_joint
from cleanlab.filter import find_label_issues
from support import oof_files, runs


def problem(seed):
    """labels with some flipped, and out-of-fold probabilities of a network that is right about most true labels."""
    rng = numpy.random.default_rng(seed)
    rows, classes = int(rng.integers(60, 900)), int(rng.integers(2, 12))
    true = numpy.concatenate([numpy.arange(classes).repeat(3), rng.choice(classes, rows, p=rng.dirichlet(numpy.full(classes, 3.0)))])
    probs = oof_files.draw(rng, true, classes, rng.uniform(0.6, 0.95))
    flipped = rng.random(len(true)) < rng.uniform(0, 0.2)
    labels = numpy.where(flipped, rng.integers(0, classes, len(true)), true)
    labels[: 3 * classes] = true[: 3 * classes]  # every class has a row
    return probs, labels


def tied_labels(labels, probs):
    """Labels whose counts of rows are rounded differently by equal right: NumPy does not define the order of equal remainders."""
    raw = compute_confident_joint(labels, probs, calibrate=False)
    exact = raw / raw.sum(1, keepdims=True) * numpy.bincount(labels, minlength=len(raw))[:, None]
    remainder = numpy.round(exact - numpy.floor(exact), 9)
    return {k for k, row in enumerate(remainder) if len(set(row[row > 0])) < (row > 0).sum()}


@pytest.mark.parametrize("seed", range(20))
def test_the_same_rows_are_suspect(tmp_path, seed):
    probs, labels = problem(seed)
    oof_files.write_run(tmp_path / "run", probs, labels)
    done = runs.pleat("audit", tmp_path / "run", "--out", tmp_path / "issues.csv")
    assert done.returncode == 0, done.stdout
    issues = [row for row in csv.DictReader(open(tmp_path / "issues.csv")) if row["kind"] == "row"]
    ours = [int(row["id"][1:]) for row in issues]
    theirs = [int(i) for i in find_label_issues(labels, probs, filter_by="prune_by_noise_rate", return_indices_ranked_by="self_confidence")]
    assert len(ours) > 0 or len(theirs) == 0
    tied = tied_labels(labels, probs)
    different = set(ours) ^ set(theirs)
    assert {labels[i] for i in different} <= tied and len(different) <= 2 * len(tied)
    assert [i for i in ours if i not in different] == [i for i in theirs if i not in different], "the order"
    for row in issues:
        i = int(row["id"][1:])
        assert row["given"] == f"c{labels[i]}" and row["suggested"] == f"c{probs[i].argmax()}"
        assert float(row["confidence"]) == pytest.approx(probs[i, labels[i]], abs=1e-6)

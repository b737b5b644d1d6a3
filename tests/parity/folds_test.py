"""Compares pleat's fold plans with scikit-learn's, on random tables.

Absences come first: the number of (class, fold) without a row. Even sizes cannot make up for a missing class.
The measure: the mean over folds and classes of |class's share of the fold - its share of all rows|, plus the standard
deviation of the folds' sizes over their mean. pleat may not have more absences than scikit-learn; with as many, its
measure may not be larger. EPSILON allows for the rounding of sums of the same numbers in another order.
"""
import csv
import io
import os
import pathlib
import subprocess
import warnings

import numpy as np
import pytest
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

PROBE = pathlib.Path(os.environ["PLEAT_BUILD"]) / "tests" / "parity_probe"
TABLES = 50
EPSILON = 1e-12


def random_table(seed):
    """labels, groups, k: 10 to 400 groups of even, uneven or heavy-tailed sizes; labels of the group or of the row."""
    random = np.random.default_rng(seed)
    while True:
        k, classes = int(random.integers(2, 9)), int(random.integers(2, 10))
        count = int(np.exp(random.uniform(np.log(max(10, 2 * k)), np.log(400))))
        sizes = [random.integers(1, 8, count), np.full(count, 7), random.geometric(0.2, count),
                 np.ceil(2 * random.pareto(1.5, count)).clip(1, 100).astype(int)][random.integers(4)]
        shares = random.dirichlet(np.full(classes, random.choice([0.3, 1, 5])))
        groups = np.repeat(np.arange(count), sizes)
        if random.random() < 0.4:
            labels = np.repeat(random.choice(classes, count, p=shares), sizes)
        else:
            labels = random.choice(classes, len(groups), p=shares)
        kept = np.bincount(labels, minlength=classes)[labels] >= k  # fewer rows than folds are refused
        labels, groups = np.unique(labels[kept], return_inverse=True)[1], groups[kept]
        if len(np.unique(groups)) >= k and labels.max(initial=0) > 0:
            order = random.permutation(len(labels))
            return labels[order], groups[order], k


def pleat_plan(folder, labels, groups, k, seed):
    with open(folder / "table.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "label"] if groups is None else ["id", "label", "group"])
        for row, label in enumerate(labels):
            writer.writerow([f"r{row}", label] if groups is None else [f"r{row}", label, f"g{groups[row]}"])
    command = [PROBE, "folds", folder / "table.csv", str(k), str(seed), "1"]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["id"] for row in rows] == [f"r{row}" for row in range(len(labels))]
    return np.array([int(row["fold"]) for row in rows])


def sklearn_plan(labels, groups, k, seed):
    kind = StratifiedKFold if groups is None else StratifiedGroupKFold
    folds = np.empty(len(labels), int)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for fold, (_, held_out) in enumerate(kind(k, shuffle=True, random_state=seed).split(labels, labels, groups)):
            folds[held_out] = fold
    return folds


def balance(labels, folds, k):
    """(absent, deviation of shares, spread of sizes)"""
    counts = np.zeros((k, labels.max() + 1))
    np.add.at(counts, (folds, labels), 1)
    sizes = counts.sum(1)
    shares = counts / np.maximum(sizes, 1)[:, None]
    return (counts == 0).sum(), np.abs(shares - counts.sum(0) / counts.sum()).mean(), sizes.std() / sizes.mean()


def compare(folder, labels, groups, k, seed):
    ours = balance(labels, pleat_plan(folder, labels, groups, k, seed), k)
    theirs = balance(labels, sklearn_plan(labels, groups, k, seed), k)
    report = ", ".join(f"{name} {a:.5f} (scikit-learn {b:.5f})"
                       for name, a, b in zip(["absent", "shares", "sizes"], ours, theirs))
    print(f"seed {seed}, {len(labels)} rows, k {k}: {report}")
    assert ours[0] <= theirs[0], report
    if ours[0] == theirs[0]:
        assert sum(ours[1:]) <= sum(theirs[1:]) + EPSILON, report


@pytest.mark.parametrize("seed", range(TABLES))
def test_grouped_plans_are_at_least_as_balanced(tmp_path, seed):
    labels, groups, k = random_table(seed)
    compare(tmp_path, labels, groups, k, seed)


@pytest.mark.parametrize("seed", range(TABLES))
def test_plans_of_rows_on_their_own_are_at_least_as_balanced(tmp_path, seed):
    labels, _, k = random_table(seed)
    compare(tmp_path, labels, None, k, seed)


@pytest.mark.parametrize("seed", range(5))
def test_no_group_is_on_two_sides(tmp_path, seed):
    labels, groups, k = random_table(seed)
    folds = pleat_plan(tmp_path, labels, groups, k, seed)
    for group in np.unique(groups):
        assert len(np.unique(folds[groups == group])) == 1

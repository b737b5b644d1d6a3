"""Compares greedy selection with a plain NumPy reference, and stacking with scikit-learn's LogisticRegression."""
import json
import os
import pathlib
import subprocess

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score

PROBE = pathlib.Path(os.environ["PLEAT_BUILD"]) / "tests" / "parity_probe"
FOLDS = 4


def problem(seed, rows=None, classes=None, candidates=None):
    """Candidates of unequal skill; classes are uneven, and some candidates are copies of others."""
    random = np.random.default_rng(seed)
    rows = rows or int(random.integers(20, 400))
    classes = classes or int(random.integers(2, 9))
    candidates = candidates or int(random.integers(2, 8))
    labels = random.choice(classes, rows, p=random.dirichlet(np.full(classes, 2.0)))
    tables = []
    for _ in range(candidates):
        if tables and random.random() < 0.1:
            tables.append(tables[int(random.integers(len(tables)))].copy())
            continue
        logits = random.normal(0, 1.5, (rows, classes)) + random.uniform(0, 2) * np.eye(classes)[labels]
        probs = np.exp(logits - logits.max(1, keepdims=True))
        tables.append(probs / probs.sum(1, keepdims=True))
    return tables, labels, random.integers(0, FOLDS, rows)


def probe(folder, tables, labels, folds, *arguments):
    with open(folder / "problem.bin", "wb") as file:
        for table in tables:
            file.write(np.ascontiguousarray(table, np.float64).tobytes())
        file.write(np.asarray(labels, np.int64).tobytes())
        file.write(np.asarray(folds, np.int64).tobytes())
    shape = map(str, (len(tables), *tables[0].shape))
    command = [PROBE, "ensemble", folder / "problem.bin", *shape, *map(str, arguments)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def log_loss(probs, labels):
    epsilon = np.finfo(np.float64).eps
    return -np.mean(np.log(np.clip(probs[np.arange(len(labels)), labels], epsilon, 1 - epsilon)))


def macro_f1(guesses, labels):
    """f1_score(average="macro") of scikit-learn, which takes a hundred times as long."""
    classes = max(guesses.max(), labels.max()) + 1
    hit, guessed, labelled = (np.bincount(each, minlength=classes) for each in (labels[guesses == labels], guesses, labels))
    seen = guessed + labelled > 0
    return (2 * hit[seen] / (guessed + labelled)[seen]).mean()


def score(probs, labels, name):
    if name == "macro_f1":
        return macro_f1(probs.argmax(1), labels)
    return (probs.argmax(1) == labels).mean() if name == "accuracy" else -log_loss(probs, labels)


@pytest.mark.parametrize("seed", range(4))
def test_the_reference_scores_as_scikit_learn_does(seed):
    tables, labels, _ = problem(seed)
    for table in tables:
        assert score(table, labels, "macro_f1") == pytest.approx(f1_score(labels, table.argmax(1), average="macro"), abs=1e-12)
        assert score(table, labels, "accuracy") == pytest.approx(accuracy_score(labels, table.argmax(1)), abs=1e-12)


def first_best(values, same=1e-12):
    """The first index whose value no later one exceeds by more than rounding."""
    best = 0
    for index, value in enumerate(values):
        if value > values[best] + same:
            best = index
    return best


def reference_greedy(tables, labels, name, most=40):
    total, picks, scores = np.zeros_like(tables[0]), [], []
    for pick in range(1, most + 1):
        trials = [(total + table) / pick for table in tables]
        found = [score(trial, labels, name) for trial in trials]
        tied = [m for m, each in enumerate(found) if each >= max(found) - 1e-12]
        picks.append(tied[first_best([-log_loss(trials[m], labels) for m in tied])])
        scores.append(max(found))
        total = total + tables[picks[-1]]
    return picks[:first_best(scores) + 1]


@pytest.mark.parametrize("seed", range(50))
def test_greedy_equals_the_reference(tmp_path, seed):
    tables, labels, folds = problem(seed)
    name = ["macro_f1", "accuracy", "log_loss"][seed % 3]
    assert probe(tmp_path, tables, labels, folds, "greedy", name) == reference_greedy(tables, labels, name)


@pytest.mark.parametrize("penalty", [0.1, 1, 100])
@pytest.mark.parametrize("seed", range(4))
def test_the_stack_equals_scikit_learns_logistic_regression(tmp_path, seed, penalty):
    tables, labels, folds = problem(seed + 100, rows=300, classes=4, candidates=3)
    found = np.array(probe(tmp_path, tables, labels, folds, "stack", penalty)).reshape(300, 4)
    features = np.log(np.maximum(np.hstack(tables), 1e-6))
    model = LogisticRegression(C=1 / penalty, solver="newton-cholesky", tol=1e-12, max_iter=500).fit(features, labels)
    assert np.abs(found - model.predict_proba(features)).max() < 1e-6


def test_the_stack_of_two_classes_equals_scikit_learns_with_half_the_penalty(tmp_path):
    # scikit-learn fits one vector w where the stack fits w/2 and -w/2, whose squares sum to half of w's.
    tables, labels, folds = problem(7, rows=300, classes=2, candidates=3)
    found = np.array(probe(tmp_path, tables, labels, folds, "stack", 2.0)).reshape(300, 2)
    features = np.log(np.maximum(np.hstack(tables), 1e-6))
    model = LogisticRegression(C=1.0, solver="newton-cholesky", tol=1e-12, max_iter=500).fit(features, labels)
    assert np.abs(found - model.predict_proba(features)).max() < 1e-6


@pytest.mark.parametrize("seed", range(8))
def test_cross_fitted_greedy_equals_the_reference(tmp_path, seed):
    tables, labels, folds = problem(seed + 200, rows=200)
    pooled = np.zeros_like(tables[0])
    for fold in np.unique(folds):
        inside, outside = folds != fold, folds == fold
        for pick in (picks := reference_greedy([table[inside] for table in tables], labels[inside], "macro_f1")):
            pooled[outside] += tables[pick][outside] / len(picks)
    result = probe(tmp_path, tables, labels, folds, "select", "greedy")
    assert result["tried"]["greedy"][1] == pytest.approx(score(pooled, labels, "macro_f1"), abs=1e-12)


@pytest.mark.parametrize("seed", range(20))
def test_auto_is_never_worse_in_sample_than_the_best_candidate(tmp_path, seed):
    tables, labels, folds = problem(seed + 300, rows=60)
    result = probe(tmp_path, tables, labels, folds, "select", "auto")
    best = max(score(table, labels, "macro_f1") for table in tables)
    assert result["tried"][result["method"]][0] >= best - 1e-12
    kept = {name: both[1] for name, both in result["tried"].items() if both[0] >= best - 1e-12}
    assert result["tried"][result["method"]][1] == max(kept.values())

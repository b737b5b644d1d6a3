"""Compares pleat's accuracy, macro-F1 and log-loss with scikit-learn's."""
import json
import os
import pathlib
import subprocess
import warnings

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, log_loss

PROBE = pathlib.Path(os.environ["PLEAT_BUILD"]) / "tests" / "parity_probe"


def pleat_scores(folder, probs, labels):
    probs = np.ascontiguousarray(probs)
    probs.tofile(folder / "probs.bin")
    np.asarray(labels, np.int64).tofile(folder / "labels.bin")
    command = [PROBE, "metrics", folder / "probs.bin", folder / "labels.bin", *map(str, probs.shape), probs.dtype.name]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def sklearn_scores(probs, labels):
    predicted = probs.argmax(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # rows that do not sum to one are part of what is compared
        loss = log_loss(labels, y_proba=probs, labels=np.arange(probs.shape[1]))
    return {"accuracy": accuracy_score(labels, predicted), "macro_f1": f1_score(labels, predicted, average="macro"),
            "log_loss": loss}


def random_table(seed):
    random = np.random.default_rng(seed)
    rows, classes = int(random.integers(1, 400)), int(random.integers(2, 19))
    labels = random.choice(classes, rows, p=random.dirichlet(np.full(classes, 0.4)))  # some classes stay away
    logits = random.normal(0, random.choice([0.1, 2, 40]), (rows, classes)) + 2 * np.eye(classes)[labels]
    probs = np.exp(logits - logits.max(1, keepdims=True))
    return probs / probs.sum(1, keepdims=True), labels


def edge_cases():
    eye = np.eye(3)
    yield "all certain and right", eye[[0, 1, 2]], [0, 1, 2]
    yield "all certain and wrong", eye[[1, 2, 0]], [0, 1, 2]
    yield "one row", np.array([[0.2, 0.8]]), [0]
    yield "all equal", np.full((30, 5), 0.2), list(range(5)) * 6
    yield "a class never labelled", eye[[0, 1, 2, 2]], [0, 1, 1, 0]
    yield "a class never predicted", eye[[0, 0, 0, 1]], [0, 1, 2, 1]
    yield "classes neither labelled nor predicted", np.pad(eye[[0, 1]], ((0, 0), (0, 15))), [0, 1]
    yield "one class only", np.tile([0.7, 0.3], (9, 1)), [0] * 9
    yield "rows that do not sum to one", np.array([[0.2, 0.4], [0.9, 0.9], [0.1, 0.2]]), [0, 1, 1]
    yield "nearly zero and nearly one", np.array([[1 - 1e-17, 1e-17], [1e-300, 1.0], [1e-9, 1 - 1e-9]]), [1, 0, 0]


@pytest.mark.parametrize("seed", range(30))
def test_random_tables_in_float64(tmp_path, seed):
    probs, labels = random_table(seed)
    assert pleat_scores(tmp_path, probs, labels) == pytest.approx(sklearn_scores(probs, labels), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("seed", range(30))
def test_random_tables_in_float32(tmp_path, seed):
    probs, labels = random_table(seed)
    probs = probs.astype(np.float32)
    expected, scores = sklearn_scores(probs, labels), pleat_scores(tmp_path, probs, labels)
    assert scores["accuracy"] == pytest.approx(expected["accuracy"], abs=1e-12)
    assert scores["macro_f1"] == pytest.approx(expected["macro_f1"], abs=1e-12)
    assert scores["log_loss"] == pytest.approx(expected["log_loss"], rel=1e-6, abs=1e-6)  # sklearn sums in float32


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name, probs, labels", list(edge_cases()), ids=lambda value: value if isinstance(value, str) else "")
def test_edge_cases(tmp_path, name, probs, labels, dtype):
    probs = probs.astype(dtype)
    tight = 1e-12 if dtype == np.float64 else 1e-6
    assert pleat_scores(tmp_path, probs, labels) == pytest.approx(sklearn_scores(probs, labels), rel=tight, abs=tight)

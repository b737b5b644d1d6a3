"""Run folders with out-of-fold tables of given predictions, without training."""
import json

import h5py
import numpy


def texts(values):
    return numpy.array([value.encode() for value in values])


def write_run(folder, probs, labels, groups=None, folds=2, test=None):
    """Writes what pleat compare reads. probs [N, C]; labels [N]; folds: their number, or one per row."""
    rows, count = probs.shape
    ids = [f"r{i}" for i in range(rows)]
    fold_of = numpy.arange(rows) % folds if isinstance(folds, int) else numpy.array(folds)
    (folder / "round_0").mkdir(parents=True)
    with h5py.File(folder / "round_0/oof.h5", "w") as file:
        file["schema"] = numpy.array([1], dtype="i4")
        file["ids"], file["groups"] = texts(ids), texts(groups or ids)
        file["folds"] = fold_of[None].astype("i4")
        group = file.create_group("targets/label")
        group["classes"] = texts([f"c{k}" for k in range(count)])
        group["labels"], group["ensemble"] = numpy.asarray(labels, dtype="i8"), probs
        group["model_order"] = texts(["net"])
        group["models/net/probs"] = probs
        file["target_order"] = texts(["label"])
    scores = {"score": "macro_f1", "result_round": 0, "targets": {"label": {"test": test}}, "rounds": [{"failed": 0}]}
    (folder / "round_0/ensemble.json").write_text(json.dumps({"targets": {"label": {"method": "mean"}}}))
    (folder / "summary.json").write_text(json.dumps(scores))
    (folder / "config.yaml").write_text("{}\n")
    return folder


def draw(rng, labels, count, right):
    """Probabilities of a run that guesses right with this probability."""
    guess = numpy.where(rng.random(len(labels)) < right, labels, rng.integers(0, count, len(labels)))
    logits = rng.normal(0, 0.5, (len(labels), count))
    logits[numpy.arange(len(labels)), guess] += 3
    probs = numpy.exp(logits)
    return probs / probs.sum(1, keepdims=True)

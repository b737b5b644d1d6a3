"""Runs with options that keep a state, draw rows or read labels give the same bytes after a kill or a stop, on another
number of ranks, in shards, or with permuted labels of a fold."""

import csv
import json

import pytest
from support import people, runs

AGE = {"name": "age", "edges": [30, 50]}
TARGETS = [{"name": "mask"}, {"name": "gender"}, AGE]
HEADS = {"targets": [*TARGETS[:2], AGE | {"bins": 5, "bin_spread": 1.0}], "targets_as": "heads"}
BEST = {"train.keep": "best", "train.inner_share": 0.3}
PRETRAINED = {"train.freeze_epochs": 1, "train.layer_decay": 0.7}
BALANCED = {
    "train.sampling": "balanced",
    "train.loss": {"focal": 1.0, "f1": 0.3},
    "train.clip": 0.5,
}
HIDING = {"models": [{"name": "resnet20", "dropout": 0.3, "stochastic_depth": 0.3}], "train.ema": 0.9}
# name: (changes to people.config, steps after which rank 0 is killed or stopped). A fold has 48 training rows, fewer
# with keep: best, in batches of 16. So an epoch has 3 steps, or 2. Some stops are inside an epoch, and inside a frozen
# one.
ENDED = {
    "heads-with-bins": (HEADS | {"train.epochs": 3}, ("2:kill", "5:stop", "14:kill")),
    "best-with-patience": (
        BEST | {"train.epochs": 8, "train.lr": 1e-2, "train.patience": 2},
        ("3:kill", "5:stop", "8:kill"),
    ),
    "best-of-averages": (
        BEST | {"train.epochs": 4, "train.ema": 0.9, "targets": [AGE | {"regress": True}]},
        ("3:stop", "7:kill"),
    ),
    "frozen-epochs": (PRETRAINED | {"train.epochs": 3}, ("1:stop", "4:kill", "7:stop")),
    "weighed-by-class": ({"train.loss": {"class_weights": "balanced_sqrt", "f1": 0.3}, "train.epochs": 3}, ("5:stop",)),
    "balanced-and-clipped": (BALANCED | {"train.epochs": 3}, ("5:stop", "7:kill")),
    "dropout-and-averages-in-bf16": (HIDING | {"train.precision": "bf16", "train.epochs": 3}, ("4:kill", "8:stop")),
    "joint-of-all": ({"targets": TARGETS, "targets_as": "joint", "train.epochs": 3}, ("4:kill",)),
}
EVERYTHING = HEADS | BEST | PRETRAINED | BALANCED | HIDING | {"train.epochs": 4, "train.patience": 3}


@pytest.fixture(scope="module")
def crops(tmp_path_factory):
    return people.prepare(tmp_path_factory.mktemp("people"))


def train(folder, name, crops, changes, ranks=0, **how):
    config = people.write_config(folder / f"{name}.yaml", crops, changes)
    return runs.pleat("train", config, "--run", folder / name, ranks=ranks, **how)


def finished(folder, name, crops, changes, ranks=0):
    """Hashes of an undisturbed run's files."""
    done = train(folder, name, crops, changes, ranks)
    assert done.returncode == 0, done.stdout
    return runs.results(folder / name)


@pytest.mark.parametrize("name", ENDED)
def test_ended_early_and_run_again_it_ends_with_the_same_bytes(crops, tmp_path, name):
    changes, moments = ENDED[name]
    expected = finished(tmp_path, "whole", crops, changes)
    for moment in moments:
        at = moment.replace(":", "_")
        first = train(tmp_path, at, crops, changes, PLEAT_FAULT=f"step_done:{moment}")
        assert first.returncode == (-9 if moment.endswith("kill") else 75), first.stdout
        begun = list((tmp_path / at).glob("round_0/*/*/*/resume/*.safetensors"))
        again = train(tmp_path, at, crops, changes)
        assert again.returncode == 0 and ("resumes from" in again.stdout) == bool(begun), again.stdout
        assert runs.results(tmp_path / at) == expected, at
    facts = [json.loads(path.read_text()) for path in (tmp_path / "whole").glob("round_0/*/*/*/done.json")]
    if name == "best-with-patience":
        assert any(
            fact["epochs"] < 8 and fact["kept_epoch"] < fact["epochs"] for fact in facts
        ), "patience has to run out somewhere"


@pytest.mark.parametrize("name", ENDED)
def test_two_ranks_give_the_bytes_of_one(crops, tmp_path, name):
    changes, _ = ENDED[name]
    assert finished(tmp_path, "two", crops, changes, ranks=2) == finished(tmp_path, "one", crops, changes)


@pytest.mark.parametrize(
    "changes", [PRETRAINED | BALANCED | {"train.epochs": 2}, EVERYTHING], ids=["balanced-and-frozen", "everything"]
)
def test_two_shards_of_a_fold_give_the_bytes_of_one_in_exact_mode_and_so_when_killed(crops, tmp_path, changes):
    exact = changes | {"train.micro_batches": 2, "cluster.exact": True}
    expected = finished(tmp_path, "one", crops, exact)
    sharded = exact | {"cluster.shards": 2}
    assert finished(tmp_path, "two", crops, sharded, ranks=2) == expected
    first = train(tmp_path, "killed", crops, sharded, ranks=2, PLEAT_FAULT="step_done:5:kill")
    assert first.returncode == 137, first.stdout
    again = train(tmp_path, "killed", crops, sharded, ranks=2)
    assert again.returncode == 0 and "resumes from" in again.stdout, again.stdout
    assert runs.results(tmp_path / "killed") == expected


# All options that read labels. Through each, labels of fold k could reach fold k's model.
LOOKING = {
    "bins": {"targets": [AGE | {"bins": 5, "bin_spread": 1.0}]},
    "regress": {"targets": [AGE | {"regress": True}]},
    "class_weights": {"train.loss.class_weights": "balanced"},
    "f1-and-focal": {"train.loss": {"f1": 0.5, "focal": 2.0}},
    "sampling": {"train.sampling": "balanced"},
    "best": BEST | {"train.epochs": 5, "train.lr": 1e-2},
    "patience": BEST | {"train.epochs": 6, "train.lr": 1e-2, "train.patience": 1},
    "joint": {"targets": TARGETS, "targets_as": "joint"},
    "everything": EVERYTHING | {"folds": {"k": 3}},
}


@pytest.mark.parametrize("name", LOOKING)
def test_permuting_the_labels_of_a_fold_leaves_its_model_as_it_is(crops, tmp_path, name):
    changes = LOOKING[name]
    before = finished(tmp_path, "before", crops, changes)
    with open(tmp_path / "before/folds.csv") as file:
        held_out = [row["id"] for row in csv.DictReader(file) if int(row["fold"]) == 1]
    table = people.rows()
    permuted = {name: dict(row) for name, row in table.items()}
    for place, row in enumerate(held_out):
        source = table[held_out[(place + 5) % len(held_out)]]
        permuted[row].update({column: source[column] for column in ("mask", "gender", "age")})
    for column in ("mask", "gender", "age"):
        moved = sum(table[row][column] != permuted[row][column] for row in held_out)
        assert moved > len(held_out) / 4, "the permutation must change labels to test anything"

    frozen = changes | {"folds": {"k": changes.get("folds", {"k": 2})["k"], "file": str(tmp_path / "before/folds.csv")}}
    other = people.prepare(tmp_path / "permuted", permuted, pictured=table)
    after = finished(tmp_path, "after", other, frozen)
    assert before.keys() == after.keys()
    # The fold's own model predicts without the fold's labels; every other model was trained on them.
    of_jobs = [file for file in before if "/fold_" in file]
    assert len(of_jobs) >= 4
    for file in of_jobs:
        assert (before[file] == after[file]) == ("/fold_1/" in file), file

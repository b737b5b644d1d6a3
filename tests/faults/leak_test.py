"""No round, judge or trunk lets fold k's labels reach fold k's models: with other labels in fold k they keep their bytes, and so do the
pseudo-labels that they are taught. With teacher: shared they do not."""
import csv
import json

import pytest
from support import crowd, people, runs

FOLD = 1
AGE = {"name": "age", "edges": [35, 50]}
TARGETS = [{"name": "mask"}, {"name": "gender"}, AGE]
GROUPS = {"constant_in_group": ["gender", "age"], "composition": {"mask": crowd.COMPOSITION}}
BASE = {"folds.k": 3, "train.epochs": 8, "train.lr": 1e-2, "train.batch": 12, "train.sampling": "balanced", "targets": TARGETS, "rounds.count": 3, "rounds.stop": "never",
        "rounds.epochs": 4, "rounds.admit": {"threshold": 0.0}}
INNER = {"train.keep": "best", "train.inner_share": 0.2, "predict.temperature": True}
# Through each of these, labels of fold k could reach fold k's models.
LOOKING = {
    "hard labels of two models": {"models": [{"id": "a", "name": "resnet20"}, {"id": "b", "name": "resnet20", "dropout": 0.2}]},
    "group evidence, warm, parts": {f"rounds.{key}": value for key, value in GROUPS.items()} | {
        "rounds.start": "warm", "rounds.parts": 2},
    "heads, bins, soft labels, thresholds and quotas": INNER | {
        "targets": [*TARGETS[:2], AGE | {"bins": 4}], "targets_as": "heads", "joint": {"name": "class"},
        "rounds": {"count": 3, "stop": "never", **GROUPS, "admit": {"adaptive": True, "quotas": True, "share": 0.9},
                   "labels": "soft", "temperature": 0.7, "weight": {"factor": 0.5, "by": "confidence"}, "use_test": True,
                   "augment": {"randaugment": {"ops": 2}}, "parts": 2, "epochs": 3}},
    "dropped labels": {"train.labels.drop": "auto", "targets_as": "heads", "targets": TARGETS[:2], "train.epochs": 10},
    "changed labels of a joint target": {"train.labels.relabel": "auto", "targets": TARGETS[:2], "targets_as": "joint"},
    "trunks": {"folds.k": 4, "folds.trunks": 0.5, "models": [{"id": "a", "name": "resnet20", "whiten": True}, {"id": "b", "name": "resnet20", "dropout": 0.2}],
               "targets": [*TARGETS[:2], AGE | {"bins": 4}], "targets_as": "heads", "train.loss.f1": 0.3, "train.ema": 0.9},
    "joint": {"targets_as": "joint", "rounds": {"count": 3, "stop": "never", "epochs": 4, **GROUPS, "admit": {"threshold": 0.0}}},
}


@pytest.fixture(scope="module")
def crops(tmp_path_factory):
    return crowd.prepare(tmp_path_factory.mktemp("crowd"))


def train(folder, name, crops, changes):
    config = people.write_config(folder / f"{name}.yaml", crops, BASE | changes)
    done = runs.pleat("train", config, "--run", folder / name)
    assert done.returncode == 0, done.stdout[-3000:]
    return folder / name


def kept(run):
    """Per fold, what its models are and what they are taught, in every round."""
    folds = {}
    for file, checksum in runs.results(run).items():
        if "/fold_" in file:
            folds.setdefault(int(file.split("/fold_")[1].split("/")[0].split("_")[0]), {})[file] = checksum
    for done in run.glob("round_*/*/*/fold_*/done.json"):
        fold = int(done.parent.name.split("_")[1])
        codes = [head["code"] for head in json.loads(done.read_text())["heads"]]
        folds[fold][str(done.relative_to(run))] = codes
    for path in run.glob("round_*/pseudo_labels.csv"):
        with open(path) as file:
            for row in csv.DictReader(file):
                folds[int(row["fold"])].setdefault(path.parent.name + " labels", []).append(row)
    for path in run.glob("trunks/*/*/folds_*/metrics.jsonl"):  # the state itself is freed at the end
        first, last = map(int, path.parent.name.removeprefix("folds_").split("_to_"))
        for fold in range(first, last + 1):
            folds[fold][str(path.relative_to(run))] = [json.loads(line)["loss"] for line in path.read_text().splitlines()]
    for path in run.glob("judges/*/folds_*/predictions.safetensors"):
        for fold in path.parent.name.split("_")[1:]:
            folds[int(fold)][str(path.relative_to(run))] = runs.digest(path)
    if (run / "label_edits.csv").exists():
        with open(run / "label_edits.csv") as file:
            for row in csv.DictReader(file):
                folds[int(row["fold"])].setdefault("edits", []).append(row)
    return folds


def before_and_after(tmp_path, crops, changes):
    before = train(tmp_path, "before", crops, changes)
    with open(before / "folds.csv") as file:
        held_out = [row["id"] for row in csv.DictReader(file) if int(row["fold"]) == FOLD]
    table = crowd.rows()
    other = people.prepare(tmp_path / "permuted", crowd.shown(crowd.permuted(table, held_out)), pictured=table)
    after = train(tmp_path, "after", other, changes | {"folds.file": str(before / "folds.csv")})
    return kept(before), kept(after)


@pytest.mark.parametrize("name", LOOKING)
def test_permuting_the_labels_of_a_fold_leaves_its_models_as_they_are_in_all_rounds(crops, tmp_path, name):
    before, after = before_and_after(tmp_path, crops, LOOKING[name])
    assert before.keys() == after.keys() and len(before) == LOOKING[name].get("folds.k", 3)
    assert any("round_2" in file for file in before[FOLD]) and len(before[FOLD]["round_1 labels"]) > 20
    if any("train.labels" in key for key in LOOKING[name]):
        assert before[FOLD]["edits"]
    for fold in before:
        same = [thing for thing in before[fold] if before[fold][thing] == after[fold].get(thing)]
        if fold == FOLD:
            assert len(same) == len(before[fold]), set(before[fold]) - set(same)
        else:  # the other folds' models were trained on these labels, and judges without the fold too
            assert not [thing for thing in same if thing.endswith("weights.safetensors")], fold
            assert all(f"_{FOLD}" in thing for thing in same if thing.startswith("judges/")), same


def test_the_same_permutation_reaches_the_students_of_shared_teachers(crops, tmp_path):
    before, after = before_and_after(tmp_path, crops, {"rounds.teacher": "shared"})
    changed = {thing for thing in before[FOLD] if before[FOLD][thing] != after[FOLD].get(thing)}
    assert not [thing for thing in changed if "round_0/" in thing]
    for round in (1, 2):
        assert [thing for thing in changed if f"round_{round}/" in thing and thing.endswith("weights.safetensors")]
    assert "round_0 labels" in changed

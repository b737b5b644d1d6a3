"""train.labels: label files and judges decide what networks learn; scores keep the table's labels."""
import csv
import json

import h5py
import pytest
from support import people, runs

USAGE, DATA = 2, 3
WRONG = [f"r{i}" for i in range(0, 96, 12)]  # train rows whose label is made wrong, with the other row of their person
AUTO = {"folds.k": 3, "train.epochs": 8, "train.lr": 1e-2, "train.batch": 16}


@pytest.fixture(scope="module")
def crops(tmp_path_factory):
    folder, table = tmp_path_factory.mktemp("labels"), people.rows()
    shown = {name: dict(row) for name, row in table.items()}
    for name in WRONG:
        for other in (name, f"r{int(name[1:]) + 1}"):
            shown[other]["mask"] = "none" if table[other]["mask"] != "none" else "wear"
    return people.prepare(folder, shown, pictured=table)


def train(folder, crops, changes=(), ranks=0, name="run", **how):
    config = people.write_config(folder / f"{name}.yaml", crops, changes)
    return runs.pleat("train", config, "--run", folder / name, ranks=ranks, **how)


def trained_rows(run, unit="mask", fold=0):
    return json.loads((run / f"round_0/{unit}/resnet20/fold_{fold}/done.json").read_text())["train_rows"]


def keys_of(run):
    return {str(path.parent.relative_to(run)): json.loads(path.read_text())["key"] for path in run.glob("round_*/*/*/fold_*/done.json")}


def labels_in(run, target="mask"):
    with h5py.File(run / "round_0/oof.h5") as file:
        return file[f"targets/{target}/labels"][:]


def write(path, *lines):
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def test_a_file_drops_rows_from_training_but_not_from_the_scores(crops, tmp_path):
    plain = train(tmp_path, crops, name="plain")
    listed = write(tmp_path / "drop.csv", "target,id", "mask,r0", "mask,r1", "mask,r96")
    done = train(tmp_path, crops, {"train.labels.drop": listed})
    assert plain.returncode == done.returncode == 0, done.stdout
    assert "train.labels: 2 labels dropped (mask 2)" in done.stdout and "1 line skipped: not about train rows" in done.stdout
    rows = [trained_rows(tmp_path / "run", fold=fold) for fold in (0, 1)]
    assert sum(rows) == sum(trained_rows(tmp_path / "plain", fold=fold) for fold in (0, 1)) - 2
    assert (labels_in(tmp_path / "run") == labels_in(tmp_path / "plain")).all()
    assert any("train.labels changes what is learned" in note for note in json.loads((tmp_path / "run/summary.json").read_text())["notes"])


def test_marks_of_a_report_serve_as_both_files(crops, tmp_path):
    marks = write(tmp_path / "marks.csv", "target,id,group,given,label,kind,mark", "mask,r0,p0,none,,group,drop", "mask,r12,p6,none,wear,row,fix",
                  "mask,r13,p6,none,none,row,keep")
    done = train(tmp_path, crops, {"train.labels": {"drop": marks, "relabel": marks}})
    assert done.returncode == 0 and "1 label dropped (mask 1), 1 label changed (mask 1)" in done.stdout, done.stdout
    dropped = train(tmp_path, crops, {"train.labels.drop": marks}, name="dropped")
    assert dropped.returncode == 0 and keys_of(tmp_path / "dropped") != keys_of(tmp_path / "run")


def test_relabelled_numbers_and_joint_targets(crops, tmp_path):
    file = write(tmp_path / "new.csv", "target,id,label", "age,r0,61.5", "mask,r0,wear", "gender,r4,m")
    changes = {"targets": people.TARGETS, "joint.name": "class", "train.labels.relabel": file}
    for unit in ("separate", "joint", "heads"):
        done = train(tmp_path, crops, changes | {"targets_as": unit}, name=unit)
        assert done.returncode == 0 and "3 labels changed (mask 1, gender 1, age 1)" in done.stdout, done.stdout
        changes_of = {name: value for name, value in changes.items() if not name.startswith("train.labels")}
        assert train(tmp_path, crops, changes_of | {"targets_as": unit}, name=f"plain_{unit}").returncode == 0
        before, after = keys_of(tmp_path / f"plain_{unit}"), keys_of(tmp_path / unit)
        for name in {path.rsplit("/", 2)[0] for path in before}:  # r0's fold does not learn r0
            assert sum(before[path] != after[path] for path in before if path.startswith(name)) >= 1, (unit, name)


def test_suggestions_of_an_audit_relabel_classes_between_edges(crops, tmp_path):
    file = write(tmp_path / "new.csv", "target,id,label", "age,r0,from 50")
    done = train(tmp_path, crops, {"targets": people.TARGETS, "train.labels.relabel": file})
    assert done.returncode == 0 and "1 label changed (age 1)" in done.stdout, done.stdout
    twice = write(tmp_path / "twice.csv", "target,id,suggested,kind", "age,r0,from 50,group", "age,r0,from 50,row")
    done = train(tmp_path, crops, {"targets": people.TARGETS, "train.labels.relabel": twice}, name="twice")
    assert done.returncode == 0 and "1 label changed (age 1)" in done.stdout, done.stdout
    bins = {"targets": [people.TARGETS[2] | {"bins": 4}], "train.labels.relabel": file}
    assert "not a number, which this target is trained on" in runs.refusal(train(tmp_path, crops, bins, name="bins"), DATA)


def test_dropping_all_labels_is_refused_and_dropping_none_is_told(crops, tmp_path):
    everything = write(tmp_path / "all.csv", "id", *(f"r{i}" for i in range(96)))
    assert "drops all training labels of target mask" in runs.refusal(train(tmp_path, crops, {"train.labels.drop": everything}), DATA)
    nothing = write(tmp_path / "none.csv", "id,mark", "r0,Drop")
    done = train(tmp_path, crops, {"train.labels.drop": nothing}, name="none")
    assert done.returncode == 0 and "has no label to drop (no line with the mark drop)" in done.stdout, done.stdout
    both = {"train.labels": {"drop": everything, "relabel": everything}}
    assert "no column mark" in runs.refusal(train(tmp_path, crops, both, name="both"), USAGE)


def test_a_dropped_label_of_one_head_does_not_matter(tmp_path):
    """Two tables that differ in dropped labels alone give the same weights."""
    table = people.rows()
    other = {name: dict(row) for name, row in table.items()}
    listed = [f"r{i}" for i in range(0, 40, 3)]
    for name in listed:
        other[name]["gender"] = "m" if table[name]["gender"] == "f" else "f"
    file = write(tmp_path / "drop.csv", "target,id", *(f"gender,{name}" for name in listed))
    found = []
    for name, rows in ("a", table), ("b", other):
        crops = people.prepare(tmp_path / name, rows, pictured=table)
        changes = {"targets": people.TARGETS[:2], "targets_as": "heads", "train.labels.drop": file, "folds.stratify": ["mask"],
                   "train.loss.f1": 0.5, "train.loss.class_weights": "balanced"}
        done = train(tmp_path / name, crops, changes)
        assert done.returncode == 0, done.stdout
        found.append({path: checksum for path, checksum in runs.results(tmp_path / name / "run").items() if path.endswith("weights.safetensors")})
    assert found[0] == found[1] and len(found[0]) == 2


def test_a_head_without_the_label_learns_the_others(crops, tmp_path):
    file = write(tmp_path / "drop.csv", "target,id", "mask,r0", "gender,r0", "mask,r1")
    done = train(tmp_path, crops, {"targets": people.TARGETS[:2], "targets_as": "heads", "train.labels.drop": file})
    assert done.returncode == 0, done.stdout
    assert sum(trained_rows(tmp_path / "run", "heads", fold) for fold in (0, 1)) == 95  # r1 keeps its gender


@pytest.mark.parametrize("lines, words", [
    (["target,id", "mask,none_such"], "labels.csv line 2: the id 'none_such' is not in"),
    (["target,id", "msk,r0"], "labels.csv line 2: the target 'msk' is not one of mask, gender"),
    (["id", "r0"], "has no column target, but the run has 2 targets"),
    (["target,id,label", "mask,r0,weer"], "line 2: the label 'weer' of target mask is not one of"),
    (["target,id,label", "mask,r0,wear", "mask,r0,bad"], "line 3: the id 'r0' of target mask has another label before"),
    (["target,id", "mask,r0"], "neither a column label nor a column suggested"),
])
def test_odd_label_files_are_refused(crops, tmp_path, lines, words):
    file = write(tmp_path / "labels.csv", *lines)
    relabels = "label" in lines[0] or "neither" in words
    done = train(tmp_path, crops, {"targets": people.TARGETS[:2], f"train.labels.{'relabel' if relabels else 'drop'}": file})
    assert words in runs.refusal(done, DATA) and not (tmp_path / "run").exists()


def test_a_missing_file_and_impossible_options_are_refused(crops, tmp_path):
    assert "gone.csv" in runs.refusal(train(tmp_path, crops, {"train.labels.drop": "gone.csv"}), DATA)
    assert "raise folds.k (2)" in runs.refusal(train(tmp_path, crops, {"train.labels.drop": "auto"}), USAGE)
    assert "leave one out" in runs.refusal(train(tmp_path, crops, AUTO | {"train.labels": {"drop": "auto", "relabel": "auto"}}), USAGE)
    changes = AUTO | {"train.labels.relabel": "auto", "targets": people.TARGETS}
    assert "target age has edges" in runs.refusal(train(tmp_path, crops, changes), USAGE)
    config = people.write_config(tmp_path / "c.yaml", crops, AUTO | {"train.labels.drop": "auto"})
    done = runs.pleat("sweep", config, "--axis", "train.lr=1e-2,1e-3", "--run", tmp_path / "sweep")
    assert "a sweep trains no judges" in runs.refusal(done, USAGE)
    config = people.write_config(tmp_path / "c.yaml", crops)
    done = runs.pleat("sweep", config, "--axis", "train.labels.drop=a.csv,b.csv", "--run", tmp_path / "sweep")
    assert "all cells learn the same labels" in runs.refusal(done, USAGE)


def test_resuming_with_other_labels_is_refused(crops, tmp_path):
    file = write(tmp_path / "drop.csv", "target,id", "mask,r0")
    assert train(tmp_path, crops, {"train.labels.drop": file}).returncode == 0
    write(tmp_path / "drop.csv", "target,id", "mask,r1")
    assert "is not what" in runs.refusal(train(tmp_path, crops, {"train.labels.drop": file}), USAGE)


def test_judges_find_wrong_labels_and_train_once(crops, tmp_path):
    done = train(tmp_path, crops, AUTO | {"train.labels.drop": "auto", "train.epochs": 30})
    assert done.returncode == 0, done.stdout
    rows = list(csv.DictReader(open(tmp_path / "run/label_edits.csv")))
    found = {row["id"] for row in rows}
    truly = {name for wrong in WRONG for name in (wrong, f"r{int(wrong[1:]) + 1}")}
    assert len(found & truly) >= len(truly) / 2 and len(found - truly) <= 20, (found, truly)
    folds = {row["id"]: int(row["fold"]) for row in csv.DictReader(open(tmp_path / "run/folds.csv"))}
    assert all(folds[row["id"]] != int(row["fold"]) and row["label"] == "" for row in rows)
    assert len(list((tmp_path / "run").glob("judges/mask/folds_*/done.json"))) == 3
    assert not list((tmp_path / "run").glob("judges/**/weights.safetensors"))
    dropped = sum(int(row["fold"]) == 0 for row in rows)
    assert trained_rows(tmp_path / "run") == sum(fold != 0 for fold in folds.values()) - dropped
    again = train(tmp_path, crops, AUTO | {"train.labels.drop": "auto", "train.epochs": 30})
    assert again.returncode == 0 and "(6 were done before)" in again.stdout, again.stdout


JUDGED = AUTO | {"train.labels.relabel": "auto", "targets": people.TARGETS[:2], "train.epochs": 8, "rounds.count": 2, "rounds.stop": "never",
                 "rounds.admit.threshold": 0.0, "rounds.use_test": True,
                 "models": [{"id": "a", "name": "resnet20"}, {"id": "b", "name": "resnet20", "dropout": 0.2}]}


@pytest.fixture(scope="module")
def judged(crops, tmp_path_factory):
    folder = tmp_path_factory.mktemp("judged")
    done = train(folder, crops, JUDGED)
    assert done.returncode == 0, done.stdout
    assert len(list(csv.DictReader(open(folder / "run/label_edits.csv")))) > 3
    return folder / "run"


@pytest.mark.parametrize("ranks, fault", [(2, ""), (3, ""), (0, "before_done:2:kill"), (0, "before_done:8:kill")])
def test_judged_runs_are_the_same_on_all_ranks_and_through_kills(crops, judged, tmp_path, ranks, fault):
    if fault:
        killed = train(tmp_path, crops, JUDGED, PLEAT_FAULT=fault)
        assert killed.returncode < 0, killed.stdout
    done = train(tmp_path, crops, JUDGED, ranks=ranks)
    assert done.returncode == 0, done.stdout
    assert runs.results(tmp_path / "run") == runs.results(judged)
    assert (tmp_path / "run/label_edits.csv").read_bytes() == (judged / "label_edits.csv").read_bytes()


def test_copies_are_joined_or_dropped(tmp_path):
    crops = people.prepare(tmp_path, copies=[("r0", "r9", "r30"), ("r40", "r100"), ("r50", "r109")])  # r100: test, r109: unlabelled
    done = train(tmp_path, crops, {"data.duplicates": "together"}, name="together")
    assert done.returncode == 0 and "2 groups merged into another (shared photo)" in done.stdout and "1 unlabelled row left out" in done.stdout, done.stdout
    assert "folds may separate them" not in done.stdout and "train and test rows share 1 set" in done.stdout, done.stdout
    folds = {row["id"]: row["fold"] for row in csv.DictReader(open(tmp_path / "together/folds.csv"))}
    assert len({folds[name] for name in ("r0", "r1", "r9", "r8", "r30", "r31")}) == 1
    done = train(tmp_path, crops, {"data.duplicates": "drop"}, name="drop")
    assert done.returncode == 0 and "4 train rows left out" in done.stdout and "a test row shows the photo" in done.stdout, done.stdout
    kept = {row["id"] for row in csv.DictReader(open(tmp_path / "drop/folds.csv"))}
    assert not {"r0", "r9", "r30", "r40"} & kept and "r50" in kept and "folds may separate" not in done.stdout
    done = train(tmp_path, crops, {"data.duplicates": "drop", "folds.file": str(tmp_path / "together/folds.csv")}, name="file")
    assert "a copy that data.duplicates: drop leaves out" in runs.refusal(done, DATA)
    same = train(tmp_path, crops, {"data.duplicates": "together"}, name="ranks", ranks=2)
    assert same.returncode == 0 and runs.results(tmp_path / "ranks") == runs.results(tmp_path / "together")


def test_one_copy_stays_if_the_labels_agree(tmp_path):
    for name, other, words in (("same", "r3", "1 train row left out"), ("other", "r16", "1 set removed entirely: labels differ")):
        crops = people.prepare(tmp_path / name, copies=[("r2", other)])  # r2 and r3: one person; r16: another mask
        done = train(tmp_path / name, crops, {"data.duplicates": "drop"})
        assert done.returncode == 0 and words in done.stdout, done.stdout
        kept = {row["id"] for row in csv.DictReader(open(tmp_path / name / "run/folds.csv"))}
        assert ("r2" in kept) == (name == "same") and other not in kept


def test_frozen_folds_that_divide_copies_are_refused(tmp_path):
    crops = people.prepare(tmp_path)
    assert train(tmp_path, crops, name="plain").returncode == 0
    folds = {row["id"]: row["fold"] for row in csv.DictReader(open(tmp_path / "plain/folds.csv"))}
    other = next(name for name in folds if folds[name] != folds["r0"])
    copied = people.prepare(tmp_path / "copied", copies=[("r0", other)])
    done = train(tmp_path, copied, {"data.duplicates": "together", "folds.file": str(tmp_path / "plain/folds.csv")})
    assert "data.duplicates: together keeps them together" in runs.refusal(done, DATA)

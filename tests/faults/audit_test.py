"""pleat audit: suspect labels of rows and of groups, and what cannot be audited."""
import csv
import json

import numpy
import pytest
from support import oof_files, people, runs

CLASSES = 3
DATA = 3


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A run on 100 groups of four rows, one label a group: (folder, groups with a wrong label, row with a wrong guess)."""
    folder, rng = tmp_path_factory.mktemp("audit"), numpy.random.default_rng(3)
    true = rng.integers(0, CLASSES, 100)
    given = true.copy()
    given[:3] = (true[:3] + 1) % CLASSES
    probs = oof_files.draw(rng, true.repeat(4), CLASSES, 0.95)
    oof_files.write_run(folder / "run", probs, given.repeat(4), [f"p{i // 4}" for i in range(400)], folds=(numpy.arange(400) // 4) % 2)
    return folder, true, given


def audit(*arguments):
    return runs.pleat("audit", *arguments)


def test_groups_with_a_wrong_label_are_suspect_with_all_their_rows(world):
    folder, true, given = world
    done = audit(folder / "run")
    assert done.returncode == 0 and "suspect labels of groups: 3 of 100 groups (3.0 %)" in done.stdout, done.stdout
    rows = list(csv.DictReader(open(folder / "run/label_issues.csv")))
    groups = [row for row in rows if row["kind"] == "group"]
    assert {row["group"] for row in groups} == {"p0", "p1", "p2"} and len(groups) == 12
    assert all(row["given"] == f"c{given[int(row['group'][1:])]}" and row["suggested"] == f"c{true[int(row['group'][1:])]}" for row in groups)
    assert all(" of 4 rows are " in row["evidence"] and row["target"] == "label" for row in groups)
    assert [row["kind"] for row in rows] == ["group"] * 12 + ["row"] * (len(rows) - 12) and len(rows) > 12


def test_the_same_run_gives_the_same_bytes_again(world, tmp_path):
    folder, _, _ = world
    for name in ("a.csv", "b.csv"):
        assert audit(folder / "run", "--out", tmp_path / name).returncode == 0
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_many_suspects_are_warned_of(tmp_path):
    rng = numpy.random.default_rng(5)
    labels = rng.integers(0, CLASSES, 200)
    oof_files.write_run(tmp_path / "weak", oof_files.draw(rng, labels, CLASSES, 0.2), labels)
    done = audit(tmp_path / "weak")
    assert done.returncode == 0 and "most of these labels are probably right and the networks wrong" in done.stdout, done.stdout
    assert "labels of groups" not in done.stdout, "each row is a group"


@pytest.mark.parametrize("as_units", ["separate", "heads", "joint"])
def test_the_joint_target_is_left_out(tmp_path, as_units):
    crops = people.prepare(tmp_path)
    config = people.write_config(tmp_path / "c.yaml", crops, {"targets": [{"name": "mask"}, {"name": "gender"}], "targets_as": as_units, "joint": {"name": "both"}})
    assert runs.pleat("train", config, "--run", tmp_path / "run").returncode == 0
    assert "both" in json.loads((tmp_path / "run/summary.json").read_text())["targets"]
    done = audit(tmp_path / "run")
    assert done.returncode == 0 and "\nmask\n" in done.stdout and "\ngender\n" in done.stdout and "\nboth\n" not in done.stdout, done.stdout


def test_copies_ambiguous_photos_and_outliers_are_apart(tmp_path):
    crops = people.prepare(tmp_path, copies=[("r0", "r4")], white=("r20",))  # r0: "wear", r4: "bad"
    config = people.write_config(tmp_path / "c.yaml", crops, {"train.epochs": 3})
    assert runs.pleat("train", config, "--run", tmp_path / "run").returncode == 0
    done = audit(tmp_path / "run")
    assert done.returncode == 0 and "2 copied rows with another label" in done.stdout, done.stdout
    rows = list(csv.DictReader(open(tmp_path / "run/label_issues.csv")))
    copies = {row["id"]: row for row in rows if row["kind"] == "copy"}
    assert set(copies) == {"r0", "r4"} and copies["r4"]["given"] == "bad" and copies["r4"]["suggested"] == "wear"
    assert copies["r0"]["evidence"] == "shows the photo of r4, whose label is bad" and copies["r0"]["path"] == "r0.png"
    odd = next(row for row in rows if row["kind"] == "outlier")
    assert odd["id"] == "r20" and odd["target"] == "" and "median" in odd["evidence"]
    suspects = {row["id"] for row in rows if row["kind"] in ("row", "group")}
    assert not suspects & {row["id"] for row in rows if row["kind"] == "ambiguous"}
    assert (tmp_path / "run/label_issues.png").read_bytes().startswith(b"\x89PNG")
    dropped = runs.pleat("train", config, "--run", tmp_path / "next", "--set", f"train.labels.drop={tmp_path}/run/label_issues.csv")
    assert dropped.returncode == 0 and (f"{len(suspects)} labels dropped" in dropped.stdout or f"{len(suspects)} label dropped" in dropped.stdout), dropped.stdout


def test_without_its_crops_an_audit_has_no_photos(world):
    folder, _, _ = world
    done = audit(folder / "run")
    assert "No photos" in done.stdout and not (folder / "run/label_issues.png").exists(), done.stdout


def test_what_cannot_be_audited_is_refused(world, tmp_path):
    folder, _, _ = world
    (tmp_path / "notes.csv").write_text("my notes\n")
    (tmp_path / "empty").mkdir()
    for words, arguments in [("holds no finished run", [tmp_path / "empty"]), ("holds no finished run", [tmp_path / "none"]),
                             ("notes.csv", [folder / "run", "--out", tmp_path / "notes.csv"]),
                             ("no/such", [folder / "run", "--out", tmp_path / "no/such/x.csv"])]:
        line = runs.refusal(audit(*arguments), DATA)
        assert words in line, line
    assert (tmp_path / "notes.csv").read_text() == "my notes\n"

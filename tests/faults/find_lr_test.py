"""pleat train --find-lr: prints a curve and a suggestion, and trains nothing."""
import csv

import pytest
from support import people, runs

USAGE = 2
AGE = {"name": "age", "edges": [30, 50]}
TARGETS = [{"name": "mask"}, {"name": "gender"}]


def curve(path):
    rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(path.open())]
    assert rows and list(rows[0]) == ["lr", "loss", "smoothed_loss"]
    return rows


@pytest.fixture(scope="module")
def crops(tmp_path_factory):
    return people.prepare(tmp_path_factory.mktemp("people"))


@pytest.mark.parametrize("changes, curves", [
    ({"targets": TARGETS}, ["gender.resnet20", "mask.resnet20"]),
    ({"targets": [AGE | {"regress": True}], "cluster.shards": 2, "train.micro_batches": 2}, ["age.resnet20"]),
    ({"targets": [*TARGETS, AGE | {"bins": 4}], "targets_as": "heads", "train.epochs": 2, "train.freeze_epochs": 1}, ["heads.resnet20"]),
], ids=["classes", "number", "heads"])
def test_each_network_gets_a_curve_and_a_suggestion_and_the_folder_stays_free(tmp_path, crops, changes, curves):
    config = people.write_config(tmp_path / "config.yaml", crops, changes)
    done = runs.pleat("train", config, "--run", tmp_path / "run", "--find-lr")
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("suggestion: train.lr=") == len(curves), done.stdout
    assert sorted(path.stem for path in (tmp_path / "run/find_lr").iterdir()) == curves
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["find_lr"], "nothing else is begun"
    for path in (tmp_path / "run/find_lr").iterdir():
        rows = curve(path)
        assert rows[0]["lr"] == pytest.approx(1e-7)
        ratios = [after["lr"] / before["lr"] for before, after in zip(rows, rows[1:])]
        assert ratios == pytest.approx([ratios[0]] * len(ratios), rel=1e-4), "evenly in the logarithm"
        assert len(rows) > 50, "a test that ends before the rate matters tells nothing"
        least = min(row["smoothed_loss"] for row in rows)
        assert least < rows[0]["smoothed_loss"]
    trained = runs.pleat("train", config, "--run", tmp_path / "run", ranks=changes.get("cluster.shards", 0))
    assert trained.returncode == 0, "the folder takes the run"


def test_the_same_command_finds_the_same(tmp_path, crops):
    config = people.write_config(tmp_path / "config.yaml", crops, {"targets": TARGETS[:1]})
    texts = []
    for run in ("one", "two"):
        assert runs.pleat("train", config, "--run", tmp_path / run, "--find-lr").returncode == 0
        texts.append((tmp_path / run / "find_lr/mask.resnet20.csv").read_text())
    assert texts[0] == texts[1]


PREVIEW = ["--preview-augment", "sheet.png"]


@pytest.mark.parametrize("some", [["--find-lr", "--dry-run"], ["--find-lr", *PREVIEW], ["--dry-run", *PREVIEW]], ids=" ".join)
def test_of_several_ways_not_to_train_one_is_to_be_chosen(tmp_path, crops, some):
    config = people.write_config(tmp_path / "config.yaml", crops)
    line = runs.refusal(runs.pleat("train", config, *some, cwd=tmp_path), USAGE)
    assert some[0] in line and some[1] in line
    assert [path.name for path in tmp_path.iterdir()] == ["config.yaml"]


def test_it_works_on_one_process(tmp_path, crops):
    config = people.write_config(tmp_path / "config.yaml", crops)
    done = runs.pleat("train", config, "--run", tmp_path / "run", "--find-lr", ranks=2)
    assert done.returncode == USAGE, done.stdout
    assert "run it without mpirun" in done.stdout and len(runs.errors(done)) == 1, done.stdout
    assert not (tmp_path / "run").exists()

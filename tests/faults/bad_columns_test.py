"""Columns that a config cannot use: refused in one line with the crops file, the column and the remedy."""
import csv

import pytest
from support import runs, tables
from support.tables import SHORT, prepare


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return tables.write_photos(tmp_path_factory.mktemp("photos"))


PEOPLE = ["id", "path", "label", "only", "family", "gap", "rare", "seen", "split"]


def person(i):
    """Row i of the table: 12 for training, then 2 for the test."""
    split = "train" if i < 12 else "test"
    return [f"r{i}", f"{i % 3 + 1}.png", "xy"[i % 2], "x", "f", "" if i == 4 else "xy"[i % 2], "z" if i == 5 else "xy"[i % 2],
            "new" if i == 13 else "xy"[i % 2], split]


@pytest.fixture(scope="module")
def people(photos, tmp_path_factory):
    folder = tmp_path_factory.mktemp("people")
    with open(folder / "samples.csv", "w", newline="") as file:
        csv.writer(file).writerows([PEOPLE, *map(person, range(14))])
    done = prepare(folder, photos)
    assert done.returncode == 0, done.stdout
    return folder / "crops.h5"


BAD_COLUMNS = {  # name: (settings of the config, words of the error)
    "one-class": (["targets=[{name: only}]"], ["column only has 1 class", "expected 2 or more", "is it the right column?"]),
    "one-group": (["data.group=family"], ["1 group cannot be cut into 2 folds", "lower folds.k or add groups"]),
    "no-target-column": (["targets=[{name: lable}]"], ["no column 'lable', which targets asks for", "did you mean 'label'?", "'id', 'path'"]),
    "no-group-column": (["data.group=familly"], ["no column 'familly', which data.group asks for", "did you mean 'family'?"]),
    "no-strata-column": (["folds.stratify=[years]"], ["no column 'years', which folds.stratify asks for", "'id', 'path'"]),
    "train-row-without-label": (["targets=[{name: gap}]"], ["row 'r4'", "column gap is empty", "unlabelled"]),
    "train-row-without-group": (["data.group=gap"], ["row 'r4'", "column gap (data.group) is empty", "unlabelled"]),
    "rare-class": (["targets=[{name: rare}]"], ["column 'rare': class 'z' has 1 row,", "fewer than the 2 folds", "lower folds.k"]),
    "unknown-test-label": (["targets=[{name: seen}]"], ["row 'r13'", "'new'", "not one of the classes x, y"]),
}


@pytest.mark.parametrize("name", BAD_COLUMNS)
def test_a_column_that_the_config_cannot_use_is_named(people, tmp_path, name):
    changes, words = BAD_COLUMNS[name]
    config = runs.write_config(tmp_path / "config.yaml", people, **SHORT)
    done = runs.pleat("train", config, *(item for change in changes for item in ("--set", change)), "--run", tmp_path / "run", timeout=60)
    line = runs.refusal(done)
    for word in ["crops.h5", *words]:
        assert word in line
    assert [path.name for path in tmp_path.iterdir()] == ["config.yaml"], "no folder is left behind"


def test_a_column_of_numbers_is_no_column_of_classes(photos, tmp_path):
    rows = [f"r{i},{i % 3 + 1}.png,{20 + i / 100}" for i in range(1001)]
    (tmp_path / "samples.csv").write_text("id,path,age\n" + "\n".join(rows) + "\n")
    assert prepare(tmp_path, photos).returncode == 0
    config = runs.write_config(tmp_path / "config.yaml", tmp_path / "crops.h5", targets="[{name: age}]", **SHORT)
    line = runs.refusal(runs.pleat("train", config, "--run", tmp_path / "run"))
    for word in ["crops.h5", "column age has 1001 different labels", "'20.0'", "is it a class column?"]:
        assert word in line
    assert not (tmp_path / "run").exists()


def test_a_table_without_train_rows_trains_nothing(photos, tmp_path):
    (tmp_path / "samples.csv").write_text("id,path,label,split\na,1.png,x,test\nb,2.png,y,unlabelled\n")
    assert prepare(tmp_path, photos).returncode == 0
    config = runs.write_config(tmp_path / "config.yaml", tmp_path / "crops.h5", **SHORT)
    line = runs.refusal(runs.pleat("train", config, "--run", tmp_path / "run"))
    assert "crops.h5 has no train rows among its 2 rows; check the column split" in line
    assert not (tmp_path / "run").exists()

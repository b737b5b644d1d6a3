"""Groups and labels that read alike: a fold must not split a group that is spelt in two ways, and two classes that read
alike are named."""
import csv
import json

import pytest
from support import runs, tables
from support.tables import SHORT, prepare

GROUPS = {  # name: a second spelling of the group 'p0', and its form in the message
    "blank-at-the-end": ("p0 ", "'p0' and 'p0 '"),
    "case": ("P0", "'p0' and 'P0'"),
    "no-break-space": ("p0\u00a0", r"'p0' and 'p0\u{A0}'"),
    "invisible-character": ("p\u200b0", r"'p0' and 'p\u{200B}0'"),
    "full-width": ("p\uff10", "'p0' and 'p\uff10'"),
}
LABELS = {  # name: two labels in sorted order, and their form in the warning
    "case": (("Cat", "cat"), "'Cat' and 'cat'"),
    "no-break-space": (("cat", "cat\u00a0"), r"'cat' and 'cat\u{A0}'"),
    "composed-and-decomposed": (("cafe\u0301", "caf\u00e9"), "'cafe\\u{301}' and 'caf\u00e9'"),
    "number": (("1", "1.0"), "'1' and '1.0'"),
    "leading-zero": (("01", "1"), "'01' and '1'"),
}


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return tables.write_photos(tmp_path_factory.mktemp("photos"))


def write_table(folder, header, rows):
    with open(folder / "samples.csv", "w", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def write_people(folder, spelling, column="family"):
    """12 rows of 6 groups; one row of the group 'p0' has another spelling."""
    groups = [f"p{i // 2}" for i in range(12)]
    groups[1] = spelling
    write_table(folder, ["id", "path", "label", column], [[f"r{i}", f"{i % 3 + 1}.png", "xy"[i % 2], group] for i, group in enumerate(groups)])


@pytest.mark.parametrize("name", GROUPS)
def test_train_refuses_groups_that_read_alike(photos, tmp_path, name):
    spelling, shown = GROUPS[name]
    write_people(tmp_path, spelling)  # prepare does not know this column for a group
    assert prepare(tmp_path, photos).returncode == 0
    config = runs.write_config(tmp_path / "config.yaml", tmp_path / "crops.h5", **SHORT, data=f"{{crops: {tmp_path / 'crops.h5'}, group: family}}")
    line = runs.refusal(runs.pleat("train", config, "--run", tmp_path / "run"))
    for word in ["crops.h5", "1 group in column family (data.group) occurs with another spelling", shown, "data.same_text: strict"]:
        assert word in line
    assert not (tmp_path / "run").exists()


def test_strict_takes_every_spelling_as_a_group_of_its_own(photos, tmp_path):
    write_people(tmp_path, "p0 ")
    assert prepare(tmp_path, photos).returncode == 0
    config = runs.write_config(tmp_path / "config.yaml", tmp_path / "crops.h5", **SHORT,
                               data=f"{{crops: {tmp_path / 'crops.h5'}, group: family, same_text: strict}}")
    done = runs.pleat("train", config, "--run", tmp_path / "run", "--dry-run")
    assert done.returncode == 0 and "7 in column family" in done.stdout, done.stdout


@pytest.mark.parametrize("column", ["group", "person"])
def test_prepare_refuses_groups_that_read_alike_before_it_makes_crops(photos, tmp_path, column):
    write_people(tmp_path, "p0 ", column)
    line = runs.refusal(prepare(tmp_path, photos))
    for word in ["samples.csv", f"1 group in column {column} occurs with another spelling", "'p0' and 'p0 '", "--same-text strict"]:
        assert word in line
    assert [path.name for path in tmp_path.iterdir()] == ["samples.csv"]
    assert prepare(tmp_path, photos, "--same-text", "strict").returncode == 0


@pytest.mark.parametrize("name", LABELS)
def test_labels_that_read_alike_are_named_by_prepare_and_train(photos, tmp_path, name):
    labels, shown = LABELS[name]
    write_table(tmp_path, ["id", "path", "label"], [[f"r{i}", f"{i % 3 + 1}.png", [*labels, "dog"][i % 3]] for i in range(18)])
    done = prepare(tmp_path, photos)
    assert done.returncode == 0 and f"column label: the values {shown} read alike" in done.stdout, done.stdout
    report = json.loads((tmp_path / "crops.report.json").read_text())
    assert report["alike_values"] == {"label": {"sets": 1, "examples": [list(labels)]}}
    config = runs.write_config(tmp_path / "config.yaml", tmp_path / "crops.h5", **SHORT)
    warning = f"target label: the classes {shown} read alike"
    done = runs.pleat("train", config, "--run", tmp_path / "run", "--dry-run")
    assert done.returncode == 0 and warning in done.stdout, done.stdout
    done = runs.pleat("train", config, "--run", tmp_path / "run", "--dry-run", "--set", "data.same_text=strict")
    assert done.returncode == 0 and warning not in done.stdout, done.stdout


def test_a_test_group_that_reads_like_a_train_group_is_a_warning(photos, tmp_path):
    groups = [f"p{i // 2}" for i in range(12)] + ["P0", "q"]
    rows = [[f"r{i}", f"{i % 3 + 1}.png", "xy"[i % 2], group, "train" if i < 12 else "test"] for i, group in enumerate(groups)]
    write_table(tmp_path, ["id", "path", "label", "person", "split"], rows)
    assert prepare(tmp_path, photos).returncode == 0
    config = runs.write_config(tmp_path / "config.yaml", tmp_path / "crops.h5", **SHORT, data=f"{{crops: {tmp_path / 'crops.h5'}, group: person}}")
    done = runs.pleat("train", config, "--run", tmp_path / "run", "--dry-run")
    assert done.returncode == 0 and "1 group in column person (data.group) occurs with another spelling in train and test rows" in done.stdout, done.stdout
    assert "'p0' and 'P0'" in done.stdout, done.stdout


@pytest.mark.parametrize("blank", ["  ", "\u200b", "\u00a0"], ids=["spaces", "invisible", "no-break-space"])
def test_a_group_of_blanks_is_no_group(photos, tmp_path, blank):
    write_people(tmp_path, blank)
    assert prepare(tmp_path, photos).returncode == 0
    config = runs.write_config(tmp_path / "config.yaml", tmp_path / "crops.h5", **SHORT, data=f"{{crops: {tmp_path / 'crops.h5'}, group: family}}")
    line = runs.refusal(runs.pleat("train", config, "--run", tmp_path / "run"))
    assert "row 'r1': column family (data.group) is empty" in line

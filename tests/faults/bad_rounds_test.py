"""Rounds with data, keys or labels that cannot work: one clear line each, and nothing half written."""
import json

import pytest
from support import crowd, exports, people, runs

DATA, USAGE, FAILED = 3, 2, 5


@pytest.fixture(scope="module")
def crops(tmp_path_factory):
    return crowd.prepare(tmp_path_factory.mktemp("crowd"))


def other_table(folder, change):
    """Crops of the crowd with changed labels."""
    table = crowd.shown(crowd.rows())
    change(table)
    return people.prepare(folder, table, pictured=crowd.rows())


def set_gender(table):
    table["p1_2"]["gender"] = "f"


def drop_row(table):
    del table["p30_3"]


def no_unlabelled(table):
    for row in table.values():
        if row["split"] == "unlabelled":
            row.update(split="test")


def no_person(table):
    table["p30_1"]["person"] = ""


BAD_DATA = {
    "a-person-with-two-genders": (set_gender, "have gender m and f, but rounds.constant_in_group"),
    "a-person-with-too-few-photos": (drop_row, "has 3 rows, but rounds.composition.mask has 4 places"),
    "no-unlabelled-rows": (no_unlabelled, "has no unlabelled rows, so rounds.count (3) has nothing to label"),
    "an-unlabelled-row-without-a-group": (no_person, "row 'p30_1': column person (data.group) is empty, but rounds."),
}


@pytest.mark.parametrize("name", BAD_DATA)
def test_bad_data_of_rounds_is_refused_before_anything_is_written(tmp_path, name):
    change, message = BAD_DATA[name]
    done = crowd.train(tmp_path, "run", other_table(tmp_path, change))
    assert message in runs.refusal(done, DATA)
    assert not (tmp_path / "run").exists()


BAD_CONFIG = {
    "too-small-a-composition": ({"composition": {"mask": {"bad": 2, "none": 2}}}, DATA,
                                "more than 0 labelled rows of the class 'wear'"),
    "a-composition-of-an-unknown-class": ({"composition": {"mask": {"worn": 4}}}, USAGE, "names 'worn', which is not one of"),
    "a-composition-below-0": ({"composition": {"mask": {"wear": -1}}}, USAGE, "wear is -1"),
    "a-composition-of-an-unknown-target": ({"composition": {"hat": {"a": 4}}}, USAGE, "names 'hat', which is not one of the targets"),
    "an-unknown-constant": ({"constant_in_group": ["hat"]}, USAGE, "names 'hat'"),
    "constant-and-composed": ({"constant_in_group": ["mask"]}, USAGE, "leave it out of one"),
    "a-temperature-of-hard-labels": ({"temperature": 0.5}, USAGE, "applies to soft labels"),
    "more-parts-than-groups": ({"parts": 90}, USAGE, "rounds.parts (90) is more than the 16 groups"),
    "an-unknown-teacher": ({"teacher": "own"}, USAGE, "one of own_fold, shared"),
}


@pytest.mark.parametrize("name", BAD_CONFIG)
def test_bad_configs_of_rounds_are_refused_before_anything_is_written(crops, tmp_path, name):
    changes, code, message = BAD_CONFIG[name]
    done = crowd.train(tmp_path, "run", crops, {"rounds": crowd.ROUNDS | changes})
    assert message in runs.refusal(done, code)
    assert not (tmp_path / "run").exists()


def test_group_evidence_needs_groups(crops, tmp_path):
    done = crowd.train(tmp_path, "run", crops, {"data": {"crops": str(crops)}})
    assert "needs groups; set data.group" in runs.refusal(done, USAGE)


BAD_LABELS = {"nothing-admitted": ({"admit": {"threshold": 1.0}, "composition": {}, "constant_in_group": []},
                                   "none of the 56 rows to label has a pseudo-label"),
              "one-class-admitted": ({"admit": {"threshold": 0.0, "share": 0.02}, "composition": {}},
                                     "are of the class")}


@pytest.mark.parametrize("name", BAD_LABELS)
def test_a_round_without_a_lesson_leaves_the_round_before_as_the_result(crops, tmp_path, name):
    changes, message = BAD_LABELS[name]
    done = crowd.train(tmp_path, "run", crops, {"rounds": crowd.ROUNDS | changes})
    assert done.returncode == FAILED and message in done.stdout, done.stdout[-3000:]
    summary = json.loads((tmp_path / "run/summary.json").read_text())
    assert summary["result_round"] == 0 and summary["rounds"][1]["failed"] == 3
    exports.pleat("predict", "--run", tmp_path / "run", "--crops", crops, "--out", tmp_path / "p.csv")
    mended = crowd.train(tmp_path, "run", crops)
    assert mended.returncode == 0 and "9 jobs (3 were done before)" in mended.stdout, mended.stdout[-2000:]
    assert not (tmp_path / "run/failures.json").exists()

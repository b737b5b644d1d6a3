"""Bad target settings: refused in one line, before anything is written."""

import pytest
from support import people, runs

CONFIG, DATA = 2, 3
AGE = {"name": "age", "edges": [30, 50]}
MASK, GENDER = {"name": "mask"}, {"name": "gender"}
WHITE = "r5"  # a photo that is all white


@pytest.fixture(scope="module")
def crops(tmp_path_factory):
    """people's table with bad columns."""
    folder, table = tmp_path_factory.mktemp("people"), people.rows()
    for name, row in table.items():
        age = row["age"]
        row |= {
            "words": "old" if name == WHITE else age,
            "endless": "inf" if name == WHITE else age,
            "gap": "" if name == WHITE else age,
            "late": "old" if name == "r97" else age,
            "comma": age + ",5" if age else "",
            "same": age and "7",
            "one": age and "x",
            "two": age and ("10", "20")[int(age) > 40],
            "lone": age and ("20", "40")[row["person"] == "p0"],
            "slash": age and ("x", "x/y")[int(age) % 2],
            "rest": age and ("z", "y/z")[int(age) // 2 % 2],
        }
    return people.prepare(folder, table, white={WHITE})


def aged(**more):
    return {"targets": [AGE | more]}


# name: (changes to people.config, exit code, words of the error)
REFUSED = {
    "edges-of-a-column-of-words": (
        aged(column="mask"),
        DATA,
        ["crops.h5", "target age", "column mask", "'wear'", "not a number", "leave edges out"],
    ),
    "a-word-among-numbers": (aged(column="words"), DATA, ["column words", "'old'", "not a number", "fix the row"]),
    "an-endless-number": (aged(column="endless"), DATA, ["column endless", "'inf'", "not a number"]),
    "decimal-comma": (aged(column="comma"), DATA, ["column comma", ",5'", "not a number"]),
    "row-without-number": (aged(column="gap"), DATA, [f"row '{WHITE}'", "column gap is empty", "unlabelled"]),
    "word-in-a-test-row": (aged(column="late"), DATA, ["row 'r97'", "column late", "'old'", "not a number"]),
    "edges-that-fall": (aged(edges=[50, 30]), CONFIG, ["target age", "edges [50, 30]", "each above the one before"]),
    "equal-edges": (aged(edges=[30, 30]), CONFIG, ["edges [30, 30]", "each above the one before"]),
    "null-class": (
        {"targets": [MASK | {"classes": ["wear", "bad", None]}]},
        CONFIG,
        ["target mask", "an item without a name", '["null", …]'],
    ),
    "null-class-of-edges": (aged(classes=["young", None, "old"]), CONFIG, ["target age", "an item without a name"]),
    "edge-above-all": (
        aged(edges=[30, 500]),
        DATA,
        ["crops.h5", "edges has 500", "from 18 to 70", "give an edge inside"],
    ),
    "edge-below-all": (aged(edges=[18, 50]), DATA, ["edges has 18", "from 18 to 70", "no row would be below it"]),
    "edge-of-one-number": (
        aged(column="same", edges=[7]),
        DATA,
        ["column same runs from 7 to 7", "give an edge inside"],
    ),
    "edge-that-is-a-word": (aged(edges=["thirty"]), CONFIG, ["targets.0.edges.0", "'thirty'", "expected a number"]),
    "single-edge-without-brackets": (aged(edges=30), CONFIG, ["targets.0.edges", "'30'", "a list"]),
    "more-bins-than-numbers": (
        aged(bins=60),
        DATA,
        ["target age, age/resnet20/fold 0", "60 bins", "48 training rows have 24", "lower bins"],
    ),
    "bins-of-two-numbers": (
        aged(column="two", edges=[15], bins=3),
        DATA,
        ["3 bins", "column two", "have 2", "lower bins"],
    ),
    "one-bin": (aged(bins=1), CONFIG, ["one bin", "2 or more"]),
    "endless-bins": (aged(bins=1001), CONFIG, ["targets.0.bins", "'1001'", "at most 1000"]),
    "regress-of-one-number-in-a-fold": (
        aged(column="lone", edges=[30], regress=True),
        DATA,
        [
            "target age, age/resnet20/fold ",
            "all 48 training rows have the number 20",
            "column lone",
            "leave regress out",
        ],
    ),
    "bins-without-edges": (
        {"targets": [{"name": "age", "bins": 5}]},
        CONFIG,
        ["bins needs edges", "edges: [30, 60]"],
    ),
    "regress-without-edges": (
        {"targets": [{"name": "age", "regress": True}]},
        CONFIG,
        ["regress needs edges"],
    ),
    "train_edges-without-edges": (
        {"targets": [{"name": "age", "train_edges": [30]}]},
        CONFIG,
        ["train_edges needs edges"],
    ),
    "bin_spread-without-edges": (
        {"targets": [{"name": "age", "bin_spread": 1}]},
        CONFIG,
        ["bin_spread needs edges"],
    ),
    "bins-and-regress": (aged(bins=5, regress=True), CONFIG, ["bins (5) and regress", "leave one of them out"]),
    "bin_spread-without-bins": (aged(bin_spread=1), CONFIG, ["bin_spread (1)", "needs bins", "bins: 11"]),
    "fewer-train_edges": (aged(train_edges=[30]), CONFIG, ["train_edges has 1", "edges 2", "one for each edge"]),
    "train_edge-above-all": (aged(train_edges=[30, 500]), DATA, ["train_edges has 500", "give an edge inside"]),
    "train_edges-that-fall": (
        aged(train_edges=[50, 30]),
        CONFIG,
        ["train_edges [50, 30]", "each above the one before"],
    ),
    "fewer-classes-than-edges-make": (
        aged(classes=["young", "old"]),
        CONFIG,
        ["2 edges make 3 classes", "classes names 2", "a name for each"],
    ),
    "a-class-twice": (
        {"targets": [MASK | {"classes": ["wear", "bad", "wear"]}]},
        CONFIG,
        ["target mask", "'wear' twice", "leave one of them out"],
    ),
    "one-class-named": (
        {"targets": [MASK | {"classes": ["wear"]}]},
        CONFIG,
        ["target mask: classes names 'wear' alone", "2 or more"],
    ),
    "one-class": ({"targets": [{"name": "one"}]}, DATA, ["column one has 1 class", "expected 2 or more"]),
    "heads-of-one-target": (
        {"targets_as": "heads"},
        CONFIG,
        ["targets_as: heads", "two or more targets", "there is one"],
    ),
    "joint-of-one-target": (
        {"targets_as": "joint"},
        CONFIG,
        ["targets_as: joint", "two or more targets", "there is one"],
    ),
    "targets_as-misspelt": ({"targets_as": "hedas"}, CONFIG, ["targets_as is 'hedas'", "did you mean heads?"]),
    "joint-with-bins": (
        {"targets": [MASK, AGE | {"bins": 5}], "targets_as": "joint"},
        CONFIG,
        ["target age", "bins", "separate or heads"],
    ),
    "joint-with-regress": (
        {"targets": [MASK, AGE | {"regress": True}], "targets_as": "joint"},
        CONFIG,
        ["target age", "regress", "separate or heads"],
    ),
    "joint-of-unknown": (
        {"targets": [MASK, AGE], "joint": {"name": "j", "of": ["mask", "agee"]}},
        CONFIG,
        ["'agee'", "there are mask, age"],
    ),
    "joint-of-twice": (
        {"targets": [MASK, AGE], "joint": {"name": "j", "of": ["mask", "mask"]}},
        CONFIG,
        ["'mask' twice", "leave one"],
    ),
    "joint-of-one": (
        {"targets": [MASK, AGE], "joint": {"name": "j", "of": ["mask"]}},
        CONFIG,
        ["joint combines 1 target", "two or more"],
    ),
    "joint-of-without-name": (
        {"targets": [MASK, AGE], "joint": {"of": ["mask", "age"]}},
        CONFIG,
        ["joint.of", "joint.name is missing", "set it"],
    ),
    "joint-name-of-one-target": ({"joint": {"name": "j"}}, CONFIG, ["joint combines 1 target", "two or more"]),
    "joint-of-some-that-are-trained": (
        {"targets": [MASK, GENDER, AGE], "targets_as": "joint", "joint": {"of": ["mask", "gender"]}},
        CONFIG,
        ["joint.of names 2 of the 3 targets", "leave joint.of out"],
    ),
    "joint-name-is-a-target's": (
        {"targets": [MASK, AGE], "joint": {"name": "mask"}},
        CONFIG,
        ["joint.name 'mask'", "the name of a target", "another"],
    ),
    "a-target-is-called-joint": (
        {"targets": [MASK, AGE | {"name": "joint", "column": "age"}], "targets_as": "joint"},
        CONFIG,
        ["joint.name 'joint'", "the name of a target", "another"],
    ),
    "joint-name-that-is-a-path": (
        {"targets": [MASK, AGE], "joint": {"name": "a/b"}},
        CONFIG,
        ["joint.name 'a/b'", "letters", "folder"],
    ),
    "joint-name-that-is-a-file": (
        {"targets": [MASK, AGE], "joint": {"name": "oof.h5"}},
        CONFIG,
        ["joint.name 'oof.h5'", "another"],
    ),
    "joint-classes-of-one-name": (
        {"targets": [{"name": "slash"}, {"name": "rest"}], "joint.name": "j"},
        DATA,
        ["joint target j", "'x/y/z'", "rename a class"],
    ),
    "a-target-twice": ({"targets": [MASK, MASK]}, CONFIG, ["'mask' is given twice"]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_config_cannot_ask_for_is_one_line(crops, tmp_path, name):
    changes, code, words = REFUSED[name]
    config = people.write_config(tmp_path / "config.yaml", crops, changes)
    line = runs.refusal(runs.pleat("train", config, "--run", tmp_path / "run", timeout=60), code)
    for word in words:
        assert word in line
    assert [path.name for path in tmp_path.iterdir()] == ["config.yaml"], "no folder is left behind"


def test_a_class_that_bins_hide_is_said_before_training(crops, tmp_path):
    config = people.write_config(tmp_path / "config.yaml", crops, aged(bins=2, edges=[30, 60]))
    done = runs.pleat("train", config, "--run", tmp_path / "run", "--dry-run")
    assert done.returncode == 0, done.stdout
    for word in ("target age: in 2 of 2 folds", "'from 60'", "never be predicted", "raise bins (2)"):
        assert word in done.stdout, done.stdout

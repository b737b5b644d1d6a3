"""pleat init: a config from a crops file that trains as it is."""
import json

import numpy
import pytest
from PIL import Image
from support import people, runs

DATA = 3


def make_crops(folder, columns, side=16, splits=None):
    """Makes folder/crops.h5 of random photos with these columns, {name: values}."""
    (folder / "photos").mkdir(parents=True)
    rows = len(next(iter(columns.values())))
    lines = ["id,path,split," + ",".join(f'"{name}"' for name in columns)]
    for i in range(rows):
        pixels = numpy.random.default_rng(i).integers(0, 256, (side, side, 3), numpy.uint8)
        Image.fromarray(pixels).save(folder / "photos" / f"{i}.png")
        split = splits[i] if splits else "train"
        lines.append(f"r{i},{i}.png,{split}," + ",".join(f'"{values[i]}"' for values in columns.values()))
    (folder / "samples.csv").write_text("\n".join(lines) + "\n")
    done = runs.pleat("prepare", "--table", folder / "samples.csv", "--images", folder / "photos", "--out", folder / "crops.h5",
                      "--size", side, "--same-text", "strict")
    assert done.returncode == 0, done.stdout
    return folder / "crops.h5"


def init(crops, *arguments):
    done = runs.pleat("init", crops, *arguments)
    assert done.returncode == 0, done.stdout
    return done.stdout


def meaning(config):
    """The config as pleat reads it, as text."""
    done = runs.pleat("config", config)
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_it_trains_as_it_is(tmp_path):
    crops, config = people.prepare(tmp_path), tmp_path / "configs/my config.yaml"
    said = init(crops, "--out", config)
    text = config.read_text()
    for words in ("  group: person  # 48 groups", "96 train, 12 test, 4 unlabelled rows of 12x12 pixels, RGB",
                  "  - {name: mask}  # 3 classes; train rows: bad 32, none 16, wear 48", "  # - {name: gender}  # 2 classes",
                  "  # - {name: age", "models: [{name: resnet20}]", "folds: {k: 5}"):
        assert words in text, text
    line = said.splitlines()[-1].split("then: ")[1]
    assert line.endswith(f" train '{config}' --dry-run"), said
    done = runs.pleat("train", config, "--set", "train.epochs=1", "--set", "folds.k=2", "--run", tmp_path / "run")
    assert done.returncode == 0, done.stdout
    assert json.loads((tmp_path / "run/summary.json").read_text())["targets"]["mask"]["test"] is not None


def test_the_comments_hold_when_they_are_uncommented(tmp_path):
    text = init(people.prepare(tmp_path))
    text = text.replace("  # - {", "  - {")
    (tmp_path / "c.yaml").write_text(text)
    done = runs.pleat("train", tmp_path / "c.yaml", "--run", tmp_path / "run", "--dry-run")
    assert done.returncode == 0, done.stdout
    assert [line.split()[-1] for line in meaning(tmp_path / "c.yaml").splitlines() if "- name: " in line][:3] == ["mask", "gender", "age"]


ODD = [f"x{i % 2}" for i in range(24)]
CASES = {  # name: (columns, splits, words of the config, words that it must not have)
    "numbers-alone": ({"age": [20 + i * 1.5 for i in range(40)]}, None, ["{name: age, edges: [39.5, 59]}", "numbers from 20 to 78.5"], []),
    "whole-numbers-that-are-classes": ({"label": [i % 10 for i in range(40)]}, None, ["- {name: label}  # 10 classes", "folds: {k: 4}"], ["edges"]),
    "two-groups": ({"label": [i % 2 for i in range(24)], "patient_id": [i // 12 for i in range(24)]}, None,
                   ["group: patient_id  # 2 groups", "folds: {k: 2}"], []),
    "groups-spelt-in-two-ways": ({"label": ODD, "person": ["p1", "P1", "p2", "p3"] * 6}, None,
                                 ["# group: COLUMN", "column person is not the group: some groups have two spellings"], []),
    "groups-with-gaps": ({"label": ODD, "group": ["", "a", "b"] * 8}, None, ["# group: COLUMN", "column group is not the group: some train rows"], []),
    "odd-names": ({"was ist das?": ["ja", "null"] * 12, "a, b": ["~", "#1: x"] * 12}, None,
                  ['- {name: target_1, column: "was ist das?"}', '# - {name: target_2, column: "a, b"}'], []),
    "reserved-name": ({"oof.h5": ODD}, None, ["{name: target_1, column: oof.h5}"], []),
    "class-only-in-test": ({"label": [*ODD[:20], "new", "null", "x0", "x1"]}, ["train"] * 20 + ["test"] * 4,
                           ['{name: label, classes: [x0, x1, new, "null"]}'], []),
    "poor-columns": ({"one": ["x"] * 24, "rare": ["a"] * 23 + ["b"], "gap": ["", "x"] * 12, "words": [f"w{i}" for i in range(24)],
                      "label": ODD}, None,
                     ["- {name: label}", "column one is no target: all train rows have one value", "column rare is no target: the class 'b' has only",
                      "column gap is no target: 12 train rows without a value"], []),
    "steering-values": ({"label": ["\x1b[2J", "b\nc"] * 12}, None, [r"\x1B[2J 12, b\nc 12"], ["\x1b"]),
    "flat-crops": ({"label": ODD}, None, ["pad: 2"], []),
}


@pytest.mark.parametrize("name", CASES)
def test_any_crops_file_gives_a_config_that_a_dry_run_accepts(tmp_path, name):
    columns, splits, words, others = CASES[name]
    crops = make_crops(tmp_path, columns, splits=splits)
    text = init(crops)
    assert all(word in text for word in words) and not any(word in text for word in others), text
    (tmp_path / "c.yaml").write_text(text)
    done = runs.pleat("train", tmp_path / "c.yaml", "--run", tmp_path / "run", "--dry-run")
    assert done.returncode == 0, text + done.stdout
    assert f"crops: {crops}" in meaning(tmp_path / "c.yaml")


def test_idx_files_give_one(whole_run, tmp_path):
    folder, _, _ = whole_run
    text = init(folder / "crops.h5")
    assert "300 train, 60 test, 0 unlabelled rows of 12x12 pixels, gray" in text and "- {name: label}" in text, text


def test_what_cannot_be_is_refused_and_no_file_is_lost(whole_run, tmp_path):
    folder, _, _ = whole_run
    mine = tmp_path / "my.yaml"
    mine.write_text("seed: 1\n")
    line = runs.refusal(runs.pleat("init", folder / "crops.h5", "--out", mine), DATA)
    assert "my.yaml exists and is not overwritten" in line and mine.read_text() == "seed: 1\n"
    assert "my.yaml" in runs.refusal(runs.pleat("init", mine), DATA)
    crops = make_crops(tmp_path / "bare", {"words": [f"w{i}" for i in range(40)]})
    done = runs.pleat("init", crops, "--out", tmp_path / "new.yaml")
    assert done.returncode == DATA and "no column can be a target" in done.stdout, done.stdout
    assert "column words is no target: 40 different values, such as 'w0'" in done.stdout and not (tmp_path / "new.yaml").exists()

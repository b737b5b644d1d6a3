"""Photos in one folder per class: table, crops and a run."""
import csv
import json
import os
import subprocess

import numpy
import pytest
from PIL import Image
from support import runs

USAGE = 2
CLASSES = ("apple, red", "birne", "kirsche")


def write_photos(folder, count, seed):
    """Writes photos in several formats and sizes, with one colour per class."""
    rng = numpy.random.default_rng(seed)
    for c, name in enumerate(CLASSES):
        below = folder / name / "more"
        below.mkdir(parents=True)
        for i in range(count):
            pixels = rng.integers(0, 120, (20 + i, 24, 3), numpy.uint8)
            pixels[:, :, c] += 100
            Image.fromarray(pixels).save((below if i % 3 == 0 else below.parent) / f"{i}.{('jpg', 'PNG', 'webp', 'bmp')[i % 4]}")


@pytest.fixture(scope="module")
def fruit(tmp_path_factory):
    """(a folder with train/, test/ and new photos, output of class-folders for it)"""
    folder = tmp_path_factory.mktemp("my fruit")
    write_photos(folder / "train", 12, seed=1)
    write_photos(folder / "test", 4, seed=2)
    (folder / "new").mkdir()
    Image.new("RGB", (30, 30), (200, 10, 10)).save(folder / "new/one.png")
    (folder / "train/README.md").write_text("fruit\n")
    (folder / "train/birne/raw.CR2").write_bytes(b"II*\0")
    (folder / "train/@eaDir/1.jpg").mkdir(parents=True)
    Image.new("RGB", (30, 30)).save(folder / "train/@eaDir/1.jpg/SYNOPHOTO_THUMB_XL.jpg")
    done = runs.pleat("class-folders", "--images", folder / "train", "--test", folder / "test", "--unlabelled", folder / "new",
                      "--column", "fruit", "--out", folder / "samples.csv")
    assert done.returncode == 0, done.stdout
    return folder, done.stdout


def test_a_row_per_photo(fruit):
    folder, said = fruit
    with open(folder / "samples.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3 * 12 + 3 * 4 + 1 == len({row["id"] for row in rows})
    assert rows[0] == {"id": "train/apple, red/1", "path": "train/apple, red/1.PNG", "fruit": "apple, red", "split": "train"}
    for words in ("3 classes", "36 train, 12 test, 1 unlabelled", "birne: 12 train, 4 test", "1 file", "README.md",
                  "W left out 1 raw photo", "raw.CR2", "@eaDir"):
        assert words in said, said


def test_the_line_that_it_names_prepares_the_crops_and_they_train(fruit, tmp_path):
    folder, said = fruit
    line = next(line.split(" next: ")[1] for line in said.splitlines() if " next: " in line)
    assert line.endswith(" --out crops.h5 --size 64 --crop center"), line
    done = subprocess.run(["sh", "-c", line.replace("--size 64", "--size 12")], cwd=tmp_path, env={"PATH": os.environ["PATH"]},
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout
    config = runs.write_config(tmp_path / "c.yaml", tmp_path / "crops.h5", targets="[{name: fruit}]", folds="{k: 3}",
                               train="{epochs: 1, batch: 12}", predict="{flip: true, shift: 2}")
    done = runs.pleat("train", config, "--run", tmp_path / "run", ranks=2)
    assert done.returncode == 0, done.stdout
    summary = json.loads((tmp_path / "run/summary.json").read_text())
    assert summary["targets"]["fruit"]["test"] is not None
    with open(tmp_path / "run/predictions.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 13 and "fruit:apple, red" in rows[0]


def test_problems_are_one_error_and_nothing_is_written(fruit, tmp_path):
    folder, _ = fruit
    done = runs.pleat("class-folders", "--images", folder, "--out", tmp_path / "samples.csv", ranks=2)
    assert done.returncode == 3 and done.stdout.count(" E ") == 1, done.stdout
    assert "1 problem, " in done.stdout and "'test', 'train' in " in done.stdout, done.stdout
    done = runs.pleat("class-folders", "--images", folder / "train", "--column", "split", "--out", tmp_path / "samples.csv")
    assert done.returncode == USAGE and "--column 'split'" in done.stdout, done.stdout
    done = runs.pleat("class-folders", "--images", folder / "train", "--column", ".", "--out", tmp_path / "samples.csv")
    assert done.returncode == USAGE and "--column '.' cannot name" in done.stdout, done.stdout
    assert not list(tmp_path.iterdir())

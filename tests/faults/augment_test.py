"""Augmentations from outside: the same bytes for any number of ranks, and the preview sheet."""
import cv2
import pytest
from support import runs

EVERYTHING = {"rotate": 20, "jitter": 0.3, "randaugment": "{ops: 2}", "erase": 0.5, "mixup": 0.3, "cutmix": 1.0}
ALL = [argument for name, value in EVERYTHING.items() for argument in ("--set", f"train.augment.{name}={value}")]


def test_all_augmentations_give_the_same_bytes_on_shards_and_alone(whole_run, tmp_path):
    _, config, expected = whole_run
    command = ["train", config, *ALL, "--set", "train.micro_batches=2", "--set", "cluster.exact=true", "--set", "folds.k=2", "--set", "train.epochs=2"]
    alone = runs.pleat(*command, "--run", tmp_path / "alone")
    assert alone.returncode == 0, alone.stdout
    shards = runs.pleat(*command, "--set", "cluster.shards=2", "--run", tmp_path / "shards", ranks=2)
    assert shards.returncode == 0, shards.stdout
    assert runs.results(tmp_path / "alone") == runs.results(tmp_path / "shards")


def test_a_run_that_is_done_is_refused_with_another_augmentation(whole_run):
    folder, config, _ = whole_run
    done = runs.pleat("train", config, "--set", "train.augment.mixup=0.2", "--run", folder / "run")
    assert done.returncode == 2 and "train.augment.mixup: 0.0 -> 0.2" in done.stdout, done.stdout


@pytest.mark.parametrize("ranks", [0, 2])
def test_the_sheet_has_a_line_for_each_augmentation_and_nothing_is_trained(whole_run, tmp_path, ranks):
    _, config, _ = whole_run
    sheet = tmp_path / "sheet.png"
    done = runs.pleat("train", config, *ALL, "--run", tmp_path / "run", "--preview-augment", sheet, ranks=ranks)
    assert done.returncode == 0 and "8 of 300 training images, augmented in 9 ways" in done.stdout, done.stdout
    assert {path.name for path in tmp_path.iterdir()} == {"sheet.png"}
    height, width, _ = cv2.imread(str(sheet)).shape
    line = 96 + 6  # images are enlarged to 96 pixels; lines: original, flip, pad, six more, all together
    assert height == 10 * line + 24 and width > 8 * line


def test_without_augmentation_the_sheet_shows_the_images(whole_run, tmp_path):
    _, config, _ = whole_run
    done = runs.pleat("train", config, "--set", "train.augment={flip: false, pad: 0}", "--preview-augment", tmp_path / "s.png")
    assert done.returncode == 0 and "augmented in 0 ways" in done.stdout, done.stdout


@pytest.mark.parametrize("there, code, words", [("notes", 3, "is no PNG picture"), (None, 3, "No such file or directory")])
def test_a_file_that_is_no_picture_is_not_replaced(whole_run, tmp_path, there, code, words):
    _, config, _ = whole_run
    out = tmp_path / ("notes.txt" if there else "no/such/folder/sheet.png")
    if there:
        out.write_text(there)
    done = runs.pleat("train", config, "--preview-augment", out)
    assert done.returncode == code and words in done.stdout and len(done.stdout.splitlines()) == 1, done.stdout
    assert not there or out.read_text() == there


@pytest.mark.parametrize("option, words", [
    ("rotate=-5", "train.augment.rotate is '-5'"), ("jitter=1.5", "train.augment.jitter is '1.5'"),
    ("erase=2", "train.augment.erase is '2'"), ("mixup=-1", "train.augment.mixup is '-1'"), ("cutmix=x", "train.augment.cutmix is 'x'"),
    ("randaugment={ops: 20}", "train.augment.randaugment.ops is '20'"), ("randaugment={operations: 2}", "unknown key"),
])
def test_an_impossible_strength_is_refused(whole_run, tmp_path, option, words):
    _, config, _ = whole_run
    done = runs.pleat("train", config, "--set", f"train.augment.{option}", "--run", tmp_path / "run")
    assert done.returncode == 2 and words in done.stdout, done.stdout

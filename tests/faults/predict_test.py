"""pleat predict gives the run's own predictions, on any number of ranks."""
import csv
import shutil

import pytest
from support import runs

DATA = 3


def rows_of(path):
    with open(path) as file:
        return {row["id"]: row for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def exact_run(whole_run, tmp_path_factory):
    """In fp32, because bf16 predictions differ in the third digit for other batch sizes."""
    folder, config, _ = whole_run
    run = tmp_path_factory.mktemp("fp32") / "run"
    done = runs.pleat("train", config, "--set", "train.precision=fp32", "--run", run)
    assert done.returncode == 0, done.stdout
    return folder / "crops.h5", run


@pytest.fixture(scope="module")
def predicted_alone(exact_run, tmp_path_factory):
    crops, run = exact_run
    out = tmp_path_factory.mktemp("alone") / "p.csv"
    done = runs.pleat("predict", "--run", run, "--crops", crops, "--out", out)
    assert done.returncode == 0, done.stdout
    return out


def test_the_ensemble_predicts_its_test_rows_as_the_run_did(exact_run, predicted_alone):
    _, run = exact_run
    predicted, by_run = rows_of(predicted_alone), rows_of(run / "predictions.csv")
    assert len(predicted) == 360 and len(by_run) == 60
    for name, row in by_run.items():
        for column, value in row.items():
            if ":" in column:  # a probability; the last digits may differ, since the batches are cut differently
                assert abs(float(predicted[name][column]) - float(value)) < 1e-5


@pytest.mark.parametrize("ranks", [2, 3])
def test_any_number_of_ranks_writes_the_same_bytes(exact_run, predicted_alone, tmp_path, ranks):
    crops, run = exact_run
    done = runs.pleat("predict", "--run", run, "--crops", crops, "--out", tmp_path / "p.csv", ranks=ranks)
    assert done.returncode == 0, done.stdout
    assert (tmp_path / "p.csv").read_bytes() == predicted_alone.read_bytes()


def test_training_rows_and_files_that_would_be_lost_are_named(whole_run, tmp_path):
    folder, _, _ = whole_run
    done = runs.pleat("predict", "--run", folder / "run", "--crops", folder / "crops.h5", "--out", tmp_path / "p.csv")
    assert done.returncode == 0 and "300 of 360 rows are this run's training rows" in done.stdout, done.stdout
    crops = shutil.copy(folder / "crops.h5", tmp_path / "crops.h5")
    done = runs.pleat("predict", "--run", folder / "run", "--crops", crops, "--out", crops)
    assert done.returncode == 2 and "would be lost" in done.stdout, done.stdout
    (tmp_path / "labels.csv").write_text("id,path\n")
    done = runs.pleat("predict", "--run", folder / "run", "--crops", crops, "--out", tmp_path / "labels.csv")
    assert done.returncode == 3 and "labels.csv exists" in done.stdout, done.stdout
    assert (tmp_path / "labels.csv").read_text() == "id,path\n"


def test_a_model_in_another_folds_place_is_refused(whole_run, tmp_path):
    folder, _, _ = whole_run
    run = shutil.copytree(folder / "run", tmp_path / "run")
    folds = run / "round_0/label/resnet20"
    shutil.rmtree(folds / "fold_1")
    shutil.copytree(folds / "fold_0", folds / "fold_1")
    done = runs.pleat("predict", "--run", run, "--crops", folder / "crops.h5", "--out", tmp_path / "p.csv")
    assert done.returncode not in (0, 5) and "fold 0' and not of 'label/resnet20/fold 1'" in done.stdout, done.stdout
    assert not (tmp_path / "p.csv").exists()


@pytest.mark.parametrize("ranks", [0, 2])
def test_bad_requests_are_named_before_anything_is_predicted(whole_run, tmp_path, ranks):
    folder, config, _ = whole_run
    run, crops, out = folder / "run", folder / "crops.h5", tmp_path / "p.csv"
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("not a folder")
    other = tmp_path / "other.h5"
    assert runs.pleat("prepare", "--table", *photos(tmp_path), "--size", 12, "--out", other).returncode == 0
    for arguments, words in [
        ((tmp_path / "empty", crops, out), "holds no finished run"),
        ((run, tmp_path / "none.h5", out), "none.h5"),
        ((run, other, out), "[12,12,3]"),
        ((run, crops, tmp_path / "nowhere/p.csv"), "nowhere/p.csv: No such file"),
        ((run, crops, tmp_path / "file/p.csv"), "file/p.csv: Not a directory"),
        ((run, crops, tmp_path), "is a folder"),
    ]:
        done = runs.pleat("predict", "--run", arguments[0], "--crops", arguments[1], "--out", arguments[2], ranks=ranks)
        assert done.returncode == DATA and words in done.stdout, (words, done.stdout)
        assert "have predicted" not in done.stdout
    assert not out.exists()


def photos(folder):
    """Arguments of pleat prepare for one photo and its table."""
    from PIL import Image
    Image.new("RGB", (20, 20), (200, 100, 50)).save(folder / "one.png")
    (folder / "samples.csv").write_text("id,path\na,one.png\n")
    return folder / "samples.csv", "--images", folder


def test_a_plan_of_convolutions_that_is_gone_is_missed(exact_run, tmp_path):
    crops, run = exact_run
    copy = shutil.copytree(run, tmp_path / "run")
    if not (copy / "conv_plan.json").exists():
        pytest.skip("on this machine's device there is no plan")
    arguments = ("predict", "--run", copy, "--crops", crops, "--out", tmp_path / "p.csv")
    assert "conv_plan.json is not the plan" not in runs.pleat(*arguments).stdout
    (copy / "conv_plan.json").unlink()
    done = runs.pleat(*arguments)
    assert done.returncode == 0 and "conv_plan.json is not the plan that the run was trained with" in done.stdout, done.stdout


def test_a_run_with_failed_jobs_is_no_ensemble(whole_run, tmp_path):
    folder, config, _ = whole_run
    exploding = ("--set", "train.lr=1e30", "--set", "train.optimizer=sgd")
    assert runs.pleat("train", config, *exploding, "--run", tmp_path / "run").returncode == 5
    done = runs.pleat("predict", "--run", tmp_path / "run", "--crops", folder / "crops.h5", "--out", tmp_path / "p.csv")
    assert done.returncode == DATA and "has failed jobs" in done.stdout and "failures.json" in done.stdout, done.stdout

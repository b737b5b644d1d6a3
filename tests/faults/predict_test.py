"""pleat predict gives the run's own predictions, on any number of ranks."""
import csv
import json
import shutil

import pytest
from PIL import Image
from support import people, runs

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


@pytest.fixture(scope="module")
def people_run(tmp_path_factory):
    """(folder, its run) with targets mask and age, age trained as a number, and their joint target, on photos."""
    folder = tmp_path_factory.mktemp("people")
    config = people.write_config(folder / "c.yaml", people.prepare(folder), {
        "targets": [{"name": "mask"}, {"name": "age", "edges": [30, 50], "regress": True}], "joint": {"name": "both"},
        "data.group": "person"})
    done = runs.pleat("train", config, "--run", folder / "run")
    assert done.returncode == 0, done.stdout
    return folder, folder / "run"


def test_rows_with_labels_are_scored_as_the_run_scores_its_test_rows(people_run, tmp_path):
    folder, run = people_run
    done = runs.pleat("predict", "--run", run, "--crops", folder / "crops.h5", "--out", tmp_path / "p.csv")
    assert done.returncode == 0 and "; 96 training rows of the run are not scored" in done.stdout, done.stdout
    scores = json.loads((tmp_path / "p.scores.json").read_text())
    summary = json.loads((run / "summary.json").read_text())
    assert scores["training_rows"] == 96 and scores["predictions"] == "p.csv" and scores["score"] == summary["score"]
    assert list(scores["targets"]) == ["mask", "age", "both"]
    for name, target in scores["targets"].items():
        assert target["rows"] == 12 and target["unknown"] == {"rows": 0, "labels": []}
        test = summary["targets"][name]["test"]
        for key in ("accuracy", "macro_f1", "log_loss", "score"):
            assert abs(target[key] - test[key]) < 1e-4, (name, key)
    assert abs(scores["targets"]["age"]["number"]["mae"] - summary["targets"]["age"]["test"]["number"]["mae"]) < 1e-3
    assert "\nmask              accuracy  macro_f1  log_loss\n  12 rows " in done.stdout, done.stdout


@pytest.mark.parametrize("ranks", [0, 2])
def test_unknown_labels_are_counted_and_a_table_without_labels_is_not_scored(people_run, tmp_path, ranks):
    folder, run = people_run
    table, scores = tmp_path / "t.csv", tmp_path / "p.scores.json"
    arguments = ("predict", "--run", run, "--table", table, "--images", folder / "photos", "--out", tmp_path / "p.csv")
    table.write_text("id,path,mask\na,r1.png,wear\nb,r2.png,scarf\nc,r3.png,\nd,r4.png,none\ne,r5.png,hat\nf,r6.png,hat\n")
    done = runs.pleat(*arguments, ranks=ranks)
    assert done.returncode == 0, done.stdout
    assert "W target mask: 3 rows have a label that is no class of the run ('scarf', 'hat')" in done.stdout, done.stdout
    found = json.loads(scores.read_text())
    assert found["training_rows"] == 0 and list(found["targets"]) == ["mask"]
    assert found["targets"]["mask"]["rows"] == 2 and found["targets"]["mask"]["unknown"] == {"rows": 3, "labels": ["scarf", "hat"]}
    table.write_text("id,path,mask,gender\na,r1.png,,f\n")
    done = runs.pleat(*arguments, ranks=ranks)
    assert done.returncode == 0 and not scores.exists() and "scores" not in done.stdout, done.stdout
    scores.write_text("my own notes\n")
    assert runs.pleat(*arguments).returncode == 0 and scores.read_text() == "my own notes\n"
    table.write_text("id,path,mask\na,r1.png,wear\n")
    assert "p.scores.json exists" in runs.refusal(runs.pleat(*arguments)) and scores.read_text() == "my own notes\n"


def test_a_kill_leaves_no_old_scores_beside_new_predictions(people_run, tmp_path):
    folder, run = people_run
    arguments = ("predict", "--run", run, "--crops", folder / "crops.h5", "--out", tmp_path / "p.csv")
    assert runs.pleat(*arguments).returncode == 0
    (tmp_path / "p.csv").write_text("id,split\n")
    assert runs.pleat(*arguments, PLEAT_FAULT="write_file:2:kill").returncode == -9
    assert len(rows_of(tmp_path / "p.csv")) == 112 and not (tmp_path / "p.scores.json").exists()
    assert (tmp_path / "p.scores.json.partial").exists()
    (tmp_path / "t.csv").write_text("id,path\na,r1.png\n")
    done = runs.pleat(*arguments[:3], "--table", tmp_path / "t.csv", "--images", folder / "photos", "--out", tmp_path / "p.csv")
    assert done.returncode == 0 and sorted(path.name for path in tmp_path.iterdir()) == ["p.csv", "t.csv"], done.stdout


@pytest.mark.parametrize("ranks", [0, 2])
def test_a_folder_of_photos_needs_no_table(people_run, tmp_path, ranks):
    folder, run = people_run
    new = tmp_path / "new"
    for name in ("r1.png", "sub/r2.PNG", "sub/deep, er/r3.png", "@eaDir/r4.png"):
        (new / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(folder / "photos" / name.split("/")[-1].lower(), new / name)
    (new / "notes.txt").write_text("mine\n")
    (new / "5.CR2").write_bytes(b"II*\0")
    done = runs.pleat("predict", "--run", run, "--images", new, "--out", tmp_path / "p.csv", ranks=ranks)
    assert done.returncode == 0, done.stdout
    for words in ("W left out 1 raw photo (", "skipped 1 file without the name of a photo", "(@eaDir)"):
        assert done.stdout.count(words) == 1, (words, done.stdout)
    with open(tmp_path / "p.csv", newline="") as file:
        found = {row.pop("id"): row for row in csv.DictReader(file)}
    assert sorted(found) == ["r1.png", "sub/deep, er/r3.png", "sub/r2.PNG"]
    (tmp_path / "t.csv").write_text('id,path\n1,r1.png\n3,"sub/deep, er/r3.png"\n2,sub/r2.PNG\n')
    done = runs.pleat("predict", "--run", run, "--table", tmp_path / "t.csv", "--images", new, "--out", tmp_path / "q.csv")
    assert done.returncode == 0, done.stdout
    by_table = rows_of(tmp_path / "q.csv")
    for number, name in zip("123", ("r1.png", "sub/r2.PNG", "sub/deep, er/r3.png")):
        row = by_table[number]
        row.pop("id")
        assert row == found[name]


def test_a_folder_without_photos_and_half_a_request_are_refused(people_run, tmp_path):
    folder, run = people_run
    out = tmp_path / "p.csv"
    (tmp_path / "none").mkdir()
    done = runs.pleat("predict", "--run", run, "--images", tmp_path / "none", "--out", out)
    assert "none holds no photo" in runs.refusal(done)
    (tmp_path / "none/a.jpg").write_text("no photo")
    done = runs.pleat("predict", "--run", run, "--images", tmp_path / "none", "--out", out)
    assert f"{out} is not written" in done.stdout and ".crops.h5" not in done.stdout and done.returncode == DATA, done.stdout
    done = runs.pleat("predict", "--run", run, "--table", folder / "samples.csv", "--out", out)
    assert "--images is missing" in runs.refusal(done, 2)
    assert not out.exists() and sorted(path.name for path in tmp_path.iterdir()) == ["none"]

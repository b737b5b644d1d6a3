"""Users' mistakes: one line with fault, value, expectation and remedy; the right exit code; no files left."""
import json
import shutil
import subprocess

import pytest
from support import runs

CONFIG = 2
DATA = 3
CLUSTER = 4


@pytest.mark.parametrize("ranks", [0, 2])
@pytest.mark.parametrize("changes, code, words", [
    (["train.lr=0"], CONFIG, ["train.lr", "'0'", "above 0"]),
    (["train.epoch=3"], CONFIG, ["unknown key 'train.epoch'", "train.epochs"]),
    (["targets=[]"], CONFIG, ["targets is empty"]),
    (["targets=[{name: colour}]"], DATA, ["colour", "label"]),
    (["targets=[{name: label, classes: ['0', '1']}]"], DATA, ["row 'train-", "'2'", "0, 1"]),
    (["folds.k=200"], DATA, ["200"]),
    (["data.crops=nowhere.h5"], DATA, ["nowhere.h5"]),
    (["data.group=person"], DATA, ["person"]),
    (["folds.stratify=[age]"], DATA, ["age"]),
    (["folds.file=nowhere.csv"], DATA, ["nowhere.csv"]),
    (["train.micro_batches=64"], CONFIG, ["train.micro_batches", "train.batch"]),
    (["cluster.shards=7", "train.micro_batches=7"], CONFIG, ["shards", "7"]),
    pytest.param(["cluster.device=cuda"], CLUSTER, ["cluster.device", "CUDA", "host"],
                 marks=pytest.mark.skipif(runs.sees_cuda(), reason="here the device is there")),
    (["models=[{name: resnet99}]"], CONFIG, ["resnet99", "resnet18"]),
    (["models=[{name: resnet20}, {name: resnet20}]"], CONFIG, ["resnet20", "twice"]),
    (["models=[{id: a, name: resnet20}, {id: b, name: resnet20}]"], CONFIG, ["'a' and 'b'", "same model twice"]),
    (["cluster.exact=true", "train.micro_batches=3"], CONFIG, ["cluster.exact", "train.micro_batches (3)", "power of two"]),
    (["data.limit=100", "folds.file=folds.csv"], CONFIG, ["data.limit", "folds.file"]),
    (["models=[{name: resnet20, weights: nowhere.safetensors}]"], DATA, ["nowhere.safetensors"]),
    (["models=[{script: nowhere.pt}]"], DATA, ["nowhere.pt"]),
    (["models=[{script: /etc/passwd}]"], DATA, ["/etc/passwd", "no zip"]),
    (["models=[{name: resnet20, script: m.pt}]"], CONFIG, ["name (resnet20)", "script (m.pt)"]),
    (["models=[{script: m.pt, stem: small}]"], CONFIG, ["stem 'small'", "m.pt"]),
    (["cluster.threads=1000"], CONFIG, ["cluster.threads", "1000", "cores", "auto"]),
    (["targets=[{name: oof.h5, column: label}]"], CONFIG, ["targets", "oof.h5", "another"]),
    (["models=[{name: resnet20, id: " + 300 * "x" + "}]"], CONFIG, ["models: id", "100 characters"]),
    (["models=[{name: resnet18}, {name: resnet20, stem: imagenet}]"], CONFIG, ["stem", "imagenet", "resnet20"]),
    (["data.mean=[0.5]"], CONFIG, ["data.mean", "data.std"]),
], ids=lambda value: value[0] if isinstance(value, list) and "=" in value[0] else None)
def test_a_bad_config_is_one_line(whole_run, tmp_path, changes, code, words, ranks):
    _, config, _ = whole_run
    sets = [item for change in changes for item in ("--set", change)]
    done = runs.pleat("train", config, *sets, "--run", tmp_path / "run", ranks=ranks)
    assert done.returncode == code, done.stdout
    assert len(runs.errors(done)) == 1, done.stdout
    for word in words:
        assert word in runs.errors(done)[0]
    assert not (tmp_path / "run").exists()


def test_a_config_that_is_not_there_or_not_yaml(tmp_path):
    done = runs.pleat("train", tmp_path / "none.yaml")
    assert done.returncode == CONFIG and "none.yaml" in runs.errors(done)[0]
    (tmp_path / "bad.yaml").write_text("seed: 1\ntrain: {lr: [\n")
    done = runs.pleat("train", tmp_path / "bad.yaml")
    assert done.returncode == CONFIG and "bad.yaml:" in runs.errors(done)[0]


@pytest.mark.parametrize("ranks", [0, 2])
@pytest.mark.parametrize("arguments, words", [
    (["trian", "x"], ["unknown verb 'trian'; did you mean 'train'?", "`pleat --help`"]),
    (["bogus"], ["unknown verb 'bogus'", "`pleat --help`"]),
    (["--fast"], ["--fast", "`pleat --help`"]),
    (["train"], ["config is required", "`pleat train --help`"]),
    (["train", "x", "--fast"], ["--fast", "`pleat train --help`"]),
    (["train", "x", "--set"], ["--set", "`pleat train --help`"]),
    (["predict", "--run", "x"], ["is required", "`pleat predict --help`"]),
    (["predict", "--device", "tpu"], ["tpu", "cuda", "`pleat predict --help`"]),
    (["config", "--reference", "x"], ["--reference", "`pleat config --help`"]),
    (["config", "x", "--reference"], ["--reference", "`pleat config --help`"]),
])
def test_a_wrong_verb_or_flag_is_one_line(arguments, words, ranks):
    done = runs.pleat(*arguments, ranks=ranks)
    assert done.returncode == CONFIG and len(runs.errors(done)) == 1, done.stdout
    for word in words:
        assert word in runs.errors(done)[0]


def test_no_verb_at_all_shows_the_help():
    done = runs.pleat()
    assert done.returncode == CONFIG and not runs.errors(done) and "Usage: pleat" in done.stdout and "prepare" in done.stdout


def test_the_list_items_of_set_may_stand_in_brackets(whole_run):
    _, config, _ = whole_run
    dotted, bracketed = (runs.pleat("config", config, "--set", f"targets{item}.name=kind", "--set", "targets.0.column=label")
                         for item in (".0", "[0]"))
    assert dotted.returncode == 0 and "kind" in dotted.stdout and bracketed.stdout == dotted.stdout, bracketed.stdout


def test_doctor_says_that_a_folder_is_not_there_yet(tmp_path):
    done = runs.pleat("doctor", "--run", tmp_path / "new")
    assert done.returncode == 0 and "new does not exist yet, which is fine for a new run" in done.stdout, done.stdout
    assert not list(tmp_path.iterdir())
    done = runs.pleat("doctor", "--run", tmp_path)
    assert done.returncode == 0 and "not exist" not in done.stdout and "every rank sees" in done.stdout, done.stdout


@pytest.mark.parametrize("ranks", [0, 2])
def test_a_changed_pixel_is_found_and_named(whole_run, tmp_path, ranks):
    folder, _, _ = whole_run
    bytes_of = bytearray((folder / "crops.h5").read_bytes())
    bytes_of[8192 + 5000] ^= 0xFF
    (tmp_path / "crops.h5").write_bytes(bytes_of)
    config = runs.write_config(tmp_path / "config.yaml", tmp_path / "crops.h5")
    done = runs.pleat("train", config, "--run", tmp_path / "run", ranks=ranks)
    assert done.returncode == DATA, done.stdout
    assert len(runs.errors(done)) == 1 and "crops.h5" in runs.errors(done)[0] and "train-" in runs.errors(done)[0], done.stdout
    assert not list((tmp_path / "run").glob("round_0/*/*/*/done.json"))


def test_a_truncated_or_foreign_crops_file(whole_run, tmp_path):
    folder, _, _ = whole_run
    whole = (folder / "crops.h5").read_bytes()
    for name, content in {"cut.h5": whole[:20000], "text.h5": b"not HDF5 at all\n" * 100, "empty.h5": b""}.items():
        (tmp_path / name).write_bytes(content)
        done = runs.pleat("train", runs.write_config(tmp_path / "c.yaml", tmp_path / name), "--run", tmp_path / "run")
        assert done.returncode == DATA, (name, done.stdout)
        assert len(runs.errors(done)) == 1 and name in runs.errors(done)[0], done.stdout


def test_a_run_is_not_continued_with_other_settings_or_data(whole_run, tmp_path):
    folder, config, expected = whole_run
    done = runs.pleat("train", config, "--set", "train.lr=1e-2", "--set", "seed=3", "--run", folder / "run")
    assert done.returncode == CONFIG and "train.lr: 0.003 -> 0.01" in runs.errors(done)[0] and "seed: 7 -> 3" in runs.errors(done)[0]
    other = runs.prepare(tmp_path, rows=240)
    done = runs.pleat("train", config, "--set", f"data.crops={other}", "--run", folder / "run")
    assert done.returncode == DATA and "other data" in runs.errors(done)[0], done.stdout
    assert runs.results(folder / "run") == expected


def test_an_edited_plan_is_refused_and_a_deleted_one_made_again(whole_run, tmp_path):
    folder, config, expected = whole_run
    run = shutil.copytree(folder / "run", tmp_path / "run")
    lines = (run / "folds.csv").read_text().splitlines(keepends=True)
    (run / "folds.csv").write_text("".join(lines[:2] + lines[3:]))
    done = runs.pleat("train", config, "--run", run)
    assert done.returncode == DATA and "folds.csv is not the plan" in runs.errors(done)[0], done.stdout
    (run / "folds.csv").unlink()
    done = runs.pleat("train", config, "--run", run)
    assert done.returncode == 0 and "5 done before" in done.stdout, done.stdout
    assert runs.results(run) == expected


def test_rows_that_a_given_plan_does_not_have_are_counted(whole_run, tmp_path):
    folder, config, _ = whole_run
    lines = (folder / "run/folds.csv").read_text().splitlines(keepends=True)
    (tmp_path / "folds.csv").write_text("".join(lines[:1] + lines[8:]))
    arguments = ("train", config, "--run", tmp_path / "run", "--dry-run", "--set", f"folds.file={tmp_path / 'folds.csv'}")
    done = runs.pleat(*arguments)
    assert done.returncode == 0 and "does not have 7 of the 300 train rows, such as 'train-0', so they take no part" in done.stdout, done.stdout
    (tmp_path / "folds.csv").write_text("".join(lines))
    done = runs.pleat(*arguments)
    assert done.returncode == 0 and "does not have" not in done.stdout, done.stdout


def test_a_pad_above_half_the_image_is_a_warning(whole_run, tmp_path):
    _, config, _ = whole_run
    arguments = ("train", config, "--run", tmp_path / "run", "--dry-run")
    for pad, warned in ((6, False), (7, True), (12, True)):
        done = runs.pleat(*arguments, "--set", f"train.augment.pad={pad}")
        assert done.returncode == 0 and (f"train.augment.pad ({pad}) is more than half" in done.stdout) == warned, done.stdout


def test_a_folder_of_somebody_else_is_left_alone(whole_run, tmp_path):
    _, config, _ = whole_run
    (tmp_path / "thesis.txt").write_text("years of work")
    done = runs.pleat("train", config, "--run", tmp_path)
    assert done.returncode == DATA and "thesis.txt" in runs.errors(done)[0], done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_two_live_runs_never_share_a_folder(whole_run, tmp_path):
    _, config, _ = whole_run
    first = subprocess.Popen([runs.PLEAT, "train", config, "--set", "train.epochs=400", "--run", tmp_path / "run"],
                             env=runs.environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        while not (tmp_path / "run/config.yaml").exists():
            assert first.poll() is None
        second = runs.pleat("train", config, "--set", "train.epochs=400", "--run", tmp_path / "run")
        assert second.returncode == DATA and f"process {first.pid}" in runs.errors(second)[0], second.stdout
    finally:
        first.kill()
        first.wait()


@pytest.mark.parametrize("ranks", [0, 2])
def test_a_disk_that_fills_up_ends_the_run_and_loses_nothing(whole_run, tmp_path, ranks):
    _, config, expected = whole_run
    done = runs.pleat("train", config, "--run", tmp_path / "run", ranks=ranks, PLEAT_FAULT="write_file:9:nospace")
    assert done.returncode == DATA, done.stdout
    assert len(runs.errors(done)) == 1 and "free some space" in runs.errors(done)[0], done.stdout
    assert runs.pleat("train", config, "--run", tmp_path / "run", ranks=ranks).returncode == 0
    assert runs.results(tmp_path / "run") == expected


def test_a_loss_that_explodes_fails_its_job_and_the_others_go_on(whole_run, tmp_path):
    _, config, _ = whole_run
    done = runs.pleat("train", config, "--set", "train.lr=1e30", "--set", "train.optimizer=sgd", "--run", tmp_path / "run")
    assert done.returncode == 5, done.stdout
    failures = json.loads((tmp_path / "run/failures.json").read_text())
    assert len(failures) == 5 and all("not finite" in failure["why"] for failure in failures)


def test_weights_that_explode_in_the_last_step_fail_their_job(whole_run, tmp_path):
    """The last step's loss belongs to the weights before it, so only the predictions show that they diverged."""
    _, config, _ = whole_run
    one_step = [item for change in ("epochs=1", "batch=512", "lr=1e30", "optimizer=sgd", "precision=fp32") for item in ("--set", f"train.{change}")]
    done = runs.pleat("train", config, *one_step, "--run", tmp_path / "run")
    assert done.returncode == 5, done.stdout
    failures = json.loads((tmp_path / "run/failures.json").read_text())
    assert len(failures) == 5 and all("predictions" in failure["why"] and "train.lr" in failure["why"] for failure in failures)

"""pleat sweep refuses axes, cells and folders that cannot be swept, in one line, before anything is written."""
import pathlib
import subprocess

import pytest
from support import runs, sweeps

USAGE, DATA = 2, 3


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bad_sweep")
    crops = runs.prepare(folder)
    config = runs.write_config(folder / "config.yaml", crops, train="{epochs: 1, batch: 32, lr: 3e-3}")
    sweeps.done(config, folder / "s", axes=["--axis", "train.lr=1e-3,1e-2"])
    return folder, config


BAD_AXES = {
    "no-such-key": (["train.lrr=1,2"], "lrr"),
    "no-such-section": (["trian.lr=1,2"], "did you mean 'train'"),
    "no-values": (["train.lr="], "no values"),
    "an-empty-value": (["train.lr=1e-3,,1e-2"], "a value is empty"),
    "no-equals-sign": (["train.lr"], "expected the form KEY=VALUES"),
    "not-a-number": (["train.lr=fast,slow"], "fast"),
    "one-of-many-out-of-bounds": (["train.lr=1e-3,-1", "train.batch=8,16,32"], "3 of 6 cells cannot be trained"),
    "all-out-of-bounds": (["train.lr=-1,-2"], "2 of 2 cells cannot be trained"),
    "values-that-do-not-fit-together": (["train.micro_batches=1,64"], "micro_batches (64)"),
    "batches-of-one-row": (["train.batch=64,2", "train.micro_batches=1,2"], "1 of 4 cells cannot be trained"),
    "equal-cells": (["train.lr=1e-3,0.001"], "two cells are equal"),
    "equal-cells-by-two-names": (["models=[{name: resnet20}],[{id: resnet20, name: resnet20}]"], "two cells are equal"),
    "key-twice": (["train.lr=1,2", "train.lr=3"], "given twice"),
    "axis-of-data": (["data.crops=a.h5,b.h5"], "cells on different data cannot be compared"),
    "axis-of-folds": (["folds.k=3,5"], "cells on different folds cannot be compared"),
    "axis-of-seeds": (["seed=1,2"], "cells on different folds cannot be compared"),
    "axis-of-targets": (["targets_as=joint,heads"], "cells with different targets cannot be compared"),
    "axis-of-the-score": (["score=accuracy,log_loss"], "cells with different scores cannot be compared"),
    "axis-of-rounds": (["rounds.count=1,2"], "a sweep compares first rounds"),
    "axis-of-the-cluster": (["cluster.threads=1,2"], "it says where to compute"),
    "too-few-values-to-draw": (["train.batch=lin:16:20"], "have only 5 different values"),
    "empty-range": (["train.lr=log:1e-2:1e-4:3"], "the range is empty"),
    "range-from-zero": (["train.lr=log:0:1:3"], "starts above 0"),
    "range-without-a-number": (["train.lr=log:1e-4:1e-2"], "needs a number of values"),
    "range-of-one": (["train.lr=lin:1:2:1"], "from 2 to"),
    "range-of-words": (["train.lr=lin:low:high:3"], "'low' is not a number"),
    "half-a-list": (["models=[{name: resnet20}"], "not valid YAML"),
    "too-many-cells": (["train.lr=lin:1:2:1000", "train.momentum=lin:0.1:0.9:1000"], "more than 100000"),
}


@pytest.mark.parametrize("case", BAD_AXES)
def test_axes(made, tmp_path, case):
    _, config = made
    axes, words = BAD_AXES[case]
    random = ["--random", "6"] if case == "too-few-values-to-draw" else []
    done = sweeps.sweep(config, tmp_path / "s", *random, axes=[part for axis in axes for part in ("--axis", axis)])
    assert words in runs.refusal(done, USAGE) and not (tmp_path / "s").exists()


def test_all_bad_cells_are_named_at_once(made, tmp_path):
    _, config = made
    line = runs.refusal(sweeps.sweep(config, tmp_path / "s", axes=["--axis", "train.lr=1e-3,-1", "--axis", "train.momentum=0.9,1.5"]), USAGE)
    assert "3 of 4 cells" in line and "train.lr=-1" in line and "train.momentum=1.5" in line


@pytest.mark.parametrize("ranks", [0, 2])
def test_no_axis_at_all(made, tmp_path, ranks):
    _, config = made
    assert "no cells: give --axis" in runs.refusal(sweeps.sweep(config, tmp_path / "s", axes=[], ranks=ranks), USAGE)


BAD_TRIALS = {
    "no-rows": ("train.lr\n", DATA, "no rows"),
    "empty-trials": ("", DATA, "is empty"),
    "unknown-key": ("train.lrr\n1\n", USAGE, "lrr"),
    "bad-value": ("train.lr\n0.1\n-1\n", USAGE, "line 3"),
    "short-trial": ("train.lr,train.batch\n0.1\n", DATA, "1 values, but the header has 2"),
}


@pytest.mark.parametrize("case", BAD_TRIALS)
def test_files_of_trials(made, tmp_path, case):
    _, config = made
    text, code, words = BAD_TRIALS[case]
    (tmp_path / "trials.csv").write_text(text)
    line = runs.refusal(sweeps.sweep(config, tmp_path / "s", "--trials", tmp_path / "trials.csv", axes=[]), code)
    assert words in line and ("trials.csv" in line or case == "unknown-key")
    assert not (tmp_path / "s").exists()


def test_trials_and_axes_exclude_each_other(made, tmp_path):
    _, config = made
    (tmp_path / "trials.csv").write_text("train.lr\n0.1\n")
    assert "leave --axis and --random out" in runs.refusal(sweeps.sweep(config, tmp_path / "s", "--trials", tmp_path / "trials.csv"), USAGE)
    missing = sweeps.sweep(config, tmp_path / "s", "--trials", tmp_path / "none.csv", axes=[])
    assert "none.csv" in runs.refusal(missing, DATA)


def test_collect_without_weights(made, tmp_path):
    _, config = made
    done = sweeps.sweep(config, tmp_path / "s", "--collect", "--set", "sweep.keep=scores")
    assert "--collect joins networks" in runs.refusal(done, USAGE)


OTHER_MEANING = {
    "other-keys": (["--axis", "train.batch=16,32"], [], "is a sweep over train.lr, not over train.batch"),
    "more-keys": (["--axis", "train.lr=1e-3", "--axis", "train.batch=16,32"], [], "not over train.lr, train.batch"),
    "another-setting": (["--axis", "train.lr=1e-3,1e-2"], ["--set", "train.epochs=2"], "train.epochs: 1 -> 2"),
    "another-seed": (["--axis", "train.lr=1e-3,1e-2"], ["--set", "seed=8"], "seed: 7 -> 8"),
}


@pytest.mark.parametrize("case", OTHER_MEANING)
def test_a_folder_of_another_sweep(made, case):
    folder, config = made
    axes, options, words = OTHER_MEANING[case]
    before = {path: path.read_bytes() for path in (folder / "s").rglob("*") if path.is_file()}
    assert words in runs.refusal(sweeps.sweep(config, folder / "s", *options, axes=axes), USAGE)
    assert {path: path.read_bytes() for path in (folder / "s").rglob("*") if path.is_file()} == before


def test_a_folder_of_other_things(made, tmp_path):
    folder, config = made
    run = folder / "s/trials/lr=0.001"
    assert "holds no sweep" in runs.refusal(sweeps.sweep(config, run, axes=["--axis", "train.lr=1e-3,1e-2"]), DATA)
    assert "holds no pleat run" in runs.refusal(runs.pleat("train", config, "--run", folder / "s"), DATA)
    (tmp_path / "file").write_text("")
    assert "is a file" in runs.refusal(sweeps.sweep(config, tmp_path / "file"), DATA)
    (tmp_path / "s").mkdir()
    (tmp_path / "s/sweep.json").write_text("{}")
    assert "sweep.json is damaged" in runs.refusal(sweeps.sweep(config, tmp_path / "s"), DATA)


def test_a_sweep_is_no_run(made):
    folder, _ = made
    for verb in (["predict", "--run", folder / "s", "--crops", folder / "crops.h5", "--out", folder / "p.csv"],
                 ["export", folder / "s", "--out", folder / "e"]):
        assert "is a sweep; give the run of a cell" in runs.refusal(runs.pleat(*verb), DATA)


def test_an_ensemble_folder_that_is_not_ours_is_found_before_anything_is_trained(made, tmp_path):
    _, config = made
    sweeps.done(config, tmp_path / "s", axes=["--axis", "train.lr=1e-3,1e-2"])
    (tmp_path / "s/ensemble").mkdir()
    (tmp_path / "s/ensemble/mine").write_text("")
    done = sweeps.sweep(config, tmp_path / "s", "--collect", axes=["--axis", "train.lr=1e-3,1e-2,3e-2"])
    assert "--collect cannot write its ensemble" in runs.refusal(done, DATA)
    assert (tmp_path / "s/ensemble/mine").exists() and not (tmp_path / "s/trials/lr=0.03").exists()


def test_a_sweep_of_other_data(made, tmp_path):
    folder, config = made
    crops = runs.prepare(tmp_path / "other", rows=303)
    done = sweeps.sweep(config, folder / "s", "--set", f"data.crops={crops}", axes=["--axis", "train.lr=1e-3,1e-2"])
    assert "was made from other data" in runs.refusal(done, DATA)


@pytest.mark.parametrize("ranks", [0, 2])
def test_crops_that_a_rank_cannot_see(made, tmp_path, ranks):
    _, config = made
    done = sweeps.sweep(config, tmp_path / "s", "--set", "data.crops=nowhere.h5", ranks=ranks)
    assert "nowhere.h5" in runs.refusal(done, DATA) and not (tmp_path / "s").exists()


def test_two_sweeps_in_one_folder(made, tmp_path):
    _, config = made
    first = subprocess.Popen([runs.PLEAT, "sweep", config, *sweeps.GRID, "--run", tmp_path / "s", "--set", "train.epochs=40"],
                             env=runs.environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        for line in first.stdout:
            if "starts on host" in line:
                break
        line = runs.refusal(sweeps.sweep(config, tmp_path / "s", "--set", "train.epochs=40"), DATA)
        assert f"process {first.pid}" in line, line
    finally:
        first.kill()
        first.communicate()


def require_mounts():
    """Skips the test where no file system can be mounted."""
    done = subprocess.run(["unshare", "--mount", "true"], capture_output=True)
    if done.returncode != 0:
        pytest.skip(f"no file system can be mounted here: {done.stderr.decode()}")


def test_too_little_disk(made, tmp_path):
    _, config = made
    require_mounts()
    (tmp_path / "small").mkdir()
    command = (f"mount -t tmpfs -o size=3m tmpfs {tmp_path}/small && "
               f"exec {runs.PLEAT} sweep {config} --axis train.lr=1e-3,1e-2 --run {tmp_path}/small/s --set sweep.keep=all")
    done = subprocess.run(["unshare", "--mount", "bash", "-c", command], env=runs.environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    line = runs.refusal(done, DATA)
    assert "the sweep needs up to" in line and "MB are free" in line and "sweep.keep=scores" in line


def test_cells_that_do_not_fit_the_data_are_named_before_anything_is_trained(made, tmp_path):
    _, config = made
    done = sweeps.sweep(config, tmp_path / "s", "--set", "train.keep=best", axes=["--axis", "train.progressive.from=8,12,16"])
    line = runs.refusal(done, USAGE)
    assert "2 of 3 cells cannot be trained" in line and "from=12" in line and "from=16" in line
    assert not pathlib.Path(tmp_path / "s").exists()

"""A run that is killed at any point resumes, and ends with the bytes of an undisturbed run."""
import json
import os
import signal
import socket
import subprocess
import time

import pytest
from support import runs

# 240 training rows, batches of 32: 8 steps an epoch, 32 a job. Step 13 is in epoch 2 of the first job, and so on.
MOMENTS = ["step_done:3:kill", "step_done:13:kill", "step_done:75:kill"]


def killed(done, ranks=0):
    """True if only SIGKILL ended it. mpirun returns 128 + 9."""
    return done.returncode == (137 if ranks else -9)


@pytest.mark.parametrize("ranks", [0, 2])
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_kill_within_an_epoch(whole_run, tmp_path, moment, ranks):
    _, config, expected = whole_run
    first = runs.pleat("train", config, "--run", tmp_path / "run", ranks=ranks, PLEAT_FAULT=moment)
    assert killed(first, ranks), first.stdout
    assert not (tmp_path / "run/summary.json").exists()
    finished = sorted((tmp_path / "run").glob("round_0/*/*/*/done.json"))
    stamps = [path.stat().st_mtime_ns for path in finished]
    begun = list((tmp_path / "run").glob("round_0/*/*/*/resume/*.safetensors"))

    again = runs.pleat("train", config, "--run", tmp_path / "run", ranks=ranks)
    assert again.returncode == 0, again.stdout
    assert runs.results(tmp_path / "run") == expected
    assert ("resumes from" in again.stdout) == bool(begun), "an unfinished job resumes from its last epoch, not from the start"
    assert [path.stat().st_mtime_ns for path in finished] == stamps, "a finished job is not done again"


def test_a_kill_while_images_still_grow_and_weights_are_averaged(whole_run, tmp_path):
    """150 training rows: 5 steps an epoch. Step 7 is in epoch 2, with images of 8 x 8; epoch 3 has 12 x 12."""
    _, config, _ = whole_run
    options = ["--set", "folds.k=2", "--set", "train.augment.resized_crop=0.4", "--set", "train.progressive.from=8",
               "--set", "train.progressive.until=0.8", "--set", "train.ema=0.9"]
    alone = runs.pleat("train", config, *options, "--run", tmp_path / "alone")
    assert alone.returncode == 0, alone.stdout
    expected = runs.results(tmp_path / "alone")
    first = runs.pleat("train", config, *options, "--run", tmp_path / "run", ranks=2, PLEAT_FAULT="step_done:7:kill")
    assert killed(first, 2), first.stdout
    again = runs.pleat("train", config, *options, "--run", tmp_path / "run", ranks=2)
    assert again.returncode == 0 and "resumes from" in again.stdout, again.stdout
    assert len(expected) == 4 + 2 * 2 and runs.results(tmp_path / "run") == expected


@pytest.mark.parametrize("moment", ["write_file:4:kill", "checkpoint_saved:2:kill", "before_done:1:kill", "before_done:3:kill"])
def test_a_kill_within_a_write(whole_run, tmp_path, moment):
    _, config, expected = whole_run
    first = runs.pleat("train", config, "--run", tmp_path / "run", PLEAT_FAULT=moment)
    assert killed(first), first.stdout
    again = runs.pleat("train", config, "--run", tmp_path / "run")
    assert again.returncode == 0, again.stdout
    assert runs.results(tmp_path / "run") == expected


def test_what_a_killed_rank_was_at_is_said_with_the_way_to_go_on(whole_run, tmp_path):
    _, config, expected = whole_run
    run = tmp_path / "a run"
    # Rank 1 dies in epoch 2 of its first job.
    first = runs.pleat("train", config, "--run", run, ranks=2, PLEAT_FAULT="step_done:13:kill@1")
    assert killed(first, 2), first.stdout
    host = socket.gethostname()
    said = [line for line in first.stdout.splitlines() if "was on rank 1" in line]
    assert len(said) == 1, first.stdout
    assert "label/resnet20/fold " in said[0] and f"rank 1 (host {host}), in epoch 2 of 4" in said[0]
    assert "signal 9" in first.stdout, "mpirun's own line, which knows who died"
    command = first.stdout.split("resume with: ")[-1].splitlines()[0]
    assert command.startswith("mpirun --bind-to none -n 2 ") and f"train {config} --run '{run}'" in command
    fresh = {name: value for name, value in runs.environment().items() if "RUN_AS_ROOT" not in name}
    again = subprocess.run(command.replace("mpirun ", "mpirun --oversubscribe "), shell=True, env=fresh, timeout=300,
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert again.returncode == 0, again.stdout
    assert runs.results(run) == expected


def test_a_checkpoint_that_was_cut_short_is_named_and_the_one_before_is_used(whole_run, tmp_path):
    _, config, expected = whole_run
    first = runs.pleat("train", config, "--run", tmp_path / "run", PLEAT_FAULT="step_done:29:kill")
    assert killed(first)
    checkpoints = sorted((tmp_path / "run").glob("round_0/*/*/*/resume/*.safetensors"))
    assert len(checkpoints) == 2, checkpoints
    checkpoints[1].write_bytes(checkpoints[1].read_bytes()[:-1000])
    again = runs.pleat("train", config, "--run", tmp_path / "run")
    assert again.returncode == 0, again.stdout
    assert f"{checkpoints[1]} is broken" in again.stdout
    assert f"resumes from {checkpoints[0]}" in again.stdout
    assert runs.results(tmp_path / "run") == expected


@pytest.mark.parametrize("ranks", [0, 2])
def test_a_stop_on_request_saves_its_place_and_leaves_with_75(whole_run, tmp_path, ranks):
    _, config, expected = whole_run
    launcher = ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(ranks)] if ranks else []
    # Enough epochs that the signal arrives during training. The run then ends at once.
    process = subprocess.Popen([*launcher, runs.PLEAT, "train", config, "--run", tmp_path / "run"], env=runs.environment(),
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    deadline = time.monotonic() + 120
    while not list((tmp_path / "run").glob("round_0/*/*/*/resume/*.safetensors")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGUSR1)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 75, output
    again = runs.pleat("train", config, "--run", tmp_path / "run", ranks=ranks)
    assert again.returncode == 0, again.stdout
    assert runs.results(tmp_path / "run") == expected


def test_a_result_that_was_changed_is_made_again(whole_run, tmp_path):
    _, config, expected = whole_run
    assert runs.pleat("train", config, "--run", tmp_path / "run").returncode == 0
    weights = tmp_path / "run/round_0/label/resnet20/fold_2/weights.safetensors"
    flipped = bytearray(weights.read_bytes())
    flipped[-5] ^= 1
    weights.write_bytes(flipped)
    again = runs.pleat("train", config, "--run", tmp_path / "run")
    assert again.returncode == 0 and "was changed after it was written" in again.stdout
    assert runs.results(tmp_path / "run") == expected
    assert json.loads((tmp_path / "run/summary.json").read_text())["rounds"][0]["done_before"] == 4
    assert os.path.exists(weights)

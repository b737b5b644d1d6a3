"""Runs under Slurm: time limits, requeues, arrays and exit codes. Each ends with the bytes of an undisturbed run."""
import concurrent.futures
import os
import signal

import pytest
from one_node import checkpoints, freeze, until
from support import runs

# The limit is a minute, the shortest there is. Slurm looks every 30 s for jobs to warn, and warns up to 30 s early: here 10
# to 40 s after the start. A warning that is due sooner can come before the ranks are there, and is then lost.
SHORT = ("--time=1", "--signal=USR1@20")


def shown(log):
    """Prints a job's log, for the record."""
    text = log.read_text()
    print(text)
    return text


def reach_time_limits(slurm, config, run, log):
    """Trains through three time limits. The ranks are frozen from the first checkpoint of each start to Slurm's warning: a run
    of seconds then lasts for minutes. Returns what scontrol knows about the job at its end."""
    job = slurm.submit(log, *SHORT, "launch/slurm.sbatch", "train", config, "--run", run)
    for restarts in (1, 2, 3):
        before = checkpoints(run)
        until(lambda: checkpoints(run) - before, "a checkpoint of this start")
        ranks = slurm.ranks(job)
        assert len(ranks) == 2
        freeze(ranks)
        slurm.start_again(job, restarts)
    return slurm.end_of(job)


@pytest.fixture(scope="module", autouse=True)
def time_limits(request, slurm, whole_run, tmp_path_factory):
    """The run through three time limits, in a thread: it waits for a minute and a half, in which the other tests run."""
    if not any("time_limit" in item.name for item in request.session.items):
        yield None
        return
    folder = tmp_path_factory.mktemp("limits")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        yield folder, pool.submit(reach_time_limits, slurm, whole_run[1], folder / "run", folder / "log")


def test_a_job_that_is_requeued_in_the_middle(slurm, whole_run, tmp_path):
    _, config, expected = whole_run
    run, log = tmp_path / "run", tmp_path / "log"
    job = slurm.submit(log, "launch/slurm.sbatch", "train", config, "--run", run)
    until(lambda: checkpoints(run), "a checkpoint")
    slurm.output("scontrol", "requeue", job)
    slurm.start_again(job, 1)
    end = slurm.end_of(job)
    text = shown(log)
    assert (end["JobState"], end["ExitCode"], end["Restarts"]) == ("COMPLETED", "0:0", "1")
    assert "resumes from" in text
    assert runs.results(run) == expected


def test_a_job_that_is_cancelled_saves_its_place_and_is_not_requeued(slurm, whole_run, tmp_path):
    _, config, _ = whole_run
    run, log = tmp_path / "run", tmp_path / "log"
    job = slurm.submit(log, "launch/slurm.sbatch", "train", config, "--run", run)
    until(lambda: checkpoints(run), "a checkpoint")
    slurm.output("scancel", job)
    until(lambda: not slurm.ranks(job) and "COMPLETING" not in slurm.output("squeue", "-h", "-o", "%T"), "its processes are gone")
    end = slurm.end_of(job)
    text = shown(log)
    assert (end["JobState"], end["Restarts"]) == ("CANCELLED", "0"), text
    assert "stopped on request; run the same command again" in text


def test_srun_alone(slurm, whole_run, tmp_path):
    _, config, expected = whole_run
    done = slurm.command("srun", "--mpi=pmix", "-n", "2", runs.PLEAT, "train", config, "--run", tmp_path / "run")
    assert done.returncode == 0, done.stdout
    assert "5 jobs, 2 ranks x 1 thread" in done.stdout
    assert runs.results(tmp_path / "run") == expected


def test_a_rank_that_is_killed_ends_the_job_and_the_same_command_resumes(slurm, whole_run, tmp_path):
    _, config, expected = whole_run
    run, log = tmp_path / "run", tmp_path / "log"
    job = slurm.submit(log, "launch/slurm.sbatch", "train", config, "--run", run)
    until(lambda: checkpoints(run), "a checkpoint")
    os.kill(slurm.ranks(job)[1], signal.SIGKILL)
    end = slurm.end_of(job)
    shown(log)
    assert (end["JobState"], end["Restarts"]) == ("FAILED", "0"), "only a stop on request requeues"
    again = slurm.submit(log, "launch/slurm.sbatch", "train", config, "--run", run)
    assert slurm.end_of(again)["ExitCode"] == "0:0", log.read_text()
    assert runs.results(run) == expected


@pytest.mark.parametrize("code, change", [
    (2, "train.lrr=1"), (3, "data.crops=nowhere.h5"), (5, "train={epochs: 1, batch: 32, lr: 1e30, optimizer: sgd}")])
def test_the_exit_code_of_a_job_that_fails_is_pleats(slurm, whole_run, tmp_path, code, change):
    _, config, _ = whole_run
    job = slurm.submit(tmp_path / "log", "launch/slurm.sbatch", "train", config, "--set", change, "--run", tmp_path / "run")
    end = slurm.end_of(job)
    text = shown(tmp_path / "log")
    assert (end["JobState"], end["ExitCode"], end["Reason"]) == ("FAILED", f"{code}:0", "NonZeroExitCode"), text
    assert f"Exited with exit code {code}" in text


def test_an_array_trains_a_sweep_and_its_cells_are_joined(slurm, whole_run, tmp_path):
    _, config, _ = whole_run
    sweep = ("launch/sweep.sh", config, "--axis", "train.lr=3e-3,3e-4", "--out", tmp_path / "sweep")
    extra = ("--", "--set", "train.epochs=1", "--set", "folds.k=2")
    (tmp_path / "cells.txt").write_text(slurm.output(*sweep, "--list", *extra))
    job = slurm.submit(tmp_path / "log_%a", "--array=1-2", "launch/slurm_array.sbatch", config, tmp_path / "cells.txt")
    for task in (1, 2):
        end = slurm.end_of(f"{job}_{task}")
        assert end["ExitCode"] == "0:0", shown(tmp_path / f"log_{task}")
    joined = slurm.output(*sweep, "--gather", *extra)
    print(joined)
    assert joined.count("OOF macro_f1") == 2 and (tmp_path / "sweep/ensemble/summary.json").exists()


def test_a_run_that_reaches_its_time_limit_three_times(time_limits, whole_run):
    """Last, since it has been running since the first test."""
    folder, ending = time_limits
    end = ending.result()
    text = shown(folder / "log")
    assert (end["JobState"], end["ExitCode"], end["Restarts"]) == ("COMPLETED", "0:0", "3")
    assert text.count(f"stopped on request; job {end['JobId']} is requeued") == 3 and "start 4, 2 ranks" in text
    assert runs.results(folder / "run") == whole_run[2]

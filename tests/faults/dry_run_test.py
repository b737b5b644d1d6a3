"""pleat train --dry-run shows the run's jobs, refuses the same mistakes as the run, and writes nothing."""
import os
import re
import subprocess

import pytest
from support import people, runs


def state_of(folder):
    return {path.relative_to(folder): (path.stat().st_mtime_ns, path.stat().st_size) for path in folder.rglob("*")}


@pytest.mark.parametrize("ranks", [0, 2])
def test_a_new_run_is_described_and_nothing_is_written(whole_run, tmp_path, ranks):
    _, config, _ = whole_run
    done = runs.pleat("train", config, "--run", tmp_path / "new/run", "--dry-run", ranks=ranks)
    assert done.returncode == 0, done.stdout
    slots = "2 slots of 1 rank on 2 ranks" if ranks else "1 slot of 1 rank on 1 rank, 1 thread each"
    for words in ("300 train, 0 unlabelled, 60 test", slots, "5 = 1 network x 1 model x 5 folds",
                  "label: 3 classes in 300 training rows: 0 (100), 1 (100), 2 (100); 60 test rows, 60 of them labelled",
                  "0 done before", "label/resnet20/fold 4: 240 training rows, 60 held out, 8 steps an epoch", "memory", "peak of a step",
                  "disk", "nothing was written"):
        assert words in done.stdout, f"{words} not in {done.stdout}"
    assert not list(tmp_path.iterdir())


def test_a_run_that_is_there_shows_what_is_done_and_stays_as_it_is(whole_run):
    folder, config, _ = whole_run
    before = state_of(folder)
    done = runs.pleat("train", config, "--run", folder / "run", "--dry-run")
    assert done.returncode == 0 and "5 done before, nothing left to do" in done.stdout and done.stdout.count(", done\n") == 5, done.stdout
    assert state_of(folder) == before


@pytest.mark.parametrize("ranks", [0, 2])
def test_it_refuses_what_the_run_would_refuse(whole_run, tmp_path, ranks):
    folder, config, _ = whole_run
    before = state_of(folder)
    other = runs.pleat("train", config, "--set", "train.lr=1e-2", "--run", folder / "run", "--dry-run", ranks=ranks)
    assert other.returncode == 2 and "train.lr: 0.003 -> 0.01" in other.stdout, other.stdout
    assert state_of(folder) == before
    (tmp_path / "thesis.txt").write_text("years of work")
    foreign = runs.pleat("train", config, "--run", tmp_path, "--dry-run", ranks=ranks)
    assert foreign.returncode == 3 and "thesis.txt" in foreign.stdout, foreign.stdout


def test_a_folder_whose_name_is_too_long_is_an_error_in_words(whole_run, tmp_path):
    _, config, _ = whole_run
    for arguments in ((), ("--dry-run",)):
        done = runs.pleat("train", config, "--run", tmp_path / ("x" * 300), *arguments)
        assert done.returncode == 3 and "File name too long" in done.stdout, done.stdout


def test_groups_are_counted_and_a_long_list_of_jobs_is_cut(whole_run, tmp_path):
    _, config, _ = whole_run
    command = ["train", config, "--run", tmp_path / "run", "--dry-run", "--set", "folds.repeats=8"]
    done = runs.pleat(*command, "--set", "data.group=label", "--set", "folds.k=2")
    assert done.returncode == 0 and "groups    3 in column label (data.group)" in done.stdout, done.stdout
    assert "16 = 1 network x 1 model x 16 folds" in done.stdout and " more\n" not in done.stdout, done.stdout
    done = runs.pleat(*command)
    assert done.returncode == 0 and done.stdout.count("label/resnet20/fold ") == 30 and "and 10 more" in done.stdout, done.stdout


@pytest.mark.skipif(b"__asan_init" in runs.PLEAT.read_bytes(), reason="AddressSanitizer takes memory of its own")
def test_the_memory_planned_is_what_a_run_takes(whole_run, tmp_path):
    _, config, _ = whole_run
    command = ["train", config, "--run", tmp_path / "run"]
    for change in ("models=[{name: resnet18}]", "folds.k=2", "train.epochs=1"):
        command += ["--set", change]
    plan = runs.pleat(*command, "--dry-run")
    found = re.search(r"about ([\d.]+) (MB|GB) a rank", plan.stdout)
    assert found, plan.stdout
    planned = float(found[1]) * {"MB": 1e6, "GB": 1e9}[found[2]]
    child = subprocess.Popen([runs.PLEAT, *map(str, command)], env=runs.environment(), stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0
    taken = usage.ru_maxrss * 1024  # Linux counts it in KiB
    assert 0.75 < planned / taken < 1.35, (planned, taken)


def test_labels_cannot_break_lines_or_control_the_terminal(tmp_path):
    table = {name: row | {"mask": row["mask"].replace("bad", "b\x1b[31ma\nd")} for name, row in people.rows(48, 0, 0).items()}
    config = people.write_config(tmp_path / "c.yaml", people.prepare(tmp_path, table))
    done = runs.pleat("train", config, "--run", tmp_path / "run", "--dry-run")
    assert done.returncode == 0 and "b\\x1B[31ma\\nd (16)" in done.stdout and "\x1b" not in done.stdout, done.stdout

"""pleat train --dry-run says what a run would do, refuses what the run would refuse, and writes nothing."""
import pytest
from support import runs


def state_of(folder):
    return {path.relative_to(folder): (path.stat().st_mtime_ns, path.stat().st_size) for path in folder.rglob("*")}


@pytest.mark.parametrize("ranks", [0, 2])
def test_a_new_run_is_described_and_nothing_is_written(whole_run, tmp_path, ranks):
    _, config, _ = whole_run
    done = runs.pleat("train", config, "--run", tmp_path / "new/run", "--dry-run", ranks=ranks)
    assert done.returncode == 0, done.stdout
    for words in ("300 train, 0 unlabelled, 60 test", f"{max(1, ranks)} slots of 1 ranks", "5 = 1 targets x 1 models x 5 folds",
                  "0 done before", "label/resnet20/fold 4: 240 training rows, 60 held out, 8 steps an epoch", "memory", "peak of a step",
                  "disk", "nothing was written"):
        assert words in done.stdout, f"{words} not in {done.stdout}"
    assert not list(tmp_path.iterdir())


def test_a_run_that_is_there_shows_what_is_done_and_stays_as_it_is(whole_run):
    folder, config, _ = whole_run
    before = state_of(folder)
    done = runs.pleat("train", config, "--run", folder / "run", "--dry-run")
    assert done.returncode == 0 and "5 done before" in done.stdout and done.stdout.count(", done\n") == 5, done.stdout
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

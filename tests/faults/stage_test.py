"""cluster.stage: the crops are copied once per node, checked, and read from there; results are the same."""
import os

import pytest
from support import runs


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stage")
    crops = runs.prepare(folder)
    config = runs.write_config(folder / "config.yaml", crops, train="{epochs: 1, batch: 32, lr: 3e-3}", folds="{k: 2}")
    done = runs.pleat("train", config, "--run", folder / "plain")
    assert done.returncode == 0, done.stdout
    return folder, config, runs.results(folder / "plain")


def staged(config, run, stage, **how):
    return runs.pleat("train", config, "--set", f"cluster.stage={stage}", "--run", run, **how)


@pytest.mark.parametrize("ranks", [0, 2])
def test_one_copy_per_node_and_the_same_bytes(made, tmp_path, ranks):
    _, config, expected = made
    done = staged(config, tmp_path / "run", tmp_path / "disk", ranks=ranks)
    assert done.returncode == 0 and done.stdout.count("copied the crops to") == 1, done.stdout
    assert runs.results(tmp_path / "run") == expected
    copy, = (tmp_path / "disk").iterdir()
    stamp = copy.stat().st_mtime_ns
    again = staged(config, tmp_path / "again", tmp_path / "disk", ranks=ranks)
    assert again.returncode == 0 and "copied the crops" not in again.stdout, again.stdout
    assert copy.stat().st_mtime_ns == stamp and [copy] == list((tmp_path / "disk").iterdir())


def test_a_damaged_copy_is_named_and_never_trained_on(made, tmp_path):
    _, config, _ = made
    assert staged(config, tmp_path / "run", tmp_path / "disk").returncode == 0
    copy, = (tmp_path / "disk").iterdir()
    damaged = bytearray(copy.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    copy.write_bytes(damaged)
    done = staged(config, tmp_path / "again", tmp_path / "disk")
    assert done.returncode == 3 and str(copy) in runs.errors(done)[0], done.stdout


def test_a_folder_that_cannot_be_written_is_named(made, tmp_path):
    _, config, _ = made
    (tmp_path / "file").write_text("")
    line = runs.refusal(staged(config, tmp_path / "run", tmp_path / "file"), 3)
    assert str(tmp_path / "file") in line and not (tmp_path / "run").exists()


def test_what_a_killed_copy_left_is_removed(made, tmp_path):
    _, config, _ = made
    assert staged(config, tmp_path / "run", tmp_path / "disk").returncode == 0
    copy, = (tmp_path / "disk").iterdir()
    dead = os.fork()
    if dead == 0:
        os._exit(0)
    os.waitpid(dead, 0)
    (tmp_path / "disk" / f"{copy.name}.{os.uname().nodename}.{dead}.copying").write_text("half")
    copy.unlink()
    assert staged(config, tmp_path / "again", tmp_path / "disk").returncode == 0
    assert [copy] == list((tmp_path / "disk").iterdir())

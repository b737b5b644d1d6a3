"""Two ranks share a fold: if one of them fails anywhere, all end within seconds, with the right exit code."""
import subprocess

import pytest
from support import runs

SHARDS = "{threads: 1, device: cpu, shards: 2, exact: true}"
TRAIN = "{epochs: 4, batch: 32, micro_batches: 2, lr: 3e-3, augment: {pad: 1}}"


@pytest.fixture(scope="module")
def shared_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards")
    config = runs.write_config(folder / "config.yaml", runs.prepare(folder), cluster=SHARDS, train=TRAIN)
    done = runs.pleat("train", config, "--run", folder / "run", ranks=2)
    assert done.returncode == 0, done.stdout
    return config, runs.results(folder / "run")


def goes_on(config, run, ranks, expected):
    again = runs.pleat("train", config, "--run", run, ranks=ranks)
    assert again.returncode == 0, again.stdout
    assert runs.results(run) == expected


# The leaders write checkpoints: rank 0 of the first slot, rank 2 of the second. Rank 0's writes 1 to 3 are config.yaml,
# run.json and folds.csv. Each job writes a checkpoint per epoch; rank 0 writes the four files of its result.
@pytest.mark.parametrize("ranks, fault", [
    (2, "checkpoint_saved:1:throw@0"), (2, "write_file:6:nospace@0"), (2, "write_file:9:nospace@0"),
    (4, "checkpoint_saved:1:throw@0"), (4, "write_file:6:nospace@0"),
    (4, "checkpoint_saved:2:throw@2"), (4, "write_file:2:nospace@2"),
])
def test_a_write_that_fails_ends_all_ranks(shared_run, tmp_path, ranks, fault):
    config, expected = shared_run
    first = runs.pleat("train", config, "--run", tmp_path / "run", ranks=ranks, timeout=120, PLEAT_FAULT=fault)
    assert first.returncode == 3, first.stdout
    assert "fault injected" in first.stdout or "No space left" in first.stdout
    assert not (tmp_path / "run/summary.json").exists()
    goes_on(config, tmp_path / "run", ranks, expected)


@pytest.mark.parametrize("ranks, failing", [(2, 0), (2, 1), (4, 0), (4, 1), (4, 3)])
def test_a_step_that_fails_on_one_shard_ends_all_ranks(shared_run, tmp_path, ranks, failing):
    config, expected = shared_run
    first = runs.pleat("train", config, "--run", tmp_path / "run", ranks=ranks, timeout=120,
                       PLEAT_FAULT=f"step_done:13:throw@{failing}")
    assert first.returncode == 3, first.stdout
    said = [line for line in first.stdout.splitlines() if "fault injected at step_done" in line]
    assert len(said) == 1 and f"[{failing}]" in said[0] and "label/resnet20/fold" in said[0], first.stdout
    goes_on(config, tmp_path / "run", ranks, expected)


@pytest.mark.parametrize("failing", [0, 1])
def test_a_shard_that_is_killed(shared_run, tmp_path, failing):
    config, expected = shared_run
    first = runs.pleat("train", config, "--run", tmp_path / "run", ranks=2, timeout=120, PLEAT_FAULT=f"step_done:13:kill@{failing}")
    assert first.returncode == 137, first.stdout
    assert "starts on host " in first.stdout and "resume it with: mpirun --bind-to none -n 2 " in first.stdout
    if failing == 1:  # rank 0, which knows all jobs, is alive
        assert "rank 0 (host " in first.stdout and "rank 1 (host " in first.stdout and "in epoch 2 of 4" in first.stdout
    goes_on(config, tmp_path / "run", 2, expected)


def test_ranks_whose_copies_of_the_config_differ_are_refused_by_name(shared_run, tmp_path):
    config, _ = shared_run
    other = tmp_path / "other.yaml"
    other.write_text(config.read_text().replace("shards: 2", "shards: 1"))
    part = ["-n", "1", runs.PLEAT, "train"]
    done = subprocess.run(["mpirun", "--oversubscribe", "--bind-to", "none", *part, config, "--run", tmp_path / "run", ":",
                           *part, other, "--run", tmp_path / "run"], env=runs.environment(), timeout=60,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 4, done.stdout
    assert done.stdout.count("ranks differ in their config") == 1
    assert "cluster.shards: 2 -> 1" in done.stdout

"""Several ranks on CUDA: assignment of devices, too few devices, and shards of a fold over NCCL."""
import csv

import devices
import easy
import pytest
from support import runs

two_devices = pytest.mark.skipif(devices.count() < 2, reason=f"this needs two CUDA devices, and LibTorch sees {devices.count()}")
SHARDS = ["cluster.shards=2", "train.micro_batches=2"]


@pytest.mark.parametrize("asked, used", [("auto", "cpu"), ("cuda", "cuda")])
def test_more_ranks_than_devices(config, cpu_accuracy, tmp_path, asked, used):
    """`auto` does not use the device and says so; `cuda` lets the ranks share it."""
    done = easy.train(config, tmp_path / "run", f"cluster.device={asked}", ranks=2, CUDA_VISIBLE_DEVICES=devices.visible(1))
    assert done.returncode == 0, done.stdout
    assert ("has 2 ranks for 1 CUDA device; start 1 there, or set cluster.device=cuda" in done.stdout) == (asked == "auto"), done.stdout
    assert easy.summary(tmp_path / "run")["device"] == used
    assert abs(easy.accuracy(tmp_path / "run") - cpu_accuracy) <= easy.NOISE


def test_shards_that_would_share_a_device_are_refused(config, tmp_path):
    """NCCL refuses when they connect. No rank may be left waiting for the other."""
    done = easy.train(config, tmp_path / "run", *SHARDS, ranks=2, CUDA_VISIBLE_DEVICES=devices.visible(1), NCCL_MULTI_RANK_GPU_ENABLE="0")
    assert done.returncode == 4 and "NCCL on cuda:0 could not connect to its peers" in done.stdout, done.stdout


@two_devices
def test_each_rank_has_a_device_of_its_own(config, cpu_accuracy, tmp_path):
    seen = runs.pleat("doctor", ranks=2, CUDA_VISIBLE_DEVICES=devices.visible(2))
    assert "cuda:0 of 2 (" in seen.stdout and "cuda:1 of 2 (" in seen.stdout, seen.stdout
    done = easy.train(config, tmp_path / "run", "cluster.device=auto", ranks=2)
    assert done.returncode == 0, done.stdout
    assert easy.summary(tmp_path / "run")["device"] == "cuda"
    assert abs(easy.accuracy(tmp_path / "run") - cpu_accuracy) <= easy.NOISE


def probabilities(path):
    """{id of a test row: its probabilities}"""
    with open(path) as file:
        return {row["id"]: [float(value) for column, value in row.items() if ":" in column] for row in csv.DictReader(file) if row["split"] == "test"}


def require_equal_shards(config, run, out):
    """Both shards have equal weights. Each shard predicts every second batch of 256 rows with its own weights, and
    shard 0 saves its own. A fold's 300 held-out rows come first, so shard 1 predicts all 200 test rows. The saved
    weights must give the run's predictions; other folds' weights differ by 0.1."""
    done = runs.pleat("predict", "--run", run, "--crops", config.parent / "crops.h5", "--out", out, "--device", "cuda")
    assert done.returncode == 0, done.stdout
    of_shard_1, of_shard_0 = probabilities(run / "predictions.csv"), probabilities(out)
    assert len(of_shard_1) == easy.TEST_ROWS and of_shard_1.keys() == of_shard_0.keys()
    assert max(abs(a - b) for name in of_shard_1 for a, b in zip(of_shard_1[name], of_shard_0[name])) <= 0.01


@two_devices
@pytest.mark.parametrize("exact", ["false", "true"])
def test_shards_over_nccl_stay_equal_and_score_as_one(config, cpu_accuracy, tmp_path, exact):
    done = easy.train(config, tmp_path / "run", *SHARDS, f"cluster.exact={exact}", ranks=2)
    assert done.returncode == 0, done.stdout
    assert easy.summary(tmp_path / "run")["device"] == "cuda"
    assert abs(easy.accuracy(tmp_path / "run") - cpu_accuracy) <= easy.NOISE
    require_equal_shards(config, tmp_path / "run", tmp_path / "predictions.csv")


@two_devices
@pytest.mark.parametrize("killed", [0, 1])
def test_shards_of_which_one_is_killed_go_on_to_their_end(config, cpu_accuracy, tmp_path, killed):
    first = easy.train(config, tmp_path / "run", *SHARDS, ranks=2, PLEAT_FAULT=f"step_done:13:kill@{killed}")
    assert first.returncode == 137, first.stdout
    done = easy.train(config, tmp_path / "run", *SHARDS, ranks=2)
    assert done.returncode == 0 and "resumes from" in done.stdout, done.stdout
    assert abs(easy.accuracy(tmp_path / "run") - cpu_accuracy) <= easy.NOISE
    require_equal_shards(config, tmp_path / "run", tmp_path / "predictions.csv")

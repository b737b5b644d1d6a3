"""The same bytes for any number of ranks, and no influence of fold k's labels on fold k's model."""
import csv
import hashlib

import pytest
from support import runs


@pytest.mark.parametrize("ranks", [1, 2, 5])
def test_any_number_of_ranks_gives_the_same_bytes(whole_run, tmp_path, ranks):
    _, config, expected = whole_run
    done = runs.pleat("train", config, "--run", tmp_path / "run", ranks=ranks)
    assert done.returncode == 0, done.stdout
    assert runs.results(tmp_path / "run") == expected


def test_another_seed_gives_other_bytes(whole_run, tmp_path):
    _, config, expected = whole_run
    done = runs.pleat("train", config, "--set", "seed=8", "--run", tmp_path / "run")
    assert done.returncode == 0, done.stdout
    other = runs.results(tmp_path / "run")
    assert other.keys() == expected.keys()
    assert all(other[name] != expected[name] for name in expected if name.endswith("weights.safetensors"))


@pytest.mark.parametrize("fold", [0, 3])
def test_permuting_the_labels_of_a_fold_leaves_its_model_as_it_is(whole_run, tmp_path, fold):
    folder, _, expected = whole_run
    with open(folder / "run/folds.csv") as file:
        held_out = [int(row["id"].removeprefix("train-")) for row in csv.DictReader(file) if int(row["fold"]) == fold]
    labels = list((folder / "train/labels").read_bytes()[8:])
    changed = list(labels)
    for row, source in zip(held_out, held_out[1:] + held_out[:1]):
        changed[row] = labels[source]
    assert sum(a != b for a, b in zip(labels, changed)) > 10, "the permutation must change labels to test anything"

    crops = runs.prepare(tmp_path, labels=changed)
    config = runs.write_config(tmp_path / "config.yaml", crops, folds=f"{{k: 5, file: {folder}/run/folds.csv}}")
    done = runs.pleat("train", config, "--run", tmp_path / "run")
    assert done.returncode == 0, done.stdout
    for other in range(5):
        name = f"round_0/label/resnet20/fold_{other}/weights.safetensors"
        sum_now = hashlib.sha256((tmp_path / "run" / name).read_bytes()).hexdigest()
        # The fold's own model never saw the labels; every other model was trained on them.
        assert (sum_now == expected[name]) == (other == fold), f"fold {other}"


# Averaged weights too: each shard keeps its own average.
SHARDED = ["--set", "train.micro_batches=2", "--set", "cluster.exact=true", "--set", "train.ema=0.9"]


def test_shards_of_a_fold_give_the_same_bytes_in_exact_mode(whole_run, tmp_path):
    _, config, _ = whole_run
    alone = runs.pleat("train", config, *SHARDED, "--run", tmp_path / "alone")
    assert alone.returncode == 0, alone.stdout
    for ranks in (2, 4):
        run = tmp_path / f"ranks_{ranks}"
        done = runs.pleat("train", config, *SHARDED, "--set", "cluster.shards=2", "--run", run, ranks=ranks)
        assert done.returncode == 0, done.stdout
        assert runs.results(run) == runs.results(tmp_path / "alone"), f"{ranks} ranks"


def test_shards_that_reduce_by_bucket_train_and_resume(whole_run, tmp_path):
    _, config, _ = whole_run
    arguments = ["train", config, "--set", "train.micro_batches=2", "--set", "cluster.shards=2"]
    done = runs.pleat(*arguments, "--run", tmp_path / "whole", ranks=2)
    assert done.returncode == 0, done.stdout
    killed = runs.pleat(*arguments, "--run", tmp_path / "killed", ranks=2, PLEAT_FAULT="step_done:13:kill")
    assert killed.returncode not in (0, 75), killed.stdout
    again = runs.pleat(*arguments, "--run", tmp_path / "killed", ranks=2)
    assert again.returncode == 0 and "resumes from" in again.stdout, again.stdout
    assert runs.results(tmp_path / "killed") == runs.results(tmp_path / "whole")

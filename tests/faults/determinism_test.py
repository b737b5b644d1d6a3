"""The same bytes for any number of ranks, and nothing of fold k's labels in fold k's model."""
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

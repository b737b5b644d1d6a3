"""folds.trunks: folds share their first epochs. Results are the same for any number of ranks and through kills, and no
network descends from one that saw the rows that it holds out (leak_test has the proof)."""
import json
import shutil

import pytest
from support import crowd, people, runs

USAGE = 2
TRUNKS = {"folds": "{k: 5, trunks: 0.5}"}
NAMES = ["folds_0_to_1", "folds_2_to_4"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return runs.undisturbed(tmp_path_factory.mktemp("whole"), **TRUNKS)


def trunks(run, unit="label", model="resnet20"):
    return {path.name: path for path in sorted((run / "trunks" / unit / model).iterdir())}


def done_of(folder):
    return json.loads((folder / "done.json").read_text())


def epochs_of(folder):
    return [json.loads(line)["epoch"] for line in (folder / "metrics.jsonl").read_text().splitlines()]


def images_of(folder):
    return sum(json.loads(line)["images"] for line in (folder / "metrics.jsonl").read_text().splitlines())


def test_folds_train_their_trunks_epochs_once(whole):
    run = whole[0] / "run"
    assert list(trunks(run)) == NAMES
    for name, folder in trunks(run).items():
        rows = {"folds_0_to_1": 180, "folds_2_to_4": 120}[name]  # of 300, without its folds' rows
        assert done_of(folder)["train_rows"] == rows and done_of(folder)["held_out_rows"] == 0
        assert epochs_of(folder) == [1, 2] and images_of(folder) == 2 * 240
        assert sorted(path.name for path in folder.iterdir()) == ["done.json", "metrics.jsonl"], "the state is freed"
    for fold in range(5):
        folder = run / f"round_0/label/resnet20/fold_{fold}"
        assert epochs_of(folder) == [3, 4] and images_of(folder) == 2 * 240
        assert done_of(folder)["train_rows"] == 240


def test_folds_without_trunks_are_other_networks(whole, tmp_path):
    config = runs.write_config(tmp_path / "c.yaml", whole[0] / "crops.h5", folds="{k: 5, trunks: off}")
    assert runs.pleat("train", config, "--run", tmp_path / "run").returncode == 0
    plain = runs.results(tmp_path / "run")
    assert plain["folds.csv"] == whole[2]["folds.csv"] and not (tmp_path / "run/trunks").exists()
    assert all(plain[name] != checksum for name, checksum in whole[2].items() if name.endswith("weights.safetensors"))
    other = runs.pleat("train", whole[1], "--run", tmp_path / "run")
    assert "folds.trunks" in runs.refusal(other, USAGE)


@pytest.mark.parametrize("ranks", [2, 3, 5])
def test_any_number_of_ranks_gives_the_same_results(whole, tmp_path, ranks):
    done = runs.pleat("train", whole[1], "--run", tmp_path / "run", ranks=ranks)
    assert done.returncode == 0, done.stdout
    assert "trunk/label/resnet20/folds 2 to 4: done, 3 folds continue from epoch 2" in done.stdout
    assert runs.results(tmp_path / "run") == whole[2]


def test_shards_give_the_same_results(whole, tmp_path):
    parts = {"train": "{epochs: 4, batch: 32, micro_batches: 2, lr: 3e-3, augment: {pad: 1}}", **TRUNKS}
    found = []
    for shards, ranks in (1, 1), (2, 2), (2, 4):
        cluster = f"{{threads: 1, device: cpu, exact: true, shards: {shards}}}"
        config = runs.write_config(tmp_path / f"{ranks}.yaml", whole[0] / "crops.h5", cluster=cluster, **parts)
        done = runs.pleat("train", config, "--run", tmp_path / f"run{ranks}", ranks=ranks)
        assert done.returncode == 0, done.stdout
        found.append(runs.results(tmp_path / f"run{ranks}"))
    assert found[0] == found[1] == found[2]


# 8 steps an epoch: trunks train 16 steps each, and each fold 16 more.
@pytest.mark.parametrize("ranks, fault", [
    (0, "step_done:5:kill"), (0, "step_done:11:kill"), (0, "checkpoint_saved:2:kill"), (0, "before_done:1:kill"), (0, "before_done:2:kill"),
    (0, "step_done:36:kill"), (0, "before_done:4:kill"), (0, "step_done:60:stop"), (2, "step_done:20:kill@1"), (2, "before_done:3:kill@0"),
])
def test_a_killed_run_goes_on(whole, tmp_path, ranks, fault):
    first = runs.pleat("train", whole[1], "--run", tmp_path / "run", ranks=ranks, PLEAT_FAULT=fault)
    assert first.returncode not in (0, 5), first.stdout
    again = runs.pleat("train", whole[1], "--run", tmp_path / "run", ranks=ranks)
    assert again.returncode == 0, again.stdout
    assert runs.results(tmp_path / "run") == whole[2]
    assert not list(tmp_path.glob("run/trunks/**/state.safetensors"))


def test_a_finished_run_trains_no_trunk_again(whole, tmp_path):
    shutil.copytree(whole[0] / "run", tmp_path / "run")
    again = runs.pleat("train", whole[1], "--run", tmp_path / "run")
    assert again.returncode == 0 and "7 jobs, 7 done before" in again.stdout, again.stdout


def test_a_lost_result_needs_its_trunk_again_and_no_other(whole, tmp_path):
    shutil.copytree(whole[0] / "run", tmp_path / "run")
    (tmp_path / "run/round_0/label/resnet20/fold_3/weights.safetensors").write_bytes(b"damaged")
    again = runs.pleat("train", whole[1], "--run", tmp_path / "run")
    assert again.returncode == 0 and "7 jobs, 5 done before" in again.stdout, again.stdout
    assert "folds 2 to 4: done" in again.stdout and "folds 0 to 1: done" not in again.stdout
    assert runs.results(tmp_path / "run") == whole[2]


def test_a_damaged_state_is_made_again(whole, tmp_path):
    first = runs.pleat("train", whole[1], "--run", tmp_path / "run", PLEAT_FAULT="before_done:3:kill")
    assert first.returncode != 0
    state = trunks(tmp_path / "run")[NAMES[0]] / "state.safetensors"
    state.write_bytes(state.read_bytes()[:-1] + b"?")
    again = runs.pleat("train", whole[1], "--run", tmp_path / "run")
    assert again.returncode == 0 and "state.safetensors was changed after it was written; its job runs again" in again.stdout
    assert runs.results(tmp_path / "run") == whole[2]


def test_ten_folds_have_trunks_of_trunks(whole, tmp_path):
    config = runs.write_config(tmp_path / "c.yaml", whole[0] / "crops.h5", folds="{k: 10, trunks: auto}")
    found = []
    for ranks in 0, 3:
        done = runs.pleat("train", config, "--run", tmp_path / f"run{ranks}", ranks=ranks)
        assert done.returncode == 0, done.stdout
        found.append(runs.results(tmp_path / f"run{ranks}"))
    assert found[0] == found[1]
    assert {name: epochs_of(folder) for name, folder in trunks(tmp_path / "run0").items()} == {
        "folds_0_to_4": [1], "folds_0_to_1": [2], "folds_2_to_4": [2], "folds_5_to_9": [1], "folds_5_to_6": [2], "folds_7_to_9": [2]}


def test_every_model_and_repeat_has_trunks_of_its_own(tmp_path):
    crops = crowd.prepare(tmp_path)
    config = people.write_config(tmp_path / "c.yaml", crops, {
        "folds": {"k": 3, "repeats": 2, "trunks": 0.5}, "train.epochs": 8, "train.lr": 1e-2, "train.batch": 12, "train.sampling": "balanced", "targets": people.TARGETS[:1],
        "models": [{"id": "a", "name": "resnet20"}, {"id": "b", "name": "resnet20", "dropout": 0.2}], "rounds.count": 2, "rounds.stop": "never",
        "rounds.start": "warm", "rounds.epochs": 4, "rounds.admit": {"threshold": 0.0}})
    found = []
    for ranks in 0, 2:
        run = tmp_path / f"run{ranks}"
        done = runs.pleat("train", config, "--run", run, ranks=ranks)
        assert done.returncode == 0, done.stdout
        found.append(runs.results(run))
        for model in "ab":
            assert list(trunks(run, "mask", model)) == ["folds_1_to_2", "folds_4_to_5"]
        assert len(epochs_of(run / "round_0/mask/a/fold_0")) == 8 and epochs_of(run / "round_0/mask/a/fold_1") == [5, 6, 7, 8]
        assert epochs_of(run / "round_1/mask/a/fold_1") == [1, 2, 3, 4], "students have no trunk"
    assert found[0] == found[1]


def test_sampling_averages_and_frozen_layers_go_on_from_the_trunk(whole, tmp_path):
    train = "{epochs: 4, batch: 32, lr: 3e-3, sampling: balanced, ema: 0.9, freeze_epochs: 1, optimizer: sgd, schedule: cosine}"
    config = runs.write_config(tmp_path / "c.yaml", whole[0] / "crops.h5", train=train, **TRUNKS)
    assert runs.pleat("train", config, "--run", tmp_path / "one").returncode == 0
    first = runs.pleat("train", config, "--run", tmp_path / "two", ranks=2, PLEAT_FAULT="step_done:20:kill@0")
    assert first.returncode != 0
    assert runs.pleat("train", config, "--run", tmp_path / "two", ranks=2).returncode == 0
    assert runs.results(tmp_path / "one") == runs.results(tmp_path / "two")


def test_a_failed_trunk_fails_its_folds(whole, tmp_path):
    done = runs.pleat("train", whole[1], "--run", tmp_path / "run", "--set", "train.lr=1e30")
    assert done.returncode == 5, done.stdout
    failures = {each["job"]: each["why"] for each in json.loads((tmp_path / "run/failures.json").read_text())}
    assert len(failures) == 7 and "not started: a job that it waits for has failed" in failures["label/resnet20/fold 3"]


def test_the_dry_run_tells_trunks_and_their_cost(whole, tmp_path):
    done = runs.pleat("train", whole[1], "--run", tmp_path / "run", "--dry-run", ranks=2)
    assert done.returncode == 0, done.stdout
    assert ("trunks    2 more jobs: folds 0 to 1 share epochs 1 to 2, folds 2 to 4 share epochs 1 to 2; the run trains on 70 % of the "
            "images that it would without trunks; on 2 slots a network's folds take the time of 8 epochs, without trunks of 12") in done.stdout, done.stdout


def test_a_sweep_refuses_trunks(whole, tmp_path):
    done = runs.pleat("sweep", whole[1], "--axis", "train.lr=1e-3,1e-2", "--run", tmp_path / "sweep")
    assert "a sweep trains no trunks; leave folds.trunks out of the sweep" in runs.refusal(done, USAGE)

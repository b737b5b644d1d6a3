"""Bad losses, schedules and networks: refused in one line. If only training shows the fault, one job fails."""

import json
import shutil
import subprocess
import sys

import pytest
from support import people, runs

CONFIG, DATA, SOME_FAILED = 2, 3, 5
MASK, GENDER = {"name": "mask"}, {"name": "gender"}
SCRIPT = """
import sys, torch
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.conv, self.norm, self.fc = torch.nn.Conv2d(3, 8, 3), torch.nn.BatchNorm2d(8), torch.nn.Linear(8, 3)
    def forward(self, x):
        x, before = self.norm(self.conv(x)), x
        batches = self.norm.num_batches_tracked
        if self.training and batches is not None and int(batches) > LAST_GOOD:
            if float(before.mean((1, 2, 3)).max()) > 1.5:
                x = x / torch.zeros_like(x)
        return self.fc(torch.relu(x).mean((2, 3)))
torch.jit.script(Net()).save(sys.argv[1])
"""
WHITE = "r5"  # a photo that is all white


@pytest.fixture(scope="module")
def crops(tmp_path_factory):
    return people.prepare(tmp_path_factory.mktemp("people"), people.rows(), white={WHITE})


def aged(**more):
    return {"targets": [{"name": "age", "edges": [30, 50]} | more]}


# name: (changes to people.config, exit code, words of the error)
REFUSED = {
    "weight-without-heads": (
        {"targets": [MASK | {"weight": 3}, GENDER]},
        CONFIG,
        ["target mask: weight (3)", "targets_as: heads", "leave weight out"],
    ),
    "weight-of-nothing": (
        {"targets": [MASK | {"weight": 0}, GENDER], "targets_as": "heads"},
        CONFIG,
        ["weight", "'0'", "above 0"],
    ),
    "focal-of-numbers": (
        aged(regress=True) | {"train.loss.focal": 2},
        CONFIG,
        ["train.loss.focal", "regress", "leave it out"],
    ),
    "f1-of-numbers": (
        aged(regress=True) | {"train.loss.f1": 0.5},
        CONFIG,
        ["train.loss.f1", "regress", "leave it out"],
    ),
    "label_smoothing-of-numbers": (
        aged(regress=True) | {"train.label_smoothing": 0.1},
        CONFIG,
        ["train.label_smoothing", "regress"],
    ),
    "class_weights-misspelt": (
        {"train.loss.class_weights": "blanced"},
        CONFIG,
        ["train.loss.class_weights is 'blanced'", "did you mean balanced?"],
    ),
    "sampling-misspelt": (
        {"train.sampling": "balance"},
        CONFIG,
        ["train.sampling is 'balance'", "did you mean balanced?"],
    ),
    "clip-below-zero": ({"train.clip": -1}, CONFIG, ["train.clip is '-1'", "at least 0"]),
    "layer_decay-of-zero": ({"train.layer_decay": 0}, CONFIG, ["train.layer_decay is '0'", "above 0 and at most 1"]),
    "frozen-to-the-end": (
        {"train.epochs": 2, "train.freeze_epochs": 2},
        CONFIG,
        ["train.freeze_epochs (2)", "less than train.epochs (2)"],
    ),
    "frozen-script-without-head": (
        {"train.epochs": 2, "train.freeze_epochs": 1, "models": [{"script": "FOLDER/net.pt"}]},
        CONFIG,
        ["model net", "last layer", "train.freeze_epochs (1)", "launch/export_model.py"],
    ),
    "weights-and-sampling": (
        {"train.sampling": "balanced", "train.loss": {"class_weights": "balanced"}},
        CONFIG,
        ["class_weights (balanced)", "train.sampling (balanced)", "leave one of them out"],
    ),
    "patience-without-best": (
        {"train.patience": 2},
        CONFIG,
        ["train.patience (2)", "train.keep: best", "leave patience out"],
    ),
    "trunks-of-all-epochs": ({"folds": {"k": 4, "trunks": 1}}, CONFIG, ["folds.trunks is '1'", "at least 0 and below 1"]),
    "trunks-of-two-folds": ({"folds": {"k": 2, "trunks": 0.5}, "train.epochs": 4}, CONFIG, ["with 2 folds no two networks have rows in common", "raise folds.k"]),
    "trunks-of-one-epoch": ({"folds": {"k": 4, "trunks": 0.5}, "train.epochs": 1}, CONFIG, ["a trunk takes one epoch or more", "raise train.epochs"]),
    "trunks-and-best": ({"folds": {"k": 4, "trunks": 0.5}, "train.epochs": 4, "train.keep": "best"}, CONFIG,
                        ["train.keep: best chooses by rows that the trunk was trained on", "leave trunks out"]),
    "trunks-and-temperature": ({"folds": {"k": 4, "trunks": 0.5}, "train.epochs": 4, "predict.temperature": True}, CONFIG,
                               ["predict.temperature is fitted on rows that the trunk was trained on", "leave trunks out"]),
    "trunks-and-judges": ({"folds": {"k": 4, "trunks": 0.5}, "train.epochs": 4, "train.labels.drop": "auto"}, CONFIG,
                          ["train.labels: auto judges rows for one fold alone", "leave trunks out"]),
    "last_batch-below-batch": ({"train.last_batch": 8, "train.epochs": 4}, CONFIG, ["train.last_batch (8) must be above train.batch (16)"]),
    "last_batch-of-one-epoch": ({"train.last_batch": 64, "train.epochs": 1}, CONFIG, ["train.last_batch (64)", "raise train.epochs"]),
    "alternate_flips-without-flip": ({"train.augment": {"flip": False, "alternate_flips": True}}, CONFIG, ["train.augment.alternate_flips needs flip: true"]),
    "norm_bias_rate-of-zero": ({"train.norm_bias_rate": 0}, CONFIG, ["train.norm_bias_rate is '0'", "above 0"]),
    "whiten-beside-weights": ({"models": [{"name": "resnet20", "weights": "w.safetensors", "whiten": True}]}, CONFIG,
                              ["whiten changes initial weights, but these come from w.safetensors", "leave whiten out"]),
    "zero_last_norm-of-a-script": ({"models": [{"script": "net.pt", "zero_last_norm": True}]}, CONFIG,
                                   ["zero_last_norm changes initial weights, but these come from net.pt", "leave zero_last_norm out"]),
    "norm_momentum-of-a-script": ({"models": [{"script": "net.pt"}], "train.norm_momentum": 0.3}, CONFIG,
                                  ["train.norm_momentum cannot change the layers of model 'net'", "leave it out"]),
    "inner_share-of-nothing": (
        {"train.keep": "best", "train.inner_share": 0.01},
        CONFIG,
        ["inner_share (0.01)", "0 of 48 training rows", "raise it"],
    ),
    "inner_share-of-most": (
        {"train.keep": "best", "train.inner_share": 0.9},
        CONFIG,
        ["train.inner_share is '0.9'", "at most 0.5"],
    ),
    "network-misspelt": (
        {"models[].name": "efficientnet-b0"},
        CONFIG,
        ["'efficientnet-b0'", "did you mean efficientnet_b0?"],
    ),
    "one-network-by-its-own-dropout": (
        {"models": [{"id": "a", "name": "efficientnet_b0"}, {"id": "b", "name": "efficientnet_b0", "dropout": 0.2}]},
        CONFIG,
        ["'a' and 'b'", "the same model twice", "leave it out"],
    ),
    "one-network-by-copied-files": (
        {"models": [{"id": "a", "script": "FOLDER/net.pt"}, {"id": "b", "script": "FOLDER/copy.pt"}]},
        CONFIG,
        ["'a' and 'b'", "files with the same content", "leave it out"],
    ),
    "dropout-of-all": ({"models[].dropout": 1}, CONFIG, ["models.0.dropout is '1'", "below 1"]),
    "dropout-of-a-script": (
        {"models": [{"script": "FOLDER/net.pt", "dropout": 0.2}]},
        CONFIG,
        ["dropout 0.2", "net.pt", "leave dropout out"],
    ),
    "stochastic_depth-of-a-script": (
        {"models": [{"script": "FOLDER/net.pt", "stochastic_depth": 0.2}]},
        CONFIG,
        ["stochastic_depth 0.2", "net.pt", "leave stochastic_depth out"],
    ),
    "script-of-another-width": (
        {"targets": [GENDER], "models": [{"script": "FOLDER/net.pt"}]},
        DATA,
        ["net.pt", "[2, 3]", "[2, 2]", "--classes 2"],
    ),
    "script-of-another-width-than-bins": (
        aged(bins=5) | {"models": [{"script": "FOLDER/net.pt"}]},
        DATA,
        ["net.pt", "[2, 3]", "[2, 5]", "--classes 5"],
    ),
    "script-of-another-width-than-heads": (
        {"targets": [MASK, GENDER], "targets_as": "heads", "models": [{"script": "FOLDER/net.pt"}]},
        DATA,
        ["net.pt", "[2, 3]", "[2, 5]", "--classes 5"],
    ),
}


def make_script(folder, last_good):
    (folder / "net.py").write_text(SCRIPT.replace("LAST_GOOD", str(last_good)))
    subprocess.run([sys.executable, "-W", "ignore", folder / "net.py", folder / "net.pt"], check=True)
    shutil.copy(folder / "net.pt", folder / "copy.pt")
    return folder / "net.pt"


@pytest.fixture(scope="module")
def net(crops):
    return make_script(crops.parent, last_good=3)  # three steps an epoch


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_config_cannot_ask_for_is_one_line(crops, net, tmp_path, name):
    changes, code, words = REFUSED[name]
    config = people.write_config(tmp_path / "config.yaml", crops, changes)
    config.write_text(config.read_text().replace("FOLDER", str(net.parent)))
    line = runs.refusal(runs.pleat("train", config, "--run", tmp_path / "run", timeout=60), code)
    for word in words:
        assert word in line
    assert [path.name for path in tmp_path.iterdir()] == ["config.yaml"], "no folder is left behind"


def test_options_without_effect_are_said_before_training(crops, tmp_path):
    def said(**changes):
        config = people.write_config(tmp_path / "config.yaml", crops, changes)
        done = runs.pleat("train", config, "--run", tmp_path / "run", "--dry-run")
        assert done.returncode == 0, done.stdout
        return [line for line in done.stdout.splitlines() if "has no effect" in line]

    assert said() == []
    lines = said(**{"train.optimizer": "sgd", "train.beta2": 0.9, "train.inner_share": 0.2})
    assert len(lines) == 2, lines
    assert lines[0].endswith("train.beta2 (0.9) has no effect with train.optimizer: sgd; leave it out")
    assert lines[1].endswith("train.inner_share (0.2) has no effect with train.keep: last; leave it out")


@pytest.mark.parametrize("ranks", [0, 2])
def test_a_loss_that_is_no_number_ends_its_job_and_no_other(crops, net, tmp_path, ranks):
    """From its fourth step on, the script divides by zero for the white photo: the fold that trains on it fails."""
    config = people.write_config(
        tmp_path / "config.yaml",
        crops,
        {
            "train.epochs": 3,
            "train.augment": {"pad": 0, "flip": False},
            "models": [{"id": "net", "script": str(net)}, {"name": "resnet20"}],
        },
    )
    run = tmp_path / "run"
    done = runs.pleat("train", config, "--run", run, ranks=ranks)
    assert done.returncode == SOME_FAILED, done.stdout
    failures = json.loads((run / "failures.json").read_text())
    assert len(failures) == 1, failures
    job, why = failures[0]["job"], failures[0]["why"]
    fold = int(job.removeprefix("mask/net/fold "))
    assert f"r5,p2,{1 - fold}" in (run / "folds.csv").read_text().splitlines(), "the fold that trained on it"
    for words in ("the loss is not finite at epoch 2, step ", " of 3 (batch of 16: r", "lower train.lr"):
        assert words in why, why
    assert any(f"{job} failed: {why}" in line for line in runs.errors(done)), done.stdout
    assert any("mask has failed jobs" in line and "failures.json" in line for line in runs.errors(done)), done.stdout
    finished = {str(path.parent.relative_to(run / "round_0/mask")) for path in run.glob("round_0/*/*/*/done.json")}
    assert finished == {f"net/fold_{1 - fold}", "resnet20/fold_0", "resnet20/fold_1"}
    good = sorted(path.name for path in (run / f"round_0/mask/net/fold_{fold}/resume").iterdir())
    assert len(good) == 1, good
    assert not (run / "predictions.csv").exists() and not (run / "round_0/oof.h5").exists()

    again = runs.pleat("train", config, "--run", run, ranks=ranks)
    assert (
        again.returncode == SOME_FAILED and "3 done before" in again.stdout and "resumes from" in again.stdout
    ), again.stdout
    assert json.loads((run / "failures.json").read_text()) == failures


def test_a_loss_that_runs_away_is_named_by_its_value(crops, tmp_path):
    config = people.write_config(
        tmp_path / "config.yaml", crops, {"train.lr": 1e6, "train.optimizer": "sgd", "train.epochs": 2}
    )
    done = runs.pleat("train", config, "--run", tmp_path / "run")
    assert done.returncode == SOME_FAILED, done.stdout
    failures = json.loads((tmp_path / "run/failures.json").read_text())
    assert [each["job"] for each in failures] == ["mask/resnet20/fold 0", "mask/resnet20/fold 1"]
    assert all(
        "diverged to" in each["why"] and "lower train.lr (1000000)" in each["why"] for each in failures
    ), failures

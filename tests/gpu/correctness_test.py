"""One CUDA device: training and predictions agree with the CPU's, and a killed run resumes."""
import csv

import devices
import easy
import pytest
from safetensors.torch import load_file
from support import runs


@pytest.fixture(scope="module")
def cuda_run(config, tmp_path_factory):
    run = tmp_path_factory.mktemp("cuda") / "run"
    done = easy.train(config, run)
    assert done.returncode == 0, done.stdout
    return run


def test_a_run_scores_as_on_the_cpu(cuda_run, cpu_accuracy):
    assert easy.summary(cuda_run)["device"] == "cuda"
    assert abs(easy.accuracy(cuda_run) - cpu_accuracy) <= easy.NOISE


def test_auto_is_cuda_in_bf16_and_scores_alike(config, cpu_accuracy, tmp_path):
    done = easy.train(config, tmp_path / "run", "cluster.device=auto", "train.precision=auto")
    assert done.returncode == 0, done.stdout
    said = easy.summary(tmp_path / "run")
    assert (said["device"], said["precision"]) == ("cuda", "bf16")
    assert abs(easy.accuracy(tmp_path / "run") - cpu_accuracy) <= easy.NOISE


def test_resnet18s_logits_are_those_of_the_same_weights_on_the_cpu(config, tmp_path):
    """A run on CPU is killed before its first result is saved. Resumed on CUDA, it only has to predict."""
    fold = tmp_path / "run/round_0/label/resnet18/fold_0"
    settings = ["models=[{name: resnet18}]", "train.epochs=1"]
    killed = easy.train(config, tmp_path / "run", *settings, "cluster.device=cpu", PLEAT_FAULT="before_done:1:kill")
    assert killed.returncode == -9, killed.stdout
    cpu_weights, cpu = (fold / "weights.safetensors").read_bytes(), load_file(fold / "predictions.safetensors")

    done = easy.train(config, tmp_path / "run", *settings)
    assert done.returncode == 0 and "resumes from" in done.stdout, done.stdout
    assert (fold / "weights.safetensors").read_bytes() == cpu_weights
    cuda = load_file(fold / "predictions.safetensors")
    for name in ("oof.logits", "test.logits"):
        assert cpu[name].abs().max() > 0.1, "else to be near says nothing"
        assert (cuda[name] - cpu[name]).abs().max() <= 1e-3, name


def rows_of(path):
    with open(path) as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("ranks", [0, 2])
def test_predict_says_the_same_on_both_devices(config, cuda_run, tmp_path, ranks):
    """Two ranks share a device: --device cuda, unlike auto, lets them."""
    rows = {}
    for device in ("cpu", "cuda"):
        out = tmp_path / f"{device}.csv"
        done = runs.pleat("predict", "--run", cuda_run, "--crops", config.parent / "crops.h5", "--out", out, "--device", device, ranks=ranks,
                          CUDA_VISIBLE_DEVICES=devices.visible(1))
        assert done.returncode == 0, done.stdout
        rows[device] = rows_of(out)
    assert len(rows["cpu"]) == len(rows["cuda"]) == easy.ROWS + easy.TEST_ROWS
    for cpu, cuda in zip(rows["cpu"], rows["cuda"]):
        assert cpu["id"] == cuda["id"]
        assert all(abs(float(cpu[column]) - float(cuda[column])) <= 1e-3 for column in cpu if ":" in column), cpu["id"]


def test_a_killed_run_goes_on_to_its_end(config, cpu_accuracy, tmp_path):
    """An epoch has 10 steps, so step 13 is in the second epoch of the first fold."""
    killed = easy.train(config, tmp_path / "run", PLEAT_FAULT="step_done:13:kill")
    assert killed.returncode == -9, killed.stdout
    done = easy.train(config, tmp_path / "run")
    assert done.returncode == 0 and "resumes from" in done.stdout, done.stdout
    assert easy.summary(tmp_path / "run")["rounds"][0] == {"round": 0, "jobs": 2, "done_before": 0, "failed": 0}
    assert abs(easy.accuracy(tmp_path / "run") - cpu_accuracy) <= easy.NOISE


EVERYTHING = (
    "targets=[{name: label}, {name: number, column: label, edges: [0.5, 1.5], regress: true}]",
    "targets_as=heads",
    "joint={name: both}",
    "models=[{name: resnet20, dropout: 0.1, stochastic_depth: 0.1}]",
    "train.epochs=6",
    "train.loss={class_weights: balanced, focal: 1, f1: 0.2}",
    "train.clip=1",
    "train.layer_decay=0.8",
    "train.freeze_epochs=1",
    "train.keep=best",
    "train.inner_share=0.2",
    "train.ema=0.5",
)


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_heads_losses_freezing_and_the_best_epoch_learn_and_survive_a_kill(config, tmp_path, device):
    """Runs on the CPU too, to show failures of CUDA alone. Step 11 is in the second epoch, after the frozen one."""
    settings = [*EVERYTHING, f"cluster.device={device}"]
    killed = easy.train(config, tmp_path / "run", *settings, PLEAT_FAULT="step_done:11:kill")
    assert killed.returncode == -9, killed.stdout
    done = easy.train(config, tmp_path / "run", *settings)
    assert done.returncode == 0 and "resumes from" in done.stdout, done.stdout
    targets = easy.summary(tmp_path / "run")["targets"]
    assert set(targets) == {"label", "number", "both"}
    assert targets["label"]["oof"]["accuracy"] >= 0.9
    assert targets["number"]["oof"]["number"]["mae"] <= 0.4


@pytest.mark.parametrize("ranks", [0, 2])
def test_without_a_device_cuda_is_refused_by_host(config, tmp_path, ranks):
    done = easy.train(config, tmp_path / "run", ranks=ranks, CUDA_VISIBLE_DEVICES="")
    assert done.returncode == 4 and "has no CUDA device that LibTorch can use" in done.stdout, done.stdout
    assert not (tmp_path / "run/config.yaml").exists()


def test_doctor_names_the_device():
    done = runs.pleat("doctor", CUDA_VISIBLE_DEVICES=devices.visible(1))
    assert done.returncode == 0 and "cuda:0 of 1 (" in done.stdout, done.stdout

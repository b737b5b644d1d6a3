"""pleat's networks, their files and its optimizers against torchvision, safetensors and torch.optim."""

import os
import subprocess

import pytest
import safetensors
import torch
import torchvision
from safetensors.torch import load_file, save_file

PROBE = os.path.join(os.environ["PLEAT_BUILD"], "tests", "parity_probe")


def probe(*arguments):
    subprocess.run([PROBE, *map(str, arguments)], check=True)


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    """A fresh ResNet18 of pleat's, three channels and seven classes."""
    path = tmp_path_factory.mktemp("fresh") / "resnet18.safetensors"
    probe("init", "resnet18", 3, 7, 11, path)
    return path


def resnet18(weights):
    net = torchvision.models.resnet18(num_classes=7)
    net.load_state_dict(load_file(weights), strict=True)
    return net


def test_a_fresh_resnet18_loads_in_torchvision_name_by_name_in_order(fresh):
    net = resnet18(fresh)
    written = load_file(fresh)
    for name, tensor in net.state_dict().items():
        assert written[name].dtype == tensor.dtype, name
    with safetensors.safe_open(fresh, "pt") as file:
        # safetensors itself puts wider dtypes first; within a dtype the order is the network's.
        by_offset = [name for name in file.offset_keys() if not name.endswith("num_batches_tracked")]
        assert len(file.metadata()["crc32"]) == 8
    assert by_offset == [name for name in net.state_dict() if not name.endswith("num_batches_tracked")]


def test_fresh_weights_are_spread_as_torchvisions(fresh):
    torch.manual_seed(0)
    theirs = torchvision.models.resnet18(num_classes=7).state_dict()
    for name, tensor in load_file(fresh).items():
        if tensor.numel() < 1000:
            continue
        ours, other = tensor.double(), theirs[name].double()
        spread = other.std()
        tolerance = 5 * spread / tensor.numel() ** 0.5
        assert abs(ours.mean() - other.mean()) <= 2 * tolerance, name
        assert abs(ours.std() - spread) <= tolerance, name


@pytest.mark.parametrize("mode", ["eval", "train"])
@pytest.mark.parametrize("size", [(64, 64), (97, 65)])
def test_resnet18s_logits_are_torchvisions(fresh, tmp_path, mode, size):
    torch.manual_seed(1)
    net = resnet18(fresh)
    # Statistics as after training, so that eval mode has something to normalise by.
    for name, buffer in net.named_buffers():
        if name.endswith("running_mean"):
            buffer.normal_(0, 0.1)
        elif name.endswith("running_var"):
            buffer.uniform_(0.5, 2.0)
    net.train(mode == "train")
    images = torch.randn(8, 3, *size)
    save_file(net.state_dict(), tmp_path / "weights.safetensors")
    save_file({"images": images}, tmp_path / "images.safetensors")
    probe("logits", "resnet18", tmp_path / "weights.safetensors", tmp_path / "images.safetensors", mode,
          tmp_path / "out.safetensors")
    ours = load_file(tmp_path / "out.safetensors")
    with torch.no_grad():
        theirs = net(images)
    assert theirs.abs().max() > 0.1
    assert (ours["logits"] - theirs).abs().max() <= 1e-4
    for name, tensor in net.state_dict().items():  # train mode moves the statistics
        assert (ours["state." + name] - tensor).abs().max() <= 1e-4, name


def test_each_reads_the_others_files(tmp_path):
    torch.manual_seed(2)
    given = {
        "parameter.a": torch.randn(3, 5),
        "parameter.scalar": torch.randn(()),
        "parameter.empty": torch.zeros(0, 4),
        "parameter.naïve \"name\"": torch.randn(7),
    }
    save_file(given, tmp_path / "given.safetensors", metadata={"format": "pt"})
    probe("optimize", "sgd", 0.1, 0, 0, 0, tmp_path / "given.safetensors", tmp_path / "back.safetensors")
    back = load_file(tmp_path / "back.safetensors")
    assert {"parameter." + name for name in back} == set(given)
    for name, tensor in back.items():
        assert torch.equal(tensor, given["parameter." + name]), name


@pytest.mark.parametrize("kind", ["adamw", "sgd", "sgd without momentum"])
def test_twenty_steps_are_those_of_torch_optim(tmp_path, kind):
    lr, decay, momentum, beta2 = 0.02, 0.05, 0.0 if "without" in kind else 0.85, 0.98
    torch.manual_seed(3)
    shapes = {"conv": (16, 8, 3, 3), "fc": (10, 33), "bias": (33,)}
    parameters = {name: torch.nn.Parameter(torch.randn(shape)) for name, shape in shapes.items()}
    gradients = [{name: torch.randn(shape) for name, shape in shapes.items()} for _ in range(20)]
    given = {f"parameter.{name}": value.detach().clone() for name, value in parameters.items()}
    for step, values in enumerate(gradients):
        given |= {f"gradient.{step}.{name}": value for name, value in values.items()}
    save_file(given, tmp_path / "given.safetensors")
    probe("optimize", kind.split()[0], lr, decay, momentum, beta2, tmp_path / "given.safetensors",
          tmp_path / "out.safetensors")

    groups = [{"params": [value], "weight_decay": decay if value.dim() > 1 else 0.0} for value in parameters.values()]
    if kind == "adamw":
        optimizer = torch.optim.AdamW(groups, lr=lr, betas=(momentum, beta2), fused=False)
    else:
        optimizer = torch.optim.SGD(groups, lr=lr, momentum=momentum, nesterov=momentum > 0)
    for values in gradients:
        for name, parameter in parameters.items():
            parameter.grad = values[name].clone()
        optimizer.step()
    for name, value in load_file(tmp_path / "out.safetensors").items():
        assert (value - parameters[name]).abs().max() <= 1e-5, name

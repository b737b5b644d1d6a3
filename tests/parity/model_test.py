"""Compares pleat's networks, their files and its optimizers with torchvision, safetensors and torch.optim."""

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


NETWORKS = ["resnet18", "resnet34", "resnet50", "efficientnet_b0", "efficientnet_b4"]


@pytest.fixture(scope="module", params=NETWORKS)
def fresh(request, tmp_path_factory):
    """A fresh network of pleat's, three channels and seven classes: its name and the file of its weights."""
    path = tmp_path_factory.mktemp("fresh") / f"{request.param}.safetensors"
    probe("init", request.param, 3, 7, 11, path)
    return request.param, path


def torchvisions(name, weights=None):
    whole = {} if name.startswith("resnet") else {"dropout": 0.0, "stochastic_depth_prob": 0.0}
    net = torchvision.models.get_model(name, num_classes=7, **whole)
    if weights:
        net.load_state_dict(load_file(weights), strict=True)
    return net


def test_a_fresh_network_loads_in_torchvision_name_by_name_in_order(fresh):
    name, path = fresh
    net = torchvisions(name, path)
    written = load_file(path)
    for key, tensor in net.state_dict().items():
        assert written[key].dtype == tensor.dtype, key
    with safetensors.safe_open(path, "pt") as file:
        # safetensors itself puts wider dtypes first; within a dtype the order is the network's.
        by_offset = [key for key in file.offset_keys() if not key.endswith("num_batches_tracked")]
        assert len(file.metadata()["crc32"]) == 8
    assert by_offset == [key for key in net.state_dict() if not key.endswith("num_batches_tracked")]


def test_fresh_weights_are_spread_as_torchvisions(fresh):
    name, path = fresh
    torch.manual_seed(0)
    theirs = torchvisions(name).state_dict()
    for key, tensor in load_file(path).items():
        if tensor.numel() < 1000:
            continue
        if key == "classifier.1.weight":  # by its inputs, on purpose: torchvision's is for a thousand classes
            assert abs(tensor.std() * (3 * tensor.shape[1]) ** 0.5 - 1) < 0.05, key
            continue
        ours, other = tensor.double(), theirs[key].double()
        spread = other.std()
        tolerance = 5 * spread / tensor.numel() ** 0.5
        assert abs(ours.mean() - other.mean()) <= 2 * tolerance, key
        assert abs(ours.std() - spread) <= tolerance, key


@pytest.mark.parametrize("mode, size", [("eval", (97, 65)), ("train", (64, 64)), ("train", (97, 65))])
def test_logits_are_torchvisions(fresh, tmp_path, mode, size):
    name, path = fresh
    torch.manual_seed(1)
    net = torchvisions(name, path)
    # Statistics as after training, so that eval mode has something to normalise by.
    for key, buffer in net.named_buffers():
        if key.endswith("running_mean"):
            buffer.normal_(0, 0.1)
        elif key.endswith("running_var"):
            buffer.uniform_(0.5, 2.0)
    if "classifier.1.weight" in net.state_dict():
        net.state_dict()["classifier.1.weight"].mul_(13)  # logits as large as differences are looked for in
    net.train(mode == "train")
    images = torch.randn(8, 3, *size)
    save_file(net.state_dict(), tmp_path / "weights.safetensors")
    save_file({"images": images}, tmp_path / "images.safetensors")
    probe("logits", name, tmp_path / "weights.safetensors", tmp_path / "images.safetensors", mode,
          tmp_path / "out.safetensors")
    ours = load_file(tmp_path / "out.safetensors")
    with torch.no_grad():
        theirs = net(images)
    assert theirs.abs().max() > 0.1
    assert (ours["logits"] - theirs).abs().max() <= (1e-4 if name == "resnet18" else 1e-3)
    for key, tensor in net.state_dict().items():  # train mode moves the statistics
        assert (ours["state." + key] - tensor).abs().max() <= 1e-4 * max(1, tensor.abs().max()), key


def keep_from_kinks(net):
    """BatchNorm before a ReLU gives numbers around 1 or -1. Near 0, pleat's sums and torch's may round to different
    sides, and the gradients then differ by all of what such a number passes."""
    for block in net.modules():
        # The value added to a shortcut is positive, as the shortcut is.
        last = {"BasicBlock": "bn2", "Bottleneck": "bn3", "Sequential": "1"}.get(type(block).__name__)
        for key, norm in block.named_children():
            if isinstance(norm, torch.nn.BatchNorm2d):
                torch.nn.init.constant_(norm.weight, 0.2)
                sign = torch.randint(2, norm.bias.shape) * 2.0 - 1.0
                norm.bias.data.copy_(torch.ones_like(sign) if key == last else sign)


# "rows" is the memory that training has: it takes the fused steps.
@pytest.mark.parametrize("memory", ["planes", "rows"])
def test_a_steps_gradients_are_torchvisions(fresh, tmp_path, memory):
    name, path = fresh
    torch.manual_seed(2)
    net = torchvisions(name, path)
    if memory == "rows" and name.startswith("resnet"):
        keep_from_kinks(net)
    images, labels = torch.randn(16, 3, 64, 64), torch.arange(16) % 7
    save_file(net.state_dict(), tmp_path / "weights.safetensors")
    save_file({"images": images, "labels": labels}, tmp_path / "given.safetensors")
    probe("gradients", name, tmp_path / "weights.safetensors", tmp_path / "given.safetensors", memory,
          tmp_path / "out.safetensors")
    ours = load_file(tmp_path / "out.safetensors")
    theirs = net(images)
    torch.nn.functional.cross_entropy(theirs, labels).backward()
    assert (ours.pop("logits") - theirs).abs().max() <= 1e-3
    assert set(ours) == {"gradient." + key for key, _ in net.named_parameters()}
    largest = max(parameter.grad.abs().max() for parameter in net.parameters())
    for key, parameter in net.named_parameters():
        # A shift that the next BatchNorm takes off again has a gradient of 0, and what is computed is rounding alone.
        scale = max(parameter.grad.abs().max(), 1e-3 * largest)
        assert (ours["gradient." + key] - parameter.grad).abs().max() <= 1e-3 * scale, key


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

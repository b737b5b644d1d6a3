"""Networks out of TorchScript files are tried before training: mistakes in them are refused or said, others train."""
import json
import pathlib
import subprocess
import sys

import pytest
import torch
from support import runs
from torch import nn

ROOT = pathlib.Path(__file__).resolve().parents[2]
USAGE, DATA = 2, 3
IMAGES = torch.randn(4, 1, runs.SIDE, runs.SIDE, generator=torch.Generator().manual_seed(3))


def network(*last, norm=nn.BatchNorm2d, dropout=0.0, head=True):
    torch.manual_seed(1)
    net = nn.Sequential(nn.Conv2d(1, 6, 3), norm(6), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(dropout),
                        nn.Linear(6, runs.CLASSES), *last)
    if not head:
        nn.init.zeros_(net[6].weight)
    return net


def traced(net, training):
    return torch.jit.trace(net.train(training), IMAGES, check_trace=False)


class TwoFaced(nn.Module):
    """Gives a tensor in evaluation and two in training, in one that TorchScript takes for a tensor."""
    def __init__(self):
        super().__init__()
        self.net = network()

    def forward(self, x):
        y = self.net(x)
        return torch.cat([y, y], 1) if self.training else y


class OnlyTwo(nn.Module):
    """Takes two images, no more and no less."""
    def __init__(self):
        super().__init__()
        self.net = network()

    def forward(self, x):
        return self.net(x).reshape(2, 3)


class NotOne(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = network()

    def forward(self, x):
        assert len(x) > 1
        return self.net(x)


class AlwaysOn(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = network()

    def forward(self, x):
        return nn.functional.dropout(self.net(x), 0.5)


class Squeezing(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = network()

    def forward(self, x):
        return self.net(x).squeeze()


class Overflowing(nn.Module):
    """Divides by zero in training."""
    def __init__(self):
        super().__init__()
        self.net = network()

    def forward(self, x):
        y = self.net(x)
        return y / 0.0 if self.training else y


class Hungry(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = network()

    def forward(self, x):
        return self.net(x) + torch.zeros(200_000, 1_000_000).sum()


class FewImages(nn.Module):
    """Takes up to four images, as many as it is tried with."""
    def __init__(self):
        super().__init__()
        self.net = network()

    def forward(self, x):
        if len(x) > 4:
            raise ValueError("too \x1b[31m many\nimages")
        return self.net(x)


def frozen_norm(width):
    import torchvision
    return torchvision.ops.FrozenBatchNorm2d(width)


REFUSED = {  # name: (the network, words of the error)
    "trace-in-training": (lambda: traced(network(), True), ["in evaluation an image's logit is", "alone", "torch.jit.script"]),
    "trace-in-training-with-an-empty-head": (lambda: traced(network(head=False), True), ["in evaluation an image's logit is", "alone"]),
    "trace-with-dropout": (lambda: traced(network(norm=nn.Identity, dropout=0.5), True), ["in evaluation an image's logit is", "in a second call"]),
    "dropout-that-is-always-on": (lambda: torch.jit.script(AlwaysOn()), ["in a second call"]),
    "two-images-only": (lambda: torch.jit.script(OnlyTwo()), ["in evaluation it fails for 4 images: ", "; script a network that takes any number of images"]),
    "no-single-image": (lambda: torch.jit.script(NotOne()), ["in evaluation it fails for 1 image: no reason given; script a network that takes any number of images"]),
    "squeeze": (lambda: torch.jit.script(Squeezing()), ["for one image it gives [3], expected [1, 3]; does it squeeze()? use flatten(1)"]),
    "infinite-in-training": (lambda: torch.jit.script(Overflowing()), ["in training mode its logits for random images are not finite"]),
    "too-large-for-the-memory": (lambda: torch.jit.script(Hungry()), ["there is not enough memory for two images of 1x12x12"]),
    "another-width-in-training": (lambda: torch.jit.script(TwoFaced()), ["in training mode it gives [4, 6] for 4 images, not [4, 3]"]),
}
SAID = {  # name: (the network, words of each warning)
    "trace-in-evaluation": (lambda: traced(network(dropout=0.5), False), [["does not update the statistics of 1 of 1 BatchNorm"], ["1 dropout stays off in training mode"]]),
    "softmax": (lambda: torch.jit.script(network(nn.Softmax(1))), [["its outputs are probabilities"]]),
    "sigmoid": (lambda: torch.jit.script(network(nn.Sigmoid())), [["its outputs are probabilities"]]),
    "log-softmax": (lambda: torch.jit.script(network(nn.LogSoftmax(1))), []),
    "good": (lambda: torch.jit.script(network(dropout=0.5)), []),
    "empty-head": (lambda: torch.jit.script(network(head=False)), []),
    "frozen-on-purpose": (lambda: torch.jit.script(network(norm=frozen_norm)), []),
    "trace-without-modes": (lambda: traced(network(norm=nn.Identity), False), []),
}


def train(config, folder, net, *more, model="", **how):
    torch.jit.save(net, folder / "net.pt")
    return runs.pleat("train", config, "--set", f"models=[{{script: net.pt{model}}}]", "--run", folder / "run", *more, cwd=folder, **how)


@pytest.mark.parametrize("name", REFUSED)
def test_a_network_that_evaluation_cannot_trust_is_refused_before_training(whole_run, tmp_path, name):
    make, words = REFUSED[name]
    line = runs.refusal(train(whole_run[1], tmp_path, make(), "--dry-run"), DATA)
    assert all(word in line for word in ["net.pt", *words]), line
    assert not (tmp_path / "run").exists()


def test_a_network_that_fails_in_a_larger_batch_is_named_with_the_batch(whole_run, tmp_path):
    done = train(whole_run[1], tmp_path, torch.jit.script(FewImages()))
    assert done.returncode == 5 and "\x1b" not in done.stdout, done.stdout
    assert "label/net/fold 0 failed: the network fails for a batch of 30 images of 1x12x12 (channels, height, width): too \\x1B[31m many; " in done.stdout


@pytest.mark.parametrize("name", SAID)
def test_a_network_with_a_fixed_mode_or_probabilities_is_warned_of(whole_run, tmp_path, name):
    make, expected = SAID[name]
    done = train(whole_run[1], tmp_path, make(), "--dry-run")
    assert done.returncode == 0, done.stdout
    lines = [line for line in done.stdout.splitlines() if "net.pt: " in line]
    assert len(lines) == len(expected), done.stdout
    for line, words in zip(lines, expected):
        assert " W " in line and all(word in line for word in words), line


def test_batches_of_one_image_go_with_a_script_without_batch_norm(whole_run, tmp_path):
    small = ("--set", "train={epochs: 1, batch: 1}", "--set", "folds.k=2", "--set", "data.limit=24")
    assert "BatchNorm needs two" in runs.refusal(train(whole_run[1], tmp_path, torch.jit.script(network()), *small), USAGE)
    done = train(whole_run[1], tmp_path, torch.jit.script(network(norm=nn.Identity)), *small)
    assert done.returncode == 0, done.stdout


def test_the_advice_for_another_width_repeats_the_options_of_the_export(whole_run, tmp_path):
    origin = json.dumps({"source": "timm:tiny", "constants": [], "options": "--pretrained tiny.pth --map-by-order"})
    torch.jit.save(torch.jit.script(network(nn.Linear(3, 9))), tmp_path / "net.pt", _extra_files={"pleat.json": origin})
    done = runs.pleat("train", whole_run[1], "--set", "models=[{script: net.pt}]", "--run", tmp_path / "run", cwd=tmp_path)
    line = runs.refusal(done, DATA)
    assert f"export_model.py timm:tiny --classes 3 --channels 1 --size {runs.SIDE}x{runs.SIDE} --pretrained tiny.pth --map-by-order --out" in line, line


@pytest.mark.parametrize("origin", ['{"source": "a", "constants": [], "mean": [0.5], "std": [0]}', '{"source": "a", "constants": [], "mean": [2], "std": [1]}',
                                    '{"source": "a", "constants": [], "mean": [0.5]}', '{"source": "a", "constants": [], "mean": "dark", "std": [1]}', "{"])
def test_pixels_in_a_script_that_make_no_sense_are_refused(whole_run, tmp_path, origin):
    torch.jit.save(torch.jit.script(network()), tmp_path / "net.pt", _extra_files={"pleat.json": origin})
    done = runs.pleat("train", whole_run[1], "--set", "models=[{script: net.pt}]", "--run", tmp_path / "run", cwd=tmp_path)
    assert "pleat.json is not in the format" in runs.refusal(done, DATA)


def export(folder, network, *options):
    command = [sys.executable, ROOT / "launch/export_model.py", network, "--channels", 1, "--size", runs.SIDE, *options]
    return subprocess.run([*map(str, command)], cwd=folder, env=runs.environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


OWN = """
import torch
def make(classes, channels):
    return torch.nn.Sequential(torch.nn.Conv2d(channels, 4, 3), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(4, classes))
def number():
    return 3
def leaves():
    raise SystemExit(7)
def nan(classes, channels):
    net = make(classes, channels)
    torch.nn.init.constant_(net[4].bias, float("nan"))
    return net
"""


def test_a_network_of_ones_own_is_exported_by_its_function(whole_run, tmp_path):
    (tmp_path / "nets.py").write_text(OWN)
    torch.save({"net": {f"model.{name}": value for name, value in network_of(tmp_path, 9).items()}}, tmp_path / "nine.pth")
    for name in ("nets:make", "nets.py:make"):
        done = export(tmp_path, name, "--classes", runs.CLASSES, "--pretrained", "nine.pth", "--mean", 0.25, "--std", 0.5, "--out", "own.pt")
        assert done.returncode == 0 and "pixels of mean [0.25] and std [0.5]" in done.stdout, done.stdout
    made, given = torch.jit.load(tmp_path / "own.pt").state_dict(), network_of(tmp_path, 9)
    assert made["0.weight"].equal(given["0.weight"]) and made["4.weight"].shape == (runs.CLASSES, 4)
    done = runs.pleat("train", whole_run[1], "--set", "models=[{script: own.pt}]", "--dry-run", cwd=tmp_path)
    assert done.returncode == 0 and "model own: mean [0.25] and std [0.5] of its pixels are those in its script" in done.stdout, done.stdout
    for name, code, words in (("nets:none", USAGE, "has no function 'none'"), ("nowhere:make", USAGE, "neither timm, torchvision nor a module"),
                              ("nets:number", USAGE, "expected a torch.nn.Module"),
                              ("nets:leaves", USAGE, "cannot be made with these options: 7"), ("nets:nan", USAGE, "gives logits that are not finite"), ("make", USAGE, "MODULE:FUNCTION")):
        done = export(tmp_path, name, "--classes", 3, "--out", "other.pt")
        assert done.returncode == code and words in done.stdout and not (tmp_path / "other.pt").exists(), done.stdout


def network_of(folder, classes):
    sys.path.insert(0, str(folder))
    try:
        import nets
        torch.manual_seed(5)
        return nets.make(classes, 1).state_dict()
    finally:
        sys.path.remove(str(folder))

"""launch/export_model.py: pretrained weights by pleat's rules, networks of one's own, refusals; no file is lost."""
import argparse
import pathlib
import subprocess
import sys
import types
import zipfile

import export_model
import network_makers
import pretrained_weights
import pytest
import torch
from safetensors.torch import save_file
from support import runs
from torch import nn

ROOT = pathlib.Path(__file__).resolve().parents[2]
USAGE, DATA = 2, 3
READ, REFUSED = True, False


def export(folder, network, *arguments):
    command = [sys.executable, ROOT / "launch/export_model.py", network, "--classes", runs.CLASSES, "--channels", 1,
               "--size", runs.SIDE, *arguments]
    return subprocess.run([*map(str, command)], cwd=folder, env=runs.environment(), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def network(classes):
    torch.manual_seed(classes)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4),
                         nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, classes))


GIVEN = dict(network(10).state_dict())
BODY = {name: value for name, value in GIVEN.items() if not name.startswith("7.")}


def under(prefix, state):
    return {prefix + name: value for name, value in state.items()}


def renamed(state):
    return {f"_{i}.{name.rpartition('.')[2]}": value for i, (name, value) in enumerate(state.items())}


def without_counters(state, *kept):
    return {name: value for name, value in state.items() if "num_batches" not in name or name in kept}


def cyclic():
    made = {"net": GIVEN}
    made["model"] = made
    return made


FILES = {  # name: (whether pleat reads it with new_head, the value that torch.save writes); "order" in the name: map_by_order
    "other-classes": (READ, GIVEN), "these-classes": (READ, network(runs.CLASSES).state_dict()), "headless": (READ, BODY),
    "half-a-head": (READ, BODY | {"7.bias": torch.zeros(10)}), "extra-name": (REFUSED, GIVEN | {"8.weight": torch.zeros(2)}),
    "missing-name": (REFUSED, {name: value for name, value in GIVEN.items() if name != "3.weight"}),
    "order": (READ, renamed(GIVEN)), "headless-order": (READ, renamed(BODY)), "other-names": (REFUSED, renamed(GIVEN)),
    "order-of-fitting-names": (READ, dict(reversed(GIVEN.items()))), "order-of-fewer": (REFUSED, renamed({"3.weight": GIVEN["3.weight"]})),
    "order-of-other-shapes": (REFUSED, renamed(GIVEN) | {"_0.weight": torch.zeros(2)}),
    "module": (READ, under("module.", GIVEN)), "compiled": (READ, under("module._orig_mod.", BODY)),
    "compiled-first": (READ, under("_orig_mod.module.", GIVEN)), "lightning": (READ, {"state_dict": under("model.net.", GIVEN)}),
    "module-and-extra": (REFUSED, under("module.", GIVEN | {"extra": torch.zeros(2)})),
    "module-order": (READ, under("module.", renamed(GIVEN))), "some-with-a-prefix": (REFUSED, under("module.", BODY) | {"7.bias": torch.zeros(10)}),
    "prefix-and-extra": (REFUSED, under("net.", GIVEN | {"extra": torch.zeros(2)})),
    "averaged": (READ, {"n_averaged": torch.tensor(3), **under("module.", GIVEN)}),
    "averages": (REFUSED, {"n_averaged": torch.zeros(2), **GIVEN}),
    "no-counters": (READ, without_counters(GIVEN)), "one-counter": (REFUSED, without_counters(GIVEN, "1.num_batches_tracked")),
    "half": (READ, {name: value.half() if value.is_floating_point() else value for name, value in GIVEN.items()}),
    "whole-numbers": (REFUSED, GIVEN | {"3.weight": torch.zeros(4, 4, 3, 3, dtype=torch.int8)}),
    "empty-beside": (READ, {"model": {}, "net": GIVEN}), "two-states": (REFUSED, {"model": GIVEN, "net": BODY}),
    "deep": (READ, {"ema": {"model": {"net": GIVEN}}}), "too-deep": (REFUSED, {"ema": {"model": {"net": {"module": GIVEN}}}}),
    "cyclic": (READ, cyclic()), "nothing": (REFUSED, {}), "names-that-are-numbers": (REFUSED, {i: value for i, value in enumerate(GIVEN.values())}),
    "a-whole-network": (REFUSED, network(10)), "a-tensor": (REFUSED, torch.zeros(2)),
}


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    """(A folder with the network as a script, a config)"""
    folder = tmp_path_factory.mktemp("script")
    options = types.SimpleNamespace(network="nets:make", classes=runs.CLASSES, channels=1, size=(runs.SIDE, runs.SIDE), out=folder / "net.pt")
    made = network(runs.CLASSES)
    export_model.export(torch, made, options, {"source": "nets:make", "constants": [], "head": network_makers.heads_of(made, runs.CLASSES)})
    return folder, runs.write_config(folder / "c.yaml", runs.prepare(folder, rows=60, test_rows=12), folds="{k: 2}")


def taken_over(path, by_order):
    """The state dict of the network with the file's weights; None if it is refused."""
    made = network(runs.CLASSES)
    try:
        network_makers.load_pretrained(made, argparse.Namespace(pretrained=path, classes=runs.CLASSES, map_by_order=by_order))
    except pretrained_weights.BadWeights as error:
        assert str(path) in str(error) and len(str(error).splitlines()) == 1
        return None
    return made.state_dict()


@pytest.mark.parametrize("name", FILES)
def test_files_of_weights_are_read_and_refused_as_pleat_does(script, tmp_path, name):
    expected, value = FILES[name]
    by_order = "order" in name.split("-")
    torch.save(value, tmp_path / "given.pth")
    state = taken_over(tmp_path / "given.pth", by_order)
    model = f"models=[{{script: net.pt, weights: {tmp_path}/given.pth, new_head: true, map_by_order: {str(by_order).lower()}}}]"
    done = runs.pleat("train", script[1], "--set", model, "--dry-run", cwd=script[0])
    assert (done.returncode == 0) == expected == (state is not None), done.stdout
    if expected:
        drawn = network(runs.CLASSES).state_dict()
        like = drawn if name == "these-classes" else BODY | {key: drawn[key] for key in ("7.weight", "7.bias")}
        assert all(state[key].allclose(like[key], atol=1e-2) for key in state if "num_batches" not in key)


def scripted(path):
    torch.jit.save(torch.jit.script(network(3)), path)


@pytest.mark.parametrize("write, words", [
    pytest.param(lambda path: path.write_bytes(b"junk" * 40), "not a file of weights (another kind of file); save them with torch.save(", id="junk"),
    pytest.param(lambda path: path.write_bytes(b""), "not a file of weights (an empty file)", id="empty"),
    pytest.param(lambda path: path.write_bytes(b"\x80\x02junk" * 40), "a pickle that torch.save did not write", id="pickle"),
    pytest.param(lambda path: path.write_bytes(b"PK\x03\x04junk" * 40), "not a file of weights (damaged: ", id="zip"),
    pytest.param(lambda path: path.write_bytes(bytes(8) + b"{junk"), "not a file of weights (damaged: ", id="safetensors"),
    pytest.param(lambda path: path.write_bytes(b"version https://git-lfs.github.com/spec/v1\n"), "run git lfs pull", id="lfs"),
    pytest.param(lambda path: torch.save({}, path), "holds an empty dict, and no state dict", id="nothing"),
    pytest.param(lambda path: torch.save({"n_averaged": torch.tensor(1)}, path), "does not fit: missing 0.weight", id="counter-alone"),
    pytest.param(scripted, "a TorchScript network, not a file of weights", id="torchscript"),
])
def test_another_kind_of_file_is_named(tmp_path, write, words):
    write(tmp_path / "bad.pth")
    with pytest.raises(pretrained_weights.BadWeights) as error:
        network_makers.load_pretrained(network(3), argparse.Namespace(pretrained=tmp_path / "bad.pth", classes=3, map_by_order=False))
    assert words in str(error.value) and str(error.value).startswith(str(tmp_path / "bad.pth"))


def test_timms_networks_take_a_head_that_fits_and_files_without_one(tmp_path):
    import timm
    given = timm.create_model("lcnet_035", num_classes=3).state_dict()
    options = argparse.Namespace(pretrained=tmp_path / "given.pth", classes=3, channels=3, size=(32, 32), map_by_order=False, seed=0)
    torch.save(given, options.pretrained)
    made = network_makers.make_timm("lcnet_035", options).state_dict()
    assert all(made[key].equal(value) for key, value in given.items())
    headless = {key: value for key, value in given.items() if not key.startswith("classifier.")}
    for options.classes, state, options.map_by_order in [(1000, headless, False), (1000, renamed(headless), True), (3, renamed(headless), True)]:
        torch.save(state, options.pretrained)
        made = network_makers.make_timm("lcnet_035", options).state_dict()
        assert all(made[key].equal(value) for key, value in headless.items() if "num_batches" not in key)


OWN = """
import layers
def make(classes):
    return layers.Net(classes)
"""
LAYERS = """
import torch
class Net(torch.nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.conv, self.fc = torch.nn.Conv2d(1, 4, 3), torch.nn.Linear(4, classes)
    def forward(self, x):
        return self.fc(torch.relu(self.conv(x)).mean((2, 3)))
"""


def test_an_own_network_is_the_same_bytes_from_any_folder_and_its_folder_shadows_nothing(script, tmp_path):
    torch.manual_seed(1)
    weights = {"conv.weight": torch.randn(4, 1, 3, 3), "conv.bias": torch.randn(4)}
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "my-net.py").write_text(OWN)
        (folder / "layers.py").write_text(LAYERS)
        (folder / "pretrained_weights.py").write_text("raise SystemExit('shadowed')\n")
        torch.save(weights, folder / "body.pth")
        done = export(tmp_path, folder / "my-net.py:make", "--pretrained", folder / "body.pth", "--out", folder / "own.pt")
        assert done.returncode == 0, done.stdout
    archive = (tmp_path / "one/own.pt").read_bytes()
    assert archive == (tmp_path / "two/own.pt").read_bytes()
    assert str(tmp_path).encode() not in archive and b'"source": "my-net.py:make"' in archive
    with zipfile.ZipFile(tmp_path / "one/own.pt") as entries:
        assert [name for name in entries.namelist() if name.endswith("layers.py")] and not [name for name in entries.namelist() if "debug" in name]
    done = runs.pleat("train", script[1], "--set", f"models=[{{script: {tmp_path}/one/own.pt}}]", "--dry-run", cwd=script[0])
    assert done.returncode == 0, done.stdout
    assert torch.jit.load(tmp_path / "one/own.pt").conv.weight.equal(weights["conv.weight"])


def test_an_import_that_fails_names_what_is_missing(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "lib.py").write_text("import no_such_package\n")
    (tmp_path / "old.py").write_text("from json import no_such_function\n")
    for module, words in [("lib.py", "lib.py cannot be imported: No module named 'no_such_package'; install it in .venv"),
                          ("lib", "lib cannot be imported: No module named 'no_such_package'; install it in .venv"),
                          ("old", "old cannot be imported: cannot import name 'no_such_function'"),
                          ("nowhere.nets", "'nowhere.nets' is neither timm, torchvision nor a module that Python finds from here"),
                          ("none.py", "none.py: no such file")]:
        with pytest.raises(SystemExit, match=str(USAGE)):
            network_makers.import_own(module)
        assert words in capsys.readouterr().err


def test_out_replaces_only_an_earlier_export(tmp_path):
    (tmp_path / "folder").mkdir()
    torch.save(BODY, tmp_path / "body.pth")
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8\xff photo")
    before = {each.name: each.read_bytes() for each in tmp_path.iterdir() if each.is_file()}
    for out, code, words, *more in [("body.pth", USAGE, "is the file of --pretrained", "--pretrained", "./body.pth"), ("folder", DATA, "a folder"),
                                    ("body.pth", DATA, "exists and is no TorchScript file"), ("photo.jpg", DATA, "exists and is no TorchScript file")]:
        done = export(tmp_path, "timm:resnet18", "--out", out, *more)
        assert done.returncode == code and words in done.stdout and len(done.stdout.splitlines()) == 1, done.stdout
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir() if each.is_file()} == before


def test_a_write_that_fails_leaves_the_earlier_file_and_no_other(tmp_path, monkeypatch):
    (tmp_path / "net.pt").write_bytes(b"earlier")
    monkeypatch.setattr(pathlib.Path, "replace", lambda *_: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        export_model.write(tmp_path / "net.pt", b"new")
    assert [each.name for each in tmp_path.iterdir()] == ["net.pt"] and (tmp_path / "net.pt").read_bytes() == b"earlier"


class Squeezing(nn.Module):
    def forward(self, x):
        return x[:, 0, 0, :3].squeeze()


class OnlyTwo(nn.Module):
    def forward(self, x):
        return x[:, 0, 0, :3].reshape(2, 3)


class NoTensor(nn.Module):
    def forward(self, x):
        return x[:, 0, 0, :3], x


@pytest.mark.parametrize("made, words", [
    (Squeezing, "own:net gives (3,) for 1 image in evaluation mode, expected logits (1, 3); does it squeeze()? use flatten(1)"),
    (OnlyTwo, "own:net fails for 1 image in evaluation mode ("), (NoTensor, "own:net gives tuple for 2 images in training mode, expected logits (2, 3)"),
])
def test_networks_that_take_only_some_numbers_of_images_are_refused(capsys, made, words):
    with pytest.raises(SystemExit, match=str(USAGE)):
        export_model.try_out(torch, torch.jit.script(made()), made(), argparse.Namespace(network="own:net", classes=3, channels=1, size=(8, 8)))
    assert words in capsys.readouterr().err

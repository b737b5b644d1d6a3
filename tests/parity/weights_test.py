"""Files of weights written by torch.save and safetensors: pleat reads the same bytes as Python, or names the kind of file."""
import collections
import io
import os
import pathlib
import pickle
import subprocess
import zipfile

import pytest
import safetensors.torch
import torch
import torchvision
from support import runs

PROBE = pathlib.Path(os.environ["PLEAT_BUILD"]) / "tests/weights_probe"
DATA = 3


def probe(path, out):
    return subprocess.run([PROBE, path, out], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def same(given, read):
    return given.dtype == read.dtype and given.shape == read.shape and \
        given.detach().contiguous().reshape(-1).view(torch.uint8).equal(read.contiguous().reshape(-1).view(torch.uint8))


def check(path, state, folder):
    """Checks that pleat reads exactly these tensors from the file, bit by bit."""
    done = probe(path, folder / "read.safetensors")
    assert done.returncode == 0, done.stdout
    read = safetensors.torch.load_file(folder / "read.safetensors")
    assert set(read) == set(state)
    assert [key for key in state if not same(state[key], read[key])] == []
    return done.stdout


def network():
    torch.manual_seed(1)
    return torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Linear(4, 3))


def values():
    """Tensors of every kind and layout."""
    torch.manual_seed(2)
    shared = torch.randn(4, 5, 6, 7)
    tensors = {
        "whole": shared, "turned": shared.permute(3, 1, 0, 2), "every other": shared[::2, 1:, ::3], "row": shared[1, 2, 3], "scalar": shared[0, 0, 0, 1],
        "channels last": torch.randn(2, 3, 4, 5).contiguous(memory_format=torch.channels_last), "number": torch.tensor(3.5), "empty": torch.zeros(0, 4),
        "empty inside": torch.zeros(2, 0, 3), "ones": torch.randn(1, 1, 5).transpose(0, 2), "not a number": torch.tensor([float("nan"), float("-inf"), -0.0]),
        "ünïcode.weight": torch.randn(3), "parameter": torch.nn.Parameter(torch.randn(2, 3)), "frozen": torch.nn.Parameter(torch.randn(2), requires_grad=False),
        "bool": torch.tensor([True, False, True]), "complex": torch.randn(3, dtype=torch.complex64),
    }
    for kind in (torch.float64, torch.float16, torch.bfloat16):
        tensors[str(kind)] = torch.randn(3, 5).to(kind).t()
    for kind in (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8):
        tensors[str(kind)] = torch.randint(0, 100, (4, 3)).to(kind)
    return tensors


STATES = {
    "state dict": lambda: network().state_dict(), "half": lambda: network().half().state_dict(), "bfloat16": lambda: network().bfloat16().state_dict(),
    "parameters": lambda: dict(network().named_parameters()), "plain dict": lambda: dict(network().state_dict()),
    "ordered dict": lambda: collections.OrderedDict(values()), "values": values, "nothing": dict,
    "channels last": lambda: network().to(memory_format=torch.channels_last).state_dict(),
    "resnet18": lambda: torchvision.models.resnet18().state_dict(), "many": lambda: {f"layer.{i}.weight": torch.full((3,), float(i)) for i in range(3000)},
}


@pytest.mark.parametrize("name", STATES)
def test_a_state_dict_is_read_bit_by_bit_whatever_the_file_is_called(name, tmp_path):
    state = STATES[name]()
    for path in (tmp_path / "weights.pth", tmp_path / "weights.safetensors", tmp_path / "weights"):
        for zipped in (True, False):  # not zipped: PyTorch's format before 1.6
            torch.save(state, path, _use_new_zipfile_serialization=zipped)
            assert check(path, state, tmp_path) == ""


def test_a_file_saved_through_a_buffer_or_on_request_of_protocol_2(tmp_path):
    state, buffer = network().state_dict(), io.BytesIO()
    torch.save(state, buffer, pickle_protocol=2)
    (tmp_path / "w.pth").write_bytes(buffer.getvalue())
    check(tmp_path / "w.pth", state, tmp_path)


def test_two_names_of_one_tensor_are_two_tensors(tmp_path):
    state = network().state_dict()
    state["again"] = state["0.weight"]
    torch.save(state, tmp_path / "w.pth")
    check(tmp_path / "w.pth", state, tmp_path)


def test_safetensors_under_any_name(tmp_path):
    state = dict(network().state_dict())
    safetensors.torch.save_file(state, tmp_path / "weights.pth")
    check(tmp_path / "weights.pth", state, tmp_path)


@pytest.mark.parametrize("key", ["state_dict", "model", "model_state_dict", "model_state", "net", "module", "ema"])
def test_a_training_scripts_checkpoint(tmp_path, key):
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()  # so that it has momentum to save
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 3)
    rest = {"epoch": 12, "best": 0.93, "arch": "net", "done": False, "none": None, "size": torch.Size([2, 3]), "history": [1.5, (2, 3)], "seed": 2 ** 40, "below": -7}
    for extra in ({}, rest, {"optimizer": optimizer.state_dict(), "schedule": {"last_epoch": schedule.last_epoch}, "loss": torch.tensor(0.5)}):
        torch.save({**extra, key: model.state_dict()}, tmp_path / "w.pth")
        said = check(tmp_path / "w.pth", model.state_dict(), tmp_path)
        assert f"a checkpoint; reads weights under '{key}'" in said


class Marker:
    """Unpickling it creates the file at `path`."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


def refused(tmp_path, contents):
    path = tmp_path / "bad.pth"
    path.write_bytes(contents)
    done = probe(path, tmp_path / "out")
    assert done.returncode == DATA and len(done.stdout.splitlines()) == 1 and not (tmp_path / "out").exists(), done.stdout
    return done.stdout


def saved(value, **how):
    out = io.BytesIO()
    torch.save(value, out, **how)
    return out.getvalue()


def scripted():
    out = io.BytesIO()
    torch.jit.save(torch.jit.script(network()), out)
    return out.getvalue()


@pytest.mark.parametrize("name, contents, words", [
    ("whole network", lambda: saved(network()), ["a whole network of class torch.nn.modules.container.Sequential", "model.state_dict()"]),
    ("whole network inside", lambda: saved({"epoch": 1, "model": network()}), ["'model' in it is a whole network of class torch.nn.modules.container.Sequential"]),
    ("torchscript", scripted, ["TorchScript", "script:"]),
    ("optimizer", lambda: saved(torch.optim.Adam(network().parameters()).state_dict()), ["'state' in it is a dict", "state_dict"]),
    ("list", lambda: saved([torch.zeros(2)]), ["a list in place of a state dict"]),
    ("tensor", lambda: saved(torch.zeros(2)), ["a tensor in place of a state dict"]),
    ("protocol 4", lambda: saved(network().state_dict(), pickle_protocol=4), ["protocol 4", "pickle_protocol"]),
    ("expanded", lambda: saved({"w": torch.zeros(1).expand(1000)}), ["shows 1000 numbers", "contiguous"]),
    ("quantized", lambda: saved({"w": torch.quantize_per_tensor(torch.zeros(3), 0.1, 0, torch.qint8)}), ["torch._utils._rebuild_qtensor"]),
    ("sparse", lambda: saved({"w": torch.eye(3).to_sparse()}), ["torch._utils._rebuild_sparse_tensor"]),
    ("plain pickle", lambda: pickle.dumps({"w": [1.0]}, protocol=4), ["a pickle that torch.save did not write"]),
    ("archive", lambda: pathlib.Path(zipped({"a/b.txt": b"x"})).read_bytes(), ["without data.pkl"]),
    ("both keys", lambda: saved({"model": network().state_dict(), "state_dict": network().state_dict()}), ["model and state_dict"]),
], ids=lambda value: value.replace(" ", "_") if isinstance(value, str) else "")
def test_another_kind_of_file_is_named_with_what_to_do(tmp_path, monkeypatch, name, contents, words):
    monkeypatch.chdir(tmp_path)
    line = refused(tmp_path, contents())
    for word in words:
        assert word in line, line


def zipped(entries):
    with zipfile.ZipFile("made.zip", "w") as archive:
        for name, contents in entries.items():
            archive.writestr(name, contents)
    return "made.zip"


def test_a_pickle_that_would_run_a_command_is_refused_by_the_commands_name(tmp_path):
    marker = tmp_path / "was_run"
    for value, words in [(Marker(marker), ["its pickle names posix.system", "ran nothing from it"]),
                         ({"w": Marker(marker)}, ["'w' in it names posix.system", "ran nothing from it"]),
                         ({"state_dict": {"w": Marker(marker)}}, ["'state_dict' in it is a dict"])]:
        line = refused(tmp_path, saved(value))
        assert all(word in line for word in words), line
        assert not marker.exists()
    state = network().state_dict()
    torch.save({"state_dict": state, "epoch": Marker(marker)}, tmp_path / "bad.pth")
    check(tmp_path / "bad.pth", state, tmp_path)
    assert not marker.exists(), "skipped beside the weights"
    torch.load(tmp_path / "bad.pth", weights_only=False)
    assert marker.exists(), "or the file would have been harmless"


def test_no_flipped_byte_goes_unseen(tmp_path):
    state = {"w": torch.randn(8)}
    torch.save(state, tmp_path / "w.pth")
    whole = (tmp_path / "w.pth").read_bytes()
    place = whole.index(state["w"].numpy().tobytes())
    line = refused(tmp_path, whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1:])
    assert "'w/data/0' in it does not have the checksum" in line
    for cut in (0, 1, 30, len(whole) // 2, len(whole) - 1):
        refused(tmp_path, whole[:cut])


def test_a_file_that_was_written_without_checksums_is_refused(tmp_path):
    before = torch.serialization.get_crc32_options()
    torch.serialization.set_crc32_options(False)
    try:
        line = refused(tmp_path, saved(network().state_dict()))
    finally:
        torch.serialization.set_crc32_options(before)
    assert "checksum" in line


def test_a_file_of_another_byte_order_is_refused(tmp_path):
    out = io.BytesIO(saved(network().state_dict()))
    with zipfile.ZipFile(out) as archive:
        entries = {entry: archive.read(entry) for entry in archive.namelist()}
    entries["archive/byteorder"] = b"big"
    with zipfile.ZipFile(tmp_path / "big.zip", "w") as archive:
        for entry, contents in entries.items():
            archive.writestr(entry, contents)
    assert "another byte order" in refused(tmp_path, (tmp_path / "big.zip").read_bytes())


@pytest.fixture(scope="module")
def gray_run(tmp_path_factory):
    """A config with a tiny learning rate, so that its run ends with its initial weights."""
    folder = tmp_path_factory.mktemp("gray")
    config = runs.write_config(folder / "config.yaml", runs.prepare(folder, rows=30, test_rows=6), folds="{k: 2}",
                               train="{epochs: 1, batch: 16, lr: 1e-9, precision: fp32}")
    return folder, config


def gray(name, classes):
    """torchvision's network for images of one channel."""
    torch.manual_seed(4)
    model = torchvision.models.get_model(name, num_classes=classes)
    first = next(module for module in model.modules() if isinstance(module, torch.nn.Conv2d))
    first.weight = torch.nn.Parameter(first.weight[:, :1].clone())
    return model


@pytest.mark.parametrize("name, head", [("resnet18", "fc."), ("efficientnet_b0", "classifier.1.")])
def test_torchvisions_weights_start_pleats_own_network_but_for_a_new_head(gray_run, tmp_path, name, head):
    folder, config = gray_run
    given = gray(name, 10).state_dict()
    torch.save(given, tmp_path / "given.pth")
    safetensors.torch.save_file(given, tmp_path / "given.safetensors")
    for ending in ("pth", "safetensors"):
        model = f"models=[{{id: net, name: {name}, weights: {tmp_path}/given.{ending}%s}}]"
        done = runs.pleat("train", config, "--set", model % "", "--run", tmp_path / ending)
        assert "set new_head: true" in runs.refusal(done, DATA)
        done = runs.pleat("train", config, "--set", model % ", new_head: true", "--run", tmp_path / ending)
        assert done.returncode == 0, done.stdout
        heads = []
        for fold in (0, 1):
            weights = safetensors.torch.load_file(tmp_path / f"{ending}/round_0/label/net/fold_{fold}/weights.safetensors")
            heads.append(weights[head + "weight"])
            assert weights.keys() == given.keys()
            for key, value in given.items():
                if not key.startswith(head) and "running" not in key and "num_batches" not in key:
                    assert weights[key].allclose(value, rtol=1e-6, atol=1e-6), key
        assert heads[0].shape[0] == runs.CLASSES and not heads[0].allclose(heads[1], atol=1e-3), "each fold draws its own"
    results = [runs.results(tmp_path / ending) for ending in ("pth", "safetensors")]
    assert results[0] == results[1]

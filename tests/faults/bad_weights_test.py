"""Weight files that are damaged, malicious or of another kind or network: refused in one line; no files left."""
import io
import os
import zipfile

import pytest
import torch
from safetensors.torch import load_file, save
from support import runs

USAGE, DATA = 2, 3


@pytest.fixture(scope="module")
def state(whole_run):
    """Weights of a resnet20 for three classes of gray images."""
    folder, _, _ = whole_run
    return load_file(next((folder / "run").glob("round_0/*/*/fold_0/weights.safetensors")))


def saved(value, **how):
    out = io.BytesIO()
    torch.save(value, out, **how)
    return out.getvalue()


def old(value):
    """In the format before PyTorch 1.6."""
    return saved(value, _use_new_zipfile_serialization=False)


def network():
    return torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.Linear(2, 3))


def scripted():
    out = io.BytesIO()
    torch.jit.save(torch.jit.script(network()), out)
    return out.getvalue()


def flipped(contents, within):
    """Flips the lowest bit of the first byte of this part."""
    place = contents.index(within)
    return contents[:place] + bytes([contents[place] ^ 1]) + contents[place + 1:]


def repacked(contents, method=zipfile.ZIP_STORED, **changed):
    """The archive with some entries changed, or removed if None. Its checksums are correct."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(contents)) as archive, zipfile.ZipFile(out, "w", method) as other:
        for name in archive.namelist():
            entry = changed.get(name.rpartition("/")[2], archive.read(name))
            if entry is not None:
                other.writestr(name, entry)
    return out.getvalue()


def without(state, *names):
    return {name: tensor for name, tensor in state.items() if name not in names}


class Command:
    def __reduce__(self):
        return os.system, ("touch was_run",)


BAD = {  # name: (the file's bytes as a function of a good state, words of the error)
    "empty": (lambda state: b"", ["an empty file"]),
    "web-page": (lambda state: b"<html>404 Not Found</html>", ["another kind of file", "neither safetensors nor a state dict"]),
    "lfs": (lambda state: b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", ["git lfs pull"]),
    "cut-10": (lambda state: saved(state)[:len(saved(state)) // 10], ["no zip directory"]),
    "cut-99": (lambda state: saved(state)[:-20], ["no zip directory"]),
    "flipped-byte": (lambda state: flipped(saved(state), state["fc.weight"].numpy().tobytes()), ["does not have the checksum"]),
    "flipped-byte-of-the-pickle": (lambda state: flipped(saved(state), b"OrderedDict"), ["data.pkl' in it does not have the checksum"]),
    "missing-storage": (lambda state: repacked(saved(state), **{"0": None}), ["its storage '0' is missing"]),
    "short-storage": (lambda state: repacked(saved(state), **{"0": b"\0" * 7}), ["its storage '0' has 7 bytes"]),
    "packed": (lambda state: repacked(saved(state), zipfile.ZIP_DEFLATED), ["'data.pkl' in it is compressed"]),
    "big-endian": (lambda state: repacked(saved(state), byteorder=b"big"), ["another byte order ('big')"]),
    "other-archive": (lambda state: repacked(saved(state), **{"data.pkl": None}), ["without data.pkl"]),
    "command": (lambda state: saved(Command()), ["names posix.system", "ran nothing from it"]),
    "command-in-a-state-dict": (lambda state: saved({**state, "w": Command()}), ["names posix.system", "ran nothing from it"]),
    "whole-network": (lambda state: saved(network()), ["a whole network of class torch.nn.modules.container.Sequential", "torch.save(model.state_dict()"]),
    "torchscript": (lambda state: scripted(), ["a TorchScript network", "script:"]),
    "whole-network-in-a-checkpoint": (lambda state: saved({"epoch": 3, "model": network()}), ["'model' in it is a whole network of class torch.nn.modules.container.Sequential"]),
    "old-cut": (lambda state: old(state)[:-5], ["cut short"]),
    "old-with-more": (lambda state: old(state) + b"x", ["1 bytes follow its storages"]),
    "old-command": (lambda state: old({**state, "w": Command()}), ["names posix.system", "ran nothing from it"]),
    "old-whole-network": (lambda state: old(network()), ["a whole network of class torch.nn.modules.container.Sequential"]),
    "protocol-4": (lambda state: saved(state, pickle_protocol=4), ["protocol 4", "pickle_protocol"]),
    "expanded": (lambda state: saved({"w": torch.zeros(1).expand(10**12)}), ["shows 1000000000000 numbers, but its storage has 1"]),
    "list": (lambda state: saved(list(state.values())), ["a list in place of a state dict"]),
    "no-tensor": (lambda state: saved({**state, "epoch": 3}), ["'epoch' in it is a whole number, not a tensor"]),
    "two-states": (lambda state: saved({"model": state, "state_dict": state}), ["weights under model and state_dict"]),
    "names-missing": (lambda state: saved(without(state, "bn1.weight", "fc.bias")), ["missing bn1.weight, fc.bias"]),
    "names-of-another-network": (lambda state: save({"features." * (i % 2) + key: tensor for i, (key, tensor) in enumerate(state.items())}), ["missing ", "extra features."]),
    "other-names-in-order": (lambda state: saved({f"w{i}": tensor for i, tensor in enumerate(state.values())}), ["missing conv1.weight", "extra w0"]),
    "other-width": (lambda state: saved({**state, "fc.weight": torch.zeros(10, 64), "fc.bias": torch.zeros(10)}),
                    ["fc.weight [10, 64] for [3, 64]", "fc.bias [10] for [3]", "set new_head: true"]),
    "colour": (lambda state: saved({**state, "conv1.weight": torch.zeros(16, 3, 3, 3)}), ["wrong shape: conv1.weight [16, 3, 3, 3] for [16, 1, 3, 3]"]),
    "whole-numbers": (lambda state: saved({**state, "fc.bias": torch.zeros(3, dtype=torch.int64)}), ["wrong dtype: fc.bias Long for Float"]),
    "names-that-control-the-terminal": (lambda state: saved({**state, "x\n\x1b[31my": torch.zeros(1)}), ["extra x\\n\\x1B[31my"]),
    "safetensors-cut": (lambda state: save(state)[:-1], ["not a safetensors file"]),
}


def train(config, folder, weights, *more, **how):
    return runs.pleat("train", config, "--set", f"models=[{{name: resnet20, weights: {weights}{''.join(more)}}}]", "--run", folder / "run", cwd=folder, **how)


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_of_weights_is_refused_in_one_line_and_leaves_nothing(whole_run, state, tmp_path, name):
    contents, words = BAD[name]
    (tmp_path / "given.pth").write_bytes(contents(state))
    line = runs.refusal(train(whole_run[1], tmp_path, "given.pth"), DATA)
    assert "given.pth" in line
    for word in words:
        assert word in line, line
    assert {path.name for path in tmp_path.iterdir() if path.name != "run"} == {"given.pth"}, "nothing was run, or written beside it"
    assert not (tmp_path / "run").exists()


BY_ORDER = {  # as BAD, with map_by_order
    "another-shape": (lambda state: saved({f"w{i}": tensor.new_zeros(tensor.shape + (1,)) for i, tensor in enumerate(state.values()) if tensor.dim()}), ["map_by_order does not go with it: in order, its w"]),
    "fewer-tensors": (lambda state: saved({"w0": state["conv1.weight"]}), ["map_by_order does not go with it: it has 1 tensor, and the network "]),
    "sorted-by-name": (lambda state: save({f"w{i}": tensor for i, tensor in enumerate(state.values())}), ["safetensors files do not keep the network's order"]),
}


@pytest.mark.parametrize("name", BY_ORDER)
def test_tensors_that_do_not_match_in_order_are_refused(whole_run, state, tmp_path, name):
    contents, words = BY_ORDER[name]
    (tmp_path / "given.pth").write_bytes(contents(state))
    line = runs.refusal(train(whole_run[1], tmp_path, "given.pth", ", map_by_order: true"), DATA)
    assert all(word in line for word in ["given.pth", *words]), line


def test_an_order_of_no_file_is_refused(whole_run, tmp_path):
    done = runs.pleat("train", whole_run[1], "--set", "models=[{name: resnet20, map_by_order: true}]", "--run", tmp_path / "run")
    assert "add weights, or leave map_by_order out" in runs.refusal(done, USAGE)


@pytest.mark.parametrize("name", ["command", "other-width"])
def test_every_rank_refuses_it(whole_run, state, tmp_path, name):
    contents, words = BAD[name]
    (tmp_path / "given.pth").write_bytes(contents(state))
    line = runs.refusal(train(whole_run[1], tmp_path, "given.pth", ranks=2), DATA)
    assert all(word in line for word in words) and not (tmp_path / "was_run").exists()


@pytest.mark.parametrize("name, words", [("not-there", ["No such file"]), ("folder", ["is a folder"]), ("pipe", ["pipe"]), ("dead-link", ["nowhere"])])
def test_what_is_no_file_is_refused_without_waiting_for_it(whole_run, tmp_path, name, words):
    path = tmp_path / "given.pth"
    if name == "folder":
        path.mkdir()
    elif name == "pipe":
        os.mkfifo(path)
    elif name == "dead-link":
        path.symlink_to("nowhere.pth")
    line = runs.refusal(train(whole_run[1], tmp_path, path, timeout=60), DATA)
    assert "given.pth" in line and all(word in line for word in words), line


def test_a_new_head_of_what_has_none_is_refused(whole_run, state, tmp_path):
    done = runs.pleat("train", whole_run[1], "--set", "models=[{name: resnet20, new_head: true}]", "--run", tmp_path / "run")
    assert "add weights, or leave new_head out" in runs.refusal(done, USAGE)
    # A script that launch/export_model.py did not make does not name its last layer.
    flat = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(runs.SIDE ** 2, runs.CLASSES))
    torch.jit.save(torch.jit.script(flat), tmp_path / "net.pt")
    torch.save(flat.state_dict(), tmp_path / "given.pth")
    done = runs.pleat("train", whole_run[1], "--set", f"models=[{{script: {tmp_path}/net.pt, weights: {tmp_path}/given.pth, new_head: true}}]",
                      "--run", tmp_path / "run")
    line = runs.refusal(done, DATA)
    assert "net.pt" in line and "does not say which layer is its last" in line, line

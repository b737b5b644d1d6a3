"""Weights as training tools write them: a run starts from them, whatever else is in the file, and runs nothing of it."""
import argparse
import collections
import io
import os
import pathlib

import numpy
import pytest
import torch
from safetensors.torch import load_file, save
from support import runs
from torch import nn

DATA = 3


@pytest.fixture(scope="module")
def state(whole_run):
    """Weights of a resnet20 for three classes of gray images."""
    folder, _, _ = whole_run
    return load_file(next((folder / "run").glob("round_0/*/*/fold_0/weights.safetensors")))


class Command:
    def __reduce__(self):
        return os.system, ("touch was_run",)


class HyperParameters(dict):
    """Stands for a class that only the tool's own environment has."""


def under(prefix, state):
    return {prefix + name: value for name, value in state.items()}


def optimizer(state):
    weights = [nn.Parameter(value) for value in state.values() if value.is_floating_point()]
    made = torch.optim.AdamW(weights)
    sum(weight.sum() for weight in weights).backward()
    made.step()
    return made.state_dict()


def averaged(state):
    """As torch.optim.swa_utils.AveragedModel.state_dict()."""
    return {"n_averaged": torch.tensor(5), **under("module.", state)}


def lightning(state, prefix="model."):
    return {"epoch": 9, "global_step": 90, "pytorch-lightning_version": "2.5.0", "state_dict": under(prefix, state),
            "loops": {"fit_loop": {"state_dict": {}, "epoch_progress": {"total": {"ready": 10}}}}, "optimizer_states": [optimizer(state)],
            "callbacks": {"ModelCheckpoint{'monitor': 'val'}": {"best_model_score": torch.tensor(0.9), "dirpath": pathlib.PurePosixPath("a/b")}},
            "lr_schedulers": [], "hparams_name": "kwargs", "hyper_parameters": HyperParameters(lr=0.1), "run": Command()}


def timm(state):
    return {"epoch": 9, "arch": "resnet20", "state_dict": state, "optimizer": optimizer(state), "version": 2, "args": argparse.Namespace(lr=0.1, run=Command()),
            "amp_scaler": {"scale": 65536.0, "_growth_tracker": 3}, "state_dict_ema": under("module.", state), "metric": numpy.float64(0.9)}


FORMS = {  # name: the value that the tool saves
    "lightning": lightning,
    "lightning-and-compile": lambda state: lightning(state, "model._orig_mod."),
    "timm": timm,
    "distributed": lambda state: {"model": under("module.", state), "epoch": 9, "rng": torch.get_rng_state(), "seed": 2 ** 64 + 1},
    "compile": lambda state: under("_orig_mod.", state),
    "distributed-compile": lambda state: under("module._orig_mod.", state),
    "average": averaged,
    "average-in-a-checkpoint": lambda state: {"ema": averaged(state), "best": numpy.array([0.5, 0.6])},
    "ema-of-a-detector": lambda state: {"ema": {"module": state, "updates": 90, "warmups": collections.deque([1])}, "date": None},
    "deepspeed": lambda state: {"module": state, "ds_config": HyperParameters(), "mp_world_size": 1},
    "fastai": lambda state: {"model": state, "opt": {"state": [], "hypers": [collections.OrderedDict(lr=0.1)]}},
    "mmengine": lambda state: {"meta": {"epoch": 9, "time": "now"}, "state_dict": under("backbone.", state), "message_hub": {"log": collections.defaultdict(list, a=[1])}},
    "cifar-trainer": lambda state: {"net": under("module.", state), "acc": 91.2, "args": argparse.Namespace(run=Command())},
    "model_state": lambda state: {"model_state": state, "optimizer_state": optimizer(state)},
    "timm-wrapper-of-transformers": lambda state: under("timm_model.", state),
}


def saved(value, **how):
    out = io.BytesIO()
    torch.save(value, out, **how)
    return out.getvalue()


def dry_run(config, folder, contents, more=""):
    (folder / "given.pth").write_bytes(contents)
    return runs.pleat("train", config, "--set", f"models=[{{name: resnet20, weights: given.pth{more}}}]", "--dry-run", cwd=folder)


@pytest.mark.parametrize("old", [False, True], ids=["zip", "old"])
@pytest.mark.parametrize("name", FORMS)
def test_a_file_as_a_tool_writes_it_is_read(whole_run, state, tmp_path, name, old):
    done = dry_run(whole_run[1], tmp_path, saved(FORMS[name](state), _use_new_zipfile_serialization=not old))
    assert done.returncode == 0, done.stdout
    assert not (tmp_path / "was_run").exists()
    if name == "timm":
        assert "reads weights under 'state_dict', not those under state_dict_ema" in done.stdout, done.stdout


def start_of(config, folder, contents, more=""):
    """Weights of a run that learns almost nothing."""
    (folder / "given.pth").write_bytes(contents)
    done = runs.pleat("train", config, "--set", f"models=[{{id: net, name: resnet20, weights: given.pth{more}}}]", "--set", "folds.k=2",
                      "--set", "train={epochs: 1, lr: 1e-12}", "--set", "data.limit=64", "--run", folder / "run", cwd=folder)
    assert done.returncode == 0, done.stdout
    return load_file(folder / "run/round_0/label/net/fold_0/weights.safetensors"), done.stdout


def parameters(state):
    return {name: value for name, value in state.items() if "running" not in name and "batches" not in name}


@pytest.mark.parametrize("name", ["lightning", "cifar-trainer"])
def test_a_run_starts_from_the_values_of_such_a_file(whole_run, state, tmp_path, name):
    made, _ = start_of(whole_run[1], tmp_path, saved(FORMS[name](state), _use_new_zipfile_serialization=name == "lightning"))
    for each, value in parameters(state).items():
        assert value.allclose(made[each], atol=1e-6), each


def renamed(state):
    """Another program's names for the same tensors, in the network's order."""
    order = ["conv1", "bn1", *(f"layer{g}.{b}.{part}" for g in (1, 2, 3) for b in (0, 1, 2) for part in ("conv1", "bn1", "conv2", "bn2")), "fc"]
    names = [name for module in order for name in
             (f"{module}.{part}" for part in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")) if name in state]
    assert sorted(names) == sorted(state)
    return {f"net.{i}.{name.rpartition('.')[2]}": state[name] for i, name in enumerate(names)}


def test_other_names_are_mapped_by_order_only_where_one_says_so(whole_run, state, tmp_path):
    other = renamed(state)
    line = runs.refusal(dry_run(whole_run[1], tmp_path, saved(other)), DATA)
    assert "missing conv1.weight" in line and "match the network's one to one in order" in line and "set map_by_order: true" in line, line
    made, said = start_of(whole_run[1], tmp_path, saved(other), ", map_by_order: true")
    assert said.count("by order, net.0.weight -> conv1.weight to ") == 1, said
    for name, value in parameters(state).items():
        assert value.allclose(made[name], atol=1e-6), name
    wide = {**other, next(reversed(other)): torch.zeros(10)}
    assert "map_by_order: true and new_head: true" in runs.refusal(dry_run(whole_run[1], tmp_path, saved(wide)), DATA)
    assert dry_run(whole_run[1], tmp_path, saved(wide), ", map_by_order: true, new_head: true").returncode == 0
    assert dry_run(whole_run[1], tmp_path, saved(state), ", map_by_order: true").returncode == 0, "its names fit as they are"

"""Reads files of pretrained weights as training tools write them, and fits their names to a network's.

The rules are those of pleat's models[].weights (docs/formats.md). An object of a foreign class is skipped, never run.
"""
import collections
import pickle
import types

KEYS = ("state_dict", "model", "model_state_dict", "model_state", "net", "module", "ema")
COUNTER = "num_batches_tracked"
KNOWN = {("collections", "OrderedDict"), ("torch._utils", "_rebuild_tensor_v2"), ("torch._utils", "_rebuild_parameter"),
         ("torch", "Size")}


class Skipped:
    """Stands for an object of a class that no weights need. Takes any arguments, items and state, and forgets them."""
    def __new__(cls, *_, **__):
        return super().__new__(cls)

    def __init__(self, *_, **__):
        pass

    def __call__(self, *_, **__):
        return Skipped()

    def __setstate__(self, _):
        pass

    def __setitem__(self, _, __):
        pass

    def append(self, _):
        pass

    def extend(self, _):
        pass


class Unpickler(pickle.Unpickler):
    def find_class(self, module, name):
        storage = module in ("torch", "torch.storage") and name.endswith("Storage") and name.isidentifier()
        if (module, name) in KNOWN or storage:
            return super().find_class(module, name)
        return type(name.rpartition(".")[2], (Skipped,), {"__module__": module})


def load(file, **how):
    return Unpickler(file, **how).load()


def read(path):
    """Returns the state dict in a file, by name. Raises ValueError if it holds none, or several."""
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file
        return load_file(path)
    import torch
    careful = types.SimpleNamespace(__name__="careful_pickle", Unpickler=Unpickler, load=load)
    return state_in(torch.load(path, map_location="cpu", weights_only=False, pickle_module=careful), path)


def is_state(value):
    import torch
    return isinstance(value, dict) and all(isinstance(each, torch.Tensor) for each in value.values())


def states_in(value, key=""):
    """Yields (keys, state dict) for each state dict under the usual keys."""
    if is_state(value):
        yield key, value
    elif isinstance(value, dict):
        for each in KEYS:
            if each in value:
                yield from states_in(value[each], f"{key}.{each}" if key else each)


def state_in(value, path):
    found = list(states_in(value))
    if len(found) == 1 and found[0][1]:
        return dict(found[0][1])
    if len(found) > 1:
        raise ValueError(f"{path} has weights under {' and '.join(key for key, _ in found)}; save the ones that you want")
    what = f"an object of class {type(value).__module__}.{type(value).__qualname__}" if isinstance(value, Skipped) else type(value).__name__
    raise ValueError(f"{path} holds {what}, and no state dict under {', '.join(KEYS)}; save only the weights: "
                     "torch.save(model.state_dict(), 'weights.pth')")


def without_prefix(state, own, heads):
    """Takes a prefix off that all names share, where the names then are the network's, but for its last layer."""
    state = {name: value for name, value in state.items() if name != "n_averaged"}  # torch.optim.swa_utils counts in it
    wanted = {name for name in own if not name.startswith(heads) and not name.endswith(COUNTER)}
    first, prefix = next(iter(state)), ""
    while True:
        rest = {name.removeprefix(prefix): value for name, value in state.items()}
        if wanted and wanted <= rest.keys():
            return rest
        part, dot, _ = first.removeprefix(prefix).partition(".")
        prefix += part + dot
        if not dot or not all(name.startswith(prefix) for name in state):
            return state


def by_order(state, own, heads, path, quiet=False):
    """Gives tensors the network's names, in order. Raises ValueError unless all shapes but the last layer's match."""
    if path.suffix == ".safetensors":
        raise ValueError(f"{path} has its tensors by name: --map-by-order needs a .pth file, which keeps their order")
    given = [(name, value) for name, value in state.items() if not name.endswith(COUNTER) and name != "n_averaged"]
    wanted = [(name, value) for name, value in own.items() if not name.endswith(COUNTER)]
    if len(given) != len(wanted):
        raise ValueError(f"{path} has {len(given)} tensors, and the network {len(wanted)}: they do not match by order")
    for (theirs, value), (ours, like) in zip(given, wanted):
        if value.shape != like.shape and not ours.startswith(heads):
            raise ValueError(f"by order, {theirs} {list(value.shape)} of {path} would be {ours} {list(like.shape)}")
    if not quiet:
        print(f"maps {len(given)} tensors of {path} by order: " +
              ", ".join(f"{given[at][0]} -> {wanted[at][0]}" for at in (0, 1, -1)))
    counters = {name: value for name, value in own.items() if name.endswith(COUNTER)}
    return collections.OrderedDict((ours, value) for (_, value), (ours, _) in zip(given, wanted)) | counters

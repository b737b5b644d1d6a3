"""Reads files of pretrained weights as training tools write them, and fits their names to a network's.

The rules are those of pleat's models[].weights with new_head (docs/formats.md; src/model/weight_names.cpp), except that a
last layer that fits is taken over. An object of a foreign class is skipped, never run.
"""
import pickle
import types
import zipfile

KEYS, MOST_DEPTH = ("state_dict", "model", "model_state_dict", "model_state", "net", "module", "ema"), 3
COUNTER, AVERAGED = "num_batches_tracked", "n_averaged"
WRAPPERS = ("module.", "_orig_mod.", "module.")  # DataParallel and torch.compile wrap in either order
KNOWN = {("collections", "OrderedDict"), ("torch._utils", "_rebuild_tensor_v2"), ("torch._utils", "_rebuild_parameter"),
         ("torch", "Size")}
MAGIC = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # begins the files of torch.save before PyTorch 1.6
SAVE = "torch.save(model.state_dict(), 'weights.pth')"


class BadWeights(ValueError):
    """A file of weights that cannot be used. The text begins with its path."""


def lines_of(error):
    """Returns the lines of an error's text, at least one."""
    return [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]


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
    """Returns the state dict in a file, by name. Raises BadWeights if it holds none, or several."""
    with open(path, "rb") as file:
        begin = file.read(64)
    try:
        if is_safetensors(begin):
            from safetensors.torch import load_file
            return with_names(load_file(path), path)
        refuse_other(begin, path)
        import torch
        careful = types.SimpleNamespace(__name__="careful_pickle", Unpickler=Unpickler, load=load)
        value = torch.load(path, map_location="cpu", weights_only=False, pickle_module=careful)
    except (BadWeights, MemoryError):
        raise
    except Exception as error:  # of damaged files; torch and pickle have many classes
        raise not_weights(path, f"damaged: {lines_of(error)[0][:200]}") from error
    return with_names(state_in(value, path), path)


def not_weights(path, reason):
    return BadWeights(f"{path}: not a file of weights ({reason}); save them with {SAVE}")


def is_safetensors(begin):
    return begin[8:9] == b"{"  # after the header's length


def refuse_other(begin, path):
    if begin.startswith(b"version https://git-lfs"):
        raise BadWeights(f"{path}: a Git LFS pointer, not the file itself; run git lfs pull")
    if is_script(path):
        raise BadWeights(f"{path}: a TorchScript network, not a file of weights; save its weights in Python: "
                         "torch.save(torch.jit.load(FILE).state_dict(), 'weights.pth')")
    if not begin.startswith((b"PK", MAGIC)):
        raise not_weights(path, "an empty file" if not begin else
                          "a pickle that torch.save did not write" if begin[:1] == b"\x80" else "another kind of file")


def is_script(path):
    """True if a file is a TorchScript archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            inner = [name.partition("/")[2] for name in archive.namelist()]
    except (OSError, zipfile.BadZipFile):
        return False
    return any(name == "constants.pkl" or name.startswith("code/") for name in inner)


def is_state(value):
    import torch
    return isinstance(value, dict) and all(isinstance(each, torch.Tensor) for each in value.values())


def states_in(value, key, depth, visited):
    """Yields (keys, state dict) for each state dict under the usual keys that is not empty. A dict may hold itself."""
    if is_state(value):
        if value:
            yield key, value
    elif isinstance(value, dict) and depth > 0 and id(value) not in visited:
        visited.add(id(value))
        for each in KEYS:
            if each in value:
                yield from states_in(value[each], f"{key}.{each}" if key else each, depth - 1, visited)


def state_in(value, path):
    found = list(states_in(value, "", MOST_DEPTH, set()))
    if len(found) == 1:
        return dict(found[0][1])
    if len(found) > 1:
        raise BadWeights(f"{path} has weights under {' and '.join(key for key, _ in found)}; save the ones that you want")
    whole = f"an object of class {type(value).__module__}.{type(value).__qualname__}"
    what = whole if isinstance(value, Skipped) else "an empty dict" if value == {} else f"a {type(value).__name__}"
    raise BadWeights(f"{path} holds {what}, and no state dict under {', '.join(KEYS)}; save only the weights: {SAVE}")


def with_names(state, path):
    odd = next((name for name in state if not isinstance(name, str)), None)
    if odd is not None or not state:
        raise not_weights(path, f"a tensor in it has the name {odd!r}, not a text" if state else "it holds no tensor")
    return state


def names_fit(names, own, heads):
    """Whether all names are the network's. Those of counters and of the last layer may be missing.
    heads: tuple of prefixes of the last layer's names"""
    needed = {name for name in own if not name.startswith(heads) and not name.endswith(COUNTER)}
    return needed <= set(names) <= set(own)


def common_prefixes(names):
    """Yields the prefixes that end in '.' and begin all names, the shortest first."""
    first = next(iter(names), "")
    for end in (at + 1 for at, letter in enumerate(first) if letter == "."):
        if not all(name.startswith(first[:end]) for name in names):
            return
        yield first[:end]


def without_prefix(state, own, heads):
    """Removes a prefix that all names share, if the rest are the network's names. Otherwise removes only WRAPPERS."""
    state = {name: value for name, value in state.items() if name != AVERAGED or value.numel() != 1}
    for prefix in ("", *common_prefixes(state)):
        if names_fit([name[len(prefix):] for name in state], own, heads):
            return {name[len(prefix):]: value for name, value in state.items()}
    for prefix in WRAPPERS:
        if all(name.startswith(prefix) for name in state) and not any(name.startswith(prefix) for name in own):
            state = {name[len(prefix):]: value for name, value in state.items()}
    return state


def by_order(state, own, heads, path, quiet=False):
    """Gives tensors the network's names, in order. The last layer may differ or be missing. Raises BadWeights if other
    shapes differ, or their number."""
    with open(path, "rb") as file:
        if is_safetensors(file.read(64)):
            raise BadWeights(f"{path} has its tensors by name: --map-by-order needs a .pth file, which keeps their order")
    given = [(name, value) for name, value in state.items() if not name.endswith(COUNTER)]
    wanted = [(name, value) for name, value in own.items() if not name.endswith(COUNTER)]
    body = [(name, value) for name, value in wanted if not name.startswith(heads)]
    wanted = body if len(given) == len(body) else wanted
    if len(given) != len(wanted):
        raise BadWeights(f"{path} has {len(given)} tensors, and the network {len(wanted)}: they do not match by order")
    for (theirs, value), (ours, like) in zip(given, wanted):
        if value.shape != like.shape and not ours.startswith(heads):
            raise BadWeights(f"by order, {theirs} {list(value.shape)} of {path} would be {ours} {list(like.shape)}")
    if given and not quiet:
        first, last = (f"{given[at][0]} -> {wanted[at][0]}" for at in (0, -1))
        print(f"maps {len(given)} tensors of {path} by order, {first} to {last}")
    return {ours: value for (_, value), (ours, _) in zip(given, wanted)}


def with_counters(state, own):
    """Adds zero counters, as PyTorch does, if the file has none: BatchNorm has them since PyTorch 0.4.1."""
    if any(name.endswith(COUNTER) for name in state):
        return state
    return state | {name: value * 0 for name, value in own.items() if name.endswith(COUNTER)}


def head_fits(state, own, heads):
    """Whether the file has the network's whole last layer."""
    return all(name in state and state[name].shape == value.shape for name, value in own.items() if name.startswith(heads))


def misfits(state, own):
    """Returns the differences from the network's names, shapes and kinds of numbers, each kind as a text."""
    both = [(name, state[name], value) for name, value in own.items() if name in state]
    shapes = [f"{name} {list(given.shape)} for {list(value.shape)}" for name, given, value in both if given.shape != value.shape]
    kinds = [f"{name} {given.dtype} for {value.dtype}" for name, given, value in both
             if given.shape == value.shape and given.is_floating_point() != value.is_floating_point()]
    listed = {"missing": [name for name in own if name not in state], "extra": [name for name in state if name not in own],
              "wrong shape:": shapes, "wrong dtype:": kinds}
    return [f"{what} {', '.join(names[:8])}" + (f" and {len(names) - 8} more" if len(names) > 8 else "")
            for what, names in listed.items() if names]

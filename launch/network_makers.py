"""Makes the networks that launch/export_model.py exports: timm's, torchvision's, or those of a user's function."""
import importlib
import importlib.util
import inspect
import keyword
import logging
import os
import pathlib
import re
import sys

import pretrained_weights as weights  # before a file of that name in the user's folder
from pretrained_weights import BadWeights, lines_of

USAGE, DATA = 2, 3


def fail(code, message):
    print(f"export_model: {message}", file=sys.stderr)
    sys.exit(code)


def create_timm(timm, name, size, options):
    try:
        return timm.create_model(name, img_size=size, **options)
    except TypeError as error:
        if "img_size" not in str(error):
            raise
    return timm.create_model(name, **options)  # networks without img_size take any size


def head_names(network):
    """Prefixes of the names of the last layer's parameters, by timm's config."""
    heads = network.pretrained_cfg.get("classifier") or ()
    return tuple(head + "." for head in ([heads] if isinstance(heads, str) else heads))


def heads_of(network, classes):
    """Names of the modules that output the logits: from timm's config, else the last linear layer or convolution."""
    import torch
    named = dict(network.named_modules())
    told = getattr(network, "pretrained_cfg", None) or getattr(network, "default_cfg", None) or {}
    told = told.get("classifier") or ()
    heads = [told] if isinstance(told, str) else list(told)
    if not heads:
        heads = [name for name, module in named.items() if isinstance(module, (torch.nn.Linear, torch.nn.Conv2d))][-1:]
    weights_of = [getattr(named.get(name), "weight", None) for name in heads]
    return heads if all(isinstance(each, torch.Tensor) and each.shape[:1] == (classes,) for each in weights_of) else []


def check_taken_over(network, untrained, path):
    """Raises BadWeights if the file lacks weights. timm says nothing, and those parameters keep their random values."""
    heads = head_names(network)
    drawn = {name: value for name, value in untrained.named_parameters() if value.dim() > 1 and value.std() > 0}
    lacking = [name for name, value in network.named_parameters()
               if name in drawn and value.equal(drawn[name]) and not name.startswith(heads)]
    if lacking:
        more = f" and {len(lacking) - 3} more" if len(lacking) > 3 else ""
        raise BadWeights(f"{path} has no weights for {', '.join(lacking[:3])}{more}")


def pretrained_state(own, heads, arguments):
    """Returns the weights of --pretrained under the network's names, as far as they fit, and advice for names that do not.
    own: the network's state dict; heads: prefixes of its last layer's names"""
    path = arguments.pretrained
    state = weights.without_prefix(weights.read(path), own, heads)
    if weights.names_fit(state, own, heads):
        return state, ""
    if arguments.map_by_order:
        return weights.by_order(state, own, heads, path), ""
    try:
        weights.by_order(state, own, heads, path, quiet=True)
    except BadWeights:
        return state, ""
    return state, ("; its names differ, but all its shapes match the network's one to one in order: if it is the same network, "
                   "add --map-by-order")


def make_timm(name, arguments):
    try:
        import timm
    except ImportError as error:
        fail(USAGE, f"timm is missing ({error}); run launch/setup.sh --test, which installs it into .venv")
    logging.getLogger("timm").setLevel(logging.ERROR)  # it lists every tensor that it does not take
    if name not in timm.list_models():
        import difflib
        near = difflib.get_close_matches(name, timm.list_models(), 3)
        fail(USAGE, f"timm has no network '{name}'" + (f"; did you mean {' or '.join(near)}?" if near else ""))
    options = dict(num_classes=arguments.classes, in_chans=arguments.channels, scriptable=True)
    untrained = create_timm(timm, name, arguments.size, options)
    return pretrained_timm(timm, name, arguments, options, untrained) if arguments.pretrained else untrained


def pretrained_timm(timm, name, arguments, options, untrained):
    """timm adapts the first convolution and the position embedding, and converts the names of some files."""
    import torch
    path, heads, own = arguments.pretrained, head_names(untrained), untrained.state_dict()
    state, advice, overlay = {}, "", dict(file=str(path))
    if path.suffix != ".npz":  # a format that timm's own networks read
        state, advice = pretrained_state(timm.create_model(name).state_dict(), heads, arguments)
        overlay = dict(state_dict=dict(state))
        if not weights.head_fits(state, own, heads) and not untrained.pretrained_cfg.get("label_offset"):
            overlay["num_classes"] = 0  # differs, so timm skips the file's last layer, and the file may lack it
    torch.manual_seed(arguments.seed)
    try:
        network = create_timm(timm, name, arguments.size, options | dict(pretrained=True, pretrained_cfg_overlay=overlay))
        check_taken_over(network, untrained, path)
    except Exception as error:
        raise BadWeights(one_line(error) + advice) from error
    if weights.head_fits(state, own, heads):  # timm takes it only if it is for the classes of timm's own weights
        network.load_state_dict({key: value for key, value in state.items() if key.startswith(heads)}, strict=False)
    return network


def make_torchvision(name, arguments):
    import torchvision
    if arguments.channels != 3:
        fail(USAGE, "torchvision's networks take 3 channels; prepare colour crops, or use timm's")
    if name not in torchvision.models.list_models(module=torchvision.models):
        fail(USAGE, f"torchvision has no network '{name}'; torchvision.models.list_models() lists them")
    options = dict(weights=None, num_classes=arguments.classes)
    try:
        if arguments.size[0] != arguments.size[1]:
            raise TypeError("image_size")
        network = torchvision.models.get_model(name, image_size=arguments.size[0], **options)
    except TypeError as error:
        if "image_size" not in str(error):
            raise
        network = torchvision.models.get_model(name, **options)
    if arguments.pretrained:
        load_pretrained(network, arguments)
    return network


def make_own(module, name, arguments):
    """Calls the user's function."""
    make = getattr(import_own(module), name, None)
    if not callable(make):
        fail(USAGE, f"{module} has no function '{name}'")
    facts = dict(classes=arguments.classes, channels=arguments.channels, height=arguments.size[0], width=arguments.size[1])
    takes = inspect.signature(make).parameters
    network = make(**{fact: value for fact, value in facts.items() if fact in takes})
    import torch
    if not isinstance(network, torch.nn.Module):
        fail(USAGE, f"{arguments.network} returns {type(network).__name__}; expected a torch.nn.Module")
    if arguments.pretrained:
        load_pretrained(network, arguments)
    return network


def import_own(module):
    """Imports the user's module: a file FILE.py, or a name that Python finds from the working folder."""
    path = pathlib.Path(module) if module.endswith(".py") else None
    if path and not path.is_file():
        fail(USAGE, f"{module}: no such file")
    sys.path[:0] = [*([str(path.resolve().parent)] if path else []), os.getcwd()]
    try:
        return import_file(path) if path else importlib.import_module(module)
    except ModuleNotFoundError as error:
        if not path and f"{module}.".startswith(f"{error.name}."):
            fail(USAGE, f"'{module}' is neither timm, torchvision nor a module that Python finds from here ({error})")
        fail(USAGE, f"{module} cannot be imported: {error}; install it in .venv")
    except (ImportError, OSError) as error:
        fail(USAGE, f"{module} cannot be imported: {error}; correct that")


def import_file(path):
    """TorchScript needs the module in sys.modules, and a name without signs."""
    name = re.sub(r"\W", "_", path.stem)
    name = f"own_{name}" if name in sys.modules or not name.isidentifier() or keyword.iskeyword(name) else name
    spec = importlib.util.spec_from_file_location(name, path)
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def load_pretrained(network, arguments):
    """Loads weights by name, except those of a last layer that differs or that the file lacks."""
    own, heads = network.state_dict(), tuple(f"{head}." for head in heads_of(network, arguments.classes))
    state, advice = pretrained_state(own, heads, arguments)
    state = weights.with_counters(state, own)
    if not weights.head_fits(state, own, heads):
        state |= {name: value for name, value in own.items() if name.startswith(heads)}
    problems = weights.misfits(state, own)
    if problems:
        raise BadWeights(f"{arguments.pretrained} does not fit: {'; '.join(problems)}{advice}")
    network.load_state_dict(state)


def one_line(error):
    return " ".join(lines_of(error))[:300]


def pixels_of(library, name, network, arguments):
    """Mean and std per channel that the network's weights were trained with; None if nothing says so."""
    if arguments.mean:
        return arguments.mean, arguments.std
    if not arguments.pretrained:
        return None
    if library == "torchvision":
        import torchvision
        preset = torchvision.models.get_model_weights(name).DEFAULT.transforms()
        told = {"mean": preset.mean, "std": preset.std}
    else:
        told = getattr(network, "pretrained_cfg", None) or getattr(network, "default_cfg", None) or {}
    if not told.get("mean") or not told.get("std"):
        return None
    mean, std = list(told["mean"]), list(told["std"])
    if arguments.channels == 1:  # the library has summed the first layer over the colours
        mean, std = [round(sum(mean) / len(mean), 6)], [round(sum(std) / len(std), 6)]
    return mean, std


def make_network(library, name, arguments):
    if library == "timm":
        return make_timm(name, arguments)
    return make_torchvision(name, arguments) if library == "torchvision" else make_own(library, name, arguments)

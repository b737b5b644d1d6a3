"""Makes the networks that launch/export_model.py exports: timm's, torchvision's, or those of a user's function."""
import importlib
import importlib.util
import inspect
import logging
import os
import pathlib
import sys

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


def check_taken_over(network, untrained, path):
    """Raises ValueError if the file lacks weights. timm says nothing, and those parameters keep their random values."""
    heads = head_names(network)
    drawn = {name: value for name, value in untrained.named_parameters() if value.dim() > 1 and value.std() > 0}
    lacking = [name for name, value in network.named_parameters()
               if name in drawn and value.equal(drawn[name]) and not name.startswith(heads)]
    if lacking:
        more = f" and {len(lacking) - 3} more" if len(lacking) > 3 else ""
        raise ValueError(f"{path} has no weights for {', '.join(lacking[:3])}{more}")


def offer_order(state, own, heads, path):
    """Advice for names that are not the network's: --map-by-order, if it would work."""
    import pretrained_weights
    try:
        pretrained_weights.by_order(state, own, heads, path, quiet=True)
    except ValueError:
        return ""
    return ("; its names differ, but all its shapes match the network's one to one in order: if it is the same network, "
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
    if not arguments.pretrained:
        return untrained
    import pretrained_weights
    import torch
    path, overlay, advice = arguments.pretrained, dict(file=str(arguments.pretrained)), ""
    if path.suffix != ".npz":  # a format that timm's own networks read
        own, heads = timm.create_model(name).state_dict(), head_names(untrained)
        state = pretrained_weights.without_prefix(pretrained_weights.read(path), own, heads)
        advice = "" if arguments.map_by_order else offer_order(state, own, heads, path)
        if arguments.map_by_order:
            state = pretrained_weights.by_order(state, own, heads, path)
        overlay = dict(state_dict=state)
    torch.manual_seed(arguments.seed)  # timm adapts the head, first convolution and position embedding
    try:
        network = create_timm(timm, name, arguments.size, options | dict(pretrained=True, pretrained_cfg_overlay=overlay))
        check_taken_over(network, untrained, path)
    except Exception as error:
        raise ValueError(first_line(error) + advice) from error
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
        load_but_head(network, arguments)
    return network


def make_own(module, name, arguments):
    """Calls the user's function, from a module that the working folder has, or from a file."""
    sys.path.insert(0, os.getcwd())
    try:
        if module.endswith(".py"):
            spec = importlib.util.spec_from_file_location(pathlib.Path(module).stem, module)
            made = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(made)
        else:
            made = importlib.import_module(module)
    except (ImportError, OSError) as error:
        fail(USAGE, f"'{module}' is neither timm, torchvision nor a module that Python finds from here ({error})")
    if not callable(getattr(made, name, None)):
        fail(USAGE, f"{module} has no function '{name}'")
    facts = dict(classes=arguments.classes, channels=arguments.channels, height=arguments.size[0], width=arguments.size[1])
    takes = inspect.signature(getattr(made, name)).parameters
    network = getattr(made, name)(**{fact: value for fact, value in facts.items() if fact in takes})
    import torch
    if not isinstance(network, torch.nn.Module):
        fail(USAGE, f"{arguments.network} returns {type(network).__name__}; expected a torch.nn.Module")
    if arguments.pretrained:
        load_but_head(network, arguments)
    return network


def load_but_head(network, arguments):
    """Loads weights by name. The last layer's are skipped if their shape differs."""
    import pretrained_weights
    path, own = arguments.pretrained, network.state_dict()
    head = next(reversed(own)).rpartition(".")[0] + "."
    given = pretrained_weights.without_prefix(pretrained_weights.read(path), own, head)
    advice = "" if arguments.map_by_order else offer_order(given, own, head, path)
    if arguments.map_by_order:
        given = pretrained_weights.by_order(given, own, head, path)
    for key in [key for key in given if key.startswith(head) and key in own and given[key].shape != own[key].shape]:
        given[key] = own[key]
    try:
        network.load_state_dict(given)
    except RuntimeError as error:
        raise ValueError(first_line(error) + advice) from error


def first_line(error):
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    return " ".join(lines)[:300]


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

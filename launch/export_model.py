#!/usr/bin/env python3
"""Exports a network of timm or torchvision to TorchScript, for pleat to train: models: [{script: m.pt}].

    launch/export_model.py timm:efficientnet_b0 --classes 3 --size 64 --out m.pt
    launch/export_model.py torchvision:mobilenet_v3_small --classes 3 --pretrained weights.pth --out m.pt

Without --pretrained the weights are random, and the same for the same --seed. The network is tested before it is saved.
"""
import argparse
import json
import os
import pathlib
import sys
import warnings

ROOT = pathlib.Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv/bin/python"
USAGE, DATA = 2, 3


def fail(code, message):
    print(f"export_model: {message}", file=sys.stderr)
    sys.exit(code)


def import_torch():
    """Imports torch, or restarts under .venv, which has the torch version of pleat's LibTorch (launch/setup.sh)."""
    try:
        import torch
        return torch
    except ImportError:
        if not VENV.exists() or pathlib.Path(sys.prefix) == ROOT / ".venv":
            fail(USAGE, "torch is missing; run launch/setup.sh --test, which installs it and timm into .venv")
        os.execv(VENV, [str(VENV), *sys.argv])


def with_fixed_hashes():
    """Restarts Python with fixed hashes. The compiler iterates over sets, so bytes and job keys depend on hashes."""
    if os.environ.get("PYTHONHASHSEED") != "0":
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | {"PYTHONHASHSEED": "0"})


def parse_size(text):
    parts = text.split("x")
    if len(parts) not in (1, 2) or not all(part.isdigit() and int(part) > 0 for part in parts):
        raise argparse.ArgumentTypeError(f"'{text}' is not a size; expected 64, or 128x96 (height x width)")
    return int(parts[0]), int(parts[-1])


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", help="timm:NAME or torchvision:NAME")
    parser.add_argument("--classes", type=int, required=True,
                        help="number of outputs: classes or bins of the target; 2 with regress; with targets_as: heads "
                             "the sum over the targets, with joint the product of their classes")
    parser.add_argument("--channels", type=int, default=3, choices=(1, 3), help="channels of the crops; default: 3")
    parser.add_argument("--size", type=parse_size, default=(64, 64),
                        help="size of the crops, as given to pleat prepare; default: 64")
    parser.add_argument("--pretrained", type=pathlib.Path, metavar="FILE",
                        help="pretrained weights (.safetensors, .pth); a last layer for other classes is not loaded")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random weights; default: 0")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="TorchScript file to write")
    arguments = parser.parse_args()
    library, _, name = arguments.network.partition(":")
    if library not in ("timm", "torchvision") or not name:
        parser.error(f"unknown network '{arguments.network}'; expected timm:NAME or torchvision:NAME")
    if arguments.classes < 1:
        parser.error(f"--classes {arguments.classes}: expected 1 or more")
    if arguments.pretrained and not arguments.pretrained.is_file():
        fail(DATA, f"--pretrained {arguments.pretrained}: no such file")
    if not arguments.out.absolute().parent.is_dir():
        fail(DATA, f"--out {arguments.out}: there is no folder {arguments.out.absolute().parent}")
    return arguments, library, name


def create_timm(timm, name, size, options):
    try:
        return timm.create_model(name, img_size=size, **options)
    except TypeError as error:
        if "img_size" not in str(error):
            raise
    return timm.create_model(name, **options)  # networks without img_size take any size


def check_taken_over(network, untrained, path):
    """Raises ValueError if the file lacks weights. timm says nothing, and those parameters keep their random values."""
    heads = network.pretrained_cfg.get("classifier") or ()
    heads = tuple(head + "." for head in ([heads] if isinstance(heads, str) else heads))
    drawn = {name: value for name, value in untrained.named_parameters() if value.dim() > 1 and value.std() > 0}
    lacking = [name for name, value in network.named_parameters()
               if name in drawn and value.equal(drawn[name]) and not name.startswith(heads)]
    if lacking:
        more = f" and {len(lacking) - 3} more" if len(lacking) > 3 else ""
        raise ValueError(f"{path} has no weights for {', '.join(lacking[:3])}{more}")


def make_timm(name, arguments):
    try:
        import timm
    except ImportError as error:
        fail(USAGE, f"timm is missing ({error}); run launch/setup.sh --test, which installs it into .venv")
    if name not in timm.list_models():
        import difflib
        near = difflib.get_close_matches(name, timm.list_models(), 3)
        fail(USAGE, f"timm has no network '{name}'" + (f"; did you mean {' or '.join(near)}?" if near else ""))
    options = dict(num_classes=arguments.classes, in_chans=arguments.channels, scriptable=True)
    untrained = create_timm(timm, name, arguments.size, options)
    if not arguments.pretrained:
        return untrained
    import torch
    torch.manual_seed(arguments.seed)  # timm adapts the head, first convolution and position embedding
    options |= dict(pretrained=True, pretrained_cfg_overlay=dict(file=str(arguments.pretrained)))
    network = create_timm(timm, name, arguments.size, options)
    check_taken_over(network, untrained, arguments.pretrained)
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
        load_but_head(network, arguments.pretrained)
    return network


def load_but_head(network, path):
    """Loads weights by name. The last layer's are skipped if their shape differs."""
    import torch
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file
        given = load_file(path)
    else:
        given = torch.load(path, map_location="cpu", weights_only=True)
    wanted = network.state_dict()
    head = next(reversed(wanted)).rpartition(".")[0] + "."
    for key in [key for key in given if key.startswith(head) and key in wanted and given[key].shape != wanted[key].shape]:
        given[key] = wanted[key]
    network.load_state_dict(given)


def constants_of(network):
    """Names of the buffers with persistent=False. TorchScript does not record which they are."""
    state = network.state_dict().keys()
    return sorted(name for name, _ in network.named_buffers() if name not in state)


def heads_of(torch, network, classes):
    """Names of the modules that output the logits: from timm's config, else the last linear layer or convolution."""
    named = dict(network.named_modules())
    told = getattr(network, "pretrained_cfg", None) or getattr(network, "default_cfg", None) or {}
    told = told.get("classifier") or ()
    heads = [told] if isinstance(told, str) else list(told)
    if not heads:
        heads = [name for name, module in named.items() if isinstance(module, (torch.nn.Linear, torch.nn.Conv2d))][-1:]
    wide = [named[name].weight.shape[0] == classes for name in heads if isinstance(getattr(named.get(name), "weight", None), torch.Tensor)]
    return heads if len(wide) == len(heads) and all(wide) else []


def try_out(torch, script, network, arguments):
    """Tests the script in training and evaluation mode, since an error during training would be pages long."""
    images = torch.randn(2, arguments.channels, *arguments.size)
    for training in (True, False):
        script.train(training)
        with torch.no_grad():
            logits = script(images)
        if not isinstance(logits, torch.Tensor) or logits.shape != (2, arguments.classes):
            found = tuple(logits.shape) if isinstance(logits, torch.Tensor) else type(logits).__name__
            fail(USAGE, f"{arguments.network} gives {found} for 2 images in {'training' if training else 'evaluation'}; "
                        f"expected (2, {arguments.classes}) logits, so pleat cannot train it; choose another network")
    network.load_state_dict(script.state_dict(), strict=False)  # training mode changed BatchNorm's statistics
    network.eval()
    with torch.no_grad():
        difference = (network(images) - script(images)).abs().max().item()
    if not difference < 1e-3:
        fail(DATA, f"the script's logits differ from {arguments.network}'s by {difference:g}; choose another network")


def export(torch, network, arguments):
    try:
        script = torch.jit.script(network)
    except Exception as error:  # the compiler has no exception class of its own
        line = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        fail(USAGE, f"torch.jit.script cannot compile {arguments.network} ({line.strip()[:200]}); choose another network "
                    "(torch.jit.trace would fix dropout and BatchNorm in one mode, so it is not used)")
    import io
    archive = io.BytesIO()
    origin = json.dumps({"source": arguments.network, "constants": constants_of(network),
                         "head": heads_of(torch, network, arguments.classes)})
    torch.jit.save(script, archive, _extra_files={"pleat.json": origin})
    archive.seek(0)
    try_out(torch, torch.jit.load(archive), network, arguments)
    partial = arguments.out.with_name(arguments.out.name + ".partial")
    partial.write_bytes(archive.getvalue())
    partial.replace(arguments.out)


def main():
    arguments, library, name = parse_arguments()
    with_fixed_hashes()
    torch = import_torch()
    warnings.filterwarnings("ignore")  # TorchScript is deprecated; requirements.txt pins the version
    torch.manual_seed(arguments.seed)
    try:
        network = make_timm(name, arguments) if library == "timm" else make_torchvision(name, arguments)
    except Exception as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
        code = DATA if arguments.pretrained else USAGE
        fail(code, f"{arguments.network} cannot be made with these options: {' '.join(lines)[:300]}")
    try:
        export(torch, network, arguments)
    except (OSError, RuntimeError) as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        fail(DATA, f"{arguments.network} cannot be exported to {arguments.out}: {lines[-1][:300]}")
    count = sum(parameter.numel() for parameter in network.parameters())
    height, width = arguments.size
    print(f"{arguments.out}: {arguments.network}, {count:,} parameters, {arguments.classes} classes, images of "
          f"{arguments.channels}x{height}x{width}; train it with models: [{{script: {arguments.out}}}]")


if __name__ == "__main__":
    main()

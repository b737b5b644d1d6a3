#!/usr/bin/env python3
"""Exports a network of timm, of torchvision or of your own to TorchScript, for pleat to train: models: [{script: m.pt}].

    launch/export_model.py timm:efficientnet_b0 --classes 3 --size 64 --out m.pt
    launch/export_model.py torchvision:mobilenet_v3_small --classes 3 --pretrained weights.pth --out m.pt
    launch/export_model.py nets:make --classes 3 --out m.pt            # the network that make() of nets.py returns

Without --pretrained the weights are random, and the same for the same --seed. With it the file also holds the mean and
std that the weights were trained with, and pleat normalises this model's images with them. The network is tested before
it is saved. A function of your own may take the arguments classes, channels, height and width.
"""
import argparse
import json
import os
import pathlib
import shlex
import sys
import warnings

from network_makers import DATA, USAGE, fail, first_line, make_network, pixels_of

ROOT = pathlib.Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv/bin/python"


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


def make_parser():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", help="timm:NAME, torchvision:NAME, or MODULE:FUNCTION (also FILE.py:FUNCTION)")
    parser.add_argument("--classes", type=int, required=True,
                        help="number of outputs: classes or bins of the target; 2 with regress; with targets_as: heads "
                             "the sum over the targets, with joint the product of their classes")
    parser.add_argument("--channels", type=int, default=3, choices=(1, 3), help="channels of the crops; default: 3")
    parser.add_argument("--size", type=parse_size, default=(64, 64),
                        help="size of the crops, as given to pleat prepare; default: 64")
    parser.add_argument("--pretrained", type=pathlib.Path, metavar="FILE",
                        help="pretrained weights (.safetensors, .pth); a last layer for other classes is not loaded")
    parser.add_argument("--map-by-order", action="store_true",
                        help="give the tensors of --pretrained the network's names in order, if their names differ "
                             "and their shapes match one to one")
    parser.add_argument("--mean", type=float, nargs="+", metavar="M",
                        help="pixel mean per channel (0 to 1) that the weights were trained with; default: the library's")
    parser.add_argument("--std", type=float, nargs="+", metavar="S", help="the same for the standard deviation")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random weights; default: 0")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="TorchScript file to write")
    return parser


def parse_arguments():
    parser = make_parser()
    arguments = parser.parse_args()
    library, _, name = arguments.network.rpartition(":")
    if not library or not name:
        parser.error(f"unknown network '{arguments.network}'; expected timm:NAME, torchvision:NAME or MODULE:FUNCTION")
    if arguments.classes < 1:
        parser.error(f"--classes {arguments.classes}: expected 1 or more")
    if arguments.map_by_order and not arguments.pretrained:
        parser.error("--map-by-order names the tensors of --pretrained, which is not given")
    for option, values in (("--mean", arguments.mean), ("--std", arguments.std)):
        if (values is None) != (arguments.mean is None):
            parser.error("--mean and --std go together; give both, or neither")
        if values and (len(values) != arguments.channels or not all(0 <= each <= 1 for each in values)):
            parser.error(f"{option}: expected {arguments.channels} numbers from 0 to 1, one per channel")
    if arguments.std and min(arguments.std) == 0:
        parser.error("--std: expected numbers above 0")
    if arguments.pretrained and not arguments.pretrained.is_file():
        fail(DATA, f"--pretrained {arguments.pretrained}: no such file")
    if not arguments.out.absolute().parent.is_dir():
        fail(DATA, f"--out {arguments.out}: there is no folder {arguments.out.absolute().parent}")
    return arguments, library, name


def repeated_options(arguments):
    """The options that another export of this network needs too, as text. Paths are left out: job keys depend on it."""
    options = ["--pretrained", arguments.pretrained.name] if arguments.pretrained else []
    options += ["--map-by-order"] if arguments.map_by_order else []
    if arguments.mean:
        options += ["--mean", *map(str, arguments.mean), "--std", *map(str, arguments.std)]
    return shlex.join(options)


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


def export(torch, network, arguments, pixels):
    try:
        script = torch.jit.script(network)
    except Exception as error:  # the compiler has no exception class of its own
        line = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        fail(USAGE, f"torch.jit.script cannot compile {arguments.network} ({line.strip()[:200]}); choose another network "
                    "(torch.jit.trace would fix dropout and BatchNorm in one mode, so it is not used)")
    import io
    archive = io.BytesIO()
    origin = {"source": arguments.network, "constants": constants_of(network),
              "head": heads_of(torch, network, arguments.classes)}
    if arguments.pretrained or pixels:
        origin["options"] = repeated_options(arguments)
    if pixels:
        origin["mean"], origin["std"] = map(list, pixels)
    torch.jit.save(script, archive, _extra_files={"pleat.json": json.dumps(origin)})
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
        network = make_network(library, name, arguments)
    except Exception as error:
        code = DATA if arguments.pretrained else USAGE
        fail(code, f"{arguments.network} cannot be made with these options: {first_line(error)}")
    pixels = pixels_of(library, name, network, arguments)
    try:
        export(torch, network, arguments, pixels)
    except (OSError, RuntimeError) as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        fail(DATA, f"{arguments.network} cannot be exported to {arguments.out}: {lines[-1][:300]}")
    count = sum(parameter.numel() for parameter in network.parameters())
    height, width = arguments.size
    said = f"pixels of mean {pixels[0]} and std {pixels[1]}" if pixels else "pixels normalised as the crops are"
    if arguments.pretrained and not pixels:
        said += " (nothing says with which mean and std the weights were trained; if you know, give --mean and --std)"
    print(f"{arguments.out}: {arguments.network}, {count:,} parameters, {arguments.classes} classes, images of "
          f"{arguments.channels}x{height}x{width}, {said}; train it with models: [{{script: {arguments.out}}}]")


if __name__ == "__main__":
    main()

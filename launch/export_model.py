#!/usr/bin/env python3
"""Exports a network of timm, of torchvision or of your own to TorchScript, for pleat to train: models: [{script: m.pt}].

    launch/export_model.py timm:efficientnet_b0 --classes 3 --size 64 --out m.pt
    launch/export_model.py torchvision:mobilenet_v3_small --classes 3 --pretrained weights.pth --out m.pt
    launch/export_model.py nets:make --classes 3 --out m.pt            # the network that make() of nets.py returns

Without --pretrained the weights are random, and the same for the same --seed. With it the file of a network of timm or
torchvision also holds the library's mean and std of pixels; for your own network, or other weights, give --mean and
--std. pleat normalises this model's images with them. The network is tested before it is saved. A function of your own
may take the arguments classes, channels, height and width.
"""
import argparse
import io
import json
import os
import pathlib
import shlex
import sys
import warnings
import zipfile

from network_makers import DATA, USAGE, fail, heads_of, make_network, one_line, pixels_of
from pretrained_weights import BadWeights, is_script, lines_of

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
                        help="pretrained weights (.safetensors, .pth); their last layer is loaded only if it fits")
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
    check_out(arguments.out, arguments.pretrained)
    return arguments, library, name


def check_out(out, pretrained):
    """Refuses a place that is no file, and files that an earlier export did not write."""
    if not out.absolute().parent.is_dir():
        fail(DATA, f"--out {out}: there is no folder {out.absolute().parent}")
    if out.is_dir():
        fail(DATA, f"--out {out}: a folder; give the name of a file")
    if out.exists() and pretrained and out.samefile(pretrained):
        fail(USAGE, f"--out {out} is the file of --pretrained; choose another name")
    if out.exists() and not is_script(out):
        fail(DATA, f"--out {out} exists and is no TorchScript file; choose another name, or remove it")


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


def source_of(library, name):
    """The network as text, without the folder of a file: job keys depend on it."""
    return f"{pathlib.Path(library).name if library.endswith('.py') else library}:{name}"


def logits_of(torch, script, images, mode, arguments):
    """Runs the script. Ends the program unless it gives logits [N, classes]."""
    count, expected = counted(len(images)), (len(images), arguments.classes)
    try:
        with torch.no_grad():
            logits = script(images)
    except Exception as error:  # TorchScript has no exception class of its own
        fail(USAGE, f"{arguments.network} fails for {count} in {mode} mode ({lines_of(error)[-1][:300]}); correct it, or choose "
                    "another network")
    found = tuple(logits.shape) if isinstance(logits, torch.Tensor) else type(logits).__name__
    if found != expected:
        advice = "does it squeeze()? use flatten(1)" if len(images) == 1 else "correct it, or choose another network"
        fail(USAGE, f"{arguments.network} gives {found} for {count} in {mode} mode, expected logits {expected}; {advice}")
    if not torch.isfinite(logits).all():
        fail(USAGE, f"{arguments.network} gives logits that are not finite for random images in {mode} mode; correct it, or "
                    "choose another network")
    return logits


def counted(images):
    return "1 image" if images == 1 else f"{images} images"


def try_out(torch, script, network, arguments):
    """Tests the script in training and evaluation mode, since an error during training would be pages long."""
    images = torch.randn(3, arguments.channels, *arguments.size)
    script.train()
    logits_of(torch, script, images[:2], "training", arguments)
    script.eval()
    for count in (2, 1):
        logits_of(torch, script, images[:count], "evaluation", arguments)
    logits = logits_of(torch, script, images, "evaluation", arguments)
    network.load_state_dict(script.state_dict(), strict=False)  # training mode changed BatchNorm's statistics
    network.eval()
    difference = (logits_of(torch, network, images, "evaluation", arguments) - logits).abs().max().item()
    if not difference < 1e-3:
        fail(DATA, f"the script's logits differ from {arguments.network}'s by {difference:g}; choose another network")


def without_paths(archive):
    """Returns a TorchScript archive without the records that depend on folders: *.debug_pkl hold absolute paths of source
    files, and serialization_id is their hash. Job keys depend on all bytes. Nothing is packed: zlib's versions differ."""
    kept = io.BytesIO()
    with zipfile.ZipFile(archive) as given, zipfile.ZipFile(kept, "w") as copy:
        for entry in given.infolist():
            if not entry.filename.endswith((".debug_pkl", "/.data/serialization_id")):
                data, entry.compress_type = given.read(entry), zipfile.ZIP_STORED
                copy.writestr(entry, data)
    return kept.getvalue()


def write(path, data):
    """Replaces the file as a whole, or leaves it as it was."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(data)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def export(torch, network, arguments, origin):
    """origin: what pleat.json says"""
    try:
        script = torch.jit.script(network)
    except Exception as error:  # the compiler has no exception class of its own
        fail(USAGE, f"torch.jit.script cannot compile {arguments.network} ({lines_of(error)[0][:200]}); choose another network "
                    "(torch.jit.trace would fix dropout and BatchNorm in one mode, so it is not used)")
    archive = io.BytesIO()
    torch.jit.save(script, archive, _extra_files={"pleat.json": json.dumps(origin)})
    data = without_paths(archive)
    try_out(torch, torch.jit.load(io.BytesIO(data)), network, arguments)
    write(arguments.out, data)


def main():
    arguments, library, name = parse_arguments()
    with_fixed_hashes()
    torch = import_torch()
    warnings.filterwarnings("ignore")  # TorchScript is deprecated; requirements.txt pins the version
    torch.manual_seed(arguments.seed)
    try:
        network = make_network(library, name, arguments)
    except BadWeights as error:
        fail(DATA, f"--pretrained {error}")
    except (Exception, SystemExit) as error:
        code = DATA if arguments.pretrained else USAGE
        fail(code, f"{arguments.network} cannot be made with these options: {one_line(error)}")
    pixels = pixels_of(library, name, network, arguments)
    origin = {"source": source_of(library, name), "constants": constants_of(network), "head": heads_of(network, arguments.classes)}
    if arguments.pretrained or pixels:
        origin["options"] = repeated_options(arguments)
    if pixels:
        origin["mean"], origin["std"] = map(list, pixels)
    try:
        export(torch, network, arguments, origin)
    except (OSError, RuntimeError) as error:
        fail(DATA, f"{arguments.network} cannot be exported to {arguments.out}: {lines_of(error)[-1][:300]}")
    count = sum(parameter.numel() for parameter in network.parameters())
    height, width = arguments.size
    said = f"pixels of mean {pixels[0]} and std {pixels[1]}" if pixels else "pixels normalised as the crops are"
    if arguments.pretrained and not pixels:
        said += " (nothing says with which mean and std the weights were trained; if you know, give --mean and --std)"
    print(f"{arguments.out}: {arguments.network}, {count:,} parameters, {arguments.classes} classes, images of "
          f"{arguments.channels}x{height}x{width}, {said}; train it with models: [{{script: {arguments.out}}}]")


if __name__ == "__main__":
    main()

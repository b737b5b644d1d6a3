"""python ensemble.py: predictions for photos as a CSV, or the ensemble as an ONNX file."""
import argparse
import csv
import io
import pathlib
import sys

import torch

from .devices import NoDevice, known_device
from .ensemble import Ensemble
from .photo_kinds import BadPhoto

DONE, USAGE, DATA, DEVICE = 0, 2, 3, 4  # exit codes, as pleat's


def main(folder, arguments):
    """Returns the exit code."""
    options = parse(arguments)
    try:
        ensemble = Ensemble(folder, options.device, options.precision)
        if options.onnx:
            return convert(ensemble, options.onnx)
        predict(ensemble, options)
    except BadPhoto as error:
        return fail(DATA, f"{error}; fix it, or pass --skip-bad to leave such photos out")
    except NoDevice as error:
        return fail(DEVICE, error)
    except (MemoryError, OSError, ValueError, RuntimeError) as error:  # RuntimeError: PyTorch's
        if is_full(error):
            return fail(DEVICE, f"the memory of device '{options.device}' is full ({line_of(error)}); choose another device")
        return fail(DATA, line_of(error))
    return DONE


def is_full(error):
    """PyTorch's allocator on the CPU raises a mere RuntimeError."""
    return isinstance(error, (MemoryError, torch.cuda.OutOfMemoryError)) or "can't allocate memory" in str(error)


def fail(code, what):
    print(f"ensemble.py: {what}", file=sys.stderr)
    return code


def line_of(error):
    """An error's text in one line. TorchScript's gives its reason last, after the network's code."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    return lines[-1 if "TorchScript interpreter" in lines[0] else 0]


def parse(arguments):
    parser = argparse.ArgumentParser(prog="ensemble.py", description=__doc__)
    parser.add_argument("photos", nargs="*", metavar="PHOTO",
                        help="a photo to predict, or a folder of photos; the CSV goes to standard output")
    parser.add_argument("--skip-bad", action="store_true",
                        help="leave out photos that cannot be read, and list them on standard error")
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32",
                        help="bf16: networks that were trained in bf16 also predict in it; default: fp32")
    parser.add_argument("--device", default="cpu", help="device of the networks, such as cuda; default: cpu")
    parser.add_argument("--onnx", metavar="FILE.onnx",
                        help="write the ensemble, in fp32, as an ONNX file; needs onnx and onnxruntime")
    options = parser.parse_intermixed_args(arguments)
    if bool(options.photos) == bool(options.onnx):
        parser.error("give photos to predict, or --onnx FILE")
    if options.onnx and (options.precision, options.device) != ("fp32", "cpu"):
        parser.error("--onnx goes without --precision and --device")
    if options.onnx and not options.onnx.endswith(".onnx"):
        parser.error(f"--onnx {options.onnx}: expected a name that ends in .onnx")
    try:
        known_device(options.device)
    except ValueError as error:
        parser.error(str(error))
    return options


def convert(ensemble, path):
    try:
        from .onnx_file import OPSET, TEST_CROPS, write_onnx
    except ImportError as error:
        return fail(USAGE, f"--onnx needs {error.name or error}, which is missing here; run pip install onnx onnxruntime")
    difference = write_onnx(ensemble, path)
    print(f"{pathlib.Path(path).name}: opset {OPSET}; on {TEST_CROPS} test crops, onnxruntime and PyTorch differ by at most "
          f"{difference:.1g}")
    return DONE


def predict(ensemble, options):
    """Prints a CSV in the format of `pleat predict`, once all photos are predicted."""
    made = ensemble.predict_photos(options.photos, options.skip_bad)
    if hasattr(sys.stdout, "reconfigure"):  # names of photos that are not UTF-8 are printed byte for byte
        sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")
    write_out(csv_of(ensemble, made))
    if made.refused:
        print(f"ensemble.py: left out {len(made.refused)} of {len(made.names) + len(made.refused)} photos:", file=sys.stderr)
        for photo, reason in made.refused.items():
            print(f"  {photo}: {reason}", file=sys.stderr)


def write_out(text):
    if sys.stdout is None:
        raise OSError("standard output is closed; send it to a file")
    try:
        print(text, end="", flush=True)
    except OSError as error:
        raise OSError(f"standard output could not be written ({error.strerror}); send it to a file with room") from None


def csv_of(ensemble, made):
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    columns = ["id", "split"]
    for name, classes in ensemble.classes.items():
        columns += [name, *(f"{name}:{each}" for each in classes)]
        columns += [f"{name}.mean", f"{name}.deviation"] if name in made.numbers else []
    out.writerow(columns)
    for i, photo in enumerate(made.names):
        values = [photo, "test"]
        for name, classes in ensemble.classes.items():
            probs = made.probs[name][i]
            values += [classes[probs.argmax()], *map("{:.6f}".format, probs)]
            values += map("{:.6g}".format, made.numbers[name][i]) if name in made.numbers else []
        out.writerow(values)
    return text.getvalue()

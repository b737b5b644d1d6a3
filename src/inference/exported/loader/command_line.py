"""python ensemble.py: predictions for photos as a CSV, or the ensemble as an ONNX file."""
import argparse
import csv
import pathlib
import sys

from PIL import Image

from .ensemble import Ensemble

DONE, USAGE, DATA = 0, 2, 3  # exit codes, as pleat's


def main(folder, arguments):
    """Returns the exit code."""
    options = parse(arguments)
    try:
        ensemble = Ensemble(folder, "cpu")
        if options.onnx:
            return convert(ensemble, options.onnx)
        predict(ensemble, options.photos)
    except (OSError, ValueError, NotImplementedError, RuntimeError) as error:
        return fail(DATA, error)
    return DONE


def fail(code, what):
    print(f"ensemble.py: {what}", file=sys.stderr)
    return code


def parse(arguments):
    parser = argparse.ArgumentParser(prog="ensemble.py", description=__doc__)
    parser.add_argument("photos", nargs="*", metavar="PHOTO", help="a photo to predict; the CSV goes to standard output")
    parser.add_argument("--onnx", metavar="FILE", help="write the ensemble as an ONNX file; needs onnx and onnxruntime")
    options = parser.parse_args(arguments)
    if bool(options.photos) == bool(options.onnx):
        parser.error("give photos to predict, or --onnx FILE")
    return options


def convert(ensemble, path):
    try:
        from .onnx_file import OPSET, write_onnx
    except ImportError as error:
        return fail(USAGE, f"--onnx needs {error.name}, which is missing here; run pip install onnx onnxruntime")
    difference = write_onnx(ensemble, path)
    print(f"{pathlib.Path(path).name}: opset {OPSET}; onnxruntime's results differ from PyTorch's by at most {difference:.1g}")
    return DONE


def predict(ensemble, photos):
    out = csv.writer(sys.stdout, lineterminator="\n")
    for i, photo in enumerate(photos):
        with Image.open(photo) as image:
            probs, numbers = ensemble.predict_all([ensemble.crop(image)])
        columns, values = ["id", "split"], [photo, "test"]
        for name, classes in ensemble.classes.items():
            columns += [name, *(f"{name}:{each}" for each in classes)]
            values += [classes[probs[name][0].argmax()], *map("{:.6f}".format, probs[name][0])]
            if name in numbers:
                columns += [f"{name}.mean", f"{name}.deviation"]
                values += map("{:.6g}".format, numbers[name][0])
        if i == 0:
            out.writerow(columns)
        out.writerow(values)

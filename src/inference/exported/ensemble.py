"""Loads the ensemble that `pleat export` wrote here. Needs torch, torchvision, safetensors, numpy and
Pillow; for HEIC photos also pillow-heif.

    ensemble = load()                               # load("DIR", device="cuda", precision="bf16")
    ensemble.predict(crops)                         # uint8 [N, H, W, C] -> {target: float64 [N, classes]}
    ensemble.predict_photos(["a.jpg", "folder", Image.open("b.png")], skip_bad=True).probs
    ensemble.predict([ensemble.crop("photo.jpg")])

    python DIR/ensemble.py photo.jpg folder ...     # prints a CSV in the format of `pleat predict`; --help has more
    python DIR/ensemble.py --onnx ensemble.onnx     # writes one ONNX file; needs onnx and onnxruntime, too
"""
import hashlib
import importlib.util
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
PACKAGE = "pleat_loader_" + hashlib.sha256(str(HERE).encode()).hexdigest()[:12]


def part(name):
    """Returns a module of the folder `loader` beside this file. Each export in a program gets modules of its own."""
    if PACKAGE not in sys.modules:
        init = HERE / "loader/__init__.py"
        if not init.is_file():
            raise FileNotFoundError("ensemble.py: the folder 'loader' beside it is missing; copy the whole export")
        spec = importlib.util.spec_from_file_location(PACKAGE, init, submodule_search_locations=[str(init.parent)])
        package = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(package)
        sys.modules[PACKAGE] = package  # only now: a failed import must not leave an empty package
    return importlib.import_module(f"{PACKAGE}.{name}")


def load(folder=HERE, device="cpu", precision="fp32"):
    """Reads the folder of an export; default: the one of this file. Raises ValueError for a changed file or another format
    version. precision: bf16 computes the networks that were trained in bf16 in it, as pleat does; the others in fp32."""
    return part("ensemble").Ensemble(pathlib.Path(folder), device, precision)


def main():
    try:
        command_line = part("command_line")
    except FileNotFoundError as error:
        return fail(3, error)
    except ImportError as error:
        if (error.name or "").startswith(PACKAGE):
            missing = error.name.rpartition(".")[2]
            return fail(3, f"ensemble.py: the folder 'loader' beside it lacks {missing}.py; copy the whole export")
        return fail(2, f"ensemble.py: needs {error.name or error}, which is missing here; run "
                       "pip install torch torchvision safetensors numpy pillow pillow-heif")
    return command_line.main(HERE, sys.argv[1:])


def fail(code, reason):
    print(reason, file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())

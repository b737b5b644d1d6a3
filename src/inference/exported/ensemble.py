"""Loads the ensemble that `pleat export` wrote here. Needs torch, torchvision, safetensors, numpy and
Pillow; for HEIC photos also pillow-heif.

    ensemble = load("DIR")                          # load("DIR", device="cuda", precision="bf16")
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


def part(name):
    """Returns a module of the folder `loader` beside this file. Each export in a program gets modules of its own."""
    package = "pleat_loader_" + hashlib.sha256(str(HERE).encode()).hexdigest()[:12]
    if package not in sys.modules:
        spec = importlib.util.spec_from_file_location(package, HERE / "loader/__init__.py",
                                                      submodule_search_locations=[str(HERE / "loader")])
        sys.modules[package] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[package])
    return importlib.import_module(f"{package}.{name}")


def load(folder=HERE, device="cpu", precision="fp32"):
    """Reads the folder of an export. Raises ValueError for a changed file or another format version.
    precision: bf16 computes the networks that were trained in bf16 in it, as pleat does; the others in fp32."""
    return part("ensemble").Ensemble(pathlib.Path(folder), device, precision)


def main():
    try:
        command_line = part("command_line")
    except ImportError as error:
        print(f"ensemble.py: needs {error.name or error}, which is missing here; run "
              "pip install torch torchvision safetensors numpy pillow", file=sys.stderr)
        return 2
    return command_line.main(HERE, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())

"""Loads the ensemble that `pleat export` wrote here. Needs torch, torchvision, safetensors, numpy and Pillow.

    ensemble = load("DIR")
    ensemble.predict(crops)                         # uint8 [N, H, W, C] -> {target: float64 [N, classes]}
    ensemble.predict([ensemble.crop(Image.open("photo.jpg"))])

    python DIR/ensemble.py photo.jpg ...            # prints a CSV in the format of `pleat predict`
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


def load(folder=HERE, device="cpu"):
    """Reads the folder of an export. Raises ValueError for a changed file or another format version."""
    return part("ensemble").Ensemble(pathlib.Path(folder), device)


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

"""Tables of a few small photos, for crops and runs that take little time."""
import numpy
from PIL import Image
from support import runs

SHORT = {"folds": "{k: 2}", "train": "{epochs: 1, batch: 8, precision: fp32, augment: {pad: 0}}"}  # for runs.write_config


def write_photos(folder, *more):
    """Writes the photos 1.png to 3.png, and others by name."""
    rng = numpy.random.default_rng(3)
    for name in ("1.png", "2.png", "3.png", *more):
        Image.fromarray(rng.integers(0, 256, (16, 16, 3), numpy.uint8)).save(folder / name)
    return folder


def prepare(folder, photos, *arguments, **how):
    """Makes folder/crops.h5 from folder/samples.csv."""
    return runs.pleat("prepare", "--table", folder / "samples.csv", "--images", photos, "--out", folder / "crops.h5", "--size", 16, *arguments,
                      timeout=60, **how)

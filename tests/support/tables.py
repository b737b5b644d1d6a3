"""Tables of a few small photos, made into crops and runs in no time."""
import numpy
from PIL import Image
from support import runs

SHORT = {"folds": "{k: 2}", "train": "{epochs: 1, batch: 8, precision: fp32, augment: {pad: 0}}"}  # for runs.write_config


def write_photos(folder, *more):
    """1.png to 3.png, and those of other names."""
    rng = numpy.random.default_rng(3)
    for name in ("1.png", "2.png", "3.png", *more):
        Image.fromarray(rng.integers(0, 256, (16, 16, 3), numpy.uint8)).save(folder / name)
    return folder


def prepare(folder, photos, **how):
    """folder/crops.h5 of folder/samples.csv."""
    return runs.pleat("prepare", "--table", folder / "samples.csv", "--images", photos, "--out", folder / "crops.h5", "--size", 16,
                      timeout=60, **how)

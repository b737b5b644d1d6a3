"""Photos and crops for the benchmarks, made by the real programs."""
import struct

import measure
import numpy
from measure import CORES, PLEAT, mpirun, sh
from PIL import Image

CLASSES = 10


def photos(bench, count=None):
    """(samples.csv, folder) of the seeded photos. They are made once; --data keeps them for later runs."""
    count = count or bench.photos
    folder = (bench.data or bench.scratch) / f"photos_{count}"
    if not (folder / "samples.csv").exists():
        measure.python(measure.ROOT / "tests/bench/photos.py", folder, "--photos", count, cores=CORES)
    return folder / "samples.csv", folder / "photos"


def prepare_photos(table, images, size, out):
    """Prepares photos like most users: two ranks, the largest centred square of each photo."""
    sh(*mpirun(2, PLEAT, "prepare", "--table", table, "--images", images, "--size", size, "--crop", "center", "--out", out))
    return out


def prepare_idx(bench, rows, side):
    """Makes gray noise crops from IDX files."""
    rng = numpy.random.default_rng(0)
    images, labels, out = (bench.scratch / f"noise_{rows}_{side}.{kind}" for kind in ("images", "labels", "h5"))
    images.write_bytes(struct.pack(">IIII", 0x803, rows, side, side) + rng.integers(0, 256, rows * side * side, numpy.uint8).tobytes())
    labels.write_bytes(struct.pack(">II", 0x801, rows) + (numpy.arange(rows) % CLASSES).astype(numpy.uint8).tobytes())
    sh(PLEAT, "prepare", "--idx-images", images, "--idx-labels", labels, "--out", out)
    images.unlink()
    return out


def prepare_colour_noise(bench, rows, side):
    """Makes colour noise crops from photos, since IDX files are gray."""
    rng = numpy.random.default_rng(0)
    folder = bench.folder()
    for i in range(rows):
        Image.fromarray(rng.integers(0, 256, (side, side, 3), numpy.uint8)).save(folder / f"{i}.png", compress_level=0)
    (folder / "samples.csv").write_text("id,path,label\n" + "".join(f"p{i},{i}.png,{i % CLASSES}\n" for i in range(rows)))
    return prepare_photos(folder / "samples.csv", folder, side, bench.scratch / f"noise_{rows}_{side}_colour.h5")


def noise(bench, rows, side, channels):
    """Crops of noise, made once: their content does not change the speed."""
    made = bench.scratch / (f"noise_{rows}_{side}.h5" if channels == 1 else f"noise_{rows}_{side}_colour.h5")
    if made.exists():
        return made
    return prepare_idx(bench, rows, side) if channels == 1 else prepare_colour_noise(bench, rows, side)

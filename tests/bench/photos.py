"""A seeded set of synthetic photos: coloured, turned and lit Fashion-MNIST garments in front of various rooms.

usage: tests/bench/photos.py OUT [--photos 2000] [--test 0] [--seed 1]     writes OUT/samples.csv and OUT/photos/*.jpg

A photo depends only on the seed and its number. Four consecutive photos show one person (column `group`) in one room,
with different garments. Train photos show train images of Fashion-MNIST, test photos its test images.
"""
import argparse
import csv
import dataclasses
import gzip
import math
import multiprocessing
import pathlib

import numpy
from PIL import Image, ImageDraw, ImageFilter

HEIGHT, WIDTH = 384, 512
PER_PERSON = 4
CLASSES = ("t_shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle_boot")


@dataclasses.dataclass
class Shot:
    """Description of one photo."""

    number: int
    split: str
    label: int
    garment: numpy.ndarray  # [28, 28] uint8, black around it
    seed: int

    @property
    def person(self):
        return self.number // PER_PERSON

    def row(self):
        name = f"p{self.person:04}-{self.number % PER_PERSON}"
        return {"id": name, "path": f"{name}.jpg", "label": CLASSES[self.label], "group": f"p{self.person:04}", "split": self.split}


def read_idx(path, header):
    """The bytes of a gzipped IDX file after its header."""
    return numpy.frombuffer(gzip.decompress(path.read_bytes()), numpy.uint8, offset=header)


def shots(source, prefix, split, count, first, seed):
    """`count` different garments of one of the two sets. A person is never in both sets."""
    labels = read_idx(source / f"{prefix}-labels-idx1-ubyte.gz", 8)
    garments = read_idx(source / f"{prefix}-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28)
    chosen = numpy.random.default_rng([seed, len(labels)]).permutation(len(labels))[:count]
    return [Shot(first + i, split, int(labels[k]), garments[k], seed) for i, k in enumerate(chosen)]


def clouds(rng, cells):
    """Smooth noise from 0 to 1 with about `cells` bumps across the photo."""
    coarse = rng.random((max(2, cells * HEIGHT // WIDTH), cells), numpy.float32)
    return numpy.asarray(Image.fromarray(coarse).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC))


def waves(rng):
    """Stripes or, where two of them cross, checks: a curtain, tiles, boards."""
    y, x = numpy.mgrid[:HEIGHT, :WIDTH].astype(numpy.float32)
    angle, length = rng.uniform(0, math.pi), rng.uniform(14, 90)
    along = numpy.sin(2 * math.pi / length * (x * math.cos(angle) + y * math.sin(angle)))
    if rng.random() < 0.5:
        along = along * numpy.sin(2 * math.pi / length * (y * math.cos(angle) - x * math.sin(angle)))
    return numpy.clip(along * rng.uniform(1, 6), -1, 1)


def room(rng):
    """Background of one person: two related colours, mixed by bumps of three sizes and sometimes a pattern."""
    one = rng.uniform(30, 150, 3).astype(numpy.float32)
    other = one + rng.uniform(-45, 45, 3).astype(numpy.float32)
    mixed = 0.5 * clouds(rng, 4) + 0.3 * clouds(rng, 17) + 0.3 * clouds(rng, 110)
    if rng.random() < 0.6:
        mixed = mixed + rng.uniform(0.1, 0.35) * waves(rng)
    return one + (other - one) * mixed[..., None]


def with_things(background, rng):
    """Boxes and balls in the room: edges that do not depend on the class."""
    image = Image.fromarray(numpy.clip(background, 0, 255).astype(numpy.uint8))
    draw = ImageDraw.Draw(image)
    for _ in range(rng.integers(0, 4)):
        (x, y), (w, h) = rng.uniform((-40, -40), (WIDTH, HEIGHT)), rng.uniform(20, 120, 2)
        colour = tuple(int(c) for c in rng.uniform(20, 180, 3))
        (draw.rectangle if rng.random() < 0.5 else draw.ellipse)((x, y, x + w, y + h), fill=colour)
    return numpy.asarray(image, numpy.float32)


def placed(garment, rng):
    """Brightness and cover of the garment, both [H, W] from 0 to 1, enlarged and turned inside the central square."""
    side = rng.uniform(0.45, 0.85) * HEIGHT
    slack = 0.6 * (HEIGHT - side) / 2
    centre_x, centre_y = WIDTH / 2 + rng.uniform(-slack, slack), HEIGHT / 2 + rng.uniform(-slack, slack)
    turn, scale = math.radians(rng.uniform(-10, 10)), 28 / side
    a, b = scale * math.cos(turn), scale * math.sin(turn)
    affine = (a, b, 14 - a * centre_x - b * centre_y, -b, a, 14 + b * centre_x - a * centre_y)

    def enlarged(values):
        image = Image.fromarray(values.astype(numpy.uint8))
        return numpy.asarray(image.transform((WIDTH, HEIGHT), Image.Transform.AFFINE, affine, Image.Resampling.BICUBIC), numpy.float32) / 255

    # Dark cloth covers the background too: every pixel that is not black does, with an edge as sharp as in a photo.
    cover = enlarged(numpy.minimum(garment.astype(int) * 8, 255))
    return enlarged(garment), numpy.clip((cover - 0.4) * 5, 0, 1)


def lit(photo, rng):
    """Light that fades to one side."""
    y, x = numpy.mgrid[-1:1:HEIGHT * 1j, -1:1:WIDTH * 1j].astype(numpy.float32)
    angle, strength = rng.uniform(0, 2 * math.pi), rng.uniform(0.05, 0.35)
    return photo * (rng.uniform(0.8, 1.1) + strength * (x * math.cos(angle) + y * math.sin(angle)))[..., None]


def take(shot):
    """Draws the photo of a shot."""
    rng = numpy.random.default_rng([shot.seed, 1, shot.number])
    background = with_things(room(numpy.random.default_rng([shot.seed, 2, shot.person])), rng)
    brightness, cover = (plane[..., None] for plane in placed(shot.garment, rng))
    weave = 0.9 + 0.2 * clouds(rng, 130)[..., None]
    garment = rng.uniform(90, 255, 3).astype(numpy.float32) * (0.3 + 0.7 * brightness) * weave
    scene = lit(background + (garment - background) * cover, rng)
    blurred = Image.fromarray(numpy.clip(scene, 0, 255).astype(numpy.uint8)).filter(ImageFilter.GaussianBlur(rng.uniform(0.4, 1.1)))
    noise = rng.standard_normal((HEIGHT, WIDTH, 3), numpy.float32) * rng.uniform(4, 7)
    return Image.fromarray(numpy.clip(numpy.asarray(blurred, numpy.float32) + noise, 0, 255).astype(numpy.uint8))


def save(task):
    shot, folder = task
    take(shot).save(folder / shot.row()["path"], quality=90)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--photos", type=int, default=2000, help="train photos")
    parser.add_argument("--test", type=int, default=0, help="photos of split test, besides")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--source", type=pathlib.Path, default="/usr/share/datasets/fashion-mnist", help="folder of Fashion-MNIST's IDX files")
    options = parser.parse_args()
    after = math.ceil(options.photos / PER_PERSON) * PER_PERSON
    all_shots = shots(options.source, "train", "train", options.photos, 0, options.seed)
    all_shots += shots(options.source, "t10k", "test", options.test, after, options.seed)
    photos = options.out / "photos"
    photos.mkdir(parents=True, exist_ok=True)
    with multiprocessing.Pool() as pool:
        for _ in pool.imap_unordered(save, [(shot, photos) for shot in all_shots], chunksize=8):
            pass
    with open(options.out / "samples.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["id", "path", "label", "group", "split"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(shot.row() for shot in all_shots)


if __name__ == "__main__":
    main()

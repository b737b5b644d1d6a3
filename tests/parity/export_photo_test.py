"""The loader of an export reads and refuses the photos that prepare reads and refuses, with the same pixels."""
import csv
import pathlib
import random

import h5py
import numpy
import pytest
from PIL import Image, UnidentifiedImageError
from photo_kinds import HEIGHT, KINDS, WIDTH
from support import exports

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOW = {"height": 48, "width": 40, "channels": 3, "source": "photos", "crop": "none", "background": "keep"}
LOSSY = ("jpeg", "webp-rgb", "heic", "avif", "tiff-jpeg")
EXACT, CLOSE, FAR = 1, 2.0, 16  # of 255: of lossless photos; of lossy ones, on average and at most
AVIF_FAR = 64  # libheif and Pillow's libavif enlarge the colours of AVIF in different ways, which shows at hard edges


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """(folder of the photos, {name: crop} by prepare)"""
    folder = tmp_path_factory.mktemp("photos")
    for name, (_, data) in KINDS.items():
        (folder / name).write_bytes(data)
    (folder / "t.csv").write_text("id,path\n" + "".join(f"{name},{name}\n" for name in KINDS))
    exports.pleat("prepare", "--table", folder / "t.csv", "--images", folder, "--size", f"{HOW['height']}x{HOW['width']}",
                  "--skip-bad", "--out", folder / "c.h5")
    with h5py.File(folder / "c.h5") as crops:
        valid, images, ids = crops["valid"][:], crops["images"][:], [each.decode() for each in crops["table/id"][:]]
    with open(folder / "c.rejected.csv") as file:
        refused = {row["id"]: row["reason"] for row in csv.DictReader(file)}
    made = {name: image.astype(int) for name, image, ok in zip(ids, images, valid) if ok and name not in refused}
    assert set(made) | set(refused) == set(KINDS)
    return folder, made, refused


@pytest.fixture(scope="module")
def photos():
    return exports.loader_of(ROOT / "src/inference/exported").part("photos")


def test_the_grid_holds_a_turned_photo_of_every_side():
    assert WIDTH != HEIGHT and sum(answer for answer, _ in KINDS.values()) > 100 < len(KINDS)


@pytest.mark.parametrize("name", KINDS)
def test_the_loader_answers_as_prepare(answers, photos, name):
    folder, made, refused = answers
    expected, _ = KINDS[name]
    assert (name in made) == expected, refused.get(name, "read by prepare")
    if not expected:
        with pytest.raises(photos.BadPhoto):
            photos.crop_of(folder / name, HOW)
        return
    difference = abs(photos.crop_of(folder / name, HOW).astype(int) - made[name])
    if name.startswith(LOSSY):
        far = AVIF_FAR if name.startswith("avif") else FAR
        assert difference.mean() <= CLOSE and difference.max() <= far, (difference.mean(), difference.max())
    else:
        assert difference.max() <= EXACT, difference.max()


def test_damage_is_a_bad_photo_and_never_another_error(photos):
    rng = random.Random(1)
    refused = 0
    for name, (_, data) in KINDS.items():
        damaged = [data[:length] for length in (1, 4, 9, 13, 27, 40, 55)]
        for begin in (60, 400, len(data)):
            changed = bytearray(data)
            if changed:
                changed[rng.randrange(min(begin, len(data)))] ^= 1 << rng.randrange(8)
            damaged.append(bytes(changed))
        for each in damaged:
            try:
                assert photos.decoded(each).shape[2] == 3, name
            except photos.BadPhoto:
                refused += 1
    assert refused > 7 * len(KINDS)


@pytest.mark.parametrize("name", [name for name, (answer, _) in KINDS.items() if answer])
def test_an_opened_image_gives_the_pixels_of_its_file(photos, tmp_path, name):
    (tmp_path / name).write_bytes(KINDS[name][1])
    try:
        opened = Image.open(tmp_path / name)
    except UnidentifiedImageError:
        assert name.startswith("tiff-16-"), "only the loader reads it"
        return
    assert numpy.array_equal(photos.pixels_of(opened), photos.pixels_of(tmp_path / name))
    if name.startswith("tiff-LA-") and name.endswith("planes"):
        return  # Pillow opens it and cannot decode it
    opened.load()  # now it is judged by its mode
    if not any(part in name for part in ("-16-", "key", "extra")):
        assert abs(photos.pixels_of(opened).astype(int) - photos.pixels_of(tmp_path / name)).max() <= 1

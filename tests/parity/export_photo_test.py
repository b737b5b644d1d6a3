"""The loader of an export reads and refuses the photos that prepare reads and refuses, with the same pixels."""
import csv
import os
import pathlib
import random
import re
import struct
import zlib

import h5py
import numpy
import pytest
from PIL import Image, UnidentifiedImageError
from photo_kinds import HEIGHT, KINDS, READ, REFUSED, WIDTH, scene
from support import exports, runs
from support.photo_files import saved

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOW = {"height": 48, "width": 40, "channels": 3, "source": "photos", "crop": "none", "background": "keep"}
LOSSY = ("jpeg", "webp-rgb", "heic", "avif", "tiff-jpeg")
EXACT, CLOSE, FAR = 1, 2.0, 16  # of 255: of lossless photos; of lossy ones, on average and at most
AVIF_FAR = 64  # libheif and Pillow's libavif enlarge the colours of AVIF in different ways, which shows at hard edges
PNG, BIG_TIFF = saved(scene().quantize(16), "PNG"), saved(scene(), "TIFF", big_tiff=True)
PALETTE = PNG.index(b"PLTE")


def reversed_bits():
    """A 2x1 TIFF whose deflated bytes have their bits in reverse, as old fax programs wrote them."""
    packed = bytes(int(f"{byte:08b}"[::-1], 2) for byte in zlib.compress(bytes([10, 20, 30, 200, 100, 50])))
    fields = ((256, 4, 2), (257, 4, 1), (258, 3, 8), (259, 3, 8), (262, 3, 2), (266, 3, 2), (273, 4, 8), (277, 3, 3), (278, 4, 1), (279, 4, len(packed)))
    directory = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in fields)
    return struct.pack("<2sHI", b"II", 42, 8 + len(packed)) + packed + struct.pack("<H", len(fields)) + directory + bytes(4)


GRID = KINDS | {  # broken files that Pillow, or Python's struct, meets with errors of other classes
    "tiff-bits-in-reverse": (READ, reversed_bits()),
    "png-palette-renamed": (REFUSED, PNG[:PALETTE] + b"pLTE" + PNG[PALETTE + 4:]),
    "png-without-palette": (REFUSED, PNG[:PALETTE - 4] + PNG[PNG.index(b"IDAT") - 4:]),
    **{f"tiff-big-offset-{offset:x}": (REFUSED, BIG_TIFF[:8] + struct.pack("<Q", offset) + BIG_TIFF[16:]) for offset in (2 ** 63, 2 ** 64 - 1)},
}


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """(folder of the photos, {name: crop} by prepare)"""
    folder = tmp_path_factory.mktemp("photos")
    for name, (_, data) in GRID.items():
        (folder / name).write_bytes(data)
    (folder / "t.csv").write_text("id,path\n" + "".join(f"{name},{name}\n" for name in GRID))
    exports.pleat("prepare", "--table", folder / "t.csv", "--images", folder, "--size", f"{HOW['height']}x{HOW['width']}",
                  "--skip-bad", "--out", folder / "c.h5")
    with h5py.File(folder / "c.h5") as crops:
        valid, images, ids = crops["valid"][:], crops["images"][:], [each.decode() for each in crops["table/id"][:]]
    with open(folder / "c.rejected.csv") as file:
        refused = {row["id"]: row["reason"] for row in csv.DictReader(file)}
    made = {name: image.astype(int) for name, image, ok in zip(ids, images, valid) if ok and name not in refused}
    assert set(made) | set(refused) == set(GRID)
    return folder, made, refused


@pytest.fixture(scope="module")
def photos():
    return exports.loader_of(ROOT / "src/inference/exported").part("photos")


def test_the_grid_holds_a_turned_photo_of_every_side():
    assert WIDTH != HEIGHT and sum(answer for answer, _ in GRID.values()) > 100 < len(GRID)


@pytest.mark.parametrize("name", GRID)
def test_the_loader_answers_as_prepare(answers, photos, name):
    folder, made, refused = answers
    expected, _ = GRID[name]
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
    for name, (_, data) in GRID.items():
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
    assert refused > 7 * len(GRID)


@pytest.mark.parametrize("name", [name for name, (answer, _) in GRID.items() if answer])
def test_an_opened_image_gives_the_pixels_of_its_file(photos, tmp_path, name):
    (tmp_path / name).write_bytes(GRID[name][1])
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


@pytest.fixture(scope="module")
def photo_list():
    return exports.loader_of(ROOT / "src/inference/exported").part("photo_list")


PLACES = {  # in a folder: whether it is listed
    "a.jpg": True, "a/z.PNG": True, "a/b/c.jpeg": True, "a-b.jpg": True, "x.HIF": True, "é.JPG": True, "link/m.webp": True,
    "@home/h.jpg": True, "@eadir.jpg": True, "found.0000/i.jpg": True, "#recycle/d.jpg": False, "@eaDir/e.jpg": False, "FOUND.001/f.jpg": False,
    "a/Lost+Found/g.jpg": False, "j.jpg@SynoEAStream": False, ".hidden/k.jpg": False, ".l.jpg": False, "notes.txt": False}


def class_folders(folder):
    """Runs `pleat class-folders` for the unlabelled photos of folder/tree, and for two classes that it needs, too."""
    for place in ("0/a.jpg", "1/b.jpg"):
        (folder / "classes" / place).parent.mkdir(parents=True)
        scene().save(folder / "classes" / place)
    return runs.pleat("class-folders", "--images", folder / "classes", "--unlabelled", folder / "tree", "--out", folder / "t.csv")


def test_a_folder_stands_for_the_photos_that_pleat_lists_in_its_order(photo_list, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/link").symlink_to("../elsewhere")
    for place in PLACES:
        (tmp_path / "tree" / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tree" / place).write_bytes(b"")
    (tmp_path / "tree/z_link.jpg").symlink_to("../elsewhere/m.webp")
    done = class_folders(tmp_path)
    assert done.returncode == 0, done.stdout
    with open(tmp_path / "t.csv") as file:
        listed = [row["path"].removeprefix("tree/") for row in csv.DictReader(file) if row["split"] == "unlabelled"]
    assert set(listed) == {place for place, there in PLACES.items() if there} | {"z_link.jpg"}
    assert [os.path.relpath(path, tmp_path / "tree") for path, _ in photo_list.listed(tmp_path / "tree")] == listed


def test_the_lists_of_names_are_pleats(photo_list):
    source = (ROOT / "data_tools/tables/photo_names.cpp").read_text()
    for name, ours in [("kPhotos", photo_list.ENDINGS), ("kSystem", photo_list.SYSTEM), ("kSystemEnds", photo_list.SYSTEM_ENDS)]:
        theirs = re.findall(r'"(.*?)"sv', re.search(rf"{name} = \{{(.*?)\}};", source, re.DOTALL)[1])
        assert sorted(ours) == sorted(each.replace("\\r", "\r") for each in theirs)


@pytest.mark.parametrize("link, target, words", [
    pytest.param("a/loop", "..", "is or contains the folder", id="loop"), pytest.param("b", "a", "is or contains the folder", id="twice"),
    pytest.param("above", "../..", "is or contains the folder", id="above"), pytest.param("lost", "nowhere", "is a broken link", id="broken"),
])
def test_links_that_pleat_refuses_are_refused(photo_list, tmp_path, link, target, words):
    (tmp_path / "tree/a").mkdir(parents=True)
    (tmp_path / "tree/a/1.png").write_bytes(b"")
    (tmp_path / "tree" / link).symlink_to(target)
    assert class_folders(tmp_path).returncode == 3
    with pytest.raises(ValueError, match=words):
        photo_list.listed(tmp_path / "tree")


def test_an_unreadable_folder_is_an_error(photo_list, tmp_path, monkeypatch):
    (tmp_path / "tree/closed").mkdir(parents=True)
    (tmp_path / "tree/1.png").write_bytes(b"")
    listdir = os.listdir

    def refusing(folder):
        if str(folder).endswith("/closed"):
            raise PermissionError(13, "Permission denied")
        return listdir(folder)

    monkeypatch.setattr(os, "listdir", refusing)
    with pytest.raises(ValueError, match="cannot read the folder .*/closed .Permission denied"):
        photo_list.listed(tmp_path / "tree")

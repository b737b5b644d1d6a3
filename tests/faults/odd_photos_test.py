"""Photos that are odd but whole: all are read, and what no pixel depends on changes no pixel."""
import io
import json
import re
import struct

import h5py
import numpy
import pytest
from PIL import Image
from support import runs
from support.photo_files import frame_at, logo, patched, png_of, saved, scene, segment, spliced

DATA = 3


def with_subfile(image):
    """The first page is marked as a smaller copy."""
    image.encoderinfo = {"tiffinfo": {254: 1}}
    return image


def good_photos():
    """Yields (file name, bytes)."""
    photo = scene()
    jpeg, progressive = saved(photo, "JPEG", quality=92), saved(photo, "JPEG", quality=92, progressive=True)
    yield "dot.jpg", saved(scene(1, 1), "JPEG")
    yield "dot.png", saved(scene(1, 1), "PNG")
    yield "dot.webp", saved(scene(1, 1), "WEBP")
    yield "tiny.webp", bytes.fromhex("5249464616000000574542505650384c090000002f00000000c822470600")  # 30 bytes
    yield "ribbon.jpg", saved(scene(10000, 10), "JPEG")
    yield "thread.png", saved(scene(10, 10000), "PNG")
    yield "second-picture.jpg", saved(photo, "MPO", save_all=True, append_images=[scene(seed=3)])
    yield "zeros-behind.jpg", jpeg + bytes(4000)
    yield "thumbnail.tif", saved(photo, "TIFF", save_all=True, append_images=[with_subfile(scene(seed=1))])
    yield "bad-profile.png", saved(photo, "PNG", icc_profile=b"not a profile" * 9)
    yield "bad-exif.jpg", saved(photo, "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")
    yield "moving.gif", saved(photo, "GIF", save_all=True, append_images=[scene(seed=1)])
    yield "behind.gif", saved(photo, "GIF") + b"behind the trailer"
    yield "phone.jpg", saved(photo, "HEIF", quality=80)  # whatever its name
    yield "appended.heic", saved(photo, "HEIF", quality=80) + b"\x00\x7f\xff\xffSEFT" + bytes(50)
    yield "moving.png", saved(photo, "PNG", save_all=True, append_images=[scene(seed=1)])
    yield "key-out-of-range.png", saved(photo.convert("1"), "PNG", transparency=255)
    yield "logo.png", logo()
    yield "dim.png", saved(Image.fromarray(numpy.asarray(photo.convert("L")).astype(numpy.uint16) * 60), "PNG")
    yield "byte-before-the-end.jpg", spliced(jpeg, -2, b"\x07")  # libjpeg reads over so few without a word
    yield "clean.jpg", jpeg
    yield "clean.progressive.jpg", progressive


def junk_photos():
    """Yields (file name, bytes, name of the same photo without junk)."""
    jpeg, progressive = GOOD["clean.jpg"], GOOD["clean.progressive.jpg"]
    tables = jpeg.find(b"\xff\xdb")
    yield "zeros-before-the-end.jpg", spliced(jpeg, -2, bytes(30)), "clean.jpg"
    yield "junk-between-segments.jpg", spliced(jpeg, tables, b"\x01\x02 junk \xff\x00 more"), "clean.jpg"
    yield "junk-after-jfif.jpg", spliced(jpeg, 20, b"\x55"), "clean.jpg"
    yield "junk-before-the-scan.jpg", spliced(jpeg, jpeg.find(b"\xff\xda"), b"junk"), "clean.jpg"
    yield "short-app.jpg", spliced(jpeg, 20, segment(b"a camera's notes", missing=1)), "clean.jpg"
    yield "junk-before-the-end.jpg", spliced(jpeg, -2, bytes(range(1, 60))), "clean.jpg"
    yield "text-before-the-end.jpg", spliced(jpeg, -2, b"camera model 5, serial number 7\n" * 20), "clean.jpg"
    yield "junk-before-the-end.restarts.jpg", spliced(saved(scene(), "JPEG", quality=92, restart_marker_blocks=3), -2, bytes(range(1, 60))), "clean.jpg"
    yield "junk-between-segments.progressive.jpg", spliced(progressive, tables, b"junk"), "clean.progressive.jpg"
    yield "padding.progressive.jpg", spliced(progressive, -2, b"\x55" * 40), "clean.progressive.jpg"


GOOD = dict(good_photos())
CLEAN = {name: clean for name, _, clean in junk_photos()}
GOOD |= {name: photo for name, photo, _ in junk_photos()}


@pytest.fixture(scope="module")
def taken(tmp_path_factory):
    """({name: crop}, `photos` of the data report, output of prepare)"""
    folder = tmp_path_factory.mktemp("good")
    for name, photo in GOOD.items():
        (folder / name).write_bytes(photo)
    (folder / "samples.csv").write_text("id,path\n" + "".join(f"{name},{name}\n" for name in GOOD))
    done = runs.pleat("prepare", "--table", folder / "samples.csv", "--images", folder, "--out", folder / "crops.h5")
    assert done.returncode == 0, done.stdout
    with h5py.File(folder / "crops.h5") as file:
        return dict(zip(GOOD, file["images"][:])), json.loads((folder / "crops.report.json").read_text())["photos"], done.stdout


@pytest.mark.parametrize("name", GOOD)
def test_an_odd_photo_that_is_whole_is_taken(taken, name):
    with Image.open(io.BytesIO(GOOD[name])) as image:
        shown = image
        if image.mode == "I;16":
            shown = Image.fromarray((numpy.asarray(image) / 257).round().astype(numpy.uint8))
        if image.has_transparency_data:
            shown = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
        assert abs(taken[0][name].mean() - numpy.asarray(shown.convert("RGB")).mean()) < 2


def test_junk_changes_no_pixel_and_is_counted_in_the_data_report(taken):
    crops, photos, output = taken
    for name, clean in CLEAN.items():
        assert (crops[name] == crops[clean]).all(), name
    assert photos["with_junk"] == len(CLEAN)
    assert "junk" not in output and "Corrupt" not in output


def test_a_dim_photo_is_warned_of(taken):
    assert taken[1]["dim"] == 1
    assert f"1 of {len(GOOD)} photos have 16 bits per channel, but their brightest value is below 16384 of 65535" in taken[2]


def test_a_photo_of_108_megapixels_is_read_where_the_format_decodes_at_a_fraction(tmp_path):
    inks = saved(scene().convert("CMYK"), "JPEG")
    Image.new("L", (12000, 9000), 77).save(tmp_path / "phone.jpg")
    (tmp_path / "scan.png").write_bytes(png_of(12000, 9000))  # only their headers are large
    (tmp_path / "inks.jpg").write_bytes(patched(inks, frame_at(inks), struct.pack(">HH", 9000, 12000)))
    (tmp_path / "samples.csv").write_text("id,path\n1,phone.jpg\n2,scan.png\n3,inks.jpg\n")
    too_large = {}
    for limit in ([], ["--max-pixels", 100_000_000], ["--max-pixels", 108_000_000]):
        done = runs.pleat("prepare", "--table", tmp_path / "samples.csv", "--images", tmp_path, "--out", tmp_path / "crops.h5", *limit)
        too_large[str(limit[1:])] = re.findall(r"(\w+\.\w+): 12000x9000 pixels are too many", done.stdout)
        assert done.returncode == DATA and ("phone.jpg" in done.stdout) == ("phone.jpg" in too_large[str(limit[1:])]), done.stdout
    assert too_large == {"[]": ["scan.png", "inks.jpg"], "[100000000]": ["phone.jpg", "scan.png", "inks.jpg"], "[108000000]": []}


@pytest.mark.parametrize("limit", ("0", "-1", "1e9", "3000000000"))
def test_a_limit_of_pixels_that_cannot_be_is_refused(tmp_path, limit):
    done = runs.pleat("prepare", "--table", tmp_path / "t.csv", "--images", tmp_path, "--out", tmp_path / "c.h5", "--max-pixels", limit)
    assert done.returncode == 2 and "--max-pixels" in done.stdout

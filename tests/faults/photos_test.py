"""Bad files in photo folders: one line each with the kind and the remedy, and no messages from the decoders."""
import csv
import os
import struct
import zlib

import numpy
import pytest
from PIL import Image
from support import runs
from support.photo_files import cut, flipped, frame_at, ftyp, patched, png_of, saved, scene, with_end, without_last_scan

CUTS = (0.1, 0.5, 0.9, 0.99)


def bad_deflate():
    """A PNG with correct checksums and invalid compressed data."""
    packed = bytearray(zlib.compress(bytes(range(256)) * 40))
    packed[60] ^= 0x5A
    return png_of(48, 64, bytes(packed))


def dim():
    return Image.fromarray((numpy.asarray(scene().convert("L")).astype(numpy.uint16)))  # 8-bit values in 16 bits


def tiff_of(image, values):
    """The TIFF with values of some directory entries overwritten: {tag: value}."""
    photo = bytearray(saved(image, "TIFF"))
    directory = struct.unpack_from("<I", photo, 4)[0]
    for i in range(struct.unpack_from("<H", photo, directory)[0]):
        at = directory + 2 + 12 * i
        tag = struct.unpack_from("<H", photo, at)[0]
        if tag in values:
            struct.pack_into("<HHII", photo, at, tag, 4, 1, values[tag])
    return photo


def dark_palette(image):
    """A palette of 8-bit values, as some old programs write it."""
    photo = bytearray(saved(image.quantize(4), "TIFF"))
    at, values = photo.find(struct.pack("<HHI", 320, 3, 768)), 768
    start = struct.unpack_from("<I", photo, at + 8)[0]
    for i in range(values):
        photo[start + 2 * i + 1] = 0
    return photo


def bad_photos():
    """Yields (file name, (bytes, words of its error))."""
    photo, frames = scene(), [scene(seed=1), scene(seed=2)]
    jpeg, progressive, png = saved(photo, "JPEG", quality=92), saved(photo, "JPEG", quality=92, progressive=True), saved(photo, "PNG")
    webp, bmp, tiff = saved(photo, "WEBP"), saved(photo, "BMP"), saved(photo, "TIFF")
    gif, heic, avif = saved(photo, "GIF"), saved(photo, "HEIF", quality=90), saved(photo, "AVIF", quality=90, speed=10)
    yield "empty.jpg", (b"", ["empty file"])
    yield "text.jpg", (b"I was a photo once.\n" * 20, ["text, not a photo"])
    yield "page.jpg", (b"<!DOCTYPE html><html>404</html>", ["text, not a photo"])
    yield "lfs.jpg", (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", ["Git LFS", "git lfs pull"])
    yield "zeros.jpg", (bytes(5000), ["nothing but zeros"])
    yield "noise.jpg", (numpy.random.default_rng(1).bytes(3000), ["not a photo", "JPEG, PNG, WebP, BMP, TIFF, GIF, HEIC and AVIF"])
    for share in CUTS:
        for name, whole in (("jpg", jpeg), ("progressive.jpg", progressive), ("png", png), ("webp", webp), ("bmp", bmp), ("tif", tiff), ("gif", gif), ("heic", heic), ("avif", avif)):
            yield f"cut-{share}.{name}", (cut(whole, share), ["cut short", "get an intact copy"])
        yield f"end-put-back-{share}.jpg", (with_end(cut(jpeg, share)), ["JPEG", "get an intact copy"])
        yield f"end-put-back-{share}.progressive.jpg", (with_end(cut(progressive, share)), ["JPEG", "get an intact copy"])
    yield "last-scan-gone.jpg", (without_last_scan(progressive), ["lacks its last scans"])
    yield "left-over.jpg", (jpeg[: len(jpeg) // 2] + b"\x12\x34\x56\x78" * 9 + jpeg[len(jpeg) // 2:], ["bytes of coded data are left over", "get an intact copy"])
    yield "surplus.progressive.jpg", (progressive[:-2] + bytes(range(1, 60)) + b"\xff\xd9", ["extraneous bytes"])
    yield "marker-inside.jpg", (jpeg[: len(jpeg) // 2] + b"\xff\xd3" + jpeg[len(jpeg) // 2:], ["JPEG cannot be decoded"])
    for share in (0.4, 0.6, 0.8):
        yield f"damaged-{share}.jpg", (flipped(jpeg, share, 40), ["JPEG", "get an intact copy"])
    unmarked = saved(photo.convert("CMYK"), "JPEG")
    marker = unmarked.find(b"\xff\xee")
    yield "cmyk.jpg", (unmarked[:marker] + unmarked[marker + 16:], ["CMYK", "Adobe", "convert it to RGB"])
    yield "60000.jpg", (patched(jpeg, frame_at(jpeg), struct.pack(">HH", 60000, 60000)), ["60000x60000 pixels", "shrink it"])
    yield "huge.progressive.jpg", (patched(progressive, frame_at(progressive), struct.pack(">HH", 12000, 9000)), ["9000x12000 pixels", "at most 100,000,000", "--max-pixels"])
    yield "60000.png", (png_of(60000, 60000), ["60000x60000 pixels", "shrink it"])
    yield "endless.png", (png_of(2**32 - 1, 2**32 - 1), ["4294967295x4294967295 pixels"])
    yield "60000.bmp", (patched(bmp, 18, struct.pack("<II", 60000, 60000)), ["60000x60000 pixels"])
    yield "absurd.bmp", (patched(bmp, 18, struct.pack("<II", 2**31 - 1, 2**31 - 1)), ["2147483647x2147483647 pixels"])
    yield "60000.tif", (tiff_of(photo, {256: 60000, 257: 60000}), ["60000x60000 pixels"])
    yield "sixteen.bmp", (patched(bmp, 28, struct.pack("<H", 16)), ["BMP of 16 bits", "expected 1, 4, 8, 24 or 32"])
    yield "seven.bmp", (patched(bmp, 28, struct.pack("<H", 7)), ["BMP of 7 bits"])
    yield "packed.bmp", (patched(bmp, 30, struct.pack("<I", 1)), ["BMP", "compression 1"])
    yield "old.bmp", (patched(bmp, 14, struct.pack("<I", 12)), ["BMP", "header of 12 bytes"])
    yield "empty.bmp", (patched(bmp, 18, struct.pack("<II", 0, 90)), ["no pixels"])
    yield "damaged.png", (flipped(png, 0.5), ["PNG cannot be decoded"])
    yield "crc.png", (flipped(png, (len(png) - 14) / len(png)), ["PNG cannot be decoded", "CRC"])
    yield "deflate.png", (bad_deflate(), ["PNG cannot be decoded"])
    yield "short.png", (png_of(48, 64, zlib.compress(bytes(500))), ["PNG cannot be decoded"])
    yield "black.png", (saved(dim(), "PNG"), ["come out black", "scale it to 8 bits"])
    yield "black.tif", (saved(dim(), "TIFF"), ["come out black", "scale it to 8 bits"])
    yield "damaged.webp", (patched(webp, 30, b"\xff" * 400), ["WebP", "damaged"])
    yield "animated.webp", (saved(photo, "WEBP", save_all=True, append_images=frames), ["animated WebP"])
    moving = saved(photo, "GIF", save_all=True, append_images=frames)
    yield "cut.moving.gif", (cut(moving, 0.7), ["GIF is cut short"])
    yield "damaged.gif", (patched(gif, 13 + 768 + 30, b"\xff" * 40), ["GIF cannot be decoded", "get an intact copy"])
    yield "empty.gif", (gif[:13 + 768] + b";", ["GIF without a picture"])
    yield "junk.gif", (gif[:13 + 768] + b"junk" + gif[13 + 768:], ["GIF is damaged at byte 781"])
    yield "60000.gif", (patched(gif, 6, struct.pack("<HH", 60000, 60000)), ["60000x60000 pixels"])
    yield "nothing.heic", (ftyp(b"heic"), ["HEIC cannot be decoded"])
    yield "nothing.avif", (ftyp(b"avif"), ["AVIF cannot be decoded"])
    yield "damaged.heic", (patched(heic, heic.find(b"mdat") + 4, b"\xff" * 400), ["HEIC cannot be decoded"])
    yield "damaged.avif", (patched(avif, avif.find(b"mdat") + 4, b"\xff" * 400), ["AVIF cannot be decoded"])
    yield "byte.avif", (flipped(avif, 0.7), ["AVIF cannot be decoded", "Corrupt frame"])
    yield "60000.heic", (patched(heic, heic.find(b"ispe") + 8, struct.pack(">II", 60000, 60000)), ["HEIC cannot be decoded", "60000x60000"])
    yield "raw.cr3", (ftyp(b"crx "), ["raw photo"])
    yield "video.jpg", (ftyp(b"isom"), ["a video, not a photo"])
    yield "scan.jp2", (saved(photo, "JPEG2000"), ["JPEG 2000 photo"])
    yield "paper.pdf", (b"%PDF-1.4 " + bytes(100), ["PDF document"])
    yield "pages.tif", (saved(photo, "TIFF", save_all=True, append_images=frames), ["TIFF of several pages", "expected one"])
    yield "float.tif", (saved(Image.fromarray(numpy.ones((9, 9), numpy.float32)), "TIFF"), ["TIFF of float values"])
    yield "int.tif", (saved(Image.fromarray(numpy.ones((9, 9), numpy.int32)), "TIFF"), ["TIFF of signed values"])
    yield "lab.tif", (saved(photo.convert("LAB"), "TIFF"), ["TIFF in CIELab colours"])
    yield "dark-palette.tif", (dark_palette(photo), ["TIFF with a palette", "come out black"])
    yield "old-jpeg.tif", (tiff_of(photo, {259: 6}), ["TIFF with JPEG inside in the old manner"])
    for compression in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"):
        yield f"damaged-{compression}.tif", (flipped(saved(photo, "TIFF", compression=compression), 0.3, 300), ["TIFF"])
    yield "directory.tif", (patched(tiff, 4, struct.pack("<I", 10**9)), ["TIFF with a broken directory"])


BAD = dict(bad_photos())


def odd_files(folder):
    """Makes names that are not readable files: {name: words of its error}."""
    (folder / "loop-a.jpg").symlink_to("loop-b.jpg")
    (folder / "loop-b.jpg").symlink_to("loop-a.jpg")
    (folder / "dead.jpg").symlink_to("moved away.jpg")
    (folder / "folder.jpg").mkdir()
    os.mkfifo(folder / "pipe.jpg")
    words = {"loop-a.jpg": ["a link that leads back to itself"], "dead.jpg": ["a link to moved away.jpg, which does not exist", "by the photo"],
             "folder.jpg": ["a folder, not a file"], "pipe.jpg": ["a pipe or device, not a file"], "missing.jpg": ["no such file"],
             "empty.jpg/below": ["no such file"]}
    if os.geteuid() != 0:  # root may read it
        (folder / "locked.jpg").write_bytes(saved(scene(), "JPEG"))
        (folder / "locked.jpg").chmod(0)
        words["locked.jpg"] = ["Permission denied", "make it readable"]
    return words


@pytest.fixture(scope="module")
def refused(tmp_path_factory):
    """({name: (reason in its line, expected words)}, output of prepare)"""
    folder = tmp_path_factory.mktemp("bad")
    for name, (photo, _) in BAD.items():
        (folder / name).write_bytes(photo)
    words = {name: words for name, (_, words) in BAD.items()} | odd_files(folder)
    (folder / "good.jpg").write_bytes(saved(scene(), "JPEG"))
    with open(folder / "samples.csv", "w", newline="") as file:
        csv.writer(file).writerows([("id", "path"), ("good", "good.jpg"), *((name, name) for name in words)])
    done = runs.pleat("prepare", "--table", folder / "samples.csv", "--images", folder, "--out", folder / "crops.h5", "--skip-bad")
    assert done.returncode == 0, done.stdout
    with open(folder / "crops.rejected.csv", newline="") as file:
        reasons = {row["path"]: row["reason"] for row in csv.DictReader(file)}
    assert set(reasons) <= set(words)
    return {name: (reasons.get(name, "accepted"), words[name]) for name in words}, done.stdout


@pytest.mark.parametrize("name", [*BAD, "loop-a.jpg", "dead.jpg", "folder.jpg", "pipe.jpg", "missing.jpg", "empty.jpg/below"])
def test_a_bad_photo_is_refused_in_one_line_that_says_why(refused, name):
    reason, words = refused[0][name]
    assert reason != "accepted" and "\n" not in reason
    for word in words:
        assert word in reason, reason


def test_no_decoder_speaks_for_itself(refused):
    for line in refused[1].splitlines():
        assert " I " in line or " W " in line, line

"""Bad files in photo folders: one line each with the kind and the remedy, and no messages from the decoders."""
import csv
import io
import json
import os
import re
import struct
import zlib

import h5py
import numpy
import pillow_heif
import pytest
from PIL import Image
from support import runs

pillow_heif.register_heif_opener()

DATA = 3
CUTS = (0.1, 0.5, 0.9, 0.99)


def scene(width=120, height=90, seed=0):
    rng = numpy.random.default_rng(seed)
    smooth = Image.fromarray(rng.integers(0, 256, (6, 8, 3), numpy.uint8)).resize((width, height), Image.Resampling.BICUBIC)
    return Image.fromarray((numpy.asarray(smooth, float) + rng.normal(0, 8, (height, width, 3))).clip(0, 255).astype(numpy.uint8))


def saved(image, format, **how):
    out = io.BytesIO()
    image.save(out, format, **how)
    return bytearray(out.getvalue())


def cut(photo, share):
    return photo[: int(len(photo) * share)]


def flipped(photo, share=0.6, count=1):
    """The bytes with some of them changed."""
    at = int(len(photo) * share)
    for i in range(at, at + count):
        photo[i] ^= 0x35
    return photo


def with_end(jpeg):
    return jpeg + b"\xff\xd9"


def ftyp(brand):
    return b"\0\0\0\x18ftyp" + brand + b"\0\0\0\0" + brand + b"mif1" + bytes(200)


def png_chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_of(width, height, data=b"", bits=8):
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, 2, 0, 0, 0)) + png_chunk(b"IDAT", data) + png_chunk(b"IEND", b"")


def patched(photo, offset, packed):
    photo[offset: offset + len(packed)] = packed
    return photo


def frame_at(jpeg):
    """Offset of the frame's height."""
    return max(jpeg.find(b"\xff\xc0"), jpeg.find(b"\xff\xc2")) + 5


def without_last_scan(jpeg):
    return jpeg[: jpeg.rfind(b"\xff\xda")] + b"\xff\xd9"


def bad_deflate():
    """A PNG with correct checksums and invalid compressed data."""
    packed = bytearray(zlib.compress(bytes(range(256)) * 40))
    packed[60] ^= 0x5A
    return png_of(48, 64, bytes(packed))


def dim():
    return Image.fromarray((numpy.asarray(scene().convert("L")).astype(numpy.uint16)))  # 8-bit values in 16 bits


def tiff_of(image, values):
    """The TIFF with values of some directory entries overwritten: {tag: value}."""
    photo = saved(image, "TIFF")
    directory = struct.unpack_from("<I", photo, 4)[0]
    for i in range(struct.unpack_from("<H", photo, directory)[0]):
        at = directory + 2 + 12 * i
        tag = struct.unpack_from("<H", photo, at)[0]
        if tag in values:
            struct.pack_into("<HHII", photo, at, tag, 4, 1, values[tag])
    return photo


def dark_palette(image):
    """A palette of 8-bit values, as some old programs write it."""
    photo = saved(image.quantize(4), "TIFF")
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
        yield f"damaged-{share}.jpg", (flipped(bytearray(jpeg), share, 40), ["JPEG", "get an intact copy"])
    unmarked = saved(photo.convert("CMYK"), "JPEG")
    marker = unmarked.find(b"\xff\xee")
    yield "cmyk.jpg", (unmarked[:marker] + unmarked[marker + 16:], ["CMYK", "Adobe", "convert it to RGB"])
    yield "60000.jpg", (patched(bytearray(jpeg), frame_at(jpeg), struct.pack(">HH", 60000, 60000)), ["60000x60000 pixels", "shrink it"])
    yield "huge.progressive.jpg", (patched(bytearray(progressive), frame_at(progressive), struct.pack(">HH", 12000, 9000)), ["9000x12000 pixels", "at most 100,000,000", "--max-pixels"])
    yield "60000.png", (png_of(60000, 60000), ["60000x60000 pixels", "shrink it"])
    yield "endless.png", (png_of(2**32 - 1, 2**32 - 1), ["4294967295x4294967295 pixels"])
    yield "60000.bmp", (patched(bytearray(bmp), 18, struct.pack("<II", 60000, 60000)), ["60000x60000 pixels"])
    yield "absurd.bmp", (patched(bytearray(bmp), 18, struct.pack("<II", 2**31 - 1, 2**31 - 1)), ["2147483647x2147483647 pixels"])
    yield "60000.tif", (tiff_of(photo, {256: 60000, 257: 60000}), ["60000x60000 pixels"])
    yield "sixteen.bmp", (patched(bytearray(bmp), 28, struct.pack("<H", 16)), ["BMP of 16 bits", "expected 1, 4, 8, 24 or 32"])
    yield "seven.bmp", (patched(bytearray(bmp), 28, struct.pack("<H", 7)), ["BMP of 7 bits"])
    yield "packed.bmp", (patched(bytearray(bmp), 30, struct.pack("<I", 1)), ["BMP", "compression 1"])
    yield "old.bmp", (patched(bytearray(bmp), 14, struct.pack("<I", 12)), ["BMP", "header of 12 bytes"])
    yield "empty.bmp", (patched(bytearray(bmp), 18, struct.pack("<II", 0, 90)), ["no pixels"])
    yield "damaged.png", (flipped(bytearray(png), 0.5), ["PNG cannot be decoded"])
    yield "crc.png", (flipped(bytearray(png), (len(png) - 14) / len(png)), ["PNG cannot be decoded", "CRC"])
    yield "deflate.png", (bad_deflate(), ["PNG cannot be decoded"])
    yield "short.png", (png_of(48, 64, zlib.compress(bytes(500))), ["PNG cannot be decoded"])
    yield "black.png", (saved(dim(), "PNG"), ["come out black", "scale it to 8 bits"])
    yield "black.tif", (saved(dim(), "TIFF"), ["come out black", "scale it to 8 bits"])
    yield "damaged.webp", (patched(bytearray(webp), 30, b"\xff" * 400), ["WebP", "damaged"])
    yield "animated.webp", (saved(photo, "WEBP", save_all=True, append_images=frames), ["animated WebP"])
    moving = saved(photo, "GIF", save_all=True, append_images=frames)
    yield "cut.moving.gif", (cut(moving, 0.7), ["GIF is cut short"])
    yield "damaged.gif", (patched(bytearray(gif), 13 + 768 + 30, b"\xff" * 40), ["GIF cannot be decoded", "get an intact copy"])
    yield "empty.gif", (gif[:13 + 768] + b";", ["GIF without a picture"])
    yield "junk.gif", (gif[:13 + 768] + b"junk" + gif[13 + 768:], ["GIF is damaged at byte 781"])
    yield "60000.gif", (patched(bytearray(gif), 6, struct.pack("<HH", 60000, 60000)), ["60000x60000 pixels"])
    yield "nothing.heic", (ftyp(b"heic"), ["HEIC cannot be decoded"])
    yield "nothing.avif", (ftyp(b"avif"), ["AVIF cannot be decoded"])
    yield "damaged.heic", (patched(bytearray(heic), heic.find(b"mdat") + 4, b"\xff" * 400), ["HEIC cannot be decoded"])
    yield "damaged.avif", (patched(bytearray(avif), avif.find(b"mdat") + 4, b"\xff" * 400), ["AVIF cannot be decoded"])
    yield "byte.avif", (flipped(bytearray(avif), 0.7), ["AVIF cannot be decoded", "Corrupt frame"])
    yield "60000.heic", (patched(bytearray(heic), heic.find(b"ispe") + 8, struct.pack(">II", 60000, 60000)), ["HEIC cannot be decoded", "60000x60000"])
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
    yield "directory.tif", (patched(bytearray(tiff), 4, struct.pack("<I", 10**9)), ["TIFF with a broken directory"])


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


def spliced(photo, at, junk):
    return photo[:at] + junk + photo[at:]


def segment(data, missing=0):
    """An application's segment, whose length may be too small."""
    return b"\xff\xe5" + struct.pack(">H", len(data) + 2 - missing) + data


def deep_png(pixels):
    """A 16-bit PNG of uint16 [height, width, 2 or 4]: Pillow writes none with alpha."""
    height, width, channels = pixels.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 16, {2: 4, 4: 6}[channels], 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zlib.compress(rows)) + png_chunk(b"IEND", b"")


def logo():
    """Black on transparent, 16 bits."""
    pixels = numpy.zeros((90, 120, 4), numpy.uint16)
    pixels[20:60, 30:90, 3] = 65535
    return deep_png(pixels)


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

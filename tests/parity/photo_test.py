"""Compares crops of every kind of photo with Pillow's: exif_transpose, alpha on white, box filter."""
import csv
import io
import os
import pathlib
import struct
import zlib

import h5py
import numpy
import pillow_heif
import pytest
from PIL import Image, ImageOps
from support import runs

pillow_heif.register_heif_opener()

CLOSE = 2.0  # of 255, mean over a crop
EXIF_ORIENTATION = 0x0112


def scene(width, height, seed=0):
    """Smooth colours, fine grain and hard edges that no turn or flip leaves in place."""
    rng = numpy.random.default_rng(seed)
    smooth = Image.fromarray(rng.integers(0, 256, (5, 7, 3), numpy.uint8)).resize((width, height), Image.Resampling.BICUBIC)
    pixels = numpy.asarray(smooth, float) + rng.normal(0, 6, (height, width, 3))
    pixels[: height // 3, : width // 5] = (250, 20, 20)
    pixels[height // 2:, width // 2: width // 2 + width // 9] = (10, 240, 30)
    return Image.fromarray(pixels.clip(0, 255).astype(numpy.uint8))


def see_through(image):
    """With alpha: a hidden part of loud colours, and a part that is half seen."""
    pixels = numpy.array(image.convert("RGBA"))
    height, width = pixels.shape[:2]
    pixels[: height // 4, :, 3] = 0
    pixels[height // 4: height // 2, width // 3:, 3] = 110
    return Image.fromarray(pixels)


def turned(orientation):
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = orientation
    return exif


def two_bytes(image):
    """Gray of 16 bits."""
    return Image.fromarray(numpy.asarray(image.convert("L")).astype(numpy.uint16) * 257)


def deep(image):
    """For HEIC of 10 bits."""
    return pillow_heif.from_bytes("RGB;16", image.size, (numpy.asarray(image).astype(numpy.uint16) * 257).tobytes())


def box(kind, *parts, version=None):
    """A box of ISO/IEC 14496-12."""
    body = (b"" if version is None else struct.pack(">I", version << 24)) + b"".join(parts)
    return struct.pack(">I", len(body) + 8) + kind + body


def find_box(data, kind):
    at = data.find(kind) - 4
    return data[at: at + struct.unpack_from(">I", data, at)[0]]


def grid_heic(image, columns=2, rows=2, turns=1):
    """A HEIC as iPhones write it: tiles, and a turn by 90 degrees."""
    width, height = image.width // columns, image.height // rows
    tiles, config = [], None
    for row in range(rows):
        for column in range(columns):
            out = io.BytesIO()
            image.crop((column * width, row * height, (column + 1) * width, (row + 1) * height)).save(out, "HEIF", quality=90)
            tiles.append(find_box(out.getvalue(), b"mdat")[8:])
            config = config or find_box(out.getvalue(), b"hvcC")
    grid = struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, image.width, image.height)
    count = len(tiles)
    kinds_of = [b"hvc1"] * count + [b"grid"]
    items = b"".join(box(b"infe", struct.pack(">HH", i + 1, 0), kind, b"\0", version=2) for i, kind in enumerate(kinds_of))
    links = box(b"dimg", struct.pack(f">HH{count}H", count + 1, count, *range(1, count + 1)))
    sizes = [box(b"ispe", struct.pack(">II", *size), version=0) for size in ((width, height), image.size)]
    properties = box(b"ipco", config, *sizes, box(b"irot", bytes([turns])))
    uses = b"".join(struct.pack(">HBBB", i + 1, 2, 0x81, 2) for i in range(count)) + struct.pack(">HBBB", count + 1, 2, 3, 0x84)
    uses = struct.pack(">I", count + 1) + uses
    start = box(b"ftyp", b"heic\0\0\0\0mif1heic")

    def meta(offset):
        places, at = b"", offset
        for i, data in enumerate([*tiles, grid]):
            places += struct.pack(">HHHII", i + 1, 0, 1, at, len(data))
            at += len(data)
        number = struct.pack(">H", count + 1)  # of items, and of the grid among them
        return box(b"meta", box(b"hdlr", bytes(4), b"pict", bytes(13), version=0), box(b"pitm", number, version=0),
                   box(b"iinf", number, items, version=0), box(b"iref", links, version=0),
                   box(b"iprp", properties, box(b"ipma", uses, version=0)), box(b"iloc", b"\x44\0", number, places, version=0), version=0)

    offset = len(start) + len(meta(0)) + 8
    return start + meta(offset) + box(b"mdat", *tiles, grid)


def framed(image, screen=(600, 500), at=(20, 30), **how):
    """A GIF whose picture is a part of its screen."""
    out = io.BytesIO()
    image.save(out, "GIF", interlace=0, **how)
    file = bytearray(out.getvalue())
    struct.pack_into("<HH", file, 6, *screen)
    descriptor = file.find(b"," + struct.pack("<HHHH", 0, 0, *image.size))
    struct.pack_into("<HH", file, descriptor + 1, *at)
    return bytes(file)


def inks(image):
    """CMYK with sharp edges: each pixel has black ink or coloured ink, never both."""
    gray = numpy.random.default_rng(5).random((image.height, image.width)) < 0.5
    pixels = numpy.zeros((image.height, image.width, 4), numpy.uint8)
    pixels[gray, 3] = 230
    pixels[~gray, :3] = 255 - numpy.asarray(image)[~gray]
    return Image.frombytes("CMYK", image.size, pixels.tobytes())


TILED = {"tiles": {}, "planes": {"planes": True}, "tiled-planes": {"planes": True, "tile": 64}, "wide-tiles": {"tile": 1024}, "ycbcr": {"sampling": (1, 1)},
         "ycbcr-420": {"sampling": (2, 2), "packed": True}, "four-bits": {"bits": 4}, "two-bits": {"bits": 2}}


def tiled(image, tile=128, planes=False, sampling=None, bits=8, packed=False):
    """A TIFF of a layout that Pillow does not write: in tiles, in separate planes, with fewer colours than pixels."""
    pixels = numpy.asarray(image.convert("YCbCr" if sampling else "RGB" if bits == 8 else "L"))
    height, width = pixels.shape[:2]
    samples, photometric = 3 if bits == 8 else 1, 6 if sampling else 2 if bits == 8 else 1
    if bits < 8:
        rows = numpy.unpackbits((pixels >> (8 - bits))[..., None], axis=2)[:, :, 8 - bits:].reshape(height, -1)
        blocks, tile = [numpy.packbits(rows, axis=1).tobytes()], 0
    elif sampling:
        across, down = sampling
        units = pixels.reshape(height // down, down, width // across, across, 3).transpose(0, 2, 1, 3, 4)
        unit = numpy.concatenate([units[..., 0].reshape(*units.shape[:2], -1), units.mean((2, 3))[..., 1:].round()], 2)
        blocks, tile = [unit.astype(numpy.uint8).tobytes()], 0
    else:
        parts = [pixels[..., c: c + 1] for c in range(3)] if planes else [pixels]
        pad = [(0, -height % tile), (0, -width % tile), (0, 0)]
        parts = [numpy.pad(part, pad) for part in parts]
        blocks = [part[y: y + tile, x: x + tile].tobytes() for part in parts for y in range(0, height, tile) for x in range(0, width, tile)]
    blocks = [zlib.compress(block) for block in blocks] if packed else blocks
    starts = [8 + sum(map(len, blocks[:i])) for i in range(len(blocks))]
    entries = {256: (4, [width]), 257: (4, [height]), 258: (3, [bits] * samples), 259: (3, [8 if packed else 1]), 262: (3, [photometric]), 277: (3, [samples]), 284: (3, [1 + planes])}
    entries |= {322: (4, [tile]), 323: (4, [tile]), 324: (4, starts), 325: (4, [*map(len, blocks)])} if tile else {273: (4, starts), 278: (4, [height]), 279: (4, [*map(len, blocks)])}
    entries |= {530: (3, list(sampling)), 532: (5, [0, 1, 255, 1, 128, 1, 255, 1, 128, 1, 255, 1])} if sampling else {}
    data = b"".join(blocks)
    directory, behind = struct.pack("<H", len(entries)), b""
    end = 8 + len(data) + 2 + 12 * len(entries) + 4
    for tag, (kind, values) in sorted(entries.items()):
        value = struct.pack(f"<{len(values)}{'H' if kind == 3 else 'I'}", *values)
        at = value.ljust(4, b"\0") if len(value) <= 4 else struct.pack("<I", end + len(behind))
        behind += value if len(value) > 4 else b""
        directory += struct.pack("<HHI", tag, kind, len(values) // (2 if kind == 5 else 1)) + at
    return b"II*\0" + struct.pack("<I", 8 + len(data)) + data + directory + bytes(4) + behind


def kinds():
    """(name, how to save it): every way that photos come in."""
    wide, tall, small = scene(512, 384), scene(384, 512, 1), scene(240, 160, 2)
    jpeg = {"quality": 92}
    for shape, photo in (("wide", wide), ("tall", tall)):
        for orientation in range(1, 9):
            exif = turned(orientation)
            yield f"{shape}-{orientation}.jpg", lambda p, photo=photo, exif=exif: photo.save(p, exif=exif, **jpeg)
            yield f"{shape}-{orientation}.png", lambda p, photo=photo, exif=exif: photo.save(p, exif=exif, compress_level=1)
            yield f"{shape}-{orientation}.webp", lambda p, photo=photo, exif=exif: photo.save(p, exif=exif, quality=90)
            yield f"{shape}-{orientation}.tif", lambda p, photo=photo, o=orientation: photo.save(p, tiffinfo={274: o}, compression="tiff_lzw")
    for sampling in (0, 1, 2):
        yield f"sampling-{sampling}.jpg", lambda p, s=sampling: wide.save(p, subsampling=s, **jpeg)
    yield "progressive.jpg", lambda p: wide.save(p, progressive=True, **jpeg)
    yield "gray.jpg", lambda p: wide.convert("L").save(p, **jpeg)
    yield "cmyk.jpg", lambda p: wide.convert("CMYK").save(p, **jpeg)
    yield "inks.jpg", lambda p: inks(wide).save(p, quality=100, subsampling=0)
    yield "odd.jpg", lambda p: scene(333, 517).save(p, **jpeg)
    yield "large.jpg", lambda p: scene(2011, 1507).save(p, **jpeg)
    yield "largest.jpg", lambda p: scene(4000, 3000).save(p, **jpeg)
    yield "several.mpo", lambda p: wide.save(p, save_all=True, append_images=[tall])
    for mode in ("L", "RGB", "1"):
        yield f"{mode}.png", lambda p, mode=mode: wide.convert(mode).save(p)
        yield f"{mode}.bmp", lambda p, mode=mode: wide.convert(mode).save(p)
    for mode in ("LA", "RGBA"):
        yield f"{mode}.png", lambda p, mode=mode: see_through(wide).convert(mode).save(p)
        yield f"{mode}.tif", lambda p, mode=mode: see_through(wide).convert(mode).save(p)
    yield "palette.png", lambda p: wide.quantize(64).save(p)
    yield "palette.bmp", lambda p: wide.quantize(64).save(p)
    yield "sixteen.bmp", lambda p: wide.quantize(16).save(p)
    yield "palette-alpha.png", lambda p: wide.quantize(64).save(p, transparency=bytes(range(0, 256, 4)))
    yield "key.png", lambda p: wide.quantize(8).convert("RGB").save(p, transparency=wide.quantize(8).convert("RGB").getpixel((300, 300)))
    yield "gray-key.png", lambda p: wide.convert("L").point(lambda v: v // 64 * 64).save(p, transparency=128)
    yield "sixteen.png", lambda p: two_bytes(wide).save(p)
    yield "sixteen.tif", lambda p: two_bytes(wide).save(p)
    yield "sixteen-big-endian.tif", lambda p: Image.frombytes("I;16B", wide.size, numpy.asarray(two_bytes(wide)).astype(">u2").tobytes()).save(p)
    yield "sixteen-predicted.tif", lambda p: two_bytes(wide).save(p, compression="tiff_lzw", tiffinfo={317: 2})
    for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "packbits", "jpeg", "zstd", "lzma"):
        yield f"{compression}.tif", lambda p, c=compression: wide.save(p, compression=c)
        yield f"{compression}-gray.tif", lambda p, c=compression: wide.convert("L").save(p, compression=c)
    yield "predicted.tif", lambda p: wide.save(p, compression="tiff_lzw", tiffinfo={317: 2})
    for mode in ("1", "P", "CMYK"):
        yield f"mode-{mode}.tif", lambda p, mode=mode: wide.convert(mode).save(p)
    for compression in ("group3", "group4", "tiff_ccitt"):
        yield f"{compression}.tif", lambda p, c=compression: wide.convert("1").save(p, compression=c)
    yield "sixteen-colours.tif", lambda p: wide.quantize(16).save(p, compression="tiff_lzw")
    yield "big.tif", lambda p: wide.save(p, big_tiff=True)
    for name, how in TILED.items():
        yield f"{name}.tif", lambda p, how=how: p.write_bytes(tiled(wide, **how))
    yield "predicted-deflate.tif", lambda p: wide.save(p, compression="tiff_adobe_deflate", tiffinfo={317: 2})
    for orientation in range(1, 9):  # pillow-heif writes irot and imir, Pillow writes both and no EXIF
        yield f"turned-{orientation}.heic", lambda p, o=orientation: small.save(p, exif=turned(o).tobytes(), quality=80)
        yield f"turned-{orientation}.avif", lambda p, o=orientation: small.save(p, exif=turned(o), quality=90, speed=10)
    yield "exif-alone.heic", lambda p: small.save(p, exif=turned(6), quality=80)  # is not applied
    yield "grid.heic", lambda p: p.write_bytes(grid_heic(wide))
    yield "grid-of-one.heic", lambda p: p.write_bytes(grid_heic(tall, 1, 1, 3))
    yield "fine.heic", lambda p: wide.save(p, chroma=444, quality=90)
    yield "odd.heic", lambda p: scene(333, 517).save(p, quality=80)
    yield "deep.heic", lambda p: deep(wide).save(p, quality=80)
    yield "odd.avif", lambda p: scene(333, 517).save(p, quality=90, speed=10)
    yield "moving.avif", lambda p: wide.save(p, save_all=True, append_images=[tall.resize(wide.size)], quality=90, speed=10)
    for ending, how in (("heic", {}), ("avif", {"speed": 10})):
        yield f"gray.{ending}", lambda p, how=how: wide.convert("L").save(p, quality=90, **how)
        yield f"alpha.{ending}", lambda p, how=how: see_through(wide).save(p, quality=90, **how)
    for interlaced in (0, 1):
        yield f"interlaced-{interlaced}.gif", lambda p, i=interlaced: wide.quantize(64).save(p, interlace=i)
    yield "gray.gif", lambda p: wide.convert("L").save(p)
    yield "clear.gif", lambda p: wide.quantize(64).save(p, transparency=wide.quantize(64).getpixel((300, 300)))
    yield "moving.gif", lambda p: wide.quantize(64).save(p, save_all=True, append_images=[tall.quantize(64)])
    yield "framed.gif", lambda p: p.write_bytes(framed(wide.quantize(64)))
    yield "framed-clear.gif", lambda p: p.write_bytes(framed(wide.quantize(64), transparency=7))
    yield "too-small-screen.gif", lambda p: p.write_bytes(framed(wide.quantize(64), screen=(300, 200), at=(5, 9)))
    yield "lossless.webp", lambda p: wide.save(p, lossless=True)
    yield "alpha.webp", lambda p: see_through(wide).save(p, quality=90)
    yield "alpha-lossless.webp", lambda p: see_through(wide).save(p, lossless=True)


KINDS = dict(kinds())
SIZES = {"64": (64, 64), "48x80": (48, 80), "200x10": (200, 10)}  # --size: (height, width)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    for name, save in KINDS.items():
        save(folder / name)
    with open(folder / "samples.csv", "w", newline="") as file:
        csv.writer(file).writerows([("id", "path"), *((name, name) for name in KINDS)])
    return folder


@pytest.fixture(scope="module")
def crops(photos):
    """{size: {name: crop}}"""
    made = {}
    for size in SIZES:
        done = runs.pleat("prepare", "--table", photos / "samples.csv", "--images", photos, "--size", size, "--out", photos / f"{size}.h5")
        assert done.returncode == 0, done.stdout
        with h5py.File(photos / f"{size}.h5") as file:
            made[size] = dict(zip(KINDS, file["images"][:]))
    return made


def pillow(path, height, width):
    """float [height, width, 3]"""
    with Image.open(path) as opened:
        image = ImageOps.exif_transpose(opened)
    if image.mode.startswith("I"):
        image = Image.fromarray((numpy.asarray(image) / 257).round().astype(numpy.uint8))
    if image.has_transparency_data:
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
    return numpy.asarray(image.convert("RGB").resize((width, height), Image.Resampling.BOX), float)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", KINDS)
def test_a_crop_is_what_pillow_makes(photos, crops, name, size):
    difference = numpy.abs(crops[size][name] - pillow(photos / name, *SIZES[size])).mean()
    if "PLEAT_SHOW" in os.environ:
        print(f"{name} {size}: {difference:.2f}")
    assert difference <= CLOSE, f"{difference:.2f} of 255"


def test_a_centred_crop_is_that_of_the_upright_photo(photos, tmp_path):
    """The largest box of the crop's shape, of a photo that is stored on its side."""
    names = [f"{shape}-{o}.jpg" for shape in ("wide", "tall") for o in range(1, 9)]
    (tmp_path / "samples.csv").write_text("id,path\n" + "".join(f"{name},{name}\n" for name in names))
    done = runs.pleat("prepare", "--table", tmp_path / "samples.csv", "--images", photos, "--size", "64x96", "--crop", "center",
                      "--out", tmp_path / "crops.h5")
    assert done.returncode == 0, done.stdout
    with h5py.File(tmp_path / "crops.h5") as file:
        for name, crop in zip(names, file["images"][:]):
            with Image.open(photos / name) as image:
                expected = ImageOps.fit(ImageOps.exif_transpose(image).convert("RGB"), (96, 64), Image.Resampling.BOX)
            assert numpy.abs(crop - numpy.asarray(expected, float)).mean() <= CLOSE, name

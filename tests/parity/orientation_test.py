"""Compares prepare's orientation of photos with Pillow's exif_transpose, for every place and type that holds one. Square photos come out unscaled."""
import csv
import io
import struct
import warnings
import zlib

import h5py
import numpy
import pytest
from PIL import Image, ImageOps
from support import runs

SIDE = 16
SHORT, XMP = 3, "http://ns.adobe.com/xap/1.0/\0"
NO_FIELD = [(271, 2, 4, b"abc\0")]


def photo(mode="RGB"):
    """Differs in each of the eight orientations, also after JPEG's compression."""
    y, x = numpy.mgrid[:SIDE, :SIDE] * 8
    return Image.fromarray(numpy.stack([x + 60, y * 2, 200 - x - y // 2], 2).clip(0, 255).astype(numpy.uint8)).convert(mode)


def exif_of(entries, big=False, behind=b"", count=None):
    """entries: (tag, type, count, value of up to 4 bytes, as they stand in the file)"""
    order = ">" if big else "<"
    head = (b"MM\0*" if big else b"II*\0") + struct.pack(order + "IH", 8, len(entries) if count is None else count)
    return head + b"".join(struct.pack(order + "HHI", *entry[:3]) + entry[3].ljust(4, b"\0") for entry in entries) + bytes(4) + behind


def turned(value, big=False):
    return (274, SHORT, 1, struct.pack(">H" if big else "<H", value))


def exifs():
    """(name, EXIF)"""
    for big in (False, True):
        order = ">" if big else "<"
        for value in range(11):
            yield f"short-{value}-{big}", exif_of([turned(value, big)], big)
        for kind, packing in ((1, "B"), (2, "s"), (4, "I"), (6, "b"), (7, "B"), (8, "h"), (9, "i"), (11, "f"), (13, "I")):
            yield f"type-{kind}-{big}", exif_of([(274, kind, 1, b"6" if kind == 2 else struct.pack(order + packing, 6))], big)
        for kind, packing, values in ((5, "II", (12, 2)), (5, "II", (13, 2)), (10, "ii", (-6, -1)), (12, "d", (8,)), (16, "Q", (3,)), (3, "HHH", (6, 1, 1))):
            yield f"far-{kind}-{values}-{big}", exif_of([(274, kind, 3 if packing == "HHH" else 1, struct.pack(order + "I", 26))], big,
                                                        struct.pack(order + packing, *values))
        yield f"two-values-{big}", exif_of([(274, SHORT, 2, struct.pack(order + "HH", 6, 3))], big)
        yield f"no-value-{big}", exif_of([(274, SHORT, 0, b"\6\6")], big)
        yield f"twice-{big}", exif_of([turned(6, big), turned(3, big)], big)
        yield f"unknown-first-{big}", exif_of([(274, 99, 1, b"\3"), turned(6, big)], big)
        yield f"out-of-reach-{big}", exif_of([(270, 2, 5, struct.pack(order + "I", 900)), turned(6, big)], big)
        yield f"too-long-{big}", exif_of([(270, 2, 900, struct.pack(order + "I", 9)), turned(6, big)], big)
    whole = exif_of([(271, 2, 4, b"abc\0"), turned(6), (282, SHORT, 1, b"\0")])
    for size in range(20, len(whole)):
        yield f"cut-{size}", whole[:size]
    yield "more-entries-than-there-are", exif_of([turned(6)], count=50)
    yield "started-twice", b"Exif\0\0" + exif_of([turned(8)])


def xmps():
    """(name, XMP, EXIF beside it)"""
    for name, xmp in (("attribute", '<x tiff:Orientation="{}"/>'), ("element", "<tiff:Orientation>{}</tiff:Orientation>"),
                      ("second", "tiff:Orientation <tiff:Orientation>{}<"), ("single-quotes", "<x tiff:Orientation='{}'/>")):
        for value in range(10):
            yield f"xmp-{name}-{value}", xmp.format(value), b""
    for name, exif in (("without", exif_of(NO_FIELD)), ("with", exif_of([turned(3)])), ("upright", exif_of([turned(1)])), ("zero", exif_of([turned(0)])),
                       ("byte", exif_of([(274, 1, 1, b"\3")]))):
        yield f"xmp-exif-{name}", '<x tiff:Orientation="6"/>', exif


def segment(data):
    return b"\xff\xe1" + struct.pack(">H", len(data) + 2) + data


def as_jpeg(exif, xmp):
    out = io.BytesIO()
    photo().save(out, "JPEG", quality=100, subsampling=0)
    parts = ([segment(b"Exif\0\0" + exif)] if exif else []) + ([segment((XMP + xmp).encode())] if xmp else [])
    return out.getvalue()[:2] + b"".join(parts) + out.getvalue()[2:]


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_with(*chunks, late=False):
    out = io.BytesIO()
    photo().save(out, "PNG")
    at = len(out.getvalue()) - 12 if late else 33
    return out.getvalue()[:at] + b"".join(chunks) + out.getvalue()[at:]


def xmp_chunk(xmp, packed=False):
    text = zlib.compress(xmp.encode()) if packed else xmp.encode()
    return chunk(b"iTXt", b"XML:com.adobe.xmp\0" + bytes([packed, 0]) + b"en\0\0" + text)


def as_png(exif, xmp):
    return png_with(*([chunk(b"eXIf", exif)] if exif else []), *([xmp_chunk(xmp)] if xmp else []))


def raw(exif, keyword=b"Raw profile type exif", kind=b"zTXt"):
    """ImageMagick's text of EXIF."""
    text = b"\nexif\n%8d\n" % len(exif) + b"\n".join(exif.hex()[i:i + 72].encode() for i in range(0, 2 * len(exif), 72)) + b"\n"
    packed = {b"zTXt": b"\0" + zlib.compress(text), b"tEXt": text, b"iTXt": b"\1\0\0\0" + zlib.compress(text)}[kind]
    return chunk(kind, keyword + b"\0" + packed)


def as_webp(exif, xmp):
    out = io.BytesIO()
    photo().save(out, "WEBP", lossless=True, exif=exif, xmp=xmp.encode())
    return out.getvalue()


def without_flags(webp):
    """EXIF and XMP that VP8X does not announce."""
    return webp[:20] + bytes([webp[20] & ~0x0C]) + webp[21:]


def as_tiff(xmp, value=None, kind=SHORT):
    out = io.BytesIO()
    info = {700: xmp.encode()} if xmp else {}
    photo().save(out, "TIFF", tiffinfo=info | ({274: value} if value else {}))
    file = bytearray(out.getvalue())
    if kind != SHORT:
        at = file.find(struct.pack("<HHIH", 274, SHORT, 1, value))
        struct.pack_into("<H", file, at + 2, kind)
    return bytes(file)


def files():
    """{name: file}"""
    made = {}
    for name, exif in exifs():
        made[f"{name}.png"] = as_png(exif, "")
    for name, exif in [*exifs()][::3]:
        made[f"{name}.jpg"], made[f"{name}.webp"] = as_jpeg(exif, ""), as_webp(exif, "")
    for name, xmp, exif in xmps():
        made[f"{name}.png"] = as_png(exif, xmp)
    for name, xmp, exif in [*xmps()][6::4]:
        made[f"{name}.jpg"], made[f"{name}.webp"] = as_jpeg(exif, xmp), as_webp(exif, xmp)
    exif, other = exif_of([turned(6)]), exif_of([turned(3)])
    made["in-two-segments.jpg"] = as_jpeg(exif[:12], "")[:2] + segment(b"Exif\0\0" + exif[:12]) + segment(b"Exif\0\0" + exif[12:]) + as_jpeg(b"", "")[2:]
    made["two-xmps.jpg"] = as_jpeg(b"", '<x tiff:Orientation="3"/>')[:2] + segment((XMP + 'tiff:Orientation="6"').encode()) + as_jpeg(b"", '<x tiff:Orientation="3"/>')[2:]
    for kind in (b"zTXt", b"tEXt", b"iTXt"):
        made[f"raw-{kind.decode()}.png"] = png_with(raw(b"Exif\0\0" + exif, kind=kind))
        made[f"raw-late-{kind.decode()}.png"] = png_with(raw(exif, kind=kind), late=True)
    made["raw-app1.png"] = png_with(raw(exif, b"Raw profile type APP1"))
    made["raw-and-exif.png"] = png_with(raw(other), chunk(b"eXIf", exif))
    made["raw-and-xmp.png"] = png_with(raw(exif_of(NO_FIELD)), xmp_chunk('<x tiff:Orientation="6"/>', packed=True))
    made["two-exifs.png"] = png_with(chunk(b"eXIf", other), chunk(b"eXIf", exif))
    made["late-exif.png"] = png_with(chunk(b"eXIf", exif), late=True)
    made["late-xmp.png"] = png_with(xmp_chunk('<x tiff:Orientation="6"/>'), late=True)
    made["text-exif.png"] = png_with(chunk(b"tEXt", b"exif\0" + exif))
    made["flags.webp"] = without_flags(as_webp(exif, ""))
    made["flags-xmp.webp"] = without_flags(as_webp(b"", '<x tiff:Orientation="6"/>'))
    for value in range(1, 9):
        made[f"tiff-{value}.tif"] = as_tiff("", value)
        made[f"tiff-long-{value}.tif"] = as_tiff("", value, kind=4)
    made["xmp.tif"], made["xmp-beside.tif"] = as_tiff('<x tiff:Orientation="6"/>'), as_tiff('<x tiff:Orientation="6"/>', 3)
    return made


FILES = files()


@pytest.fixture(scope="module")
def crops(tmp_path_factory):
    folder = tmp_path_factory.mktemp("turned")
    for name, file in FILES.items():
        (folder / name).write_bytes(file)
    with open(folder / "samples.csv", "w", newline="") as file:
        csv.writer(file).writerows([("id", "path"), *((name, name) for name in FILES)])
    done = runs.pleat("prepare", "--table", folder / "samples.csv", "--images", folder, "--size", SIDE, "--out", folder / "crops.h5")
    assert done.returncode == 0, done.stdout
    with h5py.File(folder / "crops.h5") as file:
        return dict(zip(FILES, file["images"][:]))


@pytest.mark.parametrize("name", FILES)
def test_a_photo_is_turned_as_pillow_turns_it(crops, name):
    with warnings.catch_warnings(), Image.open(io.BytesIO(FILES[name])) as image:
        warnings.simplefilter("ignore")
        expected = numpy.asarray(ImageOps.exif_transpose(image).convert("RGB"), int)
    assert numpy.abs(crops[name] - expected).max() <= (0 if not name.endswith(".jpg") else 6)


def test_the_photos_are_not_all_upright(crops):
    upright = numpy.asarray(photo(), int)
    turned_ones = [name for name, crop in crops.items() if numpy.abs(crop - upright).max() > 6]
    assert len(turned_ones) > len(FILES) // 3 and len({crop.tobytes() for crop in crops.values()}) >= 8

"""Writes a grid of photos: formats, kinds of pixels, sources of orientation, damage. For each, whether it is read."""
import struct
import zlib

import numpy
from PIL import Image, PngImagePlugin
from support.photo_files import saved

READ, REFUSED = True, False
WIDTH, HEIGHT = 96, 64
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description tiff:Orientation="%d"/></rdf:RDF></x:xmpmeta>'


def scene(seed=0):
    """Smooth colours and a bright corner: no turn or flip leaves it in place."""
    rng = numpy.random.default_rng(seed)
    smooth = Image.fromarray(rng.integers(30, 226, (4, 6, 3), numpy.uint8)).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    pixels = numpy.array(smooth)
    pixels[:20, :30] = (250, 240, 20)
    return Image.fromarray(pixels)


def see_through(image):
    pixels = numpy.array(image.convert("RGBA"))
    pixels[20:40, :, 3] = 110
    pixels[40:, 50:, 3] = 0
    return Image.fromarray(pixels)


def sixteen(mode, scale=257):
    """Values of 16 bits, uint16 [height, width, channels], whose low bytes matter."""
    values = numpy.asarray(see_through(scene()).convert(mode)).reshape(HEIGHT, WIDTH, -1).astype(numpy.int64) * scale
    grain = numpy.random.default_rng(1).integers(-90, 90, values.shape)
    if mode[-1] == "A":
        grain[..., -1] = 0
        values[..., -1] = values[..., -1] // scale * 257
    return (values + grain * (scale == 257)).clip(0, 65535).astype(numpy.uint16)


def png(pixels, bits, colour, *chunks):
    """A PNG of the given depth and colour type. pixels: [height, width, channels]"""
    height, width = pixels.shape[:2]
    if bits == 16:
        rows = pixels.astype(">u2").reshape(height, -1).view(numpy.uint8)
    else:
        each = numpy.unpackbits(pixels.astype(numpy.uint8).reshape(height, -1, 1), axis=2)[:, :, 8 - bits:]
        rows = numpy.packbits(each.reshape(height, -1), axis=1)
    body = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunk(*each) for each in chunks) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def predicted(block):
    """Differences from the pixel to the left."""
    return numpy.concatenate([block[:, :1], block[:, 1:] - block[:, :-1]], 1)


def tiff(pixels, photometric, order="<", tile=0, planar=False, pages=1, bits=None, deflated=False, **tags):
    """A TIFF, uncompressed or deflated with predictor 2. pixels: [height, width, channels] of any type; `bits` of uint8."""
    def stored(block):
        data = (predicted(block) if deflated else block).astype(pixels.dtype.newbyteorder(order)).tobytes()
        return zlib.compress(data) if deflated else data

    height, width, channels = pixels.shape
    planes = [pixels[:, :, c:c + 1] for c in range(channels)] if planar else [pixels]
    blocks = []
    for plane in planes:
        if bits:
            each = numpy.unpackbits(plane.reshape(height, -1, 1), axis=2)[:, :, 8 - bits:]
            blocks.append(numpy.packbits(each.reshape(height, -1), axis=1).tobytes())
        elif tile:
            padded = numpy.pad(plane, ((0, -height % tile), (0, -width % tile), (0, 0)), mode="edge")
            blocks += [stored(padded[y:y + tile, x:x + tile]) for y in range(0, height, tile) for x in range(0, width, tile)]
        else:
            blocks.append(stored(plane))
    depth = bits or pixels.dtype.itemsize * 8
    fields = {256: ("I", [width]), 257: ("I", [height]), 258: ("H", [depth] * channels), 259: ("H", [1]), 262: ("H", [photometric]),
              277: ("H", [channels]), 284: ("H", [2 if planar else 1]), 339: ("H", [1] * channels)}
    fields |= {322: ("H", [tile]), 323: ("H", [tile])} if tile else {278: ("I", [height])}
    fields |= {259: ("H", [8]), 317: ("H", [2])} if deflated else {}
    fields |= {int(name[1:]): values if isinstance(values, tuple) else ("H", [values] if isinstance(values, int) else values)
               for name, values in tags.items()}
    data = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 8)
    offsets_tag, sizes_tag = (324, 325) if tile else (273, 279)
    fields |= {offsets_tag: ("I", [0] * len(blocks)), sizes_tag: ("I", [len(block) for block in blocks])}
    directory = 2 + 12 * len(fields) + 4
    extra_at = 8 + directory * pages
    values_size = sum(struct.calcsize(f"{len(v)}{c}") for c, v in fields.values() if struct.calcsize(f"{len(v)}{c}") > 4)
    starts = numpy.cumsum([extra_at + values_size] + [len(block) for block in blocks[:-1]]).tolist()
    fields[offsets_tag] = ("I", starts)
    extras, entries = b"", b""
    for tag, (code, values) in sorted(fields.items()):
        packed = struct.pack(f"{order}{len(values)}{code}", *values)
        if len(packed) > 4:
            place, extras = struct.pack(order + "I", extra_at + len(extras)), extras + packed
        else:
            place = packed.ljust(4, b"\0")
        entries += struct.pack(order + "HHI", tag, {"B": 1, "H": 3, "I": 4}[code], len(values)) + place
    for page in range(pages):
        following = 8 + directory * (page + 1) if page + 1 < pages else 0
        data += struct.pack(order + "H", len(fields)) + entries + struct.pack(order + "I", following)
    return data + extras + b"".join(blocks)


def without_adobe(jpeg):
    at = jpeg.index(b"\xff\xee")
    return jpeg[:at] + jpeg[at + 2 + int.from_bytes(jpeg[at + 2:at + 4], "big"):]


def rgb():
    return numpy.asarray(scene())


def gray():
    return numpy.asarray(scene().convert("L"))[:, :, None]


def float_gray():
    return gray().astype(numpy.float32) / 255


def bmp_kinds():
    plain = saved(scene(), "BMP")
    rgba = saved(see_through(scene()), "BMP")
    clear = numpy.array(see_through(scene()))
    clear[..., 3] = 0
    yield "bmp-rgb", READ, plain
    yield "bmp-gray", READ, saved(scene().convert("L"), "BMP")
    yield "bmp-1-bit", READ, saved(scene().convert("1"), "BMP")
    yield "bmp-palette", READ, saved(scene().quantize(16), "BMP")
    yield "bmp-alpha", READ, rgba
    yield "bmp-alpha-zero", READ, saved(Image.fromarray(clear), "BMP")
    yield "bmp-run-length", REFUSED, plain[:30] + b"\x01" + plain[31:]
    yield "bmp-16-bits", REFUSED, plain[:28] + b"\x10" + plain[29:]
    yield "bmp-os2", REFUSED, plain[:14] + struct.pack("<IHHHH", 12, WIDTH, HEIGHT, 1, 24) + plain[26:]
    yield "bmp-cut", REFUSED, plain[:-900]


def jpeg_kinds():
    plain, cmyk = saved(scene(), "JPEG", quality=95), saved(scene().convert("CMYK"), "JPEG", quality=95)
    frame = plain.index(b"\xff\xc0")
    yield "jpeg-rgb", READ, plain
    yield "jpeg-gray", READ, saved(scene().convert("L"), "JPEG", quality=95)
    yield "jpeg-progressive", READ, saved(scene(), "JPEG", quality=95, progressive=True)
    yield "jpeg-cmyk", READ, cmyk
    yield "jpeg-cmyk-without-adobe", REFUSED, without_adobe(cmyk)
    yield "jpeg-several", READ, saved(scene(), "MPO", save_all=True, append_images=[scene(1)], quality=95)
    yield "jpeg-12-bits", REFUSED, plain[:frame + 4] + b"\x0c" + plain[frame + 5:]
    yield "jpeg-junk-between", READ, plain[:frame] + b"junk" + plain[frame:]
    yield "jpeg-two-frames", REFUSED, plain[:frame] + plain[frame:frame + 19] + plain[frame:]
    yield "jpeg-cut", REFUSED, plain[:-200]
    yield "jpeg-no-end", REFUSED, plain[:-2]


def png_kinds():
    key16 = sixteen("RGB")
    key16[:20, :30] = (51234, 41234, 1234)
    near = key16.copy()
    near[50:, :30] = (51235, 41234, 1234)  # the same high bytes, and not transparent
    for mode in ("1", "L", "LA", "RGB", "RGBA"):
        yield f"png-{mode}", READ, saved(see_through(scene()).convert(mode), "PNG")
    yield "png-palette", READ, saved(scene().quantize(40), "PNG")
    yield "png-palette-alpha", READ, saved(scene().quantize(64), "PNG", transparency=bytes(range(0, 256, 4)))
    for bits in (1, 2, 4):
        yield f"png-gray-{bits}-bits", READ, png(gray() >> (8 - bits), bits, 0)
        few = gray() >> (8 - bits)
        yield f"png-gray-{bits}-bits-key", READ, png(few, bits, 0, (b"tRNS", bytes([0, few[0, 0, 0]])))
    yield "png-gray-key", READ, png(gray() // 64 * 64, 8, 0, (b"tRNS", b"\0\x80"))
    yield "png-rgb-key", READ, png(rgb(), 8, 2, (b"tRNS", struct.pack(">HHH", 250, 240, 20)))
    for colour, mode in [(0, "L"), (2, "RGB"), (4, "LA"), (6, "RGBA")]:
        yield f"png-16-{mode}", READ, png(sixteen(mode), 16, colour)
        yield f"png-16-{mode}-dim", READ, png(sixteen(mode, 40), 16, colour)
    yield "png-16-L-dark", REFUSED, png(sixteen("L", 16), 16, 0)
    yield "png-16-RGB-dark", REFUSED, png(sixteen("RGB", 16), 16, 2)
    yield "png-16-RGBA-dark-on-white", READ, png(sixteen("RGBA", 10), 16, 6)
    yield "png-16-rgb-key", READ, png(near, 16, 2, (b"tRNS", struct.pack(">HHH", 51234, 41234, 1234)))
    yield "png-16-gray-key", READ, png(near[:, :, :1], 16, 0, (b"tRNS", struct.pack(">H", 51234)))
    yield "png-animated", READ, saved(scene(), "PNG", save_all=True, append_images=[scene(1)])
    plain = saved(scene(), "PNG")
    yield "png-cut", REFUSED, plain[:-300]
    yield "png-no-end", REFUSED, plain[:-12]
    yield "png-checksum", REFUSED, plain[:60] + bytes([plain[60] ^ 1]) + plain[61:]


def tiff_kinds():
    for mode in ("L", "RGB", "RGBA", "LA"):
        values, photometric = numpy.asarray(see_through(scene()).convert(mode)).reshape(HEIGHT, WIDTH, -1), 2 if "RGB" in mode else 1
        extra = {"t338": 2} if mode[-1] == "A" else {}
        for name, how in {"": {}, "-big-endian": {"order": ">"}, "-planes": {"planar": True}, "-tiles": {"tile": 32},
                          "-deflated": {"deflated": True}, "-deflated-tiles": {"tile": 32, "deflated": True, "order": ">"},
                          "-deflated-planes": {"planar": True, "deflated": True}}.items():
            if mode != "L" or "planes" not in name:
                yield f"tiff-{mode}{name}", READ, tiff(values, photometric, **how, **extra)
                yield f"tiff-16-{mode}{name}", READ, tiff(sixteen(mode), photometric, **how, **extra)
    multiplied = numpy.asarray(see_through(scene())).astype(int)
    multiplied[..., :3] = multiplied[..., :3] * multiplied[..., 3:] // 255
    yield "tiff-premultiplied", READ, tiff(multiplied.astype(numpy.uint8), 2, t338=1)
    yield "tiff-extra-without-meaning", READ, tiff(numpy.asarray(see_through(scene())), 2, t338=0)
    yield "tiff-gray-extra-without-meaning", READ, tiff(numpy.asarray(see_through(scene()).convert("LA")), 1, t338=0)
    yield "tiff-extra-unsaid", READ, tiff(numpy.asarray(see_through(scene())), 2)
    yield "tiff-two-extra", REFUSED, tiff(numpy.dstack([rgb(), rgb()[..., :2]]), 2, t338=[0, 0])
    yield "tiff-white-is-zero", READ, tiff(gray(), 0)
    yield "tiff-16-white-is-zero", READ, tiff(sixteen("L"), 0)
    yield "tiff-16-white-is-zero-big-endian", READ, tiff(sixteen("L"), 0, ">")
    yield "tiff-16-dark", REFUSED, tiff(sixteen("L", 16), 1)
    yield "tiff-16-dim", READ, tiff(sixteen("L", 40), 1)
    yield "tiff-16-rgb-dark", REFUSED, tiff(sixteen("RGB", 16), 2)
    for bits in (1, 2, 4):
        yield f"tiff-{bits}-bits", READ, tiff(gray() >> (8 - bits), 1, bits=bits)
        yield f"tiff-{bits}-bits-white-is-zero", READ, tiff(gray() >> (8 - bits), 0, bits=bits)
    palette = saved(scene().quantize(16), "TIFF")
    yield "tiff-palette", READ, palette
    yield "tiff-palette-dark", REFUSED, tiff(gray() >> 4, 3, t320=list(range(256)) * 3)
    yield "tiff-cmyk", READ, saved(scene().convert("CMYK"), "TIFF")
    yield "tiff-16-cmyk", REFUSED, tiff(numpy.asarray(scene().convert("CMYK")).astype(numpy.uint16) * 257, 5)
    yield "tiff-lab", REFUSED, tiff(rgb(), 8)
    yield "tiff-mask", REFUSED, tiff(gray(), 4)
    yield "tiff-float", REFUSED, tiff(float_gray(), 1, t339=3)
    yield "tiff-float-rgb", REFUSED, tiff(rgb().astype(numpy.float32) / 255, 2, t339=[3, 3, 3])
    yield "tiff-32-bits", REFUSED, tiff(gray().astype(numpy.uint32) << 24, 1)
    yield "tiff-signed", REFUSED, tiff(gray().astype(numpy.int16), 1, t339=2)
    yield "tiff-signed-32-bits", REFUSED, tiff(gray().astype(numpy.int32), 1, t339=2)
    yield "tiff-two-pages", REFUSED, tiff(rgb(), 2, pages=2)
    yield "tiff-thumbnail-first", REFUSED, tiff(rgb(), 2, t254=1)
    yield "tiff-raw", REFUSED, tiff(rgb(), 2, t50706=("B", [1, 4, 0, 0]))
    for packing in ("tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "packbits", "jpeg", "zstd", "lzma"):
        yield f"tiff-{packing}", READ, saved(scene(), "TIFF", compression=packing)
    for packing in ("tiff_lzw", "tiff_adobe_deflate"):
        yield f"tiff-{packing}-predicted", READ, saved(scene(), "TIFF", compression=packing, tiffinfo={317: 2})
        yield f"tiff-{packing}-16-predicted", READ, saved(Image.fromarray(sixteen("L")[..., 0]), "TIFF", compression=packing, tiffinfo={317: 2})
    for packing in ("tiff_ccitt", "group3", "group4"):
        yield f"tiff-{packing}", READ, saved(scene().convert("1"), "TIFF", compression=packing)
    yield "tiff-webp", REFUSED, tiff(rgb(), 2, t259=50001)
    yield "tiff-big", READ, saved(scene(), "TIFF", big_tiff=True)
    yield "tiff-cut", REFUSED, tiff(rgb(), 2)[:-900]


def other_kinds():
    yield "webp-rgb", READ, saved(scene(), "WEBP", quality=95)
    yield "webp-lossless", READ, saved(scene(), "WEBP", lossless=True)
    yield "webp-alpha", READ, saved(see_through(scene()), "WEBP", lossless=True)
    yield "webp-animated", REFUSED, saved(scene(), "WEBP", save_all=True, append_images=[scene(1)])
    yield "webp-cut", REFUSED, saved(scene(), "WEBP", quality=95)[:-100]
    for kind, image, options in [("PPM", scene(), {}), ("TGA", scene(), {}), ("PCX", scene(), {}), ("ICO", scene(), {}),
                                 ("JPEG2000", scene(), {}), ("PDF", scene(), {})]:
        yield kind.lower(), REFUSED, saved(image, kind, **options)
    yield "empty", REFUSED, b""
    yield "zeros", REFUSED, bytes(5000)
    yield "text", REFUSED, b"<html>not found</html>"
    yield "lfs", REFUSED, b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n"


def gif_kinds():
    yield "gif", READ, saved(scene().quantize(64), "GIF")
    yield "gif-transparent", READ, saved(scene().quantize(16), "GIF", transparency=3)
    yield "gif-animated", READ, saved(scene().quantize(64), "GIF", save_all=True, append_images=[scene(1).quantize(64)], duration=50)
    yield "gif-cut", REFUSED, saved(scene().quantize(64), "GIF")[:-300]


def heif_kinds():
    for name, kind in (("heic", "HEIF"), ("avif", "AVIF")):
        yield name, READ, saved(scene(), kind, quality=95)
        yield f"{name}-alpha", READ, saved(see_through(scene()), kind, quality=95)
        yield f"{name}-cut", REFUSED, saved(scene(), kind, quality=95)[:-300]


def exif_of(value, code="H"):
    """EXIF with an orientation of a numeric type."""
    kind = {"B": 1, "H": 3, "I": 4, "b": 6, "h": 8, "i": 9}[code]
    return b"Exif\0\0II*\0" + struct.pack("<IHHHI", 8, 1, 274, kind, 1) + struct.pack("<" + code, value).ljust(4, b"\0") + bytes(4)


def orientation_kinds():
    formats = {"jpeg": ("JPEG", {"quality": 95}), "png": ("PNG", {}), "webp": ("WEBP", {"lossless": True})}
    for name, (kind, options) in formats.items():
        for value in range(1, 10):
            yield f"{name}-exif-{value}", READ, saved(scene(), kind, exif=exif_of(value), **options)
        for code in "BIbhi":
            yield f"{name}-exif-type-{code}", READ, saved(scene(), kind, exif=exif_of(6, code), **options)
        yield f"{name}-exif-cut", READ, saved(scene(), kind, exif=exif_of(6)[:-8], **options)
        if name != "png":
            yield f"{name}-xmp", READ, saved(scene(), kind, xmp=XMP % 8, **options)
            yield f"{name}-exif-and-xmp", READ, saved(scene(), kind, xmp=XMP % 8, exif=exif_of(6), **options)
    text = PngImagePlugin.PngInfo()
    text.add_itxt("XML:com.adobe.xmp", (XMP % 8).decode())
    yield "png-xmp", READ, saved(scene(), "PNG", pnginfo=text)
    raw = exif_of(5)
    for compressed in (False, True):
        text = PngImagePlugin.PngInfo()
        text.add_text("Raw profile type exif", f"\nexif\n{len(raw):8}\n{raw.hex()}\n", zip=compressed)
        yield f"png-raw-profile-{compressed}", READ, saved(scene(), "PNG", pnginfo=text)
    for value in (1, 3, 6):
        yield f"tiff-orientation-{value}", READ, tiff(rgb(), 2, t274=value)
        yield f"png-16-orientation-{value}", READ, png(sixteen("RGB"), 16, 2, (b"eXIf", exif_of(value)[6:]))


KINDS = {name: (answer, data) for kinds in (bmp_kinds, jpeg_kinds, png_kinds, tiff_kinds, other_kinds, gif_kinds, heif_kinds, orientation_kinds)
         for name, answer, data in kinds()}

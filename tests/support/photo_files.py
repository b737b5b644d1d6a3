"""Photo files for tests, whole and damaged, as bytes."""
import io
import struct
import zlib

import numpy
import pillow_heif
from PIL import Image

pillow_heif.register_heif_opener()


def scene(width=120, height=90, seed=0):
    rng = numpy.random.default_rng(seed)
    smooth = Image.fromarray(rng.integers(0, 256, (6, 8, 3), numpy.uint8)).resize((width, height), Image.Resampling.BICUBIC)
    return Image.fromarray((numpy.asarray(smooth, float) + rng.normal(0, 8, (height, width, 3))).clip(0, 255).astype(numpy.uint8))


def saved(image, format, **how):
    out = io.BytesIO()
    image.save(out, format, **how)
    return out.getvalue()


def cut(photo, share):
    return photo[: int(len(photo) * share)]


def flipped(photo, share=0.6, count=1):
    """The bytes with some of them changed."""
    photo, at = bytearray(photo), int(len(photo) * share)
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
    photo = bytearray(photo)
    photo[offset: offset + len(packed)] = packed
    return photo


def frame_at(jpeg):
    """Offset of the frame's height."""
    return max(jpeg.find(b"\xff\xc0"), jpeg.find(b"\xff\xc2")) + 5


def without_last_scan(jpeg):
    return jpeg[: jpeg.rfind(b"\xff\xda")] + b"\xff\xd9"


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

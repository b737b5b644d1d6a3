"""Which TIFF files are read and which are refused: the rules of `pleat prepare`."""
import struct
import zlib
from typing import NamedTuple

from .photo_kinds import BadPhoto

SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}  # bytes, by type
CODES = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
MOST_PAGES, MOST_VALUES, MOST_BLOCK, DEFLATES = 16, 1 << 20, 1 << 29, (8, 32946)
(SUBFILE, WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, FILL_ORDER, STRIPS, SAMPLES, STRIP_BYTES, PLANES, PALETTE, TILES, TILE_BYTES,
 INKS, EXTRA, FORMAT, DNG) = (254, 256, 257, 258, 259, 262, 266, 273, 277, 279, 284, 320, 324, 325, 332, 338, 339, 50706)
COLOURS = {0: 1, 1: 1, 2: 3, 3: 1, 5: 4, 6: 3}  # by photometric: gray, RGB, palette, CMYK, YCbCr
COMPRESSIONS = (1, 2, 3, 4, 5, 7, 8, 32773, 32946, 34925, 50000)


def refuse(what):
    raise BadPhoto(f"TIFF {what}; save it as PNG or JPEG")


def broken():
    return BadPhoto("TIFF with a broken directory; get an intact copy")


class Header(NamedTuple):
    order: str   # of bytes, as a code of `struct`
    offset: str  # code of an offset or a count of values
    count: str   # code of a directory's number of entries
    start: int   # position of the first directory's offset
    entry: int   # bytes of an entry


def header_of(data):
    """Returns the layout of a TIFF or BigTIFF file."""
    order = ">" if data[:2] == b"MM" else "<"
    big = struct.unpack_from(order + "H", data, 2)[0] == 43
    return Header(order, "Q", "Q", 8, 20) if big else Header(order, "I", "H", 4, 12)


def directories(data):
    """Yields {tag: integers} of each directory."""
    header = header_of(data)
    order, entry = header.order, header.entry
    try:
        at = struct.unpack_from(order + header.offset, data, header.start)[0]
        for _ in range(MOST_PAGES + 1):
            count = struct.unpack_from(order + header.count, data, at)[0]
            at += struct.calcsize(order + header.count)
            yield {tag: values for tag, values in (field(data, at + entry * i, header) for i in range(count))}
            if at + entry * count + struct.calcsize(order + header.offset) > len(data):
                return  # some writers omit the last link
            at = struct.unpack_from(order + header.offset, data, at + entry * count)[0]
            if not at:
                return
    except (struct.error, OverflowError):  # OverflowError: an offset of 2 ** 63 or more
        raise broken() from None


def field(data, at, header):
    order, width = header.order, struct.calcsize(header.order + header.offset)
    tag, kind, count = struct.unpack_from(order + "HH" + header.offset, data, at)
    if kind not in CODES or count > MOST_VALUES:
        return tag, ()
    value = at + 4 + width
    if SIZES[kind] * count > width:
        value = struct.unpack_from(order + header.offset, data, value)[0]
    return tag, struct.unpack_from(f"{order}{count}{CODES[kind]}", data, value)


def check_tiff(data):
    """Returns what decoding needs to know: {"bits", "photometric", "samples", "extra", "planar", "first": tags}."""
    pages = list(directories(data))
    first = pages[0]

    def value(tag, default):
        return (first.get(tag) or (default,))[0]

    if value(SUBFILE, 0) & 1 or DNG in first:
        refuse("of a camera's raw values, whose first picture is a thumbnail")
    layout = check_samples(first, value)
    if value(COMPRESSION, 1) not in COMPRESSIONS:
        refuse("with JPEG inside in the old manner" if value(COMPRESSION, 1) == 6 else f"with compression {value(COMPRESSION, 1)}")
    if value(WIDTH, 0) < 1 or value(HEIGHT, 0) < 1:
        raise broken()
    blocks = [block for starts, sizes in ((STRIPS, STRIP_BYTES), (TILES, TILE_BYTES))
              for block in zip(first.get(starts, ()), first.get(sizes, ()))]
    if any(start + size > len(data) for start, size in blocks):
        raise BadPhoto("TIFF is cut short; get an intact copy")
    usual_bits = value(FILL_ORDER, 1) == 1
    if value(COMPRESSION, 1) in DEFLATES and usual_bits and not all(is_whole(data[start:start + size]) for start, size in blocks):
        raise BadPhoto("TIFF is damaged (a packed block); get an intact copy")
    if sum(not (page.get(SUBFILE) or (0,))[0] & 5 for page in pages) > 1:  # thumbnails and masks do not count
        refuse("of several pages, expected one")
    return layout


def is_whole(block):
    """Unpacks to the end of the stream, for its checksum: libtiff stops at the last pixel."""
    stream = zlib.decompressobj()
    try:
        stream.decompress(block, MOST_BLOCK)
    except zlib.error:
        return False
    return stream.eof


def check_samples(first, value):
    bits, samples, photometric = value(BITS, 1), value(SAMPLES, 1), value(PHOTOMETRIC, 0xFFFF)
    format_ = value(FORMAT, 1)
    if format_ != 1:
        refuse({2: "of signed values", 3: "of float values"}.get(format_, f"of values of format {format_}"))
    if photometric not in COLOURS:
        names = {4: "that is a mask", 8: "in CIELab colours", 32803: "of raw sensor values"}
        refuse(names.get(photometric, f"in colours {photometric}"))
    if any(each != bits for each in first.get(BITS, ())):
        refuse("of channels with different numbers of bits")
    if photometric == 6 and value(PLANES, 1) == 2:
        refuse("in YCbCr colours of separate planes")
    if photometric == 5 and value(INKS, 1) != 1:
        refuse("in inks other than CMYK")
    colours = COLOURS[photometric]
    if samples != colours and not (photometric <= 2 and samples == colours + 1):
        refuse(f"of {samples} channels")
    few, many = bits in (1, 2, 4) and samples == 1, bits == 16 and photometric <= 2
    if bits != 8 and not few and not many:
        refuse(f"of {bits} bits per channel, expected 8")
    if photometric == 3:
        if not first.get(PALETTE):
            raise BadPhoto("TIFF without its palette; get an intact copy")
        if max(first[PALETTE]) < 256:
            refuse("with a palette of values below 256 of 65535: it would come out black")
    return {"bits": bits, "photometric": photometric, "samples": samples,
            "extra": value(EXTRA, 0) if samples > colours else None, "planar": value(PLANES, 1) == 2, "first": first}

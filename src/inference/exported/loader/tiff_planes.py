"""Decodes the TIFF files that Pillow decodes wrongly, coarsely or not at all: of 16 bits, and of gray with alpha in planes.

Each plane is presented to Pillow as gray, by a directory that is appended to the file. Neighbouring channels become
neighbouring pixels.
"""
import io
import struct

import numpy as np
from PIL import Image

from .tiff_kind import (BITS, COMPRESSION, EXTRA, FORMAT, PHOTOMETRIC, PLANES, SAMPLES, STRIP_BYTES, STRIPS, SUBFILE, TILE_BYTES,
                        TILES, WIDTH, header_of)

ORIENTATION, PREDICTOR, TILE_WIDTH = 274, 317, 322
DROPPED = {SUBFILE, EXTRA, FORMAT, SAMPLES, PLANES, PREDICTOR}


def channels_of(data, layout):
    """Returns the stored values, [height, width, channels], uint8 or uint16. layout: from check_tiff."""
    first, samples = layout["first"], layout["samples"]
    planes = samples if samples > 1 and one(first, PLANES, 1) == 2 else 1
    wide = samples // planes  # values of a pixel in a plane
    predicted = one(first, PREDICTOR, 1) == 2 and one(first, COMPRESSION, 1) != 1
    decoded = []
    for plane in range(planes):
        values = gray(data, layout, plane, planes, wide)
        values = values.reshape(*values.shape[:1], -1, wide)
        decoded.append(undo_prediction(values, one(first, TILE_WIDTH, values.shape[1])) if predicted else values)
    return np.concatenate(decoded, 2)


def with_known_pixels(data):
    """Returns the file as one of 8-bit gray, of which Pillow reads size and orientation. Its pixels are wrong."""
    return with_directory(data, {BITS: [8], PHOTOMETRIC: [1]}, DROPPED)


def one(directory, tag, default):
    return (directory.get(tag) or (default,))[0]


def gray(data, layout, plane, planes, wide):
    first = layout["first"]
    changed = {WIDTH: [one(first, WIDTH, 0) * wide], BITS: [layout["bits"]], PHOTOMETRIC: [1]}
    if TILE_WIDTH in first:
        changed[TILE_WIDTH] = [one(first, TILE_WIDTH, 0) * wide]
    for tag in {STRIPS, STRIP_BYTES, TILES, TILE_BYTES} & set(first):
        count = len(first[tag]) // planes
        changed[tag] = first[tag][plane * count:(plane + 1) * count]
    with Image.open(io.BytesIO(with_directory(data, changed, DROPPED | {ORIENTATION})), formats=["TIFF"]) as image:
        return np.asarray(image).astype(np.uint16 if layout["bits"] == 16 else np.uint8)


def with_directory(data, changed, dropped):
    """Returns the file with another first directory: the old entries without some, and some with other LONG values."""
    order, offset, count_code, head, size = header_of(data)
    at = struct.unpack_from(order + offset, data, head)[0]
    count, at = struct.unpack_from(order + count_code, data, at)[0], at + struct.calcsize(order + count_code)
    entries = {struct.unpack_from(order + "H", data, at + i * size)[0]: data[at + i * size:at + (i + 1) * size] for i in range(count)}
    entries = {tag: entry for tag, entry in entries.items() if tag not in dropped}
    more = b""
    for tag, values in changed.items():
        packed = struct.pack(f"{order}{len(values)}I", *values)
        if len(packed) > struct.calcsize(offset):
            place, more = struct.pack(order + offset, len(data) + len(more)), more + packed
        else:
            place = packed.ljust(struct.calcsize(offset), b"\0")
        entries[tag] = struct.pack(order + "HH" + offset, tag, 4, len(values)) + place
    body = struct.pack(order + count_code, len(entries)) + b"".join(entry for _, entry in sorted(entries.items()))
    start = struct.pack(order + offset, len(data) + len(more))
    return data[:head] + start + data[head + len(start):] + more + body + struct.pack(order + offset, 0)


def undo_prediction(values, tile_width):
    """Predictor 2 stores differences from the pixel to the left, in each tile or row."""
    parts = np.split(values, range(tile_width, values.shape[1], tile_width), 1)
    return np.concatenate([np.cumsum(part, 1, dtype=part.dtype) for part in parts], 1)

"""Makes crops of photos as `pleat prepare` does."""
import io
import re
import struct
import threading
import warnings
import zlib

import numpy as np
from PIL import Image, UnidentifiedImageError

from .photo_kinds import MOST_PIXELS, MOST_STREAMED_PIXELS, BadPhoto, bytes_of, known_kind
from .png_values import values_of
from .tiff_kind import check_tiff
from .tiff_planes import channels_of, with_known_pixels

DIMMEST = 4096  # of 65535, of 16 bits a channel
ORIENTATION = 0x0112
TURNS = {2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
         5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_90}
MODES = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "I;16", "I;16L", "I;16B", "I;16N")
# Errors of decoders. MemoryError is not among them: it is not the photo's fault.
DAMAGE = (OSError, ValueError, SyntaxError, EOFError, struct.error, zlib.error, RuntimeError, IndexError, TypeError,
          AssertionError, AttributeError, ArithmeticError)
PILLOW_LIMIT = threading.Lock()  # of Image.MAX_IMAGE_PIXELS


def require_croppable(how):
    """how: "preprocessing" of ensemble.json. Raises NotImplementedError for crops that only pleat makes."""
    if how["crop"] not in ("none", "center") or how["background"] != "keep":
        raise NotImplementedError(
            f"crops of {how['source']} with crop {how['crop']} and background {how['background']} need "
            "`pleat prepare`; give predict() the images of its crops.h5")


def crop_of(photo, how):
    """Turns a photo (a path or a PIL image) into a crop, uint8 [H, W, C]. Raises BadPhoto if prepare would refuse it."""
    require_croppable(how)
    pixels, height, width = pixels_of(photo), how["height"], how["width"]
    if how["crop"] == "center":
        scale = min(pixels.shape[0] / height, pixels.shape[1] / width)
        pixels = pixels[middle(pixels.shape[0], height * scale), middle(pixels.shape[1], width * scale)]
    small = np.tensordot(axis_weights(pixels.shape[0], height), pixels.astype(np.float32), 1)
    small = np.tensordot(axis_weights(pixels.shape[1], width), small, (1, 1)).transpose(1, 0, 2)
    return np.floor(small + 0.5).clip(0, 255).astype(np.uint8)


def pixels_of(photo):
    """Returns the photo upright, in 8 bits, on white: uint8 [height, width, 3]."""
    if not isinstance(photo, Image.Image):
        return decoded(bytes_of(photo))
    # An image that was opened but not yet decoded is judged by its file, as a path is.
    file, frame = getattr(photo, "fp", None), photo.tell() if hasattr(photo, "tell") else 0
    if file is not None and getattr(photo, "tile", None) and not frame:
        at = file.tell()
        file.seek(0)
        data = file.read()
        file.seek(at)
        return decoded(data)
    try:
        photo.load()
        if photo.mode not in MODES:
            raise BadPhoto(f"image of mode {photo.mode}; scale it to 8 bits a channel, RGB or gray")
        if photo.mode == "CMYK" and photo.format == "JPEG":
            require_adobe(photo)
        return on_white(upright(photo))
    except BadPhoto:
        raise
    except DAMAGE as error:
        raise BadPhoto(f"cannot be decoded ({error}); get an intact copy") from None


def decoded(data):
    """Decodes a photo's file. Raises BadPhoto for a damaged one."""
    kind = "photo"
    try:
        kind, data = known_kind(data)
        return decoded_as(kind, data)
    except BadPhoto:
        raise
    except (UnidentifiedImageError, KeyError):
        raise BadPhoto(f"{kind} that this Pillow cannot read; save it as PNG or JPEG") from None
    except DAMAGE as error:
        raise BadPhoto(f"{kind} cannot be decoded ({error}); get an intact copy, or convert it") from None


def decoded_as(kind, data):
    layout = check_tiff(data) if kind == "TIFF" else {}
    by_channels = kind == "TIFF" and (layout["bits"] == 16 or layout["samples"] == 2 and layout["planar"])
    image = opened(with_known_pixels(data) if by_channels else data, kind)
    require_size(image, kind)
    if kind == "JPEG" and image.mode == "CMYK":
        require_adobe(image)
    if by_channels:
        return turned(tiff_by_channels(data, layout), image)
    image.load()
    if kind == "PNG" and data[24] == 16:
        return turned(png_of_16_bits(data, image.info.get("transparency")), image)
    if kind == "PNG" and data[24] < 8 and data[25] == 0 and "transparency" in image.info:
        image.info["transparency"] *= 255 // (2 ** data[24] - 1)  # Pillow scales the gray and leaves the key
    if kind == "BMP" and image.mode == "RGBA" and not image.getextrema()[3][1]:
        image = image.convert("RGB")  # as in some screenshots: alpha that is zero everywhere does not count
    if layout.get("extra") == 0 and image.mode in ("RGBA", "LA", "PA"):
        image = image.convert(image.mode[:-1])  # an extra channel without a meaning
    return on_white(upright(image, with_xmp=kind not in ("HEIC", "AVIF")))


def opened(data, kind):
    if kind == "HEIC":
        return heic(data)
    with PILLOW_LIMIT, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None  # require_size has pleat's
        try:
            return Image.open(io.BytesIO(data), formats=[kind])
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def heic(data):
    try:
        import pillow_heif
    except ImportError:
        raise BadPhoto("HEIC photo, for which pillow-heif is missing here; run pip install pillow-heif") from None
    return pillow_heif.open_heif(io.BytesIO(data)).to_pillow()


def require_size(image, kind):
    streamed = kind == "JPEG" and image.mode != "CMYK" and not image.info.get("progressive")
    most = MOST_STREAMED_PIXELS if streamed else MOST_PIXELS
    if image.width * image.height > most:
        raise BadPhoto(f"{image.width}x{image.height} pixels are too many, at most {most:,} are read; shrink it")


def require_adobe(image):
    if "adobe" not in image.info:
        raise BadPhoto("JPEG in CMYK colours without Adobe's marker, which says whether 0 is no ink; convert it to RGB")


def tiff_by_channels(data, layout):
    """uint8 [height, width, 3 or 1]"""
    values, most = channels_of(data, layout).astype(np.int64), 65535 if layout["bits"] == 16 else 255
    colours = layout["samples"] - (layout["extra"] is not None)
    if layout["photometric"] == 0:
        values[:, :, :colours] = most - values[:, :, :colours]
    if layout["extra"] not in (1, 2):
        return in_8_bits(values[:, :, :colours], most)
    alpha = values[:, :, colours:]
    shown = np.minimum(values[:, :, :colours], alpha) * most if layout["extra"] == 1 else values[:, :, :colours] * alpha
    return in_8_bits((shown + most * (most - alpha) + most // 2) // most, most)


def refuse_dark(brightest):
    if brightest < DIMMEST:
        raise BadPhoto(f"16-bit picture whose brightest value is {brightest} of 65535: it would come out black; scale it to 8 bits")


def in_8_bits(values, most):
    if most == 255:
        return values.astype(np.uint8)
    refuse_dark(int(values.max()))
    return ((values + 128) // 257).astype(np.uint8)


def png_of_16_bits(data, key):
    """uint8 [height, width, 3 or 1]"""
    values = values_of(data).astype(np.int64)
    colours = values.shape[2] - (values.shape[2] + 1) % 2
    if key is not None and values.shape[2] == colours:  # a colour that is transparent
        values = np.concatenate([values, np.where((values == np.array(key)).all(2, keepdims=True), 0, 65535)], 2)
    if values.shape[2] > colours:
        alpha = values[:, :, colours:]
        values = (values[:, :, :colours] * alpha + 65535 * (65535 - alpha) + 32767) // 65535
    return in_8_bits(values, 65535)


def turned(pixels, image):
    """Turns pixels [height, width, 3 or 1] as the image says. uint8 [height, width, 3]"""
    shown = Image.fromarray(pixels if pixels.shape[2] == 3 else pixels[:, :, 0]).convert("RGB")
    turn = TURNS.get(orientation_of(image, True))
    return np.asarray(shown.transpose(turn) if turn is not None else shown)


def orientation_of(image, with_xmp):
    """Returns the value of EXIF, else of XMP. Unreadable EXIF counts as absent."""
    try:
        value = image.getexif().get(ORIENTATION)
    except (SyntaxError, struct.error, ValueError):
        value = None
    if value is None and with_xmp:
        xmp = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
        found = re.search(rb'tiff:Orientation(="|>)([0-9])', xmp.encode() if isinstance(xmp, str) else xmp)
        value = found and int(found[2])
    return value


def upright(image, with_xmp=True):
    image.load()  # some PNG files have their EXIF behind the pixels
    turn = TURNS.get(orientation_of(image, with_xmp))
    return image.transpose(turn) if turn is not None else image


def on_white(image):
    """uint8 [height, width, 3]"""
    if image.mode.startswith("I;16"):
        values = np.asarray(image).astype(np.int64)
        refuse_dark(int(values.max()))
        image = Image.fromarray(((values + 128) // 257).astype(np.uint8))
    if not image.has_transparency_data:
        return np.asarray(image.convert("RGB"))
    pixels = np.asarray(image.convert("RGBA")).astype(np.int32)
    alpha = pixels[:, :, 3:]
    return ((pixels[:, :, :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)


def middle(size, wanted):
    """Returns the slice of the middle `wanted` pixels of one axis."""
    extent = min(max(int(wanted + 0.5), 1), size)
    return slice((size - extent) // 2, (size - extent) // 2 + extent)


def axis_weights(size, outputs):
    """Returns weights [outputs, size] that resize one axis: area averages, or linear interpolation to enlarge."""
    scale, inputs, output = size / outputs, np.arange(size), np.arange(outputs)[:, None]
    if scale < 1:
        return np.maximum(1 - abs(inputs - (output * scale + scale / 2 - 0.5).clip(0, size - 1)), 0).astype(np.float32)
    overlap = np.minimum(inputs + 1, (output + 1) * scale) - np.maximum(inputs, output * scale)
    return (overlap.clip(0) / scale).astype(np.float32)

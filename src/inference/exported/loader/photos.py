"""Makes crops of photos as `pleat prepare` does."""
import numpy as np
from PIL import Image, ImageOps


def crop_of(image, how):
    """Turns a photo (PIL image) into a crop, uint8 [H, W, C]. how: "preprocessing" of ensemble.json."""
    if how["crop"] not in ("none", "center") or how["background"] != "keep":
        raise NotImplementedError(
            f"crops of {how['source']} with crop {how['crop']} and background {how['background']} need "
            "`pleat prepare`; give predict() the images of its crops.h5")
    pixels, height, width = upright_rgb(image), how["height"], how["width"]
    if how["crop"] == "center":
        scale = min(pixels.shape[0] / height, pixels.shape[1] / width)
        pixels = pixels[middle(pixels.shape[0], height * scale), middle(pixels.shape[1], width * scale)]
    small = np.tensordot(axis_weights(pixels.shape[0], height), pixels.astype(np.float32), 1)
    small = np.tensordot(axis_weights(pixels.shape[1], width), small, (1, 1)).transpose(1, 0, 2)
    return np.floor(small + 0.5).clip(0, 255).astype(np.uint8)


def upright_rgb(image):
    """Returns the image upright, in 8 bits, on white: uint8 [height, width, 3]."""
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16"):
        image = Image.fromarray((np.asarray(image) / 257 + 0.5).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.asarray(image.convert("RGB"))


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

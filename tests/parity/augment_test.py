"""Compares each pixel operation with torchvision's of the same name."""
import os
import pathlib
import subprocess

import pytest
import torch
import torchvision.transforms.v2.functional as theirs
from safetensors.torch import load_file, save_file
from torchvision.transforms import InterpolationMode

PROBE = pathlib.Path(os.environ["PLEAT_BUILD"]) / "tests" / "parity_probe"

# name: (amounts, torchvision's function of one image and one amount)
OPERATIONS = {
    "brightness": ([0.0, 0.4, 1.0, 1.7], theirs.adjust_brightness),
    "contrast": ([0.0, 0.4, 1.0, 1.7], theirs.adjust_contrast),
    "saturation": ([0.0, 0.4, 1.0, 1.7], theirs.adjust_saturation),
    "sharpness": ([0.0, 0.4, 1.0, 1.9], theirs.adjust_sharpness),
    "solarize": ([0.0, 0.25, 0.5, 1.0], theirs.solarize),
    "posterize": ([2.0, 4.0, 16.0, 256.0], lambda image, levels: theirs.posterize(image, int(levels).bit_length() - 1)),
    "autocontrast": ([0.0] * 4, lambda image, _: theirs.autocontrast(image)),
    "rotate": ([-35.0, 0.0, 12.5, 90.0], lambda image, degrees: theirs.rotate(image, degrees, interpolation=InterpolationMode.BILINEAR)),
}


def pleat(folder, name, images, amounts):
    save_file({"images": images.contiguous(), "amounts": torch.tensor(amounts)}, folder / "given.safetensors")
    subprocess.run([PROBE, "pixels", name, folder / "given.safetensors", folder / "out.safetensors"], check=True)
    return load_file(folder / "out.safetensors")["images"]


def pictures(channels, height=19, width=14):
    random = torch.Generator().manual_seed(channels)
    images = torch.rand(4, channels, height, width, generator=random) * 0.6 + 0.1  # not yet stretched from 0 to 1
    images[2] = 0.3  # one without any contrast
    return images


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", OPERATIONS)
def test_it_is_torchvisions(tmp_path, name, channels):
    amounts, change = OPERATIONS[name]
    images = pictures(channels)
    expected = torch.stack([change(image, amount) for image, amount in zip(images, amounts)])
    does_nothing = (name, channels) == ("saturation", 1)
    assert torch.allclose(expected, images) == does_nothing, "else the test would pass for a function that does nothing"
    torch.testing.assert_close(pleat(tmp_path, name, images, amounts), expected, rtol=0, atol=2e-5)


@pytest.mark.parametrize("channels", [1, 3])
def test_equalize_is_torchvisions_of_8_bit_pixels(tmp_path, channels):
    pixels = (pictures(channels, 40, 33) ** 2 * 255).round().to(torch.uint8)
    expected = torch.stack([theirs.equalize(image) for image in pixels])
    made = pleat(tmp_path, "equalize", pixels.float() / 255, [0.0] * 4)
    assert torch.equal((made * 255).round().to(torch.uint8), expected)

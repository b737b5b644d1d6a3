"""A fast PyTorch version: crops decoded once into memory, augmentation of whole batches, bf16 if the CPU has it,
channels_last, optional torch.compile.
"""
import concurrent.futures
import functools
import os

import common
import recipe
import torch
from PIL import Image, ImageOps
from torch import nn


def decode(path, size):
    """The largest centred square of a photo at `size`, as bytes. JPEGs are decoded at a reduced, still larger size."""
    with Image.open(path) as image:
        image.draft("RGB", (size * 3 // 2, size * 3 // 2))
        return ImageOps.fit(image.convert("RGB"), (size, size), Image.Resampling.HAMMING).tobytes()


def decode_all(paths, size):
    """Crops [N, H, W, 3] uint8, decoded on all usable cores. Threads suffice, since Pillow releases Python's lock."""
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        crops = b"".join(pool.map(functools.partial(decode, size=size), paths))
    return torch.frombuffer(bytearray(crops), dtype=torch.uint8).view(-1, size, size, 3)


class Crops:
    """All crops in memory, and batches of them as normalised floats in channels_last."""

    def __init__(self, pixels, labels, pad):
        self.size, self.pad, self.labels = pixels.shape[1], pad, labels
        self.std, self.mean = torch.std_mean(pixels.view(-1, 3).double(), 0, correction=0)
        self.padded = nn.functional.pad(pixels, (0, 0, pad, pad, pad, pad))  # black borders for shifted crops

    def batch(self, rows, training):
        """Images [n, 3, H, W] and labels of the rows. For training, each image is flipped and shifted at random."""
        count = len(rows)
        y = x = torch.arange(self.size).expand(count, self.size)
        if training:
            x = torch.where(torch.rand(count, 1) < 0.5, x.flip(1), x)
        shift = torch.randint(0, 2 * self.pad + 1, (2, count, 1)) if training else torch.full((2, count, 1), self.pad)
        pixels = self.padded[rows[:, None, None], (y + shift[0])[:, :, None], (x + shift[1])[:, None, :]]
        images = (pixels.float() - self.mean.float()) * (1 / self.std).float()
        return images.permute(0, 3, 1, 2), self.labels[rows]


class CropBatches:
    """Batches of some rows of Crops. With several processes, each gets its part of every batch."""

    def __init__(self, crops, order, training, part=0, parts=1):
        self.crops, self.order, self.training, self.part, self.parts = crops, order, training, part, parts

    def __len__(self):
        return len(self.order)

    def __iter__(self):
        for rows in self.order:
            yield self.crops.batch(torch.tensor_split(rows, self.parts)[self.part], self.training)


def run(photos, crops, options, watch, wrap=lambda network: network, part=0, parts=1):
    """Trains all folds on crops in memory."""
    bf16 = recipe.bf16_is_fast()

    def batches_of(rows, training):
        if not training:
            return CropBatches(crops, rows.split(common.PREDICT_BATCH), training)
        return CropBatches(crops, recipe.EvenBatches(rows, options.batch, options.seed), training, part, parts)

    def trainer_of(steps):
        return recipe.Trainer(options, len(photos.classes), steps, bf16, torch.channels_last, wrap)

    return {"precision": "bf16" if bf16 else "fp32", **common.cross_validate(photos, options, watch, batches_of, trainer_of)}


def compiled(network):
    """Compiles the network once for any batch size. Otherwise the second batch size would compile it again."""
    stepped = torch.compile(network)

    def forward(images):
        torch._dynamo.mark_dynamic(images, 0)
        return stepped(images)

    return forward


def main():
    parser = common.arguments(__doc__)
    parser.add_argument("--compile", action="store_true", help="torch.compile the network")
    options = parser.parse_args()
    watch = common.Watch(options.launched)
    torch.set_num_threads(options.threads)
    with watch("preparation"):
        photos = common.read_photos(options)
        crops = Crops(decode_all(photos.paths, options.size), photos.labels, options.pad)
    result = run(photos, crops, options, watch, compiled if options.compile else lambda network: network)
    common.write({"peer": "compiled" if options.compile else "tuned", **result}, options.out)


if __name__ == "__main__":
    main()

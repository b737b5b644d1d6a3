"""A fast PyTorch loop for one CUDA device: batches of bytes from pinned memory, flipped, shifted and normalised on the
device, bf16 by autocast, channels_last, fused AdamW. Prints JSON: images and seconds of each epoch.
"""
import argparse
import json
import os
import pathlib
import sys
import time

import h5py
import numpy
import torch
from torch import nn

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "bench/peers"))

import recipe  # noqa: E402


def augmented(pixels, pad):
    """Flips and shifts each image at random, by up to `pad` pixels, with black borders. Images: [n, S, S, C] uint8."""
    count, size, device = len(pixels), pixels.shape[1], pixels.device
    y = x = torch.arange(size, device=device).expand(count, size)
    x = torch.where(torch.rand(count, 1, device=device) < 0.5, x.flip(1), x)
    shift = torch.randint(0, 2 * pad + 1, (2, count, 1), device=device)
    padded = nn.functional.pad(pixels, (0, 0, pad, pad, pad, pad))
    which = torch.arange(count, device=device)
    return padded[which[:, None, None], (y + shift[0])[:, :, None], (x + shift[1])[:, None, :]]


class Crops:
    """The first `rows` crops in host memory, and batches of them on the device."""

    def __init__(self, path, rows, pad, device):
        with h5py.File(path) as file:
            self.pixels = torch.from_numpy(file["images"][:rows])
            self.labels = torch.from_numpy(file["table/label"][:rows].astype(numpy.int64))
        self.pad, self.device = pad, device
        std, mean = torch.std_mean(self.pixels[:1000].float(), (0, 1, 2))
        self.mean, self.scale = mean.to(device), (1 / std).to(device)

    def sent(self, tensor, rows):
        """Copies rows of a tensor to the device. The allocator keeps the pinned buffer until the copy is done."""
        picked = torch.empty(len(rows), *tensor.shape[1:], dtype=tensor.dtype, pin_memory=self.device.type == "cuda")
        torch.index_select(tensor, 0, rows, out=picked)
        return picked.to(self.device, non_blocking=True)

    def batch(self, rows):
        """Images [n, C, S, S] float32 in channels_last, and labels."""
        images = (augmented(self.sent(self.pixels, rows), self.pad).float() - self.mean) * self.scale
        return images.permute(0, 3, 1, 2), self.sent(self.labels, rows)


def train_epoch(network, optimizer, crops, batches, rates):
    """Returns the mean loss of the steps. Reading it waits for the device."""
    total = torch.zeros((), device=crops.device)
    for rows in batches:
        rate = next(rates)
        for group in optimizer.param_groups:
            group["lr"] = rate
        images, labels = crops.batch(rows)
        with torch.autocast(crops.device.type, torch.bfloat16):
            logits = network(images)
        loss = nn.functional.cross_entropy(logits.float(), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.detach()
    return float(total) / len(batches)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--crops", type=pathlib.Path, required=True, help="crops.h5 of pleat prepare; labels are numbers")
    parser.add_argument("--rows", type=int, required=True, help="train on that many")
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--pad", type=int, default=4)
    parser.add_argument("--model", default="resnet18", help="a network of torchvision")
    parser.add_argument("--device", type=torch.device, default="cuda")
    options = parser.parse_args()

    torch.manual_seed(1)
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    torch.backends.cudnn.benchmark = True
    crops = Crops(options.crops, options.rows, options.pad, options.device)
    network = recipe.make_network(options.model, int(crops.labels.max()) + 1).to(options.device, memory_format=torch.channels_last).train()
    optimizer = recipe.make_optimizer(network, 1e-3, 0.01)
    batches = recipe.EvenBatches(torch.arange(len(crops.labels)), options.batch, seed=1)
    steps = options.epochs * len(batches)
    rates = (recipe.learning_rate(1e-3, 0.25, step, steps) for step in range(steps))
    seconds = []
    for _ in range(options.epochs):
        start = time.perf_counter()
        train_epoch(network, optimizer, crops, batches, rates)
        seconds.append(time.perf_counter() - start)
    print(json.dumps({"images": [len(crops.labels)] * options.epochs, "seconds": seconds}))


if __name__ == "__main__":
    main()

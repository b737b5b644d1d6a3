"""Training batches by torchvision in a DataLoader, from crops in memory. Prints JSON: crops per second of each pass.

`per_core` divides by the CPU seconds of this process and its workers, so it does not depend on the number of workers.
"""
import argparse
import json
import multiprocessing
import os
import pathlib
import statistics
import time

import h5py
import torch
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2


class CropDataset(Dataset):
    """Crops in memory, uint8 [N, 3, H, W]."""

    def __init__(self, pixels, labels, transform):
        self.pixels, self.labels, self.transform = pixels, labels, transform

    def __len__(self):
        return len(self.pixels)

    def __getitem__(self, row):
        return self.transform(self.pixels[row]), self.labels[row]


def read_crops(path):
    with h5py.File(path) as file:
        return torch.from_numpy(file["images"][:]).permute(0, 3, 1, 2)  # a view: pixels stay in channels_last order


def changes(kind, size, pixels):
    """Flips and crops by the options, then normalises to floats."""
    cut = {"pad_crop": lambda: v2.RandomCrop(size, padding=4), "resized_crop": lambda: v2.RandomResizedCrop(size, antialias=True)}[kind]()
    std, mean = torch.std_mean(pixels[:1000].float() / 255, (0, 2, 3))
    return v2.Compose([v2.RandomHorizontalFlip(), cut, v2.ToDtype(torch.float32, scale=True), v2.Normalize(mean.tolist(), std.tolist())])


def cpu_seconds():
    """CPU seconds of this process and its live children."""
    ticks = 0
    for child in multiprocessing.active_children():
        fields = pathlib.Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--crops", type=pathlib.Path, required=True, help="crops.h5 of pleat prepare")
    parser.add_argument("--size", type=int, default=64, help="side of what comes out")
    parser.add_argument("--kind", choices=("pad_crop", "resized_crop"), default="pad_crop")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--passes", type=int, default=4, help="the first starts the workers and is not counted")
    options = parser.parse_args()

    torch.set_num_threads(1)
    pixels = read_crops(options.crops)
    dataset = CropDataset(pixels, torch.zeros(len(pixels), dtype=torch.int64), changes(options.kind, options.size, pixels))
    loader = DataLoader(dataset, options.batch, shuffle=True, num_workers=options.workers, persistent_workers=options.workers > 0)
    rates, per_core = [], []
    for _ in range(options.passes):
        start, cpu_before = time.perf_counter(), cpu_seconds()
        for _ in loader:
            pass
        rates.append(len(dataset) / (time.perf_counter() - start))
        per_core.append(len(dataset) / (cpu_seconds() - cpu_before))
    print(json.dumps({**vars(options), "crops": str(options.crops), "crops_per_second": rates[1:], "median": statistics.median(rates[1:]),
                      "per_core": statistics.median(per_core[1:])}))


if __name__ == "__main__":
    main()

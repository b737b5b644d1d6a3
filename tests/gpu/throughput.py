"""Training images/s of pleat train on CUDA devices, with resnet18 in bf16: against a PyTorch loop on one device, and on
1, 2, 4, … all devices, with a fold per device and with shards of a fold over NCCL. Not a test: no timing fails.

usage: tests/gpu/run.sh [--sizes 64,224] [--batch 256] [--epochs 5] [--turns 3] [--gpus N] [--out gpu.json]

Prints a table and writes all figures. Takes 4 GB of scratch. The first epoch warms up and does not count. Shards keep the batch per device.
"""
import argparse
import dataclasses
import json
import os
import pathlib
import statistics
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "bench"))

import crops  # noqa: E402
import devices  # noqa: E402
import machine  # noqa: E402
import measure  # noqa: E402
import torch  # noqa: E402
from device_memory import DeviceMemory  # noqa: E402
from pleat_run import Run, rate_of, write_config  # noqa: E402

ROWS = {64: 40_000, 224: 8_000}  # crops by size; some seconds of work for a fast device
CORES = sorted(os.sched_getaffinity(0))
PEER, FOLDS, SHARDS = "PyTorch", "a fold per device", "shards of a fold"


@dataclasses.dataclass
class Bench:
    """Folders for the crops and runs."""

    scratch: pathlib.Path

    def folder(self):
        return pathlib.Path(tempfile.mkdtemp(dir=self.scratch))


def pleat_speed(bench, file, options, gpus, shards):
    """One rank per device. Without shards there are as many folds as devices, so no device is idle."""
    slots = gpus // shards
    config = write_config(bench, file, folds=f"{{k: {max(2, slots)}}}", cluster=f"{{device: {options.device}, shards: {shards}}}",
                          train=f"{{epochs: {options.epochs}, batch: {options.batch * shards}, micro_batches: {shards}, precision: bf16}}")
    with DeviceMemory() as memory:
        run = Run(bench).train(config, gpus if gpus > 1 else 0, cores=CORES, env={"CUDA_VISIBLE_DEVICES": devices.visible(gpus)})
    return {"images_per_second": slots * statistics.mean(run.rates()), "waited": run.waited(), "memory_mib": memory.peak}


def peer_speed(file, options, rows):
    with DeviceMemory() as memory:
        text = measure.python(HERE / "peer_cuda.py", "--crops", file, "--rows", rows, "--batch", options.batch, "--epochs", options.epochs,
                              "--device", options.device, cores=CORES, env={"CUDA_VISIBLE_DEVICES": devices.visible(1)})
    said = measure.last_json(text)
    return {"images_per_second": rate_of(said["images"], said["seconds"]), "waited": None, "memory_mib": memory.peak}


def layouts(gpus):
    """(way, devices): 1, 2, 4, … and all."""
    counts = sorted({1, gpus, *(2**n for n in range(gpus.bit_length()) if 2**n <= gpus)})
    return [(PEER, 1)] + [(FOLDS, count) for count in counts] + [(SHARDS, count) for count in counts if count > 1]


def runner(bench, file, options, way, gpus, rows):
    if way == PEER:
        return lambda _: peer_speed(file, options, rows // 2)  # as many as each of pleat's two folds trains on
    return lambda _: pleat_speed(bench, file, options, gpus, gpus if way == SHARDS else 1)


def line_of(size, way, gpus, results, one):
    """Figures of the median turn. `one`: images/s of pleat on one device."""
    middle = sorted(results, key=lambda result: result["images_per_second"])[len(results) // 2]
    rate = middle["images_per_second"]
    return {"size": size, "way": way, "gpus": gpus, **middle, "per_gpu": rate / gpus, "scaling": rate / (gpus * one)}


def measure_size(bench, options, size):
    """Rows of the table, and by name the result of each turn."""
    rows = options.rows or ROWS.get(size, 8_000)
    file = crops.noise(bench, rows, size, 3)
    runners = {(way, gpus): runner(bench, file, options, way, gpus, rows) for way, gpus in layouts(options.gpus)}
    results = measure.in_turn(runners, options.turns)
    one = measure.median(results[FOLDS, 1], "images_per_second")
    lines = [line_of(size, way, gpus, of, one) for (way, gpus), of in results.items()]
    return lines, {f"{size}, {way}, {gpus}": of for (way, gpus), of in results.items()}


def table(lines):
    """The table in Markdown. `of one`: images/s per device, relative to pleat on one device."""

    def shown(value, form):
        return "–" if value is None else format(value, form)

    rows = ["| resnet18, bf16 | devices | images/s | per device | of one | waited for data | device memory, MiB |", "|" + " --- |" * 7]
    for line in lines:
        rows.append(f"| {line['size']}×{line['size']}, {line['way']} | {line['gpus']} | {line['images_per_second']:,.0f} | {line['per_gpu']:,.0f} | "
                    f"{line['scaling']:.2f} | {shown(line['waited'], '.1%')} | {shown(line['memory_mib'], ',')} |")
    return "\n".join(rows)


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=lambda text: [int(size) for size in text.split(",")], default=list(ROWS), metavar="SIDE,...", help="of the crops")
    parser.add_argument("--batch", type=int, default=256, help="images per step and device")
    parser.add_argument("--epochs", type=int, default=5, help="at least 2")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--gpus", type=int, default=devices.count(), help="devices to use at most; default: all")
    parser.add_argument("--rows", type=int, help=f"crops of each size; default: {ROWS}")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda", help="cpu: to try this program out")
    parser.add_argument("--out", type=pathlib.Path, default="gpu.json")
    parser.add_argument("--scratch", type=pathlib.Path, help="folder for crops and runs; default: the system's")
    return parser.parse_args()


def main():
    options = parse()
    if options.device == "cuda" and devices.lack():
        print(devices.lack())
        return
    lines, raw = [], {}
    with tempfile.TemporaryDirectory(prefix="pleat_gpu_", dir=options.scratch) as scratch:
        for size in options.sizes:
            more, results = measure_size(Bench(pathlib.Path(scratch)), options, size)
            lines, raw = lines + more, raw | results
            print(f"\n{table(more)}", flush=True)
    about = {**machine.describe(), "gpus": [torch.cuda.get_device_name(index) for index in range(devices.count())], "batch": options.batch}
    options.out.write_text(json.dumps({"machine": about, "lines": lines, "raw": raw}, indent=2) + "\n")


if __name__ == "__main__":
    main()

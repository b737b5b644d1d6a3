"""Ratios, measured in turn in one run: training speed against a plain PyTorch loop, mapped reads against h5py.

usage: tests/bench/run.sh [--rounds 3] [--out bench.json]      (builds first; takes about 10 minutes on 2 cores)
"""
import argparse
import json
import os
import pathlib
import random
import statistics
import struct
import subprocess
import sys
import tempfile
import time

import h5py
import numpy

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("PLEAT_BUILD", ROOT / "build"))
ENV = {**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}


def sh(*command, **extra):
    done = subprocess.run([str(part) for part in command], env={**ENV, **extra}, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{command}:\n{done.stdout}{done.stderr}")
    return done.stdout


def noise_crops(folder, rows, side, channels):
    """Crops of noise: their content does not change the speed. IDX holds gray images only, so colour goes through photos."""
    rng = numpy.random.default_rng(0)
    if channels == 1:
        (folder / "i").write_bytes(struct.pack(">IIII", 0x803, rows, side, side) + rng.integers(0, 256, rows * side * side, numpy.uint8).tobytes())
        (folder / "l").write_bytes(struct.pack(">II", 0x801, rows) + bytes(i % 10 for i in range(rows)))
        sh(BUILD / "pleat", "prepare", "--idx-images", folder / "i", "--idx-labels", folder / "l", "--out", folder / f"{side}.h5")
    else:
        from PIL import Image
        (folder / "photos").mkdir()
        lines = ["id,path,label"]
        for i in range(rows):
            Image.fromarray(rng.integers(0, 256, (side, side, 3), numpy.uint8)).save(folder / f"photos/{i}.png", compress_level=0)
            lines.append(f"p{i},{i}.png,{i % 10}")
        (folder / "t.csv").write_text("\n".join(lines) + "\n")
        sh(BUILD / "pleat", "prepare", "--table", folder / "t.csv", "--images", folder / "photos", "--size", side, "--out", folder / f"{side}.h5")
    return folder / f"{side}.h5"


def pleat_speed(folder, crops, model, precision, ranks, threads, batch):
    """Training images per second over all ranks: as many folds as ranks, so that every rank trains all the time."""
    config = folder / "bench.yaml"
    config.write_text(f"data: {{crops: {crops}}}\ntargets: [{{name: label}}]\nfolds: {{k: 2}}\nmodels: [{{name: {model}}}]\n"
                      f"train: {{epochs: 2, batch: {batch}, precision: {precision}, augment: {{pad: 2}}}}\ncluster: {{threads: {threads}, device: cpu}}\n")
    run = pathlib.Path(tempfile.mkdtemp(dir=folder))
    launcher = ["mpirun", "--bind-to", "none", "-n", ranks] if ranks > 1 else []
    sh(*launcher, BUILD / "pleat", "train", config, "--run", run)
    # The second epoch of each fold: as for the peer, the first warms up.
    epochs = [json.loads(path.read_text().splitlines()[1]) for path in run.glob("round_0/label/*/fold_*/metrics.jsonl")]
    rates = [epoch["images"] / epoch["seconds"] for epoch in epochs]
    waited = sum(epoch["waited_seconds"] for epoch in epochs) / sum(epoch["seconds"] for epoch in epochs)
    return (sum(rates) if ranks > 1 else statistics.mean(rates)), waited


def peer_speed(crops, model, precision, threads, batch, rows, channels_last):
    return float(sh(sys.executable, ROOT / "tests/bench/peer_train.py", crops, model, precision, threads, batch, rows, int(channels_last)))


def h5py_reads(path, reads):
    with h5py.File(path) as file:
        images = file["images"]
        rng = random.Random(1)
        rows = [rng.randrange(images.shape[0]) for _ in range(reads)]
        start = time.perf_counter()
        for row in rows:
            images[row]
        return reads / (time.perf_counter() - start)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", default="bench.json")
    options = parser.parse_args()
    results, table = {}, []
    precision = "bf16" if "avx512_bf16" in pathlib.Path("/proc/cpuinfo").read_text() else "fp32"
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        cases = [("resnet20", noise_crops(scratch, 4000, 28, 1), 128, 2000), ("resnet18", noise_crops(scratch, 1600, 64, 3), 64, 800)]
        for model, crops, batch, rows in cases:
            figures = {"pleat, 2 ranks x 1 thread": [], "pleat, 1 rank x 2 threads": [], "plain PyTorch, 2 threads": [], "PyTorch channels_last, 2 threads": []}
            waits = []
            for _ in range(options.rounds):
                for name, ranks, threads in (("pleat, 2 ranks x 1 thread", 2, 1), ("pleat, 1 rank x 2 threads", 1, 2)):
                    rate, waited = pleat_speed(scratch, crops, model, precision, ranks, threads, batch)
                    figures[name].append(rate)
                    waits.append(waited)
                figures["plain PyTorch, 2 threads"].append(peer_speed(crops, model, precision, 2, batch, rows, False))
                figures["PyTorch channels_last, 2 threads"].append(peer_speed(crops, model, precision, 2, batch, rows, True))
            medians = {name: statistics.median(values) for name, values in figures.items()}
            plain = medians["plain PyTorch, 2 threads"]
            results[model] = {"precision": precision, "batch": batch, "images_per_second": figures, "waited_for_data": max(waits),
                              "ratio_to_plain": {name: value / plain for name, value in medians.items()}}
            for name, value in medians.items():
                table.append(f"{model} {precision}: {name:34} {value:8.0f} images/s  {value / plain:5.2f} x plain")
            table.append(f"{model} {precision}: waited for data {100 * max(waits):.2f} % of the time at most")
        reads = {"mapped": [], "h5py": [], "first": []}
        colour = cases[1][1]
        for _ in range(options.rounds):
            mapped = json.loads(sh(BUILD / "tests/bench_crops", colour, 40000))
            reads["mapped"].append(mapped["later"])
            reads["first"].append(mapped["first"])
            reads["h5py"].append(h5py_reads(colour, 20000))
        ratio = statistics.median(reads["mapped"]) / statistics.median(reads["h5py"])
        results["reads"] = {**reads, "ratio": ratio}
        table.append(f"crop reads 64x64x3: mapped {statistics.median(reads['mapped']):.0f}/s, h5py {statistics.median(reads['h5py']):.0f}/s  {ratio:5.2f} x")
    pathlib.Path(options.out).write_text(json.dumps(results, indent=2) + "\n")
    print("\n".join(table))


main()

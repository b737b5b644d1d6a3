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
EPOCHS = 3
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


def pinned(*command):
    """The same two cores for whoever is measured, helper threads included."""
    return ["taskset", "-c", "0,1", *map(str, command)]


def pleat_speed(folder, crops, model, precision, ranks, threads, batch):
    """Training images per second over all ranks: as many folds as ranks, so that every rank trains all the time."""
    config = folder / "bench.yaml"
    config.write_text(f"data: {{crops: {crops}}}\ntargets: [{{name: label}}]\nfolds: {{k: 2}}\nmodels: [{{name: {model}}}]\n"
                      f"train: {{epochs: {EPOCHS}, batch: {batch}, precision: {precision}, augment: {{pad: 2}}}}\ncluster: {{threads: {threads}, device: cpu}}\n")
    run = pathlib.Path(tempfile.mkdtemp(dir=folder))
    launcher = ["mpirun", "--bind-to", "none", "-n", ranks] if ranks > 1 else []
    sh(*pinned(*launcher, BUILD / "pleat", "train", config, "--run", run))
    jobs = [[json.loads(line) for line in path.read_text().splitlines()] for path in run.glob("round_0/label/*/fold_*/metrics.jsonl")]
    rates = [rate_of([epoch["images"] for epoch in job], [epoch["seconds"] for epoch in job]) for job in jobs]
    waited = sum(e["waited_seconds"] for job in jobs for e in job[1:]) / sum(e["seconds"] for job in jobs for e in job[1:])
    return (sum(rates) if ranks > 1 else statistics.mean(rates)), waited


def rate_of(images, seconds):
    """The first epoch warms up, for pleat and peer alike."""
    return sum(images[1:]) / sum(seconds[1:])


def peer_speed(crops, model, precision, processes, threads, batch, rows, channels_last):
    """Processes that train the same at once, as ranks do: the sum of their rates."""
    command = pinned(sys.executable, ROOT / "tests/bench/peer_train.py", crops, model, precision, threads, batch, rows, EPOCHS, int(channels_last))
    running = [subprocess.Popen(command, env={**ENV, "OMP_NUM_THREADS": str(threads)}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
               for _ in range(processes)]
    outputs = [process.communicate()[0] for process in running]
    if any(process.returncode for process in running):
        sys.exit(f"{command} failed")
    return sum(rate_of([rows] * EPOCHS, json.loads(output)) for output in outputs)


def h5py_reads(path, reads):
    with h5py.File(path) as file:
        images = file["images"]
        rng = random.Random(1)
        rows = [rng.randrange(images.shape[0]) for _ in range(reads)]
        start = time.perf_counter()
        for row in rows:
            images[row]
        return reads / (time.perf_counter() - start)


def training(scratch, rounds, precision):
    """Each layout of processes and threads against the same layout of PyTorch, in turn, in an order that alternates."""
    results, table = {}, []
    cases = [("resnet20", noise_crops(scratch, 8000, 28, 1), 128, 4000), ("resnet18", noise_crops(scratch, 2400, 64, 3), 64, 1200)]
    for model, crops, batch, rows in cases:
        for processes, threads in ((2, 1), (1, 2)):
            waits = []

            def pleat():
                rate, waited = pleat_speed(scratch, crops, model, precision, processes, threads, batch)
                waits.append(waited)
                return rate

            runners = {"pleat": pleat,
                       "plain": lambda: peer_speed(crops, model, precision, processes, threads, batch, rows, False),
                       "channels_last": lambda: peer_speed(crops, model, precision, processes, threads, batch, rows, True)}
            figures = {name: [] for name in runners}
            for turn in range(rounds):
                for name in (list(runners) if turn % 2 == 0 else reversed(runners)):
                    figures[name].append(runners[name]())
            medians = {name: statistics.median(values) for name, values in figures.items()}
            layout = f"{processes} x {threads} thread{'s' if threads > 1 else ''}"
            results[f"{model}, {layout}"] = {"precision": precision, "batch": batch, "images_per_second": figures, "waited_for_data": max(waits),
                                             "ratio": {name: medians["pleat"] / medians[name] for name in ("plain", "channels_last")}}
            table.append(f"{model:9} {precision} {layout:13} pleat {medians['pleat']:6.0f} images/s   plain PyTorch {medians['plain']:6.0f} ({medians['pleat'] / medians['plain']:.2f} x)"
                         f"   channels_last {medians['channels_last']:6.0f} ({medians['pleat'] / medians['channels_last']:.2f} x)   waited for data {100 * max(waits):.2f} %")
            print(table[-1], flush=True)
    return results, cases[1][1]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", default="bench.json")
    options = parser.parse_args()
    precision = "bf16" if "avx512_bf16" in pathlib.Path("/proc/cpuinfo").read_text() else "fp32"
    with tempfile.TemporaryDirectory() as scratch:
        results, colour = training(pathlib.Path(scratch), options.rounds, precision)
        reads = {"mapped": [], "h5py": [], "first": []}
        for _ in range(options.rounds):
            mapped = json.loads(sh(BUILD / "tests/bench_crops", colour, 40000))
            reads["mapped"].append(mapped["later"])
            reads["first"].append(mapped["first"])
            reads["h5py"].append(h5py_reads(colour, 20000))
        ratio = statistics.median(reads["mapped"]) / statistics.median(reads["h5py"])
        results["reads"] = {**reads, "ratio": ratio}
        print(f"crop reads 64x64x3: mapped {statistics.median(reads['mapped']):.0f}/s, h5py {statistics.median(reads['h5py']):.0f}/s  {ratio:5.2f} x")
    pathlib.Path(options.out).write_text(json.dumps(results, indent=2) + "\n")


main()

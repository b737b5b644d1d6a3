"""Whole training against a plain PyTorch loop, and reads of crops against h5py.

The loop uses the same network, image size, batch, precision, processes and threads, with its crops in memory.
"""
import contextlib
import random
import statistics
import sys

import crops
import h5py
import machine
import measure
from measure import BUILD, CORES, ROOT, CommandFailed, Stopwatch, in_turn, last_json, median, sh
from pleat_run import Run, rate_of, write_config
from report import at_least

EPOCHS, PAD = 3, 2
LAYOUTS = ((2, 1), (1, 2))  # processes, threads


def pleat_speed(bench, file, model, batch, processes, threads):
    """Images per second over all ranks. There are as many folds as ranks, so no rank is idle."""
    config = write_config(bench, file, models=f"[{{name: {model}}}]", folds="{k: 2}", cluster=f"{{threads: {threads}, device: cpu}}",
                          train=f"{{epochs: {EPOCHS}, batch: {batch}, precision: {machine.precision()}, augment: {{pad: {PAD}}}}}")
    rates = Run(bench).train(config, processes if processes > 1 else 0).rates()
    return sum(rates) if processes > 1 else statistics.mean(rates)


def peer_speed(file, model, batch, processes, threads, rows, channels_last):
    """Images per second summed over several processes that train at the same time, as ranks do."""
    command = [sys.executable, ROOT / "tests/bench/peer_train.py", file, model, machine.precision(), threads, batch, rows, EPOCHS, int(channels_last)]
    with contextlib.ExitStack() as stack:
        running = [stack.enter_context(measure.started(command, CORES[:2], {"OMP_NUM_THREADS": str(threads)})) for _ in range(processes)]
        texts = [process.communicate()[0] for process in running]
    if any(process.returncode for process in running):
        raise CommandFailed(f"peer_train.py failed\n{''.join(texts)}")
    return sum(rate_of([rows] * EPOCHS, last_json(text)) for text in texts)


def training(bench, model, file, batch, rows, processes, threads):
    layout = f"{processes} × {threads} thread{'s' if threads > 1 else ''}"
    results = in_turn({"pleat": lambda _: pleat_speed(bench, file, model, batch, processes, threads),
                       "plain": lambda _: peer_speed(file, model, batch, processes, threads, rows, False),
                       "channels_last": lambda _: peer_speed(file, model, batch, processes, threads, rows, True)}, bench.turns(2))
    bench.keep(f"{model}, {layout}", results)
    rate = {name: median(of) for name, of in results.items()}
    for name, target in (("plain", at_least(1.0)), ("channels_last", None)):
        bench.figure(f"training, {model}, {machine.precision()}, batch {batch}, {layout}", rate["pleat"] / rate[name], "×", target,
                     f"{rate['pleat']:,.0f} images/s", f"PyTorch, {name}, {rate[name]:,.0f} images/s")


def h5py_reads(file, reads):
    """Crops per second in random order."""
    with h5py.File(file) as opened:
        images, rng = opened["images"], random.Random(1)
        rows = [rng.randrange(images.shape[0]) for _ in range(reads)]
        with Stopwatch() as watch:
            for row in rows:
                images[row]
    return reads / watch.seconds


def reads(bench, file):
    results = in_turn({"pleat": lambda _: last_json(sh(BUILD / "tests/bench_crops", file, 40000, cores=CORES[:1])),
                       "h5py": lambda _: h5py_reads(file, 20000)}, bench.turns(3))
    bench.keep("reads", results)
    ours, theirs = median(results["pleat"], "later"), median(results["h5py"])
    bench.figure("random reads of 64×64×3 crops", ours / theirs, "×", at_least(2.0), f"mapped {ours:,.0f}/s", f"h5py {theirs:,.0f}/s")


def run(bench):
    less = 2 if bench.quick else 1
    for processes, threads in LAYOUTS:
        training(bench, "resnet20", crops.noise(bench, 4000 // less, 28, 1), 128, 2000 // less, processes, threads)
        training(bench, "resnet18", crops.noise(bench, 1600 // less, 64, 3), 64, 800 // less, processes, threads)
    reads(bench, crops.noise(bench, 2400, 64, 3))  # more than a core's caches can hold

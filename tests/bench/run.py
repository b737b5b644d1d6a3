"""Benchmarks pleat against peers: speed, memory and scores with their targets, measured in turns.

usage: tests/bench/run.sh [--only NAME,...] [--rounds N] [--out bench.json] [--quick]

Builds pleat first. Takes about an hour on 2 idle cores, with --quick under 10 minutes. Writes bench.json (all raw
figures) and bench.md (the table for docs/performance.md). Returns 1 if a target was missed or a case failed.
"""
import argparse
import os
import pathlib
import signal
import sys
import tempfile
import traceback

import machine
from bench import Bench
from cases import core, feed, growth, photos_to_ensemble, prepare, rank0, ranks, startup, step, time_to_score
from measure import ROOT, CommandFailed, Skipped, Stopwatch
from report import Report

CASES = {
    "photos_to_ensemble": photos_to_ensemble,  # photos on disk to an ensemble's scores, wall
    "time_to_score": time_to_score,  # wall to the score of a tuned peer, by a preset
    "step": step,  # a training step alone, per network
    "prepare": prepare,  # photos to crops
    "feed": feed,  # batches per second, and time spent waiting for them
    "ranks": ranks,  # many ranks against one: speed and memory
    "startup": startup,  # launch to first step
    "growth": growth,  # 10,000 to 1,000,000 rows
    "rank0": rank0,  # greedy selection and pseudo-labels of a million rows
    "core": core,  # whole training against a plain loop; reads of crops
}


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(CASES), metavar="NAME,...", help=f"of {', '.join(CASES)}")
    parser.add_argument("--rounds", type=int, help="turns of each case (seeds of time_to_score); default: 3 for short ones, 1 for long ones")
    parser.add_argument("--out", type=pathlib.Path, default="bench.json", help="all figures; the table goes beside it, as .md")
    parser.add_argument("--quick", action="store_true", help="smaller data, one turn: to try it out, not to judge by")
    parser.add_argument("--photos", type=int, help="how many the two cases that start from photos have; default: 2000, 600 with --quick")
    parser.add_argument("--data", type=pathlib.Path, help="folder that keeps the photos for later runs")
    parser.add_argument("--scratch", type=pathlib.Path, help="folder for everything else, 1 GB; default: the system's")
    parser.add_argument("--preset", type=pathlib.Path, default=ROOT / "configs/photos_fast.yaml", help="config that time_to_score trains by")
    parser.add_argument("--epochs", type=int, default=8, help="of time_to_score's peer")
    options = parser.parse_args()
    unknown = [name for name in options.only if name not in CASES]
    if unknown:
        parser.error(f"--only {','.join(unknown)}: expected of {', '.join(CASES)}")
    return options


def run_case(name, bench):
    """Runs a case. Returns False if it failed; the other cases still run."""
    bench.case = name
    print(f"\n{name}: {CASES[name].__doc__.splitlines()[0]}", flush=True)
    try:
        with Stopwatch() as watch:
            CASES[name].run(bench)
        print(f"{name}: took {watch.seconds:.0f} s", flush=True)
    except Skipped as lack:
        bench.note(f"not measured: {lack}")
    except CommandFailed as failure:
        bench.note(f"failed: {failure}")
        return False
    except Exception:
        bench.note(f"failed: {traceback.format_exc()}")
        return False
    finally:
        bench.report.write()
    return True


def main():
    options = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))  # ends started processes on the way out
    with tempfile.TemporaryDirectory(prefix="pleat_bench_", dir=options.scratch) as scratch:
        os.environ["XDG_CACHE_HOME"] = scratch  # so that convolution plans are measured, not taken from an old cache
        bench = Bench(scratch=pathlib.Path(scratch), data=options.data, preset=options.preset, epochs=options.epochs, quick=options.quick,
                      photos=options.photos or (600 if options.quick else 2000), rounds=options.rounds, report=Report(machine.describe(), options.out))
        ended = [run_case(name, bench) for name in options.only]
    print(f"\n{bench.report.markdown()}")
    sys.exit(0 if all(ended) and bench.report.all_met() else 1)


if __name__ == "__main__":
    main()

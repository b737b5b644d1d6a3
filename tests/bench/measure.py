"""Measurement: real commands, pinned to cores, in turns, with medians as results."""
import contextlib
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("PLEAT_BUILD", ROOT / "build"))
PLEAT = BUILD / "pleat"
PEERS = ROOT / "tests/bench/peers"


class CommandFailed(Exception):
    """A measured command failed. The message has its output."""


class Skipped(Exception):
    """One line with the reason why a case cannot be measured here."""


def physical_cores():
    """One logical CPU of each core that this process may use: two threads on one core would slow each other down."""
    cores = {}
    for cpu in sorted(os.sched_getaffinity(0)):
        siblings = pathlib.Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
        cores.setdefault(siblings.read_text() if siblings.exists() else cpu, cpu)
    return list(cores.values())


CORES = physical_cores()


def environment(**extra):
    """Environment for commands: one thread per library unless the command asks for more; no outer mpirun is visible."""
    outer = {name: value for name, value in os.environ.items() if not name.startswith(("OMPI_COMM", "PMIX"))}
    return {**outer, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "OMP_NUM_THREADS": "1", **extra}


@contextlib.contextmanager
def started(command, cores, env):
    """Starts a process on these cores only. Its output is in `.text()`. At exit the process is always ended."""
    pinned = ["taskset", "-c", ",".join(map(str, cores)), *map(str, command)]
    process = subprocess.Popen(pinned, env=environment(**(env or {})), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)  # mpirun and torchrun end their children
            try:
                process.communicate(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()


def sh(*command, cores=None, env=None):
    """Output of the command. Raises CommandFailed unless it returns 0."""
    with started(command, cores or CORES[:2], env) as process:
        text, _ = process.communicate()
    if process.returncode != 0:
        raise CommandFailed(f"{' '.join(map(str, command))}: exit code {process.returncode}\n{text}")
    return text


def mpirun(ranks, *command):
    return ["mpirun", "--bind-to", "none", "-n", ranks, *command]


def python(script, *arguments, **how):
    return sh(sys.executable, script, *arguments, **how)


def last_json(text):
    """Programs print their figures as one line of JSON, after any warnings."""
    return json.loads([line for line in text.splitlines() if line.startswith(("{", "["))][-1])


def peer(bench, script, *arguments, launcher=(sys.executable,), cores=None, env=None):
    """Report of a program in peers/, with the seconds from launch to end as `wall`."""
    out = bench.folder() / "peer.json"
    with Stopwatch() as watch:
        sh(*launcher, PEERS / script, *arguments, "--out", out, cores=cores, env=env)
    return {**json.loads(out.read_text()), "wall": watch.seconds}


class Stopwatch:
    """Wall-clock seconds of a block: `with Stopwatch() as watch: …`, then watch.seconds."""

    def __enter__(self):
        self.start = time.perf_counter()
        return self

    def so_far(self):
        return time.perf_counter() - self.start

    def __exit__(self, *_):
        self.seconds = self.so_far()


def in_turn(runners, turns):
    """{name: results of runners[name](turn) for all turns}. Order A, B, B, A, …, so a slowdown affects both equally."""
    results = {name: [] for name in runners}
    for turn in range(turns):
        for name in list(runners) if turn % 2 == 0 else reversed(list(runners)):
            results[name].append(runners[name](turn))
    return results


def median(results, key=None):
    return statistics.median(result[key] if key else result for result in results)

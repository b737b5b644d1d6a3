"""Observes running processes: the ranks below an mpirun, and the time of their first step."""
import pathlib
import time

import measure
from measure import CORES, CommandFailed, mpirun
from pleat_run import train_command


def descendants(pid):
    """Ids of all descendants of a process."""
    found = []
    for children in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            for child in map(int, children.read_text().split()):
                found += [child, *descendants(child)]
        except OSError:  # the process has ended
            continue
    return found


def program_and_state(pid):
    """(program, state) from /proc. State Z (zombie) also for a process that has ended."""
    try:
        program, _, rest = pathlib.Path(f"/proc/{pid}/stat").read_text().partition("(")[2].rpartition(")")
        return program, rest.split()[0]
    except OSError:
        return "", "Z"


def live_ranks(launcher):
    """Process ids of pleat's ranks below the launcher."""
    return [pid for pid in descendants(launcher.pid) if program_and_state(pid)[0] == "pleat"]


def wait_for_ranks(launcher, ranks):
    """Waits until all ranks run. Returns their process ids."""
    while launcher.poll() is None:
        found = live_ranks(launcher)
        if len(found) == ranks:
            return found
        time.sleep(0.002)
    raise CommandFailed(f"{' '.join(launcher.args)}: ended before all ranks were there\n{launcher.communicate()[0]}")


def first_step(config, folder, ranks, settings=(), env=None):
    """Seconds from launch until a rank finished an optimizer step. A fault point kills it there.

    Leaves folds.csv and the convolution plan in the run folder, and the plan in the cache.
    """
    command = mpirun(ranks, *train_command(config, folder, settings))
    start = time.perf_counter()
    with measure.started(command, CORES[:2], {"PLEAT_FAULT": "step_done:1:kill", **(env or {})}) as launcher:
        pids = wait_for_ranks(launcher, ranks)
        while all(program_and_state(pid)[1] != "Z" for pid in pids):
            time.sleep(0.002)
        seconds = time.perf_counter() - start
        text, _ = launcher.communicate()
    if "signal 9" not in text:
        raise CommandFailed(f"{' '.join(map(str, command))}: ended before its first step\n{text}")
    return seconds

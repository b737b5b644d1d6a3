"""Jobs of the Slurm that slurm_here.sh starts."""
import contextlib
import os
import pathlib
import re
import signal
import subprocess
import time

from support import runs

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "tests/slurm/slurm_here.sh"
ENDED = ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY")


def until(holds, what, seconds=60, pause=0.01):
    """Waits until holds() is true, and returns its value. `what` is a text, or a function that returns one."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = holds()
        if value:
            return value
        time.sleep(pause)
    raise AssertionError(f"after {seconds} s still not: {what() if callable(what) else what}")


class OneNode:
    def __init__(self, folder):
        self.folder = folder
        self.environment = runs.environment(SLURM_CONF=str(folder / "slurm.conf"), PLEAT=str(runs.PLEAT))

    def command(self, *words, cwd=ROOT, timeout=120, **extra):
        return subprocess.run([*map(str, words)], cwd=cwd, env=self.environment | extra, timeout=timeout, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def output(self, *words):
        done = self.command(*words)
        assert done.returncode == 0, (words, done.stdout)
        return done.stdout

    def submit(self, log, *words):
        """sbatch from the repository's folder. Returns the job's number."""
        return self.output("sbatch", "--parsable", "--ntasks=2", f"--output={log}", *words).strip()

    def show(self, job):
        """What scontrol knows about the job, by key: JobState, ExitCode, Restarts, …"""
        return dict(re.findall(r"(\w+)=(\S*)", self.output("scontrol", "show", "job", "-o", job)))

    def end_of(self, job, seconds=120):
        """Waits for the job's end, and returns what scontrol knows about it."""
        until(lambda: self.show(job)["JobState"] in ENDED, f"job {job} has ended", seconds, pause=0.1)
        return self.show(job)

    def start_again(self, job, restarts):
        """Starts a requeued job after 2 s. Slurm itself would wait for two minutes."""
        def requeued():
            known = self.show(job)
            return known["Restarts"] == str(restarts) and known["JobState"] == "PENDING"
        until(requeued, lambda: f"job {job} is requeued: {self.show(job)}", pause=0.1)
        time.sleep(2)  # a start within the second of the last end fails: "Job credential revoked"

        def runs_again():
            known = self.show(job)
            if known["Restarts"] != str(restarts) or known["JobState"] != "PENDING":
                return known["Restarts"] == str(restarts) and known["JobState"] in ("RUNNING", "COMPLETED")
            self.command("scontrol", "update", f"JobId={job}", "StartTime=now")  # not heard while the last start still ends
            return False
        until(runs_again, lambda: f"job {job} runs again: {self.show(job)}", pause=0.1)

    def ranks(self, job):
        """Process ids of the job's ranks, by rank."""
        found = {}
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # processes end meanwhile
                if (folder / "exe").samefile(runs.PLEAT):
                    variables = (folder / "environ").read_bytes().decode(errors="replace").split("\0")
                    if f"SLURM_JOB_ID={job}" in variables:
                        found[next(v.partition("=")[2] for v in variables if v.startswith("SLURM_PROCID="))] = int(folder.name)
        return [found[rank] for rank in sorted(found)]


def checkpoints(run):
    """Checkpoints of unfinished jobs, with their times."""
    found = set()
    for path in run.glob("round_*/*/*/*/resume/*.safetensors"):
        with contextlib.suppress(OSError):  # a newer one replaces it
            found.add((path, path.stat().st_mtime_ns))
    return found


def freeze(processes):
    """Stops the processes. Slurm wakes them when it warns of the time limit."""
    for process in processes:
        os.kill(process, signal.SIGSTOP)

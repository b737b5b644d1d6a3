"""Starts Slurm for the suite. Where that is impossible, skips all of it by the exit code that CTest reports as "Skipped"."""
import os
import pathlib
import shutil
import subprocess
import tempfile

import one_node
import pytest
from support import runs

SKIPPED = 77  # as in CMakeLists.txt and slurm_here.sh


def end(folder):
    if (folder / "slurm.conf").exists():
        subprocess.run([one_node.SCRIPT, "down", folder], stdin=subprocess.DEVNULL, timeout=120)
    shutil.rmtree(folder)


def end_abandoned():
    """Ends the daemons of suites that were killed."""
    for folder in pathlib.Path(tempfile.gettempdir()).glob("pleat-slurm-*"):
        process = folder.name.split("-")[2]
        if process.isdigit() and not pathlib.Path(f"/proc/{process}").exists():
            end(folder)


@pytest.fixture(scope="session")
def slurm():
    end_abandoned()
    folder = pathlib.Path(tempfile.mkdtemp(prefix=f"pleat-slurm-{os.getpid()}-"))  # a short path: munged's socket is in it
    try:
        started = subprocess.run([one_node.SCRIPT, "up", folder], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, text=True, timeout=60)
        if started.returncode == SKIPPED:
            pytest.exit(started.stdout.strip(), SKIPPED)
        assert started.returncode == 0, started.stdout
        yield one_node.OneNode(folder)
    finally:
        end(folder)


@pytest.fixture(scope="session")
def whole_run(tmp_path_factory):
    """Long enough that a job is still training when a test has seen its first checkpoint."""
    return runs.undisturbed(tmp_path_factory.mktemp("whole"), train="{epochs: 12, batch: 32, lr: 3e-3, augment: {pad: 1}}")

"""Standard streams that cannot be written or are closed: nothing is lost in silence, and no log line gets into a file."""
import re
import signal
import subprocess
import time

import pytest
import torch
from support import runs

DONE, DATA, STOPPED = 0, 3, 75


def pleat_with(redirections, *arguments, cwd=None):
    """Runs pleat with the shell's redirections, such as "> /dev/full"."""
    command = f'exec "$0" "$@" {redirections}'
    return subprocess.run(["bash", "-c", command, runs.PLEAT, *map(str, arguments)], cwd=cwd, env=runs.environment(),
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)


PRINTING = [("config", "{config}"), ("config", "--reference"), ("init", "{crops}"), ("completion", "bash"), ("--help",), ("--version",),
            ("doctor",), ("train", "{config}", "--run", "{folder}/dry", "--dry-run"), ("prepare", "--verify", "{crops}")]


@pytest.mark.parametrize("to, reason", [("> /dev/full", "No space left on device"), (">&-", "Bad file descriptor")])
@pytest.mark.parametrize("arguments", PRINTING, ids=lambda arguments: " ".join(arguments[:2]))
def test_output_that_cannot_be_written_is_an_error(whole_run, arguments, to, reason):
    folder, config, _ = whole_run
    values = {"config": config, "crops": folder / "crops.h5", "folder": folder}
    done = pleat_with(to, *[each.format(**values) for each in arguments])
    assert done.returncode == DATA, (done.returncode, done.stderr)
    lines = [line for line in done.stderr.splitlines() if " E " in line]
    assert len(lines) == 1 and f"standard output could not be written ({reason})" in lines[0] and "internal" not in done.stderr, done.stderr


def test_closed_streams_do_not_get_into_files(whole_run, tmp_path):
    folder, config, expected = whole_run
    images = folder / "train"
    done = pleat_with(">&- 2>&-", "prepare", "--idx-images", images / "images", "--idx-labels", images / "labels", "--out", tmp_path / "c.h5")
    assert done.returncode == DONE and runs.pleat("prepare", "--verify", tmp_path / "c.h5").returncode == DONE
    done = pleat_with("<&- 2>&-", "train", config, "--run", tmp_path / "run")
    assert done.returncode == DONE and runs.results(tmp_path / "run") == expected
    assert re.fullmatch(r"host \S+, process \d+\n?", (tmp_path / "run/run.lock").read_text())


class Endless(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.last = torch.nn.Linear(runs.SIDE * runs.SIDE, runs.CLASSES)

    def forward(self, x):
        y = self.last(x.flatten(1))
        while bool(y.sum() == y.sum()):
            y = y + 0
        return y


def catches(pid, number):
    """Whether the process handles the signal by now."""
    with open(f"/proc/{pid}/status") as file:
        mask = re.search(r"^SigCgt:\s*([0-9a-f]+)", file.read(), re.MULTILINE)[1]
    return bool(int(mask, 16) >> (number - 1) & 1)


@pytest.mark.parametrize("delay", [0, 3], ids=["at-the-start", "in-the-trial"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
def test_a_script_that_never_ends_can_be_stopped(whole_run, tmp_path, number, delay):
    torch.jit.save(torch.jit.script(Endless()), tmp_path / "net.pt")
    with subprocess.Popen([runs.PLEAT, "train", whole_run[1], "--set", "models=[{script: net.pt}]", "--run", "run"], cwd=tmp_path,
                          env=runs.environment(), stderr=subprocess.PIPE, text=True) as process:
        while not catches(process.pid, number):
            time.sleep(0.05)
        time.sleep(delay)
        process.send_signal(number)
        said = process.communicate(timeout=20)[1]
    assert process.returncode == STOPPED and "stopped on request; nothing was written" in said
    assert not (tmp_path / "run").exists()

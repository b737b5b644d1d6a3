"""Measures the CUDA memory that a block of code uses, programs that it starts included, by nvidia-smi."""
import shutil
import subprocess
import threading

QUERY = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"]


def used():
    """MiB on each device of the machine; empty without nvidia-smi."""
    if not shutil.which(QUERY[0]):
        return []
    text = subprocess.run(QUERY, stdout=subprocess.PIPE, text=True, check=False).stdout
    return [int(line) if line.strip().isdigit() else 0 for line in text.splitlines()]


class DeviceMemory:
    """`with DeviceMemory() as memory: …`, then memory.peak: largest increase on any device, in MiB; None if unknown."""

    def __enter__(self):
        self.before, self.peak, self.ended = used(), None, threading.Event()
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()
        return self

    def watch(self):
        while not self.ended.wait(0.3):
            more = [now - before for now, before in zip(used(), self.before)]
            self.peak = max([self.peak or 0, *more]) if more else None

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()

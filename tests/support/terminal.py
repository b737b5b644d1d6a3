"""A terminal in memory: runs a program in it, and shows what a person would see."""
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time

import pyte
from support import runs


class Terminal:
    """A screen with its scrollback, and the program that writes to it."""

    def __init__(self, *command, columns=100, rows=24, cwd=None, **environment):
        self.screen = pyte.HistoryScreen(columns, rows, history=2000)
        self.stream, self.bytes = pyte.ByteStream(self.screen), b""
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        env = runs.environment(**({"TERM": "xterm-256color", "LC_ALL": "C.UTF-8"} | environment))
        self.program = subprocess.Popen(list(map(str, command)), stdin=slave, stdout=slave, stderr=slave, cwd=cwd, env=env,
                                        start_new_session=True, preexec_fn=lambda: fcntl.ioctl(slave, termios.TIOCSCTTY, 0))
        os.close(slave)

    def type(self, keys):
        os.write(self.master, keys.encode())

    def read(self, seconds):
        """Takes in what is written until the time is over. Returns False once the program has closed the terminal."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if not select.select([self.master], [], [], left)[0]:
                return True
            try:
                part = os.read(self.master, 65536)
            except OSError:  # the other side is closed
                return False
            if not part:
                return False
            self.bytes += part
            self.stream.feed(part)
        return True

    def until(self, condition, seconds=120):
        """Reads until the condition holds for the lines."""
        end = time.monotonic() + seconds
        while not condition(self.lines()):
            assert time.monotonic() < end, "\n".join(self.lines())
            assert self.read(0.1) or condition(self.lines()), "\n".join(self.lines())

    def to_end(self, seconds=120):
        """Reads to the program's end. Returns its exit code."""
        end = time.monotonic() + seconds
        while self.read(0.5):
            assert time.monotonic() < end, "\n".join(self.lines())
        return self.program.wait(timeout=20)

    def lines(self):
        """All lines with text, those that have scrolled away first."""
        history = ["".join(line[x].data for x in range(self.screen.columns)) for line in self.screen.history.top]
        return [line.rstrip() for line in (*history, *self.screen.display) if line.strip()]

    def close(self):
        if self.program.poll() is None:
            os.killpg(self.program.pid, signal.SIGKILL)
            self.program.wait()
        os.close(self.master)

"""Two hosts on one machine: network namespaces with a cable between them and host names of their own. Needs root.

    with two_hosts.TwoHosts() as hosts:
        done = hosts.run("train", config, "--run", folder)     # mpirun over TCP, one rank on each host

Instances do not collide: a cable joins just its own two namespaces, and their names have the process id and a counter.
Namespaces of a test that was killed are removed by the next one."""
import contextlib
import itertools
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import tempfile

from support import runs

ADDRESSES = ("10.77.0.1", "10.77.0.2")
counter = itertools.count()


def lack():
    """One line with the reason why there can be no second host here; empty if there can."""
    if os.geteuid() != 0:
        return "no second host: network namespaces need root"
    missing = [program for program in ("ip", "unshare") if not shutil.which(program)]
    if missing:
        return f"no second host: {' and '.join(missing)} missing; run launch/setup.sh --test"
    name = f"pleat-{os.getpid()}-try{next(counter)}"
    commands = (f"ip netns add {name}", f"ip -n {name} link add eth0 type veth peer name eth1", f"ip netns exec {name} unshare --uts true")
    try:
        for command in commands:
            done = subprocess.run(command.split(), capture_output=True, text=True)
            if done.returncode != 0:
                return f"no second host: '{command}' failed: {done.stderr.strip()}"
    finally:
        subprocess.run(["ip", "netns", "del", name], capture_output=True)
    return ""


def remove(name):
    """Ends the namespace's processes and removes it, and with it its end of the cable."""
    listed = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True).stdout
    for process in listed.split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(process), signal.SIGKILL)
    subprocess.run(["ip", "netns", "del", name], capture_output=True)


def remove_abandoned():
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True).stdout
    for name, process in re.findall(r"^(pleat-(\d+)-\S+)", listed, re.MULTILINE):
        if not pathlib.Path(f"/proc/{process}").exists():
            remove(name)


class TwoHosts:
    def __init__(self):
        number = next(counter)
        self.names = [f"pleat-{os.getpid()}-{number}{letter}" for letter in "ab"]

    def __enter__(self):
        remove_abandoned()
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="pleat-hosts-"))
        try:
            first, second = self.names
            for name in self.names:
                self.ip("netns", "add", name)
            self.ip("-n", first, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", second)
            for name, address in zip(self.names, ADDRESSES):
                self.ip("-n", name, "address", "add", f"{address}/24", "dev", "eth0")
                self.ip("-n", name, "link", "set", "eth0", "up")
                self.ip("-n", name, "link", "set", "lo", "up")
            # mpirun starts its daemon on the other host by "agent HOST COMMAND...", as if agent were ssh.
            self.agent = self.scratch / "agent"
            self.agent.write_text(f'#!/bin/sh\nshift\nexec {shlex.join(self.on(1))} sh -c "$*"\n')
            self.agent.chmod(0o755)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for name in self.names:
            remove(name)
        shutil.rmtree(self.scratch)

    @staticmethod
    def ip(*words):
        done = subprocess.run(["ip", *words], capture_output=True, text=True)
        assert done.returncode == 0, (words, done.stderr)

    def on(self, host):
        """Words before a command that runs on host 0 or 1, whose names are host-a and host-b."""
        return ["ip", "netns", "exec", self.names[host], "unshare", "--uts", "sh", "-c", f'hostname host-{"ab"[host]} && exec "$@"', "sh"]

    def mpirun(self, ranks=2):
        """Words before a command that runs on both hosts, with half of the ranks on each."""
        slots = ",".join(f"{address}:{ranks // 2}" for address in ADDRESSES)
        options = {"plm_rsh_agent": self.agent, "btl": "tcp,self", "pml": "ob1", "btl_tcp_if_include": "eth0", "oob_tcp_if_include": "eth0"}
        return [*self.on(0), "mpirun", "--bind-to", "none", "--oversubscribe", "--host", slots, "-n", str(ranks),
                *(word for key, value in options.items() for word in ("--mca", key, str(value)))]

    def run(self, *arguments, ranks=2, timeout=300, **extra):
        """Runs the program with these arguments on both hosts. Returns the finished process."""
        return subprocess.run([*self.mpirun(ranks), runs.PLEAT, *map(str, arguments)], env=runs.environment(**extra), timeout=timeout,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

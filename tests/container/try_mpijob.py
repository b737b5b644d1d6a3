#!/usr/bin/env python3
"""Runs launch/mpijob.yaml without Kubernetes. Each pod is a set of Linux namespaces over the image that run_steps.py made.

    tests/container/try_mpijob.py --image /tmp/trial/stage-1 --out /tmp/pods

Requires root, overlayfs and network namespaces. As the MPI Operator would, it gives the pods names, keys, a host file and
Open MPI's variables, and runs their commands as user 1000 without capabilities. The run is stopped by the launcher's
preStop hook, resumed, stopped by a worker's hook, resumed and finished.
"""
import argparse
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import time

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
JOB = yaml.safe_load((ROOT / "launch/mpijob.yaml").read_text())
NAME = JOB["metadata"]["name"]
WORKERS = 2
CONFIG = """data: {crops: faces.h5, group: person}
targets: [{name: mask}]
folds: {k: 4}
models: [{name: resnet20}]
train: {epochs: 40, batch: 16}
"""
STOPPED = 75  # pleat's exit code


def run(*command, **options):
    return subprocess.run([str(word) for word in command], check=True, **options)


def full_name(pod):
    return f"{pod}.{NAME}.default.svc"


class Pod:
    """One pod: `name` in the network `number`, with the container of the role Launcher or Worker."""

    def __init__(self, name, number, role, options):
        self.name, self.options, self.address = name, options, f"10.9.0.{number}"
        self.container = JOB["spec"]["mpiReplicaSpecs"][role]["template"]["spec"]["containers"][0]
        self.role, self.link = role, f"pod{number}"
        run("ip", "netns", "add", name)
        run("ip", "link", "add", self.link, "type", "veth", "peer", "name", "eth0", "netns", name)
        run("ip", "link", "set", self.link, "master", "pods", "up")
        for words in (["addr", "add", f"{self.address}/24", "dev", "eth0"], ["link", "set", "eth0", "up"], ["link", "set", "lo", "up"]):
            run("ip", "-n", name, *words)
        self.root = self.options.out / name / "root"

    def environment(self):
        variables = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/home/mpiuser"}
        if self.role == "Launcher":
            variables |= {"OMPI_MCA_orte_keep_fqdn_hostnames": "true", "OMPI_MCA_orte_default_hostfile": "/etc/mpi/hostfile",
                          "OMPI_MCA_plm_rsh_args": "-o ConnectionAttempts=10", "OMPI_MCA_orte_set_default_slots": "1"}
        return [f"{name}={value}" for name, value in variables.items()]

    def as_user(self, command):
        user = ["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"]
        folder = ["sh", "-c", f"cd {self.container['workingDir']} && exec \"$@\"", "sh"]
        return shlex.join([*user, "env", "-i", *self.environment(), *folder, *command])

    def start(self, command=None):
        """Starts the container, as process 1 of new namespaces. The log goes to out/<name>/log."""
        layers = {kind: self.options.out / self.name / kind for kind in ("root", "upper", "work")}
        for kind in layers.values():
            shutil.rmtree(kind, ignore_errors=True)
            kind.mkdir(parents=True)
        command = command or [*self.container["command"], *self.container.get("args", [])]
        root = shlex.quote(str(self.root))
        script = f"""set -e
            hostname {self.name}
            mount -t overlay overlay -o lowerdir={self.options.image},upperdir={layers['upper']},workdir={layers['work']} {root}
            mount -t proc proc {root}/proc
            mount --rbind /dev {root}/dev
            mount --rbind /sys {root}/sys
            mount -t tmpfs -o mode=1777 tmpfs {root}/dev/shm
            mkdir -p {root}/data {root}/etc/mpi {root}{JOB['spec']['sshAuthMountPath']}
            mount --bind {self.options.out}/data {root}/data
            mount --bind {self.options.out}/keys {root}{JOB['spec']['sshAuthMountPath']}
            cp {self.options.out}/hostfile {root}/etc/mpi/hostfile
            cp {self.options.out}/hosts {root}/etc/hosts
            exec chroot {root} {self.as_user(command)}"""
        self.log = open(self.options.out / self.name / "log", "ab")
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", self.name, "unshare", "--mount", "--uts", "--pid", "--fork", "--kill-child", "sh", "-c", script],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def first_process(self):
        return int(pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()[0])

    def pre_stop(self):
        """Runs the preStop hook in the pod. It may end with the pod."""
        hook = self.container["lifecycle"]["preStop"]["exec"]["command"]
        enter = ["nsenter", "-t", self.first_process(), "--mount", "--uts", "--net", "--pid"]
        return subprocess.Popen([*map(str, enter), "sh", "-c", f"exec chroot {self.root} {self.as_user(hook)}"])

    def text(self):
        return (self.options.out / self.name / "log").read_text(errors="replace")

    def ends_with(self, code, within=120):
        found = self.process.wait(within)
        assert found == code, f"{self.name} ended with {found}, expected {code}:\n{self.text()[-3000:]}"
        print(f"{self.name}: ended with {code}", flush=True)


def wait_for(what, condition, within=120):
    start = time.monotonic()
    while not condition():
        assert time.monotonic() - start < within, f"not within {within} s: {what}"
        time.sleep(0.2)
    print(f"{what}: after {time.monotonic() - start:.1f} s", flush=True)


def prepare(out):
    shutil.rmtree(out, ignore_errors=True)
    for folder in ("data", "keys"):
        (out / folder).mkdir(parents=True)
    run("ssh-keygen", "-q", "-t", "ecdsa", "-b", "521", "-N", "", "-m", "PEM", "-f", out / "keys/id_rsa")
    shutil.copy(out / "keys/id_rsa.pub", out / "keys/authorized_keys")
    for key in (out / "keys").iterdir():
        key.chmod(0o644)  # as the operator mounts them: owned by root, readable by all
    (out / "data/config.yaml").write_text(CONFIG)
    os.chown(out / "data", 1000, 1000)
    pods = [f"{NAME}-launcher", *(f"{NAME}-worker-{i}" for i in range(WORKERS))]
    (out / "hostfile").write_text("".join(f"{full_name(pod)} slots={JOB['spec']['slotsPerWorker']}\n" for pod in pods[1:]))
    (out / "hosts").write_text("127.0.0.1 localhost\n" + "".join(f"10.9.0.{i} {full_name(pod)} {pod}\n" for i, pod in enumerate(pods, 1)))
    return pods


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--image", type=pathlib.Path, required=True, help="root folder of the image")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder for the pods; replaced")
    options = parser.parse_args()
    if "PLEAT_TRIAL" not in os.environ:  # mounts and networks end with namespaces of their own
        os.environ["PLEAT_TRIAL"] = "1"
        os.execvp("unshare", ["unshare", "--mount", "--net", "--propagation", "private", sys.executable, *sys.argv])
    pods = prepare(options.out)
    pathlib.Path("/run/netns").mkdir(exist_ok=True)
    run("mount", "-t", "tmpfs", "tmpfs", "/run/netns")
    run("ip", "link", "add", "pods", "type", "bridge")
    run("ip", "link", "set", "pods", "up")
    launcher = Pod(pods[0], 1, "Launcher", options)
    workers = [Pod(name, i, "Worker", options) for i, name in enumerate(pods[1:], 2)]

    launcher.start(["sh", "-c", "pleat make-faces --out faces --persons 16 && pleat person-folders --csv faces/train/train.csv "
                    "--images faces/train/images --out faces.csv && pleat prepare --table faces.csv --images faces/train/images "
                    "--out faces.h5 --size 24 --crop center"])
    launcher.ends_with(0)

    # In a trial of a few cores one thread is enough.
    arguments = [word.replace("cluster.threads=4", "cluster.threads=1") for word in launcher.container["args"]]
    train = [*launcher.container["command"], *arguments]
    launcher.start(train)
    wait_for("the launcher waits for its workers", lambda: f"waiting for {full_name(pods[1])}" in launcher.text())
    for worker in workers:
        worker.start()

    def checkpoints():
        return list((options.out / "data/runs").rglob("epoch_*.safetensors"))

    wait_for("a checkpoint", checkpoints)
    launcher.pre_stop()
    launcher.ends_with(STOPPED)

    before = len(launcher.text())
    launcher.start(train)
    wait_for("the run resumes", lambda: "epoch" in launcher.text()[before:])
    workers[1].pre_stop()
    workers[1].ends_with(0)
    launcher.ends_with(STOPPED)

    workers[1].start()
    launcher.start(train)
    launcher.ends_with(0, within=600)
    assert list((options.out / "data/runs/config").glob("round_*/oof.h5"))
    hook = workers[0].pre_stop()
    workers[0].ends_with(0)
    hook.wait()
    print("launch/mpijob.yaml: passed")


if __name__ == "__main__":
    main()

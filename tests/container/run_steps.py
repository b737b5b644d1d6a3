#!/usr/bin/env python3
"""Runs the steps of launch/Containerfile in chroots, on a machine without a container engine.

    debootstrap --variant=minbase bookworm /tmp/trial/base
    tests/container/run_steps.py --base /tmp/trial/base --out /tmp/trial --check tests/container/check_image.sh

Requires root. Each stage becomes a folder in --out, a copy of --base at first. A step that has succeeded is not repeated.
--check runs a script in the last stage, as the image's user. Understands only what launch/Containerfile uses: FROM, COPY,
RUN, ENV, ARG, WORKDIR, USER; LABEL, CMD and STOPSIGNAL change no files. Anything else is an error.
"""
import argparse
import dataclasses
import hashlib
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONTAINERFILE = ROOT / "launch/Containerfile"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
OPERATIONS = ("FROM", "COPY", "RUN", "ENV", "ARG", "WORKDIR", "USER", "LABEL", "CMD", "STOPSIGNAL")


@dataclasses.dataclass
class Step:
    operation: str
    text: str


@dataclasses.dataclass
class Stage:
    base: str
    name: str
    steps: list


def parse(text):
    """Returns the stages of a Containerfile. Raises ValueError if it uses more than this program understands."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    stages = []
    for line in re.sub(r"\\\n", "", "\n".join(lines)).splitlines():
        operation, _, rest = line.strip().partition(" ")
        if operation not in OPERATIONS:
            raise ValueError(f"unknown instruction: {line}")
        if operation == "FROM":
            named = re.fullmatch(r"(\S+)(?: AS (\S+))?", rest.strip())
            if not named:
                raise ValueError(f"FROM needs a base and at most a name: {line}")
            stages.append(Stage(named[1], named[2] or f"stage-{len(stages)}", []))
        elif not stages:
            raise ValueError(f"before the first FROM: {line}")
        else:
            if operation == "RUN" and rest.lstrip().startswith(("-", "[")):
                raise ValueError(f"RUN with options or as a list: {line}")
            stages[-1].steps.append(Step(operation, rest.strip()))
    return stages


def copy_arguments(step):
    """(stage or None, sources, destination) of a COPY."""
    words = shlex.split(step.text)
    source_stage = None
    while words[0].startswith("--"):
        option = words.pop(0)
        if not option.startswith("--from="):
            raise ValueError(f"COPY with {option}")
        source_stage = option.removeprefix("--from=")
    if len(words) < 2 or any(character in word for word in words for character in "*?[$"):
        raise ValueError(f"COPY needs sources and a destination, without patterns and variables: {step.text}")
    return source_stage, words[:-1], words[-1]


class Ignored:
    """The rules of .containerignore: the last pattern that matches a path or a folder above it decides."""

    def __init__(self, text):
        lines = [line.strip() for line in text.splitlines()]
        self.rules = [(line[0] != "!", self.expression(line.removeprefix("!"))) for line in lines if line and line[0] != "#"]

    @staticmethod
    def expression(pattern):
        parts = re.split(r"(\*\*/|\*\*|\*|\?)", pattern.strip("/"))
        meaning = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
        return re.compile("".join(meaning.get(part, re.escape(part)) for part in parts) + "(?:/.*)?")

    def __call__(self, path):
        ignored = False
        for ignores, expression in self.rules:
            if expression.fullmatch(path):
                ignored = ignores
        return ignored


def context_files(source, ignored):
    """The files of the context at or below `source`, as paths relative to the context."""
    top = ROOT / source
    found = [top] if top.is_file() else sorted(path for path in top.rglob("*") if path.is_symlink() or path.is_file())
    return [path.relative_to(ROOT) for path in found if not ignored(str(path.relative_to(ROOT)))]


def run(*command, **options):
    return subprocess.run([str(word) for word in command], check=True, **options)


class Chroot:
    """A folder in which commands run as in a container: own /proc, the host's /dev and network, lent files."""

    def __init__(self, folder, lent):
        self.folder, self.lent = folder, lent

    def inside(self, path):
        return self.folder / str(path).lstrip("/")

    def call(self, command, environment, workdir, user):
        mounted, made = [], []

        def mount(target, *arguments, source="none"):
            run("mount", *arguments, source, target)
            mounted.append(target)

        try:
            mount(self.inside("/proc"), "-t", "proc")
            mount(self.inside("/dev"), "--rbind", source="/dev")
            mount(self.inside("/sys"), "--rbind", source="/sys")
            for source, target in self.lent:
                place = self.inside(target)
                if not place.exists():
                    place.parent.mkdir(parents=True, exist_ok=True)
                    place.mkdir() if pathlib.Path(source).is_dir() else place.touch()
                    made.append(place)
                mount(place, "--bind", "-o", "ro", source=source)
            script = 'cd "$0" && exec /bin/sh -c "$1"'
            run("chroot", f"--userspec={user}", self.folder, "/bin/sh", "-c", script, workdir, command, env=environment,
                stdin=subprocess.DEVNULL)
        finally:
            for target in reversed(mounted):
                subprocess.run(["umount", "--recursive", "--lazy", str(target)], check=False)
            for place in reversed(made):
                place.rmdir() if place.is_dir() else place.unlink()


class Builder:
    def __init__(self, options):
        self.options = options
        self.ignored = Ignored((ROOT / ".containerignore").read_text())
        self.arguments = dict(pair.split("=", 1) for pair in options.build_arg)
        self.trial = dict(pair.split("=", 1) for pair in options.env)
        self.lent = [tuple(pair.split(":")) if ":" in pair else (pair, pair) for pair in options.lend]

    def root_of(self, name):
        return self.options.out / name

    def make(self, stage):
        root, log = self.root_of(stage.name), self.options.out / f"{stage.name}.done"
        done = json.loads(log.read_text()) if log.exists() else []
        if not log.exists():
            if root.exists():
                sys.exit(f"{root} is there, but not {log}: delete it")
            run("cp", "-a", self.options.base, root)
        self.environment, self.args, self.workdir, self.user = {"PATH": PATH}, {}, "/", "root"
        for number, step in enumerate(stage.steps):
            name = hashlib.sha256(f"{step.operation} {step.text}".encode()).hexdigest()
            if number < len(done) and done[number] != name:
                sys.exit(f"step {number} of {stage.name} was changed after it was run: delete {root} and {log}")
            self.settle(step, root)
            if number < len(done):
                continue
            start = time.monotonic()
            print(f"[{stage.name} {number + 1}/{len(stage.steps)}] {step.operation} {step.text}", flush=True)
            if step.operation == "COPY":
                self.copy(step, root)
            if step.operation == "RUN":
                self.execute(step.text, root)
            print(f"    {time.monotonic() - start:.1f} s", flush=True)
            done.append(name)
            log.write_text(json.dumps(done))

    def settle(self, step, root):
        """Applies a step's effect on later steps: variables, folder, user."""
        if step.operation == "ENV":
            self.environment.update(word.split("=", 1) for word in shlex.split(step.text))
        elif step.operation == "ARG":
            name, has_default, default = step.text.partition("=")
            if name in self.arguments or has_default:
                self.args[name] = self.arguments.get(name, default)
        elif step.operation == "WORKDIR":
            self.workdir = os.path.join(self.workdir, step.text)
            Chroot(root, []).inside(self.workdir).mkdir(parents=True, exist_ok=True)
        elif step.operation == "USER":
            self.user = step.text

    def copy(self, step, root):
        stage, sources, destination = copy_arguments(step)
        place = Chroot(root, []).inside(os.path.join(self.workdir, destination))
        into_folder = destination.endswith("/") or len(sources) > 1
        for source in sources:
            top = Chroot(self.root_of(stage), []).inside(source) if stage else ROOT / source
            target = place / top.name if into_folder and not top.is_dir() else place
            if stage:
                target.parent.mkdir(parents=True, exist_ok=True)
                run("cp", "-a", "--no-target-directory", f"{top}/." if top.is_dir() else top, target)
                continue
            files = context_files(source, self.ignored)
            if not files:
                sys.exit(f"COPY {source}: no such file, or .containerignore leaves it out")
            for path in files:
                goal = target / (ROOT / path).relative_to(top) if top.is_dir() else target
                goal.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / path, goal, follow_symlinks=False)
                os.chown(goal, 0, 0, follow_symlinks=False)

    def execute(self, command, root):
        users = (line.split(":") for line in (root / "etc/passwd").read_text().splitlines())
        home = next((fields[5] for fields in users if fields[0] == self.user), "/")
        environment = {"HOME": home, **self.environment, **self.args, **self.trial}
        Chroot(root, self.lent).call(command, environment, self.workdir, self.user)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--base", type=pathlib.Path, required=True, help="folder with a bare Debian 12")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder for the stages")
    parser.add_argument("--build-arg", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE", help="set while steps run; not in the image")
    parser.add_argument("--lend", action="append", default=[], metavar="PATH[:PATH]", help="show a file or folder to the steps, read only")
    parser.add_argument("--check", type=pathlib.Path, help="run this script in the last stage")
    options = parser.parse_args()
    if "PLEAT_TRIAL" not in os.environ:  # mounts of a namespace of its own end with it
        os.environ["PLEAT_TRIAL"] = "1"
        os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable, *sys.argv])
    policy = options.base / "usr/sbin/policy-rc.d"  # as in Debian's images: installing sshd does not start it
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    builder = Builder(options)
    stages = parse(CONTAINERFILE.read_text())
    for stage in stages:
        builder.make(stage)
    last = builder.root_of(stages[-1].name)
    run("du", "-sh", "--apparent-size", "--one-file-system", last)
    if options.check:
        builder.lent.append((str(options.check.resolve()), "/check.sh"))
        builder.trial = {}
        start = time.monotonic()
        builder.execute("bash /check.sh", last)
        print(f"{options.check}: passed in {time.monotonic() - start:.1f} s")


if __name__ == "__main__":
    main()

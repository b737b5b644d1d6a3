"""launch/Containerfile is complete; launch/mpijob.sh waits for workers. run_steps.py builds the image, which takes minutes."""
import os
import re
import signal
import socket
import subprocess

import pytest
import run_steps

ROOT = run_steps.ROOT
TEXT = run_steps.CONTAINERFILE.read_text()
STAGES = run_steps.parse(TEXT)
IGNORED = run_steps.Ignored((ROOT / ".containerignore").read_text())


def copies(stage):
    return [run_steps.copy_arguments(step) for step in stage.steps if step.operation == "COPY"]


def test_the_containerfile_has_a_build_and_a_runtime_stage_of_debian_12():
    assert [(stage.base, stage.name) for stage in STAGES][0] == ("debian:12", "build")
    assert [stage.base for stage in STAGES] == ["debian:12", "debian:12"]


def test_everything_that_is_copied_exists_and_reaches_the_build():
    for stage in STAGES:
        for source_stage, sources, _ in copies(stage):
            assert source_stage in (None, "build")
            for source in sources if source_stage is None else []:
                if source == ".git" and not (ROOT / ".git").exists():
                    continue  # a release archive
                assert (ROOT / source).exists(), source
                assert not IGNORED(source), f".containerignore leaves out {source}"


def test_nothing_else_reaches_the_build():
    for path in ("build/pleat", ".venv/bin/python", "data/faces.h5", "runs/my/run.json", "tests/run.sh", ".git/hooks/pre-commit",
                 ".git/logs/HEAD", "data_tools/__pycache__/x.pyc"):
        assert IGNORED(path), path
    for path in ("src/main.cpp", ".git/HEAD", ".git/objects/pack/x.pack", "launch/setup.sh"):
        assert not IGNORED(path), path


def test_cmake_adds_only_folders_that_the_build_stage_has():
    copied = {source for source_stage, sources, _ in copies(STAGES[0]) if source_stage is None for source in sources}
    lists = (ROOT / "CMakeLists.txt").read_text()
    assert {name.split("/")[0] for name in re.findall(r"^add_subdirectory\((\S+)\)", lists, re.MULTILINE)} <= copied


def test_runtime_packages_are_those_of_packages_txt_or_explained():
    listed = {line.split("#")[0].strip() for line in (ROOT / "packages.txt").read_text().splitlines()} - {""}
    install = next(step.text for step in STAGES[1].steps if "apt-get install" in step.text)
    named = re.search(r"--no-install-recommends\s+(.*?)\s+\$\(cat /opt/pleat/packages.txt\)", install)[1].split()
    explained = set(re.findall(r"^#   ([a-z][a-z0-9-]+) {2,}\S", TEXT, re.MULTILINE))
    assert named and set(named) <= explained, set(named) - explained
    assert {name for name in named if not name.startswith("openssh-")} <= listed
    assert not any(name.startswith(("libgtest", "libgmock")) or name.endswith("-dev") for name in named)


@pytest.mark.parametrize("text, why", [
    ("COPY a b", "before the first FROM"), ("FROM a\nADD b c", "unknown instruction"), ("FROM a\nRUN --mount=type=cache x", "RUN with options"),
    ("FROM a AS b c", "FROM needs a base")])
def test_what_run_steps_does_not_understand_is_an_error(text, why):
    with pytest.raises(ValueError, match=why):
        run_steps.parse(text)


def mpijob(*arguments, hostfile):
    environment = {**os.environ, "OMPI_MCA_orte_default_hostfile": str(hostfile)}
    return subprocess.Popen([ROOT / "launch/mpijob.sh", *arguments], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture
def ssh_port():
    """Binds the workers' port on a loopback address of its own; listens only when asked to."""
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind(("127.0.0.97", 2222))
        except OSError as error:
            pytest.skip(f"port 2222 cannot be used here: {error}")
        yield server


def test_the_launcher_starts_its_command_when_all_workers_answer(ssh_port, tmp_path):
    (tmp_path / "hostfile").write_text("127.0.0.97 slots=1\n")
    launcher = mpijob("run", "echo", "started", "both words", hostfile=tmp_path / "hostfile")
    assert launcher.stderr.readline() == "mpijob: waiting for 127.0.0.97\n"
    ssh_port.listen()
    output, _ = launcher.communicate(timeout=60)
    assert (launcher.returncode, output) == (0, "started both words\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_launcher_that_waits_can_be_stopped(ssh_port, tmp_path, number):
    (tmp_path / "hostfile").write_text("127.0.0.97 slots=1\n")
    launcher = mpijob("run", "echo", "started", hostfile=tmp_path / "hostfile")
    launcher.stderr.readline()
    launcher.send_signal(number)
    output, _ = launcher.communicate(timeout=60)
    assert (launcher.returncode, output) == (75, "")


def test_other_arguments_show_the_usage(tmp_path):
    shown = mpijob("start", hostfile=tmp_path / "none")
    _, errors = shown.communicate(timeout=60)
    assert shown.returncode == 2 and "mpijob.sh run COMMAND" in errors

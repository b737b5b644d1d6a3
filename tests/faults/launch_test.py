"""launch/local.sh chooses ranks and passes codes and signals on; launch/sweep.sh trains a grid, resumes and names what failed."""
import json
import os
import pathlib
import signal
import subprocess
import time

import pytest
from support import runs

LAUNCH = pathlib.Path(__file__).resolve().parents[2] / "launch"


def command(script, *words, **extra):
    environment = runs.environment(PLEAT=str(runs.PLEAT)) | {name: str(value) for name, value in extra.items()}
    return subprocess.run([LAUNCH / script, *map(str, words)], env=environment, timeout=300, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.fixture
def machine(tmp_path):
    """A made-up machine: machine(cores, devices, mb_per_rank) returns variables under which local.sh sees it. mpirun and the
    program print their arguments. Its doctor, config and dry run know just enough for local.sh."""
    def make(cores=16, devices=0, mb_per_rank=10, jobs=5, shards=1, threads="auto", device="auto"):
        scripts = {
            "mpirun": 'case "$*" in *--dry-run) exec pleat "${@: -3}" ;; esac; echo "mpirun $*"',
            "lscpu": f'for ((i = 0; i < {cores}; i++)); do echo "$i,0"; done',
            "pleat": f'''case "$*" in
  doctor) printf '  rank  host  bound to cores  usable  of\\n  0     vm    0-99 (all)      {cores}     128\\n' ;;
  config*) printf 'cluster:\\n  shards: {shards}\\n  device: {device}\\n  threads: {threads}\\n' ;;
  *--dry-run) printf 'jobs      {jobs} = 1 network\\nmemory    about {mb_per_rank} MB a rank, {mb_per_rank} MB on this one (20.50 GB free), more\\n' ;;
  *) echo "pleat $*" ;;
esac'''}
        if devices:
            scripts["nvidia-smi"] = f'for ((i = 0; i < {devices}; i++)); do echo "GPU $i: H200"; done'
        for name, text in scripts.items():
            (tmp_path / name).write_text(f"#!/bin/bash\n{text}\n")
            (tmp_path / name).chmod(0o755)
        return {"PATH": f"{tmp_path}:{os.environ['PATH']}", "PLEAT": tmp_path / "pleat"}
    return make


@pytest.mark.parametrize("given, ranks, threads", [
    (dict(), 5, 3), (dict(cores=2), 2, 1), (dict(cores=2, jobs=1), 1, 2), (dict(threads=4), 4, 4), (dict(shards=4), 16, 1),
    (dict(shards=4, cores=6), 4, 1), (dict(shards=4, cores=2), 4, 1), (dict(mb_per_rank=6000), 3, 5), (dict(mb_per_rank=10**9), 1, 16), (dict(mb_per_rank=10**9, shards=2), 2, 8),
    (dict(devices=4), 4, 4), (dict(devices=4, jobs=3), 3, 5), (dict(devices=8, shards=3, jobs=9), 6, 2), (dict(devices=4, device="cpu"), 5, 3),
])
def test_the_ranks_fit_cores_devices_jobs_shards_and_memory(machine, given, ranks, threads):
    done = command("local.sh", "train", "my.yaml", "--set", "a=1", **machine(**given))
    assert done.returncode == 0, done.stdout
    said, started = done.stdout.splitlines()
    many = f"{ranks} ranks" if ranks > 1 else "1 rank"
    assert said.startswith(f"local.sh: {many} of {threads} thread"), said
    assert (f"-n {ranks} " in started) if ranks > 1 else started.startswith("pleat"), started
    assert started.endswith("train my.yaml --set a=1")
    assert ("--allow-run-as-root" in said) == (ranks > 1 and os.geteuid() == 0), "the line works in another shell"
    assert ("--oversubscribe" in started) == (ranks > given.get("cores", 16))


@pytest.mark.parametrize("words", [("config", "my.yaml"), ("train", "--help"), ("train", "my.yaml", "--find-lr"), ("doctor",),
                                   ("train", "my.yaml", "--preview-augment", "a.png")])
def test_what_needs_one_rank_gets_no_mpirun(machine, words):
    done = command("local.sh", *words, **machine())
    assert done.returncode == 0 and "mpirun" not in done.stdout and "local.sh" not in done.stdout, done.stdout


def test_prepare_and_predict_take_all_cores_or_devices_and_the_environment_decides_first(machine):
    with_devices = machine(devices=4)
    for words, extra, ranks in [(("prepare", "--out", "a.h5"), {}, 16), (("predict", "--run", "a b"), {}, 4), (("predict", "--device", "cpu"), {}, 16),
                                (("predict",), {"CUDA_VISIBLE_DEVICES": "0,3"}, 2), (("predict",), {"CUDA_VISIBLE_DEVICES": "-1"}, 16),
                                (("predict",), {"PLEAT_RANKS": 7}, 7)]:
        done = command("local.sh", *words, **with_devices, **extra)
        assert done.returncode == 0 and f"mpirun --bind-to none -n {ranks} " in done.stdout, done.stdout


@pytest.mark.parametrize("script, words, extra, expected", [
    ("local.sh", (), {}, "usage: "), ("local.sh", ("train", "my.yaml"), {"PLEAT_RANKS": "two"}, "PLEAT_RANKS is 'two'"),
    ("local.sh", ("train", "my.yaml"), {"PLEAT": "/nowhere/pleat"}, "no program at /nowhere/pleat (PLEAT)"),
    ("sweep.sh", ("a.yaml", "--out", "o"), {}, "no --axis"), ("sweep.sh", ("a.yaml", "--axis", "a.b=1"), {}, "no --out"),
    ("sweep.sh", ("a.yaml", "--axis", "a.b", "--out", "o"), {}, "--axis is 'a.b'"),
    ("sweep.sh", ("a.yaml", "--axis", "a=1,,2", "--out", "o"), {}, "empty value"),
    ("sweep.sh", ("a.yaml", "--axis", "a=1,1", "--out", "o"), {}, "two cells would have the folder a=1"),
    ("sweep.sh", ("a.yaml", "--axis", "a=1", "--out", "o", "--per-host"), {}, "--per-host needs --hosts"),
    ("sweep.sh", ("/nowhere/a.yaml", "--axis", "a=1", "--out", "o"), {}, "cannot read /nowhere/a.yaml"),
])
def test_mistakes_are_named_and_end_with_2(script, words, extra, expected):
    done = command(script, *words, **extra)
    assert done.returncode == 2 and expected in done.stdout, done.stdout


def test_every_script_prints_a_line_of_usage():
    for script in ("local.sh", "sweep.sh", "setup.sh", "slurm.sbatch", "slurm_array.sbatch"):
        done = subprocess.run(["bash", LAUNCH / script, "--help"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert done.returncode == 0 and done.stdout.startswith("usage: ") and done.stdout.count("\n") == 1, (script, done.stdout)


@pytest.mark.parametrize("code, change", [(2, "train.lrr=1"), (3, "data.crops=nowhere.h5"), (5, "train={epochs: 1, lr: 1e30, optimizer: sgd}")])
def test_exit_codes_of_the_program_pass_through(whole_run, tmp_path, code, change):
    _, config, _ = whole_run
    done = command("local.sh", "train", config, "--set", change, "--run", tmp_path / "run")
    assert done.returncode == code, done.stdout
    assert (" E " in done.stdout) and ("local.sh: " in done.stdout) == (code == 5), "a plan that fails is the program's own error"


def test_a_run_has_the_bytes_of_one_rank(whole_run, tmp_path):
    _, config, expected = whole_run
    done = command("local.sh", "train", config, "--run", tmp_path / "run", PLEAT_RANKS=3)
    assert done.returncode == 0 and "local.sh: 3 ranks" in done.stdout, done.stdout
    assert runs.results(tmp_path / "run") == expected


def stopped(script, *words, when, number):
    """Starts the script, sends it the signal as soon as when() holds, and returns its exit code and output."""
    process = subprocess.Popen([LAUNCH / script, *map(str, words)], env=runs.environment(PLEAT=str(runs.PLEAT)), start_new_session=True,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    deadline = time.monotonic() + 120
    while not when() and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, number) if number == signal.SIGINT else process.send_signal(number)  # a terminal's Ctrl-C is for all
    output, _ = process.communicate(timeout=120)
    return process.returncode, output


def test_a_stop_signal_passes_through(whole_run, tmp_path):
    _, config, expected = whole_run
    run = tmp_path / "run"
    code, output = stopped("local.sh", "train", config, "--run", run, when=lambda: list(run.glob("round_0/*/*/*/resume/*")), number=signal.SIGUSR1)
    assert code == 75, output
    assert command("local.sh", "train", config, "--run", run).returncode == 0
    assert runs.results(run) == expected


SMALL = ("--", "--set", "folds.k=2")


def test_a_sweep_names_the_cell_that_failed_and_joins_the_others(whole_run, tmp_path):
    _, config, _ = whole_run
    sweep = (config, "--axis", "train.lr=3e-3,none", "--axis", "train.epochs=1,2", "--out", tmp_path / "out")
    done = command("sweep.sh", *sweep, *SMALL)
    assert done.returncode == 5, done.stdout
    assert "train.lr=none_train.epochs=1: failed with exit code 2; see " in done.stdout and "train.lr is 'none'" in done.stdout
    table = [line.split() for line in done.stdout.splitlines() if "  OOF macro_f1 " in line]
    scores = [json.loads((tmp_path / "out" / line[0] / "summary.json").read_text())["targets"]["label"]["oof"]["score"] for line in table]
    assert [line[-1] for line in table] == [f"{score:.4f}" for score in sorted(scores, reverse=True)] and len(table) == 2, done.stdout
    assert len(json.loads((tmp_path / "out/ensemble/summary.json").read_text())["runs"]) == 2
    trained = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("train.lr=3e-3*/round_0/*/*/*/weights.safetensors")}
    again = command("sweep.sh", *sweep, *SMALL)
    assert again.returncode == 5 and len(trained) == 4, again.stdout
    assert {path: path.stat().st_mtime_ns for path in trained} == trained, "nothing is trained again"


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGINT])
def test_a_sweep_that_is_stopped_saves_its_cell_and_resumes(whole_run, tmp_path, number):
    _, config, expected = whole_run
    sweep = (config, "--axis", "train.epochs=4", "--axis", "train.batch=32", "--out", tmp_path / "out")
    run = tmp_path / "out/train.epochs=4_train.batch=32"
    code, output = stopped("sweep.sh", *sweep, when=lambda: list(run.glob("round_0/*/*/*/resume/*")), number=number)
    assert code == 75 and "the same command resumes" in output, output
    assert not (run / "summary.json").exists() and "stopped on request" in run.with_name(run.name + ".log").read_text()
    again = command("sweep.sh", *sweep)
    assert again.returncode == 0, again.stdout
    assert runs.results(run) == expected


def test_each_line_of_a_hostfile_takes_cells_of_its_own(whole_run, tmp_path):
    _, config, _ = whole_run
    (tmp_path / "hosts").write_text("# a comment\nlocalhost slots=1\n\nlocalhost slots=1  # the same again\n")
    done = command("sweep.sh", config, "--axis", "train.epochs=1,2,3", "--out", tmp_path / "out", "--hosts", tmp_path / "hosts", "--per-host", *SMALL)
    assert done.returncode == 0 and done.stdout.count(": done in ") == 3, done.stdout
    for epochs in (1, 2, 3):
        assert "on 1 slot of 1 rank" in (tmp_path / f"out/train.epochs={epochs}.log").read_text()


def test_commas_in_brackets_belong_to_the_value():
    done = command("sweep.sh", "a.yaml", "--axis", "models=[{name: resnet18}, {name: resnet20}],[{name: resnet34}]", "--axis", "train.lr=1,2",
                   "--out", "o p", "--list", "--", "--set", "a=b c")
    assert done.returncode == 0, done.stdout
    cells = [subprocess.run(["xargs", "-n1", "printf", "%s\n"], input=line, stdout=subprocess.PIPE, text=True).stdout.splitlines()
             for line in done.stdout.splitlines()]
    assert len(cells) == 4 and all(len(cell) == 8 for cell in cells)
    assert cells[0][1] == "models=[{name: resnet18}, {name: resnet20}]" and cells[3][1] == "models=[{name: resnet34}]"
    assert cells[0][3:7] == ["train.lr=1", "--set", "a=b c", "--run"] and len({cell[7] for cell in cells}) == 4

"""pleat doctor: its report on this machine, and on missing parts."""
import shutil
import subprocess

import pytest
from support import runs, tables


def faces_row(text):
    (row,) = [line for line in text.splitlines() if line.split()[:1] == ["faces"]]
    return row


def test_it_says_what_finds_faces():
    done = runs.pleat("doctor")
    assert done.returncode == 0, done.stdout
    name, kind, path = faces_row(done.stdout).split()
    assert kind == "cascade" and path.endswith(".xml"), done.stdout


def test_it_says_that_the_module_which_finds_them_is_missing_or_broken(tmp_path):
    alone = tmp_path / "bin/pleat"  # it looks for its modules in this folder
    alone.parent.mkdir()
    shutil.copy(runs.PLEAT, alone)
    for problem in ("is missing from", "is damaged"):
        done = subprocess.run([alone, "doctor"], env=runs.environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        row = faces_row(done.stdout)
        assert " none: " in row and "libpleat_faces.so" in row and problem in row, row
        assert "WARNING" in done.stdout and "nothing is wrong" not in done.stdout, done.stdout
        (alone.parent / "libpleat_faces.so").write_bytes(b"")


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """The program without its modules beside it."""
    folder = tmp_path_factory.mktemp("bare") / "bin"
    folder.mkdir()
    shutil.copy(runs.PLEAT, folder / "pleat")
    return folder / "pleat"


def run_bare(program, *arguments):
    return subprocess.run([program, *map(str, arguments)], env=runs.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=120)


has_cuda_module = pytest.mark.skipif(not (runs.BUILD / "libpleat_cuda.so").exists(), reason="this build makes no CUDA module")


def test_doctor_names_a_missing_module_and_the_remedy(bare):
    done = run_bare(bare, "doctor")
    warnings = [line for line in done.stdout.splitlines() if "WARNING" in line]
    assert done.returncode == 0 and "nothing is wrong" not in done.stdout, done.stdout
    for word in ["libpleat_faces.so is missing from", "build pleat again"]:
        assert any(word in line for line in warnings), done.stdout


@has_cuda_module
def test_train_names_a_missing_cuda_module_and_refuses_a_cuda_run(bare, tmp_path):
    runs.prepare(tmp_path, rows=60, test_rows=6)
    config = runs.write_config(tmp_path / "config.yaml", tmp_path / "crops.h5", cluster="{threads: 1}")
    done = run_bare(bare, "train", config, "--run", tmp_path / "run", "--dry-run")
    assert done.returncode == 0 and "this run trains on the CPU: host " in done.stdout and "libpleat_cuda.so is missing from" in done.stdout, done.stdout
    done = run_bare(bare, "train", config, "--run", tmp_path / "run", "--dry-run", "--set", "cluster.device=cuda")
    assert done.returncode == 4 and "cluster.device is cuda, but on host" in runs.errors(done)[0] and "libpleat_cuda.so is missing" in runs.errors(done)[0], done.stdout
    done = run_bare(bare, "train", config, "--run", tmp_path / "run", "--dry-run", "--set", "cluster.device=cpu")
    assert done.returncode == 0 and "libpleat_cuda" not in done.stdout, done.stdout


@pytest.mark.parametrize("content", [b"", b"text, no library", None], ids=["empty", "text", "cut-short"])
def test_a_damaged_module_is_named_and_crashes_nothing(bare, tmp_path, content):
    shutil.copy(bare, tmp_path / "pleat")
    for name in ("libpleat_faces.so", "libpleat_cuda.so"):
        whole = runs.BUILD / name
        if whole.exists():
            (tmp_path / name).write_bytes(whole.read_bytes()[:20000] if content is None else content)
    done = run_bare(tmp_path / "pleat", "doctor")
    assert done.returncode == 0 and "libpleat_faces.so is damaged; build pleat again" in done.stdout, done.stdout
    if (runs.BUILD / "libpleat_cuda.so").exists():
        assert "libpleat_cuda.so is damaged; build pleat again" in done.stdout, done.stdout


def test_face_crops_name_a_missing_module(bare, tmp_path):
    tables.write_photos(tmp_path)
    (tmp_path / "samples.csv").write_text("id,path,label\na,1.png,x\nb,2.png,y\n")
    done = run_bare(bare, "prepare", "--table", tmp_path / "samples.csv", "--images", tmp_path, "--out", tmp_path / "crops.h5", "--crop", "face")
    assert done.returncode == 4 and "libpleat_faces.so is missing from" in runs.errors(done)[0], done.stdout
    assert not (tmp_path / "crops.h5").exists()

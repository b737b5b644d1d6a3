"""What pleat doctor says of this machine and of what is missing on it."""
import shutil
import subprocess

from support import runs


def faces_row(text):
    (row,) = [line for line in text.splitlines() if line.split()[:1] == ["faces"]]
    return row


def test_it_says_what_finds_faces():
    done = runs.pleat("doctor")
    assert done.returncode == 0, done.stdout
    name, kind, path = faces_row(done.stdout).split()
    assert kind == "cascade" and path.endswith(".xml"), done.stdout


def test_it_says_that_the_module_which_finds_them_is_missing_or_broken(tmp_path):
    alone = tmp_path / "bin/pleat"  # its modules are sought beside it
    alone.parent.mkdir()
    shutil.copy(runs.PLEAT, alone)
    for problem in ("No such file", "file too short"):
        done = subprocess.run([alone, "doctor"], env=runs.environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        row = faces_row(done.stdout)
        assert " none: " in row and "libpleat_faces.so" in row and problem in row, row
        assert "nothing is wrong" in done.stdout, done.stdout
        (alone.parent / "libpleat_faces.so").write_bytes(b"")

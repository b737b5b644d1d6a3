"""No command starts work that the machine's memory cannot hold, nor needs that memory to find out."""
import os
import re
import struct
import subprocess
import zlib

import pytest
from support import runs

ROWS, SIDE = 240, 512


@pytest.fixture(scope="module")
def large_crops(tmp_path_factory):
    """Crops of 512 x 512 pixels from photos of 8 x 8: resnet20 needs about 80 GB for 240 of them at once."""
    folder = tmp_path_factory.mktemp("large")
    lines = ["id,path,label"]
    for row in range(ROWS):
        level = row % 250
        scanlines = b"".join(b"\0" + bytes([level] * 8) for _ in range(8))
        chunks = [(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0)), (b"IDAT", zlib.compress(scanlines)), (b"IEND", b"")]
        png = b"\x89PNG\r\n\x1a\n" + b"".join(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
                                              for kind, data in chunks)
        (folder / f"{row}.png").write_bytes(png)
        lines.append(f"r{row},{row}.png,{'ab'[row % 2]}")
    (folder / "table.csv").write_text("\n".join(lines) + "\n")
    done = runs.pleat("prepare", "--table", folder / "table.csv", "--images", folder, "--size", SIDE, "--out", folder / "crops.h5")
    assert done.returncode == 0, done.stdout
    runs.write_config(folder / "c.yaml", folder / "crops.h5", train="{epochs: 1, batch: 100000}", folds="{k: 2}")
    return folder


def run_and_measure(arguments, cwd, free="20e9"):
    """With so much free memory as the program sees it. Returns exit code, output and peak memory in GB."""
    child = subprocess.Popen([runs.PLEAT, *map(str, arguments)], cwd=cwd, env=runs.environment(PLEAT_FREE_MEMORY=free), stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    output = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return child.returncode, output, usage.ru_maxrss * 1024 / 1e9


@pytest.mark.parametrize("arguments", [
    ("train", "c.yaml", "--dry-run"),
    ("train", "c.yaml"),
    ("train", "c.yaml", "--find-lr"),
    ("train", "c.yaml", "--set", "train.progressive.from=64"),
    ("sweep", "c.yaml", "--axis", "train.lr=0.1,0.2", "--dry-run"),
    ("sweep", "c.yaml", "--axis", "train.batch=4,100000"),
], ids=["dry run", "train", "find-lr", "progressive", "dry run of a sweep", "sweep"])
def test_a_batch_too_large_for_the_memory_is_refused_before_it_is_made(large_crops, tmp_path, arguments):
    config = (large_crops / "c.yaml").read_text()
    (tmp_path / "c.yaml").write_text(config)
    code, output, gigabytes = run_and_measure(arguments, tmp_path)
    assert code == 4, output
    found = re.search(r"training resnet20 for label needs about ([\d.]+) GB for 120 images at once, but host \S+ has "
                      r"([\d.]+) GB free; set train.batch=(\d+) \(about ([\d.]+) GB\)", output)
    assert found, output
    needs, free, batch, smaller = map(float, found.groups())
    assert needs > free > smaller and 2 <= batch < 120
    assert gigabytes < 3, f"finding that out took {gigabytes} GB"
    assert not list(tmp_path.glob("runs/**/done.json"))


def test_the_batch_that_the_error_proposes_is_accepted(large_crops, tmp_path):
    (tmp_path / "c.yaml").write_text((large_crops / "c.yaml").read_text())
    _, output, _ = run_and_measure(("train", "c.yaml", "--dry-run"), tmp_path)
    batch = re.search(r"set train.batch=(\d+)", output)[1]
    code, output, gigabytes = run_and_measure(("train", "c.yaml", "--dry-run", "--set", f"train.batch={batch}"), tmp_path)
    assert code == 0 and "nothing was written" in output, output
    assert gigabytes < 3


def test_a_batch_above_the_rows_is_planned_with_the_rows(whole_run, tmp_path):
    _, config, _ = whole_run
    def peak(batch):
        done = runs.pleat("train", config, "--run", tmp_path / "run", "--dry-run", "--set", f"train.batch={batch}")
        assert done.returncode == 0, done.stdout
        return re.search(r"peak of a step ([\d.]+ [MG]B)", done.stdout)[1]
    assert peak(240) == peak(100000)


def test_the_estimate_needs_no_more_memory_than_the_run(large_crops, tmp_path):
    (tmp_path / "c.yaml").write_text((large_crops / "c.yaml").read_text())
    options = ("--set", "train.batch=2", "--set", "models=[{name: resnet50}]", "--set", "train.progressive.from=256")
    _, output, peak = run_and_measure(("train", "c.yaml", "--dry-run", *options), tmp_path)
    planned = re.search(r"memory    about ([\d.]+) GB a rank", output)
    assert planned and peak < float(planned[1]) + 0.2, (peak, output)


def test_what_the_estimate_uses_counts_as_free(large_crops, tmp_path):
    """A run that needs nearly all of the free memory is accepted, although its estimate leaves memory with the process."""
    (tmp_path / "c.yaml").write_text((large_crops / "c.yaml").read_text())
    options = ("--dry-run", "--set", "train.batch=8")
    _, output, _ = run_and_measure(("train", "c.yaml", *options), tmp_path)
    planned = float(re.search(r"memory    about ([\d.]+) GB a rank", output)[1])
    for share, expected in ((1.1, 0), (0.9, 4)):
        code, output, _ = run_and_measure(("train", "c.yaml", *options), tmp_path, free=str((share * planned - 0.23) * 1e9))
        assert code == expected, output

"""Runs mutated files through every reader of untrusted bytes: each is accepted or refused in words; nothing crashes, hangs or leaks."""
import os
import pathlib
import re
import subprocess

import pytest
import seeds

PROGRAMS = pathlib.Path(os.environ["PLEAT_BUILD"]) / "tests"
# Number of inputs of each kind of file. Fewer for crops and predictions: HDF5 leaks memory, so the leak checker runs for each input.
COUNTS = {"photo": 2000, "table": 5000, "idx": 2000, "crops": 1000, "predictions": 1000, "safetensors": 5000, "zip": 5000, "weights": 5000}
KINDS = {
    "photo": {"jpeg", "progressive", "png", "webp", "bmp", "tiff", "gif", "heic", "avif"}, "table": {"csv"}, "idx": {"plain", "gzip"}, "crops": {"crops"}, "predictions": {"csv", "hdf5"},
    "safetensors": {"safetensors"}, "zip": {"zip"}, "weights": {"pth", "pickle", "old"},
}


def run(target, *arguments, **environment):
    return subprocess.run([PROGRAMS / f"fuzz_{target}", *map(str, arguments)], env={**os.environ, **environment}, timeout=600,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")


def totals(done):
    """{kind: (accepted, refused)}"""
    return {kind: (int(taken), int(refused)) for kind, taken, refused in re.findall(r"(\w+) (\d+)\+(\d+)[,)]", done.stdout)}


@pytest.mark.parametrize("target", seeds.TARGETS)
def test_reader(target, tmp_path):
    seeds.make(target, PROGRAMS, tmp_path / "seeds")
    files = sorted((tmp_path / "seeds").iterdir())
    whole = run(target, "run", *files)
    assert whole.stdout.splitlines() == [f"{file}: accepted" for file in files]
    done = run(target, "mutate", tmp_path / "seeds", COUNTS[target], FUZZ_FAULTS=str(tmp_path))
    print(done.stdout)
    assert done.returncode == 0 and "faults 0" in done.stdout, done.stdout
    found = totals(done)
    assert set(found) == KINDS[target]
    for kind, (accepted, refused) in found.items():
        assert accepted + refused == COUNTS[target] and accepted > 0 and refused > 0, (kind, done.stdout)


FAULTS = {
    "overrun": ("reported by a sanitizer", "heap-buffer-overflow"), "overflow": ("reported by a sanitizer", "signed integer overflow"),
    "abort": ("reported by a sanitizer", "ABRT"), "kill": ("killed by a signal: Killed", ""), "hang": ("hangs", ""),
    "length": ("throws what it does not document", "std::length_error"), "huge": ("reported by a sanitizer", "out of memory"),
    "memory": ("takes too much memory", ""), "leak": ("leaks memory", "100 byte"), "open": ("leaves a file open", ""),
    "exit": ("ends the process as if all were well", ""), "silent": ("throws what it does not document", "not one plain line"),
    "lines": ("throws what it does not document", "not one plain line"),
}


@pytest.mark.parametrize("word", FAULTS)
def test_driver_notices(word, tmp_path):
    fault, details = FAULTS[word]
    (tmp_path / word).write_text(word)
    done = run("broken", "run", tmp_path / word, FUZZ_SECONDS="2" if word == "hang" else "20", FUZZ_MEGABYTES="500")
    assert done.returncode == 1 and f"{word}: {fault}\n" in done.stdout and details in done.stdout, done.stdout


def test_driver_saves_what_does_harm_and_goes_on(tmp_path):
    (tmp_path / "seeds").mkdir()
    (tmp_path / "seeds/word").write_text("aboru")  # one changed bit away from harm
    done = run("broken", "mutate", tmp_path / "seeds", 2000, FUZZ_FAULTS=str(tmp_path / "faults"))
    assert done.returncode == 1 and re.search(r"accepted \d+, refused \d+, faults [1-5] ", done.stdout), done.stdout
    saved = sorted((tmp_path / "faults").iterdir())
    assert saved and all(file.read_bytes() == b"abort" for file in saved), saved
    again = run("broken", "run", saved[0])
    assert again.returncode == 1 and f"{saved[0]}: reported by a sanitizer" in again.stdout, again.stdout


def test_driver_makes_the_same_inputs_of_the_same_seed(tmp_path):
    seeds.make("table", PROGRAMS, tmp_path)
    first, same, other = (totals(run("table", "mutate", tmp_path, 300, number)) for number in (1, 1, 2))
    assert first == same and first != other

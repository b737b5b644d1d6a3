"""IDX files that are cut, damaged, mixed up or of another kind: refused in one line with the file; no files left."""
import gzip
import os
import struct

import pytest
from support import runs

USAGE = 2
COUNT, SIDE = 6, 4
PIXELS = bytes(i % 251 for i in range(COUNT * SIDE * SIDE))
IMAGES = struct.pack(">IIII", 0x803, COUNT, SIDE, SIDE) + PIXELS
LABELS = struct.pack(">II", 0x801, COUNT) + bytes([0, 1, 2] * 2)
ENDLESS = 2**32 - 1


def images(count=COUNT, height=SIDE, width=SIDE, pixels=PIXELS, magic=0x803):
    return struct.pack(">IIII", magic, count, height, width) + pixels


def labels(count=COUNT, values=LABELS[8:], magic=0x801):
    return struct.pack(">II", magic, count) + values


def damaged_gzip():
    packed = bytearray(gzip.compress(IMAGES, mtime=0))
    packed[len(packed) // 2] ^= 0x10
    return bytes(packed)


def wrong_checksum():
    packed = bytearray(gzip.compress(IMAGES, mtime=0))
    packed[-6] ^= 1
    return bytes(packed)


BAD = {  # name: (images, labels, words of the error)
    "empty": (b"", LABELS, ["images ends inside its header", "fetch the file again"]),
    "text": (b"<html>404 Not Found</html>", LABELS, ["images is not an IDX file of images", "0x3C68746D", "expected 0x00000803"]),
    "wrong-magic": (images(magic=0x802), LABELS, ["images is not an IDX file of images", "0x00000802, expected 0x00000803"]),
    "float-images": (images(magic=0xD03, pixels=PIXELS * 4), LABELS, ["images is not an IDX file of images", "0x00000D03, expected 0x00000803"]),
    "labels-as-images": (LABELS, LABELS, ["images is not an IDX file of images", "(these are labels)"]),
    "images-as-labels": (IMAGES, IMAGES, ["labels is not an IDX file of labels", "(these are images)"]),
    "cut-header": (IMAGES[:9], LABELS, ["images ends inside its header", "fetch the file again"]),
    "cut-images": (IMAGES[:-5], LABELS, ["images holds 91 bytes of data, its header announces 96", "cut short: fetch it again"]),
    "cut-labels": (IMAGES, LABELS[:-1], ["labels holds 5 bytes of data, its header announces 6", "cut short: fetch it again"]),
    "surplus": (IMAGES + b"x", LABELS, ["images holds more than the 96 bytes", "fetch the file again"]),
    "fewer-labels": (IMAGES, labels(5, bytes(5)), ["holds 6 images, but", "holds 5 labels", "give the two files of one set"]),
    "more-labels": (IMAGES, labels(7, bytes(7)), ["holds 6 images, but", "holds 7 labels", "give the two files of one set"]),
    "damaged-gzip": (damaged_gzip(), LABELS, ["images cannot be unpacked", "fetch the file again"]),
    "gzip-with-wrong-checksum": (wrong_checksum(), LABELS, ["images cannot be unpacked", "fetch the file again"]),
    "cut-gzip": (gzip.compress(IMAGES)[:-9], LABELS, ["images is cut short", "fetch the file again"]),
    "gzip-of-gzip": (gzip.compress(gzip.compress(IMAGES, mtime=0)), LABELS, ["images is not an IDX file of images", "0x1F8B0800"]),
    "no-images": (images(0, pixels=b""), labels(0, b""), ["announces 0 images", "expected at least one"]),
    "no-labels": (IMAGES, labels(0, b""), ["labels announces no labels"]),
    "no-height": (images(height=0, pixels=b""), LABELS, ["announces 6 images of 0x4", "sides of 1 to 4096"]),
    "endless-count": (images(ENDLESS), LABELS, ["announces 4294967295 images", "at most"]),
    "endless-sides": (images(height=ENDLESS, width=ENDLESS), LABELS, ["of 4294967295x4294967295", "sides of 1 to 4096"]),
    "endless-labels": (IMAGES, labels(ENDLESS), ["labels holds 6 bytes of data, its header announces 4294967295"]),
}


def prepare(folder, *more, **how):
    return runs.pleat("prepare", "--idx-images", folder / "images", "--idx-labels", folder / "labels", *more, "--out", folder / "crops.h5",
                      timeout=60, **how)


def check(done, words, folder, code=3):
    before = {"images", "labels", "test-images", "test-labels"}
    line = runs.refusal(done, code)
    for word in words:
        assert word in line
    assert set(os.listdir(folder)) <= before


@pytest.mark.parametrize("name", BAD)
def test_a_bad_idx_file_is_refused_in_one_line_and_leaves_nothing(tmp_path, name):
    of_images, of_labels, words = BAD[name]
    (tmp_path / "images").write_bytes(of_images)
    (tmp_path / "labels").write_bytes(of_labels)
    check(prepare(tmp_path), words, tmp_path)


NO_FILES = {  # name: (function that makes it, words of the error)
    "not-there": (lambda path: None, ["No such file"]),
    "folder": (os.mkdir, ["a folder, expected an IDX file"]),
    "pipe": (os.mkfifo, ["a pipe or a device, expected an IDX file"]),
    "dead-link": (lambda path: path.symlink_to("moved away"), ["No such file"]),
}


@pytest.mark.parametrize("name", NO_FILES)
def test_what_is_no_readable_file_is_no_idx_file(tmp_path, name):
    make, words = NO_FILES[name]
    make(tmp_path / "images")
    (tmp_path / "labels").write_bytes(LABELS)
    check(prepare(tmp_path), ["images", *words], tmp_path)


def test_a_file_that_may_not_be_read_is_named(locked_out):
    folder, user = locked_out
    (folder / "images").write_bytes(IMAGES)
    (folder / "labels").write_bytes(LABELS)
    for locked in (folder / "images", folder / "labels"):
        locked.chmod(0)
        check(prepare(folder, user=user), [str(locked), "Permission denied"], folder)
        locked.chmod(0o644)


@pytest.mark.parametrize("flag, file", [("--idx-test-images", "test-images"), ("--idx-test-labels", "test-labels")], ids=["no-test-labels", "no-test-images"])
def test_half_of_a_pair_is_refused(tmp_path, flag, file):
    for name, content in {"images": IMAGES, "labels": LABELS, "test-images": IMAGES, "test-labels": LABELS}.items():
        (tmp_path / name).write_bytes(content)
    check(prepare(tmp_path, flag, tmp_path / file), ["come in pairs", "--idx-test-images with --idx-test-labels"], tmp_path, USAGE)


def test_images_without_labels_are_refused(tmp_path):
    (tmp_path / "images").write_bytes(IMAGES)
    done = runs.pleat("prepare", "--idx-images", tmp_path / "images", "--out", tmp_path / "crops.h5")
    check(done, ["come in pairs", "--idx-images with --idx-labels"], tmp_path, USAGE)


def test_two_sets_of_other_sizes_are_refused(tmp_path):
    (tmp_path / "images").write_bytes(IMAGES)
    (tmp_path / "labels").write_bytes(LABELS)
    (tmp_path / "test-images").write_bytes(images(height=2, width=8))
    (tmp_path / "test-labels").write_bytes(LABELS)
    done = prepare(tmp_path, "--idx-test-images", tmp_path / "test-images", "--idx-test-labels", tmp_path / "test-labels")
    check(done, ["images of 4x4, but", "test-images of 2x8", "give two sets of one size"], tmp_path)


def test_whole_files_plain_or_packed_are_taken(tmp_path):
    for pack in (bytes, gzip.compress):
        (tmp_path / "images").write_bytes(pack(IMAGES))
        (tmp_path / "labels").write_bytes(pack(LABELS))
        done = prepare(tmp_path)
        assert done.returncode == 0, done.stdout

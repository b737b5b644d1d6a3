"""Crops files that are cut, changed, foreign or malicious: refused in one line with the file and the remedy. Nothing is
read from where they point, and no run folder is made."""
import os
import shutil
import zlib

import h5py
import numpy
import pytest
from support import runs

ROWS = 60
SHAPE = (ROWS, runs.SIDE, runs.SIDE, 1)
QUICK = {"folds": "{k: 2}", "train": "{epochs: 1, batch: 16, precision: fp32, augment: {pad: 0}}"}
REMEDY = "make it again with pleat prepare"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return runs.prepare(tmp_path_factory.mktemp("whole"), rows=ROWS - 10, test_rows=10)


@pytest.fixture(scope="module")
def finished(whole, tmp_path_factory):
    """A run to predict with."""
    folder = tmp_path_factory.mktemp("finished")
    done = runs.pleat("train", runs.write_config(folder / "config.yaml", whole, **QUICK), "--run", folder / "run")
    assert done.returncode == 0, done.stdout
    return folder / "run"


def remake(file, name, *arguments, **how):
    del file[name]
    return file.create_dataset(name, *arguments, **how)


def text_column(file, name, values):
    """Stores it like pleat prepare, with a checksum."""
    width = max(map(len, values))
    kind = h5py.h5t.C_S1.copy()
    kind.set_size(width)
    kind.set_strpad(h5py.h5t.STR_NULLPAD)
    kind.set_cset(h5py.h5t.CSET_UTF8)
    packed = numpy.array(values, f"S{width}")
    if f"table/{name}" in file:
        del file[f"table/{name}"]
    dataset = h5py.h5d.create(file["table"].id, name.encode(), kind, h5py.h5s.create_simple((len(values),)))
    dataset.write(h5py.h5s.ALL, h5py.h5s.ALL, packed, mtype=kind)
    h5py.Dataset(dataset).attrs.create("crc32", zlib.crc32(packed.tobytes()), dtype="<u4")


def in_another_file(file):
    remake(file, "images", SHAPE, "u1", external=[(os.path.join(os.path.dirname(file.filename), "raw"), 0, h5py.h5f.UNLIMITED)])


def virtual(file):
    layout = h5py.VirtualLayout(SHAPE, "u1")
    layout[:] = h5py.VirtualSource("other.h5", "images", SHAPE)
    del file["images"]
    file.create_virtual_dataset("images", layout)


def virtual_of_a_pipe(file):
    """If HDF5 is asked for its shape, it opens the pipe and waits for ever."""
    pipe = os.path.join(os.path.dirname(file.filename), "pipe")
    space = h5py.h5s.create_simple(SHAPE, (h5py.h5s.UNLIMITED, *SHAPE[1:]))
    space.select_hyperslab((0, 0, 0, 0), (1, 1, 1, 1), block=(h5py.h5s.UNLIMITED, *SHAPE[1:]))
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_virtual(space, pipe.encode(), b"/images", space)
    del file["images"]
    h5py.h5d.create(file.id, b"images", h5py.h5t.STD_U8LE, space, properties)
    os.mkfifo(pipe)


def fewer_images(file):
    images = file["images"][: ROWS - 10]
    remake(file, "images", data=images)


def more_in_the_table(file):
    text_column(file, "label", ["1"] * (ROWS + 5))


def same_id_twice(file):
    ids = [value.decode() for value in file["table/id"][:]]
    text_column(file, "id", [ids[1], *ids[1:]])


def unknown_split(file):
    text_column(file, "split", ["train"] * (ROWS - 1) + ["holdout"])


def foreign(file):
    for name in list(file):
        del file[name]
    for name in list(file.attrs):
        del file.attrs[name]
    file["model_weights"] = numpy.ones((3, 3), numpy.float32)


def link(target):
    return lambda file: (file.__delitem__("images"), file.__setitem__("images", target))


CHANGED = {  # name: (change to a whole file, words of the error)
    "absurd-rows-chunked": (lambda f: remake(f, "images", (2**40, *SHAPE[1:]), "u1", chunks=(1, *SHAPE[1:])), ["'images'", "not stored contiguously"]),
    "absurd-rows": (lambda f: remake(f, "images", (2**40, *SHAPE[1:]), "u1"), ["'images' has shape 1099511627776x12x12x1", "expected rows"]),
    "many-rows-without-storage": (lambda f: remake(f, "images", (2**30, *SHAPE[1:]), "u1"), ["'images' has no storage"]),
    "absurd-sides": (lambda f: remake(f, "images", (ROWS, 2**20, 2**20, 1), "u1"), ["1048576x1048576", "sides up to 16384"]),
    "no-rows": (lambda f: remake(f, "images", (0, *SHAPE[1:]), "u1"), ["shape 0x12x12x1"]),
    "two-channels": (lambda f: remake(f, "images", (*SHAPE[:3], 2), "u1"), ["x2, expected rows x height x width x 1 or 3"]),
    "external-link": (link(h5py.ExternalLink("other.h5", "/images")), ["'images' is a link to somewhere else"]),
    "external-storage": (in_another_file, ["'images' is stored in another file"]),
    "soft-link": (link(h5py.SoftLink("/table/id")), ["'images' is a link to somewhere else"]),
    "soft-link-loop": (link(h5py.SoftLink("/images")), ["'images' is a link to somewhere else"]),
    "table-in-a-loop": (lambda f: f.__setitem__("table/more", f["table"]), ["cannot open a dataset"]),
    "virtual": (virtual, ["'images' is not stored contiguously"]),
    "virtual-of-a-pipe": (virtual_of_a_pipe, ["'images' is not stored contiguously"]),
    "floats": (lambda f: remake(f, "images", data=numpy.zeros(SHAPE, "f4")), ["'images' has another number type"]),
    "signed-bytes": (lambda f: remake(f, "images", data=numpy.zeros(SHAPE, "i1")), ["'images' has another number type"]),
    "three-dimensions": (lambda f: remake(f, "images", data=numpy.zeros(SHAPE[:3], "u1")), ["'images' has 3 dimensions, expected 4"]),
    "chunked": (lambda f: remake(f, "images", data=f["images"][:], chunks=(1, *SHAPE[1:])), ["'images' is not stored contiguously"]),
    "compressed": (lambda f: remake(f, "images", data=f["images"][:], compression="gzip"), ["'images' is not stored contiguously"]),
    "fewer-images-than-rows": (fewer_images, ["'valid' disagrees with the shape of 'images'"]),
    "longer-column": (more_in_the_table, ["column 'label' has 65 rows, 'images' has 60"]),
    "variable-length-text": (lambda f: remake(f, "table/label", data=["1"] * ROWS, dtype=h5py.string_dtype()), ["'label' is not fixed-length"]),
    "numbers-for-text": (lambda f: remake(f, "table/label", data=numpy.ones(ROWS)), ["'label' is not fixed-length"]),
    "no-images": (lambda f: f.__delitem__("images"), ["'images' is missing"]),
    "no-valid": (lambda f: f.__delitem__("valid"), ["'valid' is missing"]),
    "no-crc32": (lambda f: f.__delitem__("crc32"), ["'crc32' is missing"]),
    "no-table": (lambda f: f.__delitem__("table"), ["'table' is missing"]),
    "no-ids": (lambda f: f.__delitem__("table/id"), ["column 'id' is missing"]),
    "no-provenance": (lambda f: f.__delitem__("provenance"), ["'provenance' is missing"]),
    "same-id-twice": (same_id_twice, ["row 1", "id 'train-1'", "row 0", "ids must differ"]),
    "newer": (lambda f: f.attrs.modify("schema", 2), ["was made by a newer pleat", "schema version is 2, this program reads 1", "update this program"]),
    "foreign": (foreign, ["is HDF5, but not made by pleat prepare", "give the crops file"]),
}
WITHOUT_REMEDY = {"newer", "foreign", "no-ids", "same-id-twice"}  # have other remedies, among their words


def flip(path, name):
    """Changes a byte of the dataset without HDF5."""
    with h5py.File(path) as file:
        at = file[name].id.get_offset()
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def cut(path, share):
    os.truncate(path, int(os.path.getsize(path) * share))


def replaced(path, make):
    path.unlink()
    make(path)


DAMAGED = {  # name: (damage to the path of a whole file, words of the error)
    "changed-column": (lambda path: flip(path, "table/label"), ["column 'label' has the wrong checksum", REMEDY]),
    "changed-flag": (lambda path: flip(path, "valid"), ["row 0 (id 'train-0') has a wrong 'valid' flag", REMEDY]),
    "cut-10": (lambda path: cut(path, 0.1), ["is not a whole crops file", REMEDY]),
    "cut-50": (lambda path: cut(path, 0.5), ["is not a whole crops file", REMEDY]),
    "cut-90": (lambda path: cut(path, 0.9), ["is not a whole crops file", REMEDY]),
    "cut-99": (lambda path: cut(path, 0.99), ["is not a whole crops file", REMEDY]),
    "empty": (lambda path: path.write_bytes(b""), ["is not a whole crops file", REMEDY]),
    "zeros": (lambda path: path.write_bytes(bytes(9000)), ["is not a whole crops file", REMEDY]),
    "text": (lambda path: path.write_text("id,path\na,1.png\n" * 99), ["is not a whole crops file", REMEDY]),
    "folder": (lambda path: replaced(path, os.mkdir), ["is not a file but a folder", "expected one made by pleat prepare"]),
    "pipe": (lambda path: replaced(path, os.mkfifo), ["is not a file but a pipe or a device"]),
    "not-there": (os.unlink, ["No such file", "make it with pleat prepare"]),
    "dead-link": (lambda path: replaced(path, lambda link: link.symlink_to("moved away.h5")), ["a link to moved away.h5, which is not there"]),
    "link-loop": (lambda path: replaced(path, lambda link: link.symlink_to("bad.h5")), ["leads back to itself"]),
}


def in_hdf5(change):
    def changed(path):
        with h5py.File(path, "r+") as file:
            change(file)
    return changed


BAD = {name: (in_hdf5(change), words if name in WITHOUT_REMEDY else [*words, "is not a whole crops file", REMEDY])
       for name, (change, words) in CHANGED.items()} | DAMAGED


@pytest.fixture
def bad(request, whole, tmp_path):
    """(the crops file, words of the error)"""
    change, words = BAD[request.param]
    path = tmp_path / "bad.h5"
    shutil.copy(whole, path)
    change(path)
    return path, words


def check(done, bad):
    path, words = bad
    line = runs.refusal(done)
    for word in [str(path), *words]:
        assert word in line


@pytest.mark.parametrize("bad", BAD, indirect=True)
def test_a_bad_crops_file_is_refused_in_one_line_before_there_is_a_run(bad, tmp_path):
    config = runs.write_config(tmp_path / "config.yaml", bad[0], **QUICK)
    check(runs.pleat("train", config, "--run", tmp_path / "run", timeout=60), bad)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("bad", BAD, indirect=True)
def test_verify_says_the_same(bad, tmp_path):
    before = sorted(os.listdir(tmp_path))
    check(runs.pleat("prepare", "--verify", bad[0], timeout=60), bad)
    assert sorted(os.listdir(tmp_path)) == before


@pytest.mark.parametrize("bad", ["cut-90", "pipe", "newer", "foreign", "changed-column"], indirect=True)
def test_predict_says_the_same(finished, bad, tmp_path):
    check(runs.pleat("predict", "--run", finished, "--crops", bad[0], "--out", tmp_path / "p.csv", timeout=60), bad)
    assert not (tmp_path / "p.csv").exists()


def test_a_file_that_may_not_be_read_is_named(whole, locked_out):
    folder, user = locked_out
    shutil.copy(whole, folder / "bad.h5")
    (folder / "bad.h5").chmod(0)
    config = runs.write_config(folder / "config.yaml", folder / "bad.h5", **QUICK)
    for arguments in (["train", config, "--run", folder / "run"], ["prepare", "--verify", folder / "bad.h5"]):
        check(runs.pleat(*arguments, timeout=60, user=user), (folder / "bad.h5", ["Permission denied", "permissions"]))
    assert sorted(os.listdir(folder)) == ["bad.h5", "config.yaml"]


def test_an_unknown_split_in_a_crops_file_is_named(whole, tmp_path):
    """pleat prepare makes no such file: it refuses the split in the table."""
    shutil.copy(whole, tmp_path / "bad.h5")
    in_hdf5(unknown_split)(tmp_path / "bad.h5")
    config = runs.write_config(tmp_path / "config.yaml", tmp_path / "bad.h5", **QUICK)
    line = runs.refusal(runs.pleat("train", config, "--run", tmp_path / "run"))
    for word in ["bad.h5", "row 'test-9'", "'holdout'", "train, unlabelled or test"]:
        assert word in line
    assert not (tmp_path / "run").exists()


def test_a_file_that_prepare_did_not_finish_is_named(whole, tmp_path):
    shutil.copy(whole, tmp_path / "crops.h5.partial")
    line = runs.refusal(runs.pleat("prepare", "--verify", tmp_path / "crops.h5.partial"))
    assert "crops.h5.partial was left by a pleat prepare that did not finish; run it again" in line

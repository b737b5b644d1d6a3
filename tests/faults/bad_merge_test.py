"""pleat ensemble refuses runs and tables that cannot be joined, in one line, and leaves nothing behind."""
import json
import re
import shutil

import h5py
import numpy
import pytest
from support import exports, people, runs

USAGE, DATA = 2, 3
BASE = {"folds.k": 3, "targets": people.TARGETS[:2]}


def run_on(folder, name, crops, changes=(), *arguments):
    config = people.write_config(folder / f"{name}.yaml", crops, BASE | dict(changes))
    exports.pleat("train", config, "--run", folder / name, *arguments)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Runs that differ from `a` in one thing each."""
    folder = tmp_path_factory.mktemp("bad_merge")
    crops = people.prepare(folder)
    run_on(folder, "a", crops)
    run_on(folder, "alike", crops, {"train.lr": 1e-3})
    run_on(folder, "seed", crops, {"seed": 8})
    run_on(folder, "k", crops, {"folds.k": 2})
    run_on(folder, "limit", crops, {"data.limit": 60})
    run_on(folder, "classes", crops, {"targets": [{"name": "mask", "classes": ["wear", "none", "bad"]}, {"name": "gender"}]})
    folds = f"folds.file={folder / 'a/folds.csv'}"
    run_on(folder, "rest", crops, {"data.limit": 60, "data.rest": "unlabelled"})
    run_on(folder, "targets", crops, {"targets": people.TARGETS[:1]}, "--set", folds)
    for name, edge in (("numbers", 40), ("edges", 50)):
        targets = [{"name": "age", "edges": [30, edge], "classes": ["young", "middle", "old"]}]
        run_on(folder, name, crops, {"targets": targets}, "--set", folds)
    other = people.rows()
    other["r0"]["person"] = "someone"
    run_on(folder, "data", people.prepare(folder / "data_of", other))
    exports.pleat("ensemble", folder / "a", folder / "alike", "--out", folder / "merged")
    return folder


def refusal(tmp_path, *arguments, code=DATA):
    line = runs.refusal(runs.pleat("ensemble", *arguments, "--out", tmp_path / "above/out"), code)
    assert not (tmp_path / "above").exists()
    return line


@pytest.mark.parametrize("other, words", [
    ("data", "was trained on other data"),
    ("seed", "has other folds than"),
    ("k", "has 2 folds and 1 repeat, but"),
    ("limit", "has other rows in its folds"),
    ("targets", "predicts mask, but"),
    ("classes", "target mask has the classes wear, none, bad in"),
])
def test_runs_of_another_experiment(made, tmp_path, other, words):
    line = refusal(tmp_path, made / "a", made / other)
    assert words in line and str(made / other) in line and str(made / "a") in line
    if other in ("seed", "k", "limit"):
        assert f"train with --set folds.file={made / 'a/folds.csv'}" in line


def test_runs_that_predict_other_rows(made, tmp_path):
    line = refusal(tmp_path, made / "limit", made / "rest")
    assert "predicts 40 unlabelled rows and" in line and "predicts 4 unlabelled rows; train with the same data.limit" in line


def test_a_run_given_twice(made, tmp_path):
    (tmp_path / "link").symlink_to(made / "a")
    assert "is given twice" in refusal(tmp_path, made / "a", tmp_path / "link", code=USAGE)


def test_runs_with_other_edges(made, tmp_path):
    assert "target age has other labels" in refusal(tmp_path, made / "numbers", made / "edges")


def flip(name):
    return lambda run: exports.flip_a_byte(next(run.glob(f"round_0/mask/resnet20/fold_1/{name}.safetensors")))


@pytest.mark.parametrize("spoil, words", [
    pytest.param(flip("predictions"), "predictions.safetensors was changed", id="predictions"),
    pytest.param(flip("weights"), "weights.safetensors was changed", id="weights"),
    pytest.param(lambda run: (run / "round_0/mask/resnet20/fold_1/done.json").write_text("{}"), "done.json is damaged", id="done"),
    pytest.param(lambda run: (run / "folds.csv").write_text((run / "folds.csv").read_text().replace(",0\n", ",x\n", 1)), "folds.csv", id="folds"),
    pytest.param(lambda run: shutil.rmtree(run / "round_0/gender/resnet20/fold_0"), "done.json", id="fold-missing"),
    pytest.param(lambda run: (run / "round_0/ensemble.json").unlink(), "holds no finished run", id="unfinished"),
])
def test_a_run_that_was_changed(made, tmp_path, spoil, words):
    shutil.copytree(made / "alike", tmp_path / "run")
    spoil(tmp_path / "run")
    assert words in refusal(tmp_path, made / "a", tmp_path / "run")


def test_swapped_rows_of_folds(made, tmp_path):
    """A folds.csv that is whole, but not the run's."""
    run = shutil.copytree(made / "alike", tmp_path / "run")
    text = (run / "folds.csv").read_text()
    (run / "folds.csv").write_text(re.sub(r",([012])$", lambda found: f",{(int(found[1]) + 1) % 3}", text, flags=re.M))
    assert "folds.csv was changed after the run was trained" in refusal(tmp_path, made / "a", run)


def test_folders_that_cannot_be_joined(made, tmp_path):
    assert "is an ensemble of several runs" in refusal(tmp_path, made / "merged")
    assert "holds no finished run" in refusal(tmp_path, made / "photos")
    shutil.copytree(made / "merged", made / "merged_and_more")
    (made / "merged_and_more/notes.txt").write_text("mine")
    shutil.copytree(made / "a", shutil.copytree(made / "merged", made / "merged_and_a_run") / "runs/mine")
    (tmp_path / "dead").symlink_to(tmp_path / "nowhere")
    (tmp_path / ".beside.partial").mkdir()
    (tmp_path / ".beside.partial/thesis.txt").write_text("mine")
    (tmp_path / "full").mkdir()
    (tmp_path / "full/notes.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for out, code, words in [
        (made / "a", USAGE, "is the run folder"), (made / "a/in", USAGE, "is inside the run folder"),
        (made, USAGE, f"{made / 'a'} is inside --out"), (tmp_path / "full", DATA, "holds more than an earlier ensemble of runs"),
        (tmp_path / "file", DATA, "is no folder"), (made / "merged_and_more", DATA, "holds more than an earlier ensemble of runs, which alone would be replaced (it has notes.txt)"),
        (made / "merged_and_a_run", DATA, "which alone would be replaced (it has mine)"), (tmp_path / "dead", DATA, "is no folder"),
        (tmp_path / "beside", DATA, "(it has thesis.txt)"), ("", USAGE, "a path is empty"),
    ]:
        done = runs.pleat("ensemble", made / "a", "--out", out)
        assert words in runs.refusal(done, code)
    assert (tmp_path / "full/notes.txt").read_text() == "mine" and {each.name for each in tmp_path.iterdir()} == {"full", "file", "dead", ".beside.partial"}


def test_inputs_inside_the_folder_to_replace(made, tmp_path):
    out = shutil.copytree(made / "merged", tmp_path / "out")
    for flags in (("--oof", f"t={out}/round_0/oof.h5"), ("--crops", f"{out}/crops.h5")):
        done = runs.pleat("ensemble", made / "a", *flags, "--out", out)
        assert "is inside --out" in runs.refusal(done, USAGE)
    assert exports.tree(out) == exports.tree(made / "merged")


@pytest.mark.parametrize("action", ["throw", "nospace", "stop"])
def test_an_ensemble_that_cannot_be_put_in_place_leaves_the_earlier_one(made, tmp_path, action):
    out = shutil.copytree(made / "merged", tmp_path / "out")
    point = "publish_ensemble" if action != "stop" else "link_network"
    done = runs.pleat("ensemble", made / "a", "--out", out, PLEAT_FAULT=f"{point}:1:{action}")
    assert done.returncode == (75 if action == "stop" else DATA), done.stdout
    assert exports.tree(out) == exports.tree(made / "merged") and {each.name for each in tmp_path.iterdir()} == {"out"}


def test_runs_beside_the_folder_where_the_ensemble_is_written(made, tmp_path):
    for name in (".out.partial", ".out.earlier"):
        run = shutil.copytree(made / "a", tmp_path / name)
        before = exports.tree(run)
        done = runs.pleat("ensemble", run, "--out", tmp_path / "out")
        assert "or a folder that it needs" in runs.refusal(done, USAGE) and exports.tree(run) == before


def spoiled(change):
    """Changes the description of an ensemble, as JSON."""
    def spoil(folder):
        file = folder / "round_0/ensemble.json"
        described = json.loads(file.read_text())
        file.write_text(json.dumps(change(described) or described))
    return spoil


@pytest.mark.parametrize("spoil, words", [
    pytest.param(spoiled(lambda json: json.update(runs=[])), "names no run", id="no-runs"),
    pytest.param(spoiled(lambda json: [json]), "is damaged", id="a-list"),
    pytest.param(spoiled(lambda json: json["runs"][0].update(name="../../a")), "has an odd run ('../../a', round 0)", id="a-run-elsewhere"),
    pytest.param(spoiled(lambda json: json["runs"][0].update(round=1e30)), "has an odd run ('a', round 1e+30)", id="odd-round"),
    pytest.param(spoiled(lambda json: json["targets"]["mask"].update(weights=[-5, 6])), "a weight is negative", id="negative-weights"),
    pytest.param(spoiled(lambda json: json["targets"]["mask"].update(method="zzz")), "the method 'zzz' does not fit", id="odd-method"),
    pytest.param(spoiled(lambda json: json.update(targets={})), "is damaged", id="no-target"),
    pytest.param(lambda folder: shutil.rmtree(folder / "runs/a"), "config.yaml is missing; run pleat ensemble again", id="no-run-folder"),
    pytest.param(lambda folder: exports.flip_a_byte(next(folder.glob("runs/*/round_0/*/*/fold_0/weights.safetensors"))),
                 "was changed after it was written; run pleat ensemble again", id="changed-weights"),
])
def test_an_ensemble_that_was_changed(made, tmp_path, spoil, words):
    out = tmp_path / "out"
    exports.pleat("ensemble", made / "a", made / "alike", "--out", out, "--method", "mean")
    for file in list(out.rglob("*.safetensors")):  # the links lead to the runs' own bytes
        data = file.read_bytes()
        file.unlink()
        file.write_bytes(data)
    spoil(out)
    for arguments in (("predict", "--run", out, "--crops", made / "crops.h5", "--out", tmp_path / "p.csv"), ("export", out, "--out", tmp_path / "e")):
        assert words in runs.refusal(runs.pleat(*arguments), DATA)


def test_notes_that_were_changed(made, tmp_path):
    run = shutil.copytree(made / "a", tmp_path / "run")
    (run / "summary.json").write_text(json.dumps(json.loads((run / "summary.json").read_text()) | {"notes": 5}))
    assert "summary.json is damaged" in refusal(tmp_path, run)


def test_crops_that_moved(made, tmp_path):
    run = shutil.copytree(made / "a", tmp_path / "run")
    (run / "config.yaml").write_text((run / "config.yaml").read_text().replace(f"{made}/crops.h5", f"{tmp_path}/gone.h5"))
    assert "gone.h5, the crops of" in refusal(tmp_path, run) and "give the file with --crops" in refusal(tmp_path, run)
    assert "is not the data that" in refusal(tmp_path, run, "--crops", made / "data_of/crops.h5")
    exports.pleat("ensemble", run, "--crops", made / "crops.h5", "--out", tmp_path / "out")


def table_of(made):
    """A good table of the run `a`: {id: {column: text}}, out-of-fold for train rows, with test and unlabelled rows."""
    table = {}
    with h5py.File(made / "a/round_0/oof.h5") as oof:
        for i, id in enumerate(oof["ids"][:]):
            row = table.setdefault(id.decode(), {"fold": str(oof["folds"][0, i])})
            for target in ("mask", "gender"):
                for c, name in enumerate(oof[f"targets/{target}/classes"][:]):
                    row[f"{target}:{name.decode()}"] = repr(float(oof[f"targets/{target}/ensemble"][i, c]))
    for id, row in exports.rows_of(made / "a/predictions.csv").items():
        table[id] = {column: row.get(column, "") for column in table["r0"]}
    return table


def edit(**values):
    """Sets columns of row r5; : is written as two underscores."""
    return lambda table: table["r5"].update({key.replace("__", ":"): value for key, value in values.items()})


def drop_column(name):
    return lambda table: [row.pop(name) for row in table.values()]


def rename(old, new):
    return lambda table: [row.update({new: row.pop(old)}) for row in table.values()]


TABLES = {  # what is done to a good table, and words of the error
    "row-missing": (lambda table: table.pop("r5"), "has 95 of 96 train rows; row 'r5' is missing"),
    "no-train-rows": (lambda table: [table.pop(id) for id in list(table) if table[id]["fold"]], "has 0 of 96 train rows"),
    "test-row-missing": (lambda table: table.pop("r100"), "has 11 of 12 test rows; row 'r100' is missing"),
    "unlabelled-row-missing": (lambda table: table.pop("r110"), "has 3 of 4 unlabelled rows; row 'r110' is missing"),
    "unknown-row": (lambda table: table.update(stranger=table["r5"]), "has the row 'stranger', which is none of the runs' rows"),
    "nan": (edit(mask__wear="nan"), "row 'r5', target mask: nan is no probability"),
    "text": (edit(mask__wear="high"), "column 'mask:wear' says 'high', which is not a number"),
    "negative": (edit(gender__f="-0.5", gender__m="1.5"), "row 'r5', target gender: -0.5 is no probability"),
    "sum": (edit(gender__f="0.5", gender__m="0.6"), "row 'r5', target gender: the probabilities sum to 1.1; expected 1"),
    "class-missing": (drop_column("mask:bad"), "column 'mask:bad' is missing"),
    "other-class": (rename("mask:bad", "mask:worse"), "column 'mask:worse' is of no class of target mask"),
    "target-missing": (lambda table: [drop_column(f"gender:{name}")(table) for name in "fm"], "has no predictions of target gender"),
    "no-target": (lambda table: [row.pop(key) for row in table.values() for key in list(row) if ":" in key], "has no predictions of mask, gender"),
    "other-fold": (lambda table: table["r5"].update(fold=str((int(table["r5"]["fold"]) + 1) % 3)), "was made with other folds: row 'r5'"),
    "fold-text": (edit(fold="first"), "column 'fold' says 'first', which is not a whole number"),
    "no-fold": (edit(fold=""), "was made with other folds: row 'r5' is in none and not"),
    "fold-half": (edit(fold="1.5"), "column 'fold' says '1.5'"),
    "fold-below-0": (edit(fold="-3"), "has the fold -3; expected one from 0"),
}


def write_csv(path, table, twice=()):
    columns = ["id", *next(iter(table.values()))]
    lines = [",".join([id, *row.values()]) for id, row in table.items()] + [",".join([id, *table[id].values()]) for id in twice]
    path.write_text("\n".join([",".join(columns), *lines]) + "\n")
    return path


@pytest.mark.parametrize("case", TABLES)
def test_tables_that_do_not_fit(made, tmp_path, case):
    spoil, words = TABLES[case]
    table = table_of(made)
    spoil(table)
    line = refusal(tmp_path, made / "a", "--oof", f"t={write_csv(tmp_path / 't.csv', table)}")
    assert words in line and "t.csv" in line


def test_a_repeated_row(made, tmp_path):
    file = write_csv(tmp_path / "t.csv", table_of(made), twice=["r5"])
    line = refusal(tmp_path, made / "a", "--oof", f"t={file}")
    assert "'r5'" in line and "line" in line


def test_files_that_are_no_tables(made, tmp_path):
    for name, content in {"empty.csv": b"", "binary.csv": b"\x00\x01\x02", "cut.h5": b"\x89HDF\r\n\x1a\n" + bytes(50)}.items():
        (tmp_path / name).write_bytes(content)
        assert name in refusal(tmp_path, made / "a", "--oof", f"t={tmp_path / name}")
    assert "No such file" in refusal(tmp_path, made / "a", "--oof", f"t={tmp_path / 'none.csv'}")


def as_hdf5(path, made, change):
    """The run's own oof.h5 with a change."""
    shutil.copy(made / "a/round_0/oof.h5", path)
    with h5py.File(path, "r+") as file:
        change(file)
    return path


def replace(name, value):
    def change(file):
        del file[name]
        file[name] = value(file) if callable(value) else value
    return change


def layout_elsewhere(file):
    del file["targets/mask/ensemble"]
    layout = h5py.VirtualLayout((96, 3), "f8")
    layout[:] = h5py.VirtualSource("other.h5", "x", (96, 3))
    return layout


@pytest.mark.parametrize("change, words", [
    pytest.param(replace("targets/mask/classes", numpy.array([b"wear", b"none", b"bad"])), "has its classes in another order", id="order"),
    pytest.param(replace("targets/mask/classes", numpy.array([b"a", b"b", b"c"])), "has other classes: a, b, c; expected", id="classes"),
    pytest.param(replace("targets/mask/ensemble", numpy.full((96, 3), numpy.nan)), "is no probability", id="nan"),
    pytest.param(replace("targets/mask/ensemble", numpy.full((96, 2), 0.5)), "is [96, 2]; expected [96, 3]", id="shape"),
    pytest.param(replace("targets/mask/ensemble", numpy.full(96, 0.5)), "it has 1 dimensions; expected 2", id="flat"),
    pytest.param(replace("ids", numpy.array([b"same"] * 96)), "the id 'same' appears twice", id="repeated"),
    pytest.param(replace("ids", [f"r{i}" for i in range(96)]), "its texts have variable length; write them with a fixed one", id="long-texts"),
    pytest.param(replace("folds", numpy.zeros((1, 5), int)), "folds and ids have different sizes", id="folds"),
    pytest.param(lambda file: file.__delitem__("ids"), "is not a table of predictions: ids: it is missing", id="no-ids"),
    pytest.param(replace("targets/mask/ensemble", h5py.ExternalLink("other.h5", "/x")), "is a link to somewhere else", id="external-link"),
    pytest.param(lambda file: file.create_virtual_dataset("targets/mask/ensemble", layout_elsewhere(file)), "its values are in another file", id="virtual"),
    pytest.param(lambda file: file.__delitem__("targets"), "has no predictions of mask, gender", id="no-targets"),
])
def test_hdf5_tables_that_do_not_fit(made, tmp_path, change, words):
    file = as_hdf5(tmp_path / "t.h5", made, change)
    assert words in refusal(tmp_path, made / "a", "--oof", f"t={file}")


def test_an_hdf5_table_as_h5py_writes_it(made, tmp_path):
    """Probabilities in float32, some compressed; rows in another order."""
    with h5py.File(made / "a/round_0/oof.h5") as oof, h5py.File(tmp_path / "t.h5", "w") as file:
        file["ids"] = numpy.char.encode([id.decode() for id in oof["ids"][:]][::-1], "utf-8")
        for target in ("mask", "gender"):
            file[f"targets/{target}/classes"] = oof[f"targets/{target}/classes"][:]
            probs = oof[f"targets/{target}/ensemble"][:][::-1].astype("float32")
            file.create_dataset(f"targets/{target}/ensemble", data=probs, compression="gzip" if target == "mask" else None)
    exports.pleat("ensemble", made / "a", "--oof", f"t={tmp_path / 't.h5'}", "--out", tmp_path / "out")
    assert "t" in json.loads((tmp_path / "out/round_0/ensemble.json").read_text())["targets"]["mask"]["models"]
    with h5py.File(made / "a/round_0/oof.h5") as oof, h5py.File(tmp_path / "out/round_0/oof.h5") as mine:
        assert numpy.allclose(mine["targets/mask/models/t/probs"], oof["targets/mask/ensemble"], atol=1e-6)


@pytest.mark.parametrize("flags, words", [
    pytest.param(("--oof", "t"), "--oof t is not NAME=FILE", id="no-name"),
    pytest.param(("--oof", "a:b=x.csv"), "--oof: the name 'a:b' names a folder", id="odd-name"),
    pytest.param(("--oof", ".=x.csv"), "names a folder", id="dot"),
    pytest.param(("--oof", "a=x.csv"), "the name 'a' is taken", id="name-of-a-run"),
    pytest.param(("--oof", "t=x.csv", "--oof", "t=y.csv"), "the name 't' is taken", id="name-twice"),
    pytest.param(("--method", "median"), "median", id="unknown-method"),
])
def test_flags(made, tmp_path, flags, words):
    assert words in refusal(tmp_path, made / "a", *flags, code=USAGE)

"""pleat export: Python alone predicts what pleat does, and no half or foreign folder comes out of it."""
import csv
import importlib.util
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys

import h5py
import numpy
import pytest
import torch
from PIL import Image
from support import runs

ROOT = pathlib.Path(__file__).resolve().parents[2]
USAGE, DATA, STOPPED = 2, 3, 75
FP32 = ("--set", "train.precision=fp32")
TRAIN = "{epochs: 1, batch: 16, lr: 3e-3}"


def pleat(*arguments, **how):
    done = runs.pleat(*arguments, **how)
    assert done.returncode == 0, done.stdout
    return done


def write_photos(folder):
    """Photos of all sizes, a corner of which tells mask, gender and age. Their table: 36 train, 6 test, 6 unlabelled."""
    rng = random.Random(1)
    (folder / "photos").mkdir()
    lines = ["id,path,mask,gender,age,split"]
    for i in range(48):
        mask, gender, age = i % 3, i // 3 % 2, 15 + 7 * i % 60
        width, height = rng.randrange(14, 60), rng.randrange(14, 60)
        pixels = numpy.random.default_rng(i).normal(100, 50, (height, width, 3))
        pixels[: height // 2, : width // 2, mask] += 80
        pixels[height // 2:] += 60 * gender
        pixels[:, width // 2:, 2] += age
        path = f"{i}.{('png', 'jpg')[i % 2]}"
        Image.fromarray(pixels.clip(0, 255).astype("uint8")).save(folder / "photos" / path)
        split = "train" if i < 36 else "test" if i < 42 else "unlabelled"
        lines.append(f"p{i},{path},{('no', 'wear', 'wrong')[mask]},{'fm'[gender]},{age},{split}")
    (folder / "t.csv").write_text("\n".join(lines) + "\n")
    return folder / "t.csv", folder / "photos"


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    table, images = write_photos(folder)
    prepare(table, images, folder / "crops.h5")
    return folder


def prepare(table, images, out):
    pleat("prepare", "--table", table, "--images", images, "--size", "12x14", "--crop", "center", "--out", out)


def script_with_a_constant(path, classes):
    """A TorchScript network with a buffer that Python keeps out of the state, as launch/export_model.py writes it."""
    class Small(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = torch.nn.Conv2d(3, 8, 3, 2, 1)
            self.norm = torch.nn.BatchNorm2d(8)
            self.fc = torch.nn.Linear(8, classes)
            self.register_buffer("factor", torch.tensor(1.5), persistent=False)

        def forward(self, x):
            return self.fc(torch.relu(self.norm(self.conv(x))).mean((2, 3)) * self.factor)

    torch.manual_seed(1)
    origin = json.dumps({"source": "timm:none", "constants": ["factor"], "head": ["fc"]})
    torch.jit.save(torch.jit.script(Small()), path, _extra_files={"pleat.json": origin})


def script_of_timm(path, classes):
    command = [sys.executable, ROOT / "launch/export_model.py", "timm:lcnet_035", "--classes", classes, "--size", "12x14"]
    done = subprocess.run([*map(str, command), "--out", path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout


AGES = ("{name: years, column: age, edges: [30, 60], bins: 4},"
        "{name: age, edges: [30, 60], regress: true, classes: [young, mid, old]}")
RUNS = {
    "separate": dict(targets=f"[{{name: mask}}, {AGES}]", joint="{name: all, of: [mask, age]}",
                     models="[{name: resnet18, stem: small}, {name: resnet20}]", predict="{flip: true}"),
    "heads": dict(targets=f"[{{name: mask}}, {{name: gender}}, {AGES}]", targets_as="heads",
                  joint="{name: all, of: [gender, mask]}", models="[{name: resnet18}, {name: resnet20}]",
                  predict="{flip: true, shift: 2}"),
    "joint": dict(targets="[{name: mask}, {name: gender}, {name: age, edges: [40]}]", targets_as="joint",
                  models="[{name: efficientnet_b0}, {script: timm.pt}, {script: small.pt}]", predict="{shift: 1}"),
}


@pytest.fixture(scope="module", params=RUNS)
def exported(request, photos, tmp_path_factory):
    """(folder of the run and its export, the loaded export, the crops' folder)"""
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "joint":
        script_of_timm(folder / "timm.pt", 12)
        script_with_a_constant(folder / "small.pt", 12)
    config = runs.write_config(folder / "c.yaml", photos / "crops.h5", folds="{k: 2}", train=TRAIN, **RUNS[request.param])
    pleat("train", config, *FP32, "--run", folder / "run", cwd=folder)
    pleat("export", folder / "run", "--out", folder / "export")
    return folder, load(folder / "export"), photos


def load(folder):
    """By the loader that lies in the folder."""
    spec = importlib.util.spec_from_file_location("exported_ensemble", folder / "ensemble.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.load(folder)


def rows_of(path):
    with open(path) as file:
        return {row["id"]: row for row in csv.DictReader(file)}


def largest_difference(rows, ids, ensemble, predicted):
    """Of probabilities, and of numbers, against the largest. Every column that the rows have is looked at."""
    probs, numbers = predicted
    scale = {f"{target}:{name}": 1 for target, names in ensemble.classes.items() for name in names}
    scale |= {f"{target}.{part}": abs(numbers[target]).max() for target in numbers for part in ("mean", "deviation")}
    assert {column for row in rows.values() for column in row} == {"id", "split", *probs, *scale}
    ours = {f"{target}:{name}": probs[target][:, c] for target, names in ensemble.classes.items() for c, name in enumerate(names)}
    ours |= {f"{target}.{part}": numbers[target][:, c] for target in numbers for c, part in enumerate(("mean", "deviation"))}
    return max(abs(float(rows[each][column]) - ours[column][i]) / scale[column]
               for i, each in enumerate(ids) if each in rows for column in scale)


def crops_of(path):
    with h5py.File(path) as crops:
        return crops["images"][:], [each.decode() for each in crops["table/id"][:]]


def test_python_predicts_what_pleat_does(exported, tmp_path):
    folder, ensemble, photos = exported
    images, ids = crops_of(photos / "crops.h5")
    probs, numbers = ensemble.predict_all(images)
    assert set(numbers) == {target for target in ensemble.classes if target == "age" and folder.name[:5] != "joint"}
    for each in probs.values():
        assert each.dtype == numpy.float64 and len(each) == 48 and abs(each.sum(1) - 1).max() < 1e-6
    pleat("predict", "--run", folder / "run", "--crops", photos / "crops.h5", "--out", tmp_path / "p.csv")
    by_run, by_predict = rows_of(folder / "run/predictions.csv"), rows_of(tmp_path / "p.csv")
    assert len(by_run) == 12 and len(by_predict) == 48
    differences = [largest_difference(rows, ids, ensemble, (probs, numbers)) for rows in (by_run, by_predict)]
    print("largest differences:", differences)
    assert max(differences) < 1e-5
    for i, each in enumerate(ids):
        for target, names in ensemble.classes.items():
            assert by_predict[each][target] == names[probs[target][i].argmax()]
    some, none = ensemble.predict(torch.from_numpy(images[5:8]), batch=2), ensemble.predict(images[:0])
    for target, names in ensemble.classes.items():
        assert abs(some[target] - probs[target][5:8]).max() < 1e-6 and none[target].shape == (0, len(names))


@pytest.mark.parametrize("exported", ["separate"], indirect=True)
def test_photos_become_the_crops_that_pleat_makes_and_its_predictions(exported, tmp_path):
    folder, ensemble, photos = exported
    images, ids = crops_of(photos / "crops.h5")
    paths = {name: photos / "photos" / row["path"] for name, row in rows_of(photos / "t.csv").items()}
    made = numpy.stack([ensemble.crop(Image.open(paths[each])) for each in ids]).astype(int)
    exact = [i for i, each in enumerate(ids) if paths[each].suffix == ".png"]
    assert abs(made - images)[exact].max() <= 1 and abs(made - images).mean() < 1
    some = ids[36:40]
    done = subprocess.run([sys.executable, folder / "export/ensemble.py", *(paths[each] for each in some)], text=True,
                          stdout=subprocess.PIPE, env=os.environ | {"OMP_NUM_THREADS": "1"})
    assert done.returncode == 0
    (tmp_path / "p.csv").write_text(done.stdout)
    by_python, by_run = rows_of(tmp_path / "p.csv"), rows_of(folder / "run/predictions.csv")
    assert list(by_run[some[0]]) == list(by_python[str(paths[some[0]])]), "the same columns"
    for each in some:
        theirs, ours = by_run[each], by_python[str(paths[each])]
        assert all(abs(float(theirs[column]) - float(ours[column])) < 0.05 for column in theirs if ":" in column)


@pytest.mark.parametrize("exported", ["heads"], indirect=True)
@pytest.mark.parametrize("kind", ["upright", "alpha", "gray", "palette", "sixteen", "dot"])
def test_odd_photos_become_the_crops_that_pleat_makes(exported, tmp_path, kind):
    _, ensemble, _ = exported
    pixels = numpy.random.default_rng(3).integers(0, 256, (40, 30, 4), "uint8")
    image, options = Image.fromarray(pixels[..., :3]), {}
    if kind == "upright":
        options["exif"] = Image.Exif()
        options["exif"][0x0112] = 6
    elif kind == "alpha":
        image = Image.fromarray(pixels)
    elif kind == "gray":
        image = image.convert("L")
    elif kind == "palette":
        image = image.quantize(20)
    elif kind == "sixteen":
        image = Image.fromarray(numpy.random.default_rng(3).integers(0, 65536, (40, 30), "uint16"))
    else:
        image = image.crop((0, 0, 1, 1))
    image.save(tmp_path / "odd.png", **options)
    (tmp_path / "t.csv").write_text("id,path\na,odd.png\n")
    prepare(tmp_path / "t.csv", tmp_path, tmp_path / "c.h5")
    ours = ensemble.crop(Image.open(tmp_path / "odd.png")).astype(int)
    assert abs(ours - crops_of(tmp_path / "c.h5")[0][0]).max() <= 1


@pytest.fixture(scope="module")
def gray(tmp_path_factory):
    """A run on gray IDX images, and its export."""
    folder = tmp_path_factory.mktemp("gray")
    crops = runs.prepare(folder, rows=48, test_rows=12)
    config = runs.write_config(folder / "c.yaml", crops, folds="{k: 2}", train=TRAIN,
                               models="[{name: resnet34}, {name: resnet20}, {name: efficientnet_b1, stem: small}]")
    pleat("train", config, *FP32, "--run", folder / "run")
    pleat("export", folder / "run", "--out", folder / "export")
    return folder


def test_gray_crops_and_other_networks(gray):
    images, ids = crops_of(gray / "crops.h5")
    ensemble = load(gray / "export")
    assert largest_difference(rows_of(gray / "run/predictions.csv"), ids, ensemble, ensemble.predict_all(images)) < 1e-5
    with pytest.raises(NotImplementedError, match="pleat prepare"):
        ensemble.crop(Image.new("L", (20, 20)))
    for wrong in (images[0], images.astype("float32"), images[:, :5], numpy.repeat(images, 3, 3)):
        with pytest.raises(ValueError, match="expected uint8"):
            ensemble.predict(wrong)


def tree(folder):
    """Every file's bytes by its name."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*"))
            if file.is_file() and "__pycache__" not in file.parts}


def test_an_export_holds_the_runs_bytes_and_nothing_else(gray):
    files, described = tree(gray / "export"), json.loads((gray / "export/ensemble.json").read_text())
    members = [member for unit in described["units"] for member in unit["members"]]
    assert len(members) == 6
    assert set(files) == {"ensemble.json", "ensemble.py", *(member["weights"] for member in members)}
    of_run = {file.read_bytes() for file in gray.glob("run/round_0/label/*/fold_*/weights.safetensors")}
    assert {files[member["weights"]] for member in members} == of_run
    assert files["ensemble.py"] == (ROOT / "src/rounds/exported_ensemble.py").read_bytes()


def test_an_earlier_export_is_replaced_and_other_files_in_it_stay(gray, tmp_path):
    out = tmp_path / "above/export"
    shutil.copytree(gray / "export", out)
    (out / "weights/of-an-earlier-run.safetensors").write_bytes(b"")
    (out / "README").write_text("mine")
    pleat("export", gray / "run", "--out", f"{out}/")
    assert tree(out) == tree(gray / "export") | {"README": b"mine"}
    assert {each.name for each in out.iterdir()} == {"README", "ensemble.json", "ensemble.py", "weights"}


def test_what_is_changed_after_the_export_is_refused_in_python(gray, tmp_path):
    out = shutil.copytree(gray / "export", tmp_path / "export")
    manifest = json.loads((out / "ensemble.json").read_text())
    (out / "ensemble.json").write_text(json.dumps(manifest | {"version": 2}))
    with pytest.raises(ValueError, match="use the ensemble.py beside it"):
        load(out)
    (out / "ensemble.json").write_text(json.dumps(manifest))
    weights = next(out.glob("weights/*"))
    flip_a_byte(weights)
    with pytest.raises(ValueError, match="was changed"):
        load(out)


def flip_a_byte(file):
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


FOLD = "round_0/label/resnet20/fold_0"
WEIGHTS = f"{FOLD}/weights.safetensors"


def truncate(file):
    file.write_bytes(file.read_bytes()[:100])


@pytest.mark.parametrize("spoil, words", [
    pytest.param(lambda run: (run / "round_0/ensemble.json").unlink(), "holds no finished run", id="unfinished"),
    pytest.param(lambda run: (run / "failures.json").write_text("[]"), "has failed jobs", id="failed-jobs"),
    pytest.param(lambda run: flip_a_byte(run / WEIGHTS), f"{WEIGHTS} was changed", id="flipped-byte"),
    pytest.param(lambda run: truncate(run / WEIGHTS), "was changed", id="cut-weights"),
    pytest.param(lambda run: (run / WEIGHTS).unlink(), "weights.safetensors: No such file", id="no-weights"),
    pytest.param(lambda run: (run / FOLD / "done.json").write_text('{"job": 1}'), "done.json is damaged", id="odd-done"),
    pytest.param(lambda run: truncate(run / FOLD / "done.json"), "done.json is damaged", id="cut-done"),
    pytest.param(lambda run: truncate(run / "run.json"), "is damaged", id="cut-run-json"),
    pytest.param(lambda run: shutil.rmtree(run), "holds no finished run", id="no-run"),
])
def test_a_run_that_is_not_whole_is_not_exported(gray, tmp_path, spoil, words):
    run = shutil.copytree(gray / "run", tmp_path / "run")
    spoil(run)
    assert words in runs.refusal(runs.pleat("export", run, "--out", tmp_path / "above/export"), DATA)
    assert not (tmp_path / "above").exists()


@pytest.mark.parametrize("exported", ["joint"], indirect=True)
def test_a_changed_script_is_not_exported(exported, tmp_path):
    folder, _, _ = exported
    run = shutil.copytree(folder / "run", tmp_path / "run")
    flip_a_byte(run / "models/small.pt")
    assert "models/small.pt was changed" in runs.refusal(runs.pleat("export", run, "--out", tmp_path / "export"), DATA)


def test_folders_that_are_not_ours_are_refused(gray, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full/notes.txt").write_text("mine")
    (tmp_path / "other").mkdir()
    (tmp_path / "other/ensemble.json").write_text("{}")
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(gray / "run")
    before = tree(tmp_path), tree(gray / "run")
    for out, code, words in [
        (tmp_path / "full", DATA, "is not empty and holds no earlier export (no ensemble.json of one, but notes.txt)"),
        (tmp_path / "other", DATA, "is not empty"),
        (tmp_path / "file", DATA, "is a file"),
        (tmp_path / "file/below", DATA, "Not a directory"),
        (gray / "run", USAGE, "is the run folder"),
        (gray / "run/export", USAGE, "is inside the run folder"),
        (tmp_path / "link/deep/export", USAGE, "is inside the run folder"),
    ]:
        assert words in runs.refusal(runs.pleat("export", gray / "run", "--out", out), code)
    assert before == (tree(tmp_path), tree(gray / "run"))


def test_under_mpirun_one_rank_writes_and_all_leave(gray, tmp_path):
    pleat("export", gray / "run", "--out", tmp_path / "export", ranks=2)
    assert tree(tmp_path / "export") == tree(gray / "export")
    done = runs.pleat("export", gray / "run", "--out", gray / "run/export", ranks=2)
    assert "is inside the run folder" in runs.refusal(done, USAGE)


def test_flags_that_are_missing_are_named(gray):
    assert "--out" in runs.refusal(runs.pleat("export", gray / "run"), USAGE)
    assert "run" in runs.refusal(runs.pleat("export", "--out", gray / "new"), USAGE)


def test_a_full_disk_leaves_everything_as_it_was(gray, tmp_path):
    for at in (1, 8):
        done = runs.pleat("export", gray / "run", "--out", tmp_path / "above/new", PLEAT_FAULT=f"write_file:{at}:nospace")
        assert "No space left" in runs.refusal(done, DATA)
        assert not (tmp_path / "above").exists()
    full = {"PLEAT_FAULT": "write_file:8:nospace"}
    earlier = shutil.copytree(gray / "export", tmp_path / "earlier")
    runs.refusal(runs.pleat("export", gray / "run", "--out", earlier, **full), DATA)
    assert tree(earlier) == tree(gray / "export")
    (tmp_path / "empty").mkdir()
    runs.refusal(runs.pleat("export", gray / "run", "--out", tmp_path / "empty", **full), DATA)
    assert list((tmp_path / "empty").iterdir()) == []


def test_one_that_is_stopped_leaves_nothing(gray, tmp_path):
    done = runs.pleat("export", gray / "run", "--out", tmp_path / "above/export", PLEAT_FAULT="write_file:2:stop")
    assert done.returncode == STOPPED and "nothing was exported" in done.stdout, done.stdout
    assert not (tmp_path / "above").exists()


@pytest.mark.parametrize("fault", ["write_file:2:kill", "publish_export:1:kill", "publish_export:3:throw"])
def test_one_that_dies_leaves_no_manifest_and_the_next_is_whole(gray, tmp_path, fault):
    out = tmp_path / "export"
    assert runs.pleat("export", gray / "run", "--out", out, PLEAT_FAULT=fault).returncode != 0
    assert not (out / "ensemble.json").exists()
    pleat("export", gray / "run", "--out", out)
    assert tree(out) == tree(gray / "export")


def test_a_folder_that_may_not_be_written_is_named(gray, locked_out):
    run = shutil.copytree(gray / "run", locked_out.folder / "run")
    for each in [run, *run.rglob("*")]:
        each.chmod(0o755)
    (locked_out.folder / "closed").mkdir(mode=0o755)
    done = runs.pleat("export", run, "--out", locked_out.folder / "closed", cwd="/", user=locked_out.user)
    assert "Permission denied" in runs.refusal(done, DATA)


def test_faces_are_left_to_pleat(tmp_path):
    """What the crops' maker did that Python does not is said, not passed over."""
    out = tmp_path / "export"
    out.mkdir()
    shutil.copy(ROOT / "src/rounds/exported_ensemble.py", out / "ensemble.py")
    how = {"height": 12, "width": 14, "channels": 3, "source": "photos", "mean": [0.5] * 3, "std": [0.2] * 3}
    for crop, background in [("face", "keep"), ("center", "gray 128, by masks")]:
        about = {"format": "pleat ensemble", "version": 1, "targets": [], "units": [], "models": {}, "joint": None,
                 "preprocessing": how | {"crop": crop, "background": background}}
        (out / "ensemble.json").write_text(json.dumps(about))
        with pytest.raises(NotImplementedError, match="pleat prepare"):
            load(out).crop(Image.new("RGB", (20, 20)))

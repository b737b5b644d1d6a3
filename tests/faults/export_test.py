"""pleat export: predictions in Python, without pleat, equal pleat's."""
import json
import os
import pathlib
import shutil
import subprocess
import sys

import numpy
import pytest
import torch
from PIL import Image
from support import exports, runs

ROOT = pathlib.Path(__file__).resolve().parents[2]
USAGE, DATA, DEVICE = 2, 3, 4


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    table, images = exports.write_photos(folder)
    prepare(table, images, folder / "crops.h5")
    return folder


def prepare(table, images, out):
    exports.pleat("prepare", "--table", table, "--images", images, "--size", "12x14", "--crop", "center", "--out", out)


def script_of_timm(path, classes):
    command = [sys.executable, ROOT / "launch/export_model.py", "timm:lcnet_035", "--classes", classes, "--size", "12x14"]
    done = subprocess.run([*map(str, command), "--out", path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout


AGES = ("{name: years, column: age, edges: [30, 60], bins: 4},"
        "{name: age, edges: [30, 60], regress: true, classes: [young, mid, old]}")
RUNS = {
    "separate": dict(targets=f"[{{name: mask}}, {AGES}]", joint="{name: all, of: [mask, age]}",
                     models="[{name: resnet18, stem: small, mean: [0.6, 0.5, 0.1], std: [0.1, 0.3, 0.2], lr: 1e-3}, {name: resnet20}]", predict="{flip: true}"),
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
        exports.script_with_a_constant(folder / "small.pt", 12)
    config = runs.write_config(folder / "c.yaml", photos / "crops.h5", folds="{k: 2}", train=exports.TRAIN, **RUNS[request.param])
    exports.pleat("train", config, *exports.FP32, "--run", folder / "run", cwd=folder)
    exports.pleat("export", folder / "run", "--out", folder / "export")
    return folder, exports.load(folder / "export"), photos


def test_python_predicts_what_pleat_does(exported, tmp_path):
    folder, ensemble, photos = exported
    images, ids = exports.crops_of(photos / "crops.h5")
    probs, numbers = ensemble.predict_all(images)
    assert set(numbers) == {target for target in ensemble.classes if target == "age" and folder.name[:5] != "joint"}
    for each in probs.values():
        assert each.dtype == numpy.float64 and len(each) == 48 and abs(each.sum(1) - 1).max() < 1e-6
    exports.pleat("predict", "--run", folder / "run", "--crops", photos / "crops.h5", "--out", tmp_path / "p.csv")
    by_run, by_predict = exports.rows_of(folder / "run/predictions.csv"), exports.rows_of(tmp_path / "p.csv")
    assert len(by_run) == 12 and len(by_predict) == 48
    differences = [exports.largest_difference(rows, ids, ensemble, (probs, numbers)) for rows in (by_run, by_predict)]
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
    images, ids = exports.crops_of(photos / "crops.h5")
    paths = {name: photos / "photos" / row["path"] for name, row in exports.rows_of(photos / "t.csv").items()}
    made = numpy.stack([ensemble.crop(Image.open(paths[each])) for each in ids]).astype(int)
    exact = [i for i, each in enumerate(ids) if paths[each].suffix == ".png"]
    assert abs(made - images)[exact].max() <= 1 and abs(made - images).mean() < 1
    some = ids[36:40]
    done = subprocess.run([sys.executable, folder / "export/ensemble.py", *(paths[each] for each in some)], text=True,
                          stdout=subprocess.PIPE, env=os.environ | {"OMP_NUM_THREADS": "1"})
    assert done.returncode == 0
    (tmp_path / "p.csv").write_text(done.stdout)
    by_python, by_run = exports.rows_of(tmp_path / "p.csv"), exports.rows_of(folder / "run/predictions.csv")
    assert list(by_run[some[0]]) == list(by_python[str(paths[some[0]])]), "the same columns"
    for each in some:
        theirs, ours = by_run[each], by_python[str(paths[each])]
        assert all(abs(float(theirs[column]) - float(ours[column])) < 0.05 for column in theirs if ":" in column)


@pytest.fixture(scope="module")
def shown(photos, tmp_path_factory):
    """A folder of good photos below others, hidden ones, notes, and one that is no photo."""
    folder = tmp_path_factory.mktemp("shown")
    for place, names in [(".", ("1.jpg", "0.png")), ("b", ("2.png",)), ("@eaDir", ("4.png",)), (".cache", ("6.png",))]:
        (folder / place).mkdir(exist_ok=True)
        for name in names:
            shutil.copy(photos / "photos" / name, folder / place / name)
    (folder / "notes.txt").write_text("mine")
    (folder / "b/bad.JPG").write_text("<html>not found</html>")
    return folder


@pytest.mark.parametrize("exported", ["heads"], indirect=True)
def test_paths_folders_and_images_are_predicted_and_a_bad_photo_is_named(exported, shown):
    _, ensemble, _ = exported
    good = [shown / "0.png", shown / "1.jpg", shown / "b/2.png"]
    expected = ensemble.predict([ensemble.crop(path) for path in good])
    with pytest.raises(ValueError, match="bad.JPG: text, not a photo"):
        ensemble.predict_photos(shown)
    made = ensemble.predict_photos(shown, skip_bad=True, batch=2)
    assert made.names == list(map(str, good)) and list(made.refused) == [str(shown / "b/bad.JPG")]
    with Image.open(good[0]) as opened, Image.open(good[1]) as loaded:
        loaded.load()
        mixed = ensemble.predict_photos([opened, str(good[2]), loaded, Image.open(good[1]).copy()])
    assert mixed.names == [str(good[0]), str(good[2]), str(good[1]), "image 3"] and mixed.refused == {}
    for target, probs in expected.items():
        assert abs(made.probs[target] - probs).max() < 1e-6
        assert abs(mixed.probs[target] - probs[[0, 2, 1, 1]]).max() < 1e-6
    assert made.numbers["age"].shape == (3, 2)
    for none, words in [(shown / "b/bad.JPG", "none of 1 photos can be read; .*bad.JPG: text"), (shown / ".cache/none", "no such file")]:
        with pytest.raises(ValueError, match=words):
            ensemble.predict_photos(none, skip_bad=True)
    with pytest.raises(ValueError, match="b: a folder, not a file"):
        ensemble.crop(shown / "b")
    (shown / "empty").mkdir()
    with pytest.raises(ValueError, match="empty: no photos in this folder"):
        ensemble.predict_photos(shown / "empty")


@pytest.mark.parametrize("exported", ["heads"], indirect=True)
@pytest.mark.parametrize("mode, words", [("F", "mode F"), ("I", "mode I"), ("LAB", "mode LAB"), ("HSV", "mode HSV"), ("I;16", "would come out black")])
def test_images_of_other_values_are_refused(exported, mode, words):
    _, ensemble, _ = exported
    with pytest.raises(ValueError, match=words):
        ensemble.crop(Image.new(mode, (20, 20)))


def by_hand(folder, *arguments):
    return subprocess.run([sys.executable, folder / "export/ensemble.py", *arguments], text=True, capture_output=True,
                          env=os.environ | {"OMP_NUM_THREADS": "1"})


@pytest.mark.parametrize("exported", ["heads"], indirect=True)
def test_the_command_line_leaves_out_bad_photos_if_told_to(exported, shown):
    folder, _, _ = exported
    done = by_hand(folder, shown / "1.jpg", shown / "b")
    assert done.returncode == DATA and done.stdout == ""
    assert done.stderr.startswith(f"ensemble.py: {shown / 'b/bad.JPG'}: text, not a photo") and "--skip-bad" in done.stderr
    done = by_hand(folder, shown / "1.jpg", shown / "b", "--skip-bad")
    assert done.returncode == 0 and len(done.stdout.splitlines()) == 3
    assert f"left out 1 of 3 photos:\n  {shown / 'b/bad.JPG'}: text, not a photo" in done.stderr
    for arguments, code, words in [([], USAGE, "give photos"), (["none.jpg", "--skip-bad"], DATA, "none of 1 photos can be read; none.jpg: no such file"),
                                   (["a.jpg", "--onnx", "b"], USAGE, "give photos to predict, or --onnx FILE"), (["--onnx", "b"], USAGE, "a name that ends in .onnx"),
                                   (["a.jpg", "--device", "nowhere"], USAGE, "device 'nowhere' is unknown"), (["a.jpg", "--precision", "fp8"], USAGE, "fp8"),
                                   (["a.jpg", "--device", "cuda:99"], DEVICE, "device 'cuda:99' cannot be used here")]:
        done = by_hand(folder, *arguments)
        assert done.returncode == code and words in done.stderr and done.stdout == "" and "Traceback" not in done.stderr, done.stderr


@pytest.mark.parametrize("exported", ["heads"], indirect=True)
@pytest.mark.parametrize("to, words", [("> /dev/full", "could not be written (No space left on device)"), (">&-", "standard output is closed")])
def test_output_that_cannot_be_written_is_an_error(exported, shown, to, words):
    done = subprocess.run(["bash", "-c", f'exec "$0" "$@" {to}', sys.executable, exported[0] / "export/ensemble.py", shown / "1.jpg"],
                          text=True, capture_output=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    assert done.returncode == DATA and words in done.stderr and "Traceback" not in done.stderr, done.stderr


@pytest.mark.parametrize("exported", ["heads"], indirect=True)
def test_names_that_are_no_text_are_printed_byte_for_byte_and_options_go_anywhere(exported, shown, tmp_path):
    folder, _, _ = exported
    shutil.copy(shown / "1.jpg", os.fsencode(tmp_path) + b"/\xff.jpg")
    done = subprocess.run([sys.executable, folder / "export/ensemble.py", shown / "1.jpg", "--skip-bad", tmp_path],
                          stdout=subprocess.PIPE, env=runs.environment(PYTHONIOENCODING="utf-8:strict"))
    assert done.returncode == 0 and b"/\xff.jpg,test," in done.stdout and len(done.stdout.splitlines()) == 3


def test_networks_trained_in_bf16_predict_in_it_if_told_to(photos, tmp_path):
    config = runs.write_config(tmp_path / "c.yaml", photos / "crops.h5", folds="{k: 2}", models="[{name: resnet20}]",
                               cluster="{threads: 1, device: cpu, fast_conv: false}",
                               targets="[{name: mask}]", train="{epochs: 4, batch: 16, lr: 1e-2, precision: bf16}")
    exports.pleat("train", config, "--run", tmp_path / "run")
    exports.pleat("export", tmp_path / "run", "--out", tmp_path / "export")
    images, ids = exports.crops_of(photos / "crops.h5")
    rows = exports.rows_of(tmp_path / "run/predictions.csv")
    differences = []
    for precision in ("fp32", "bf16"):
        ensemble = exports.loader_of(tmp_path / "export").load(tmp_path / "export", precision=precision)
        differences.append(exports.largest_difference(rows, ids, ensemble, ensemble.predict_all(images)))
    print("largest differences:", differences)
    assert differences[1] < 1e-5 < differences[0]
    with pytest.raises(ValueError, match="'fp16' is not fp32 or bf16"):
        exports.loader_of(tmp_path / "export").load(tmp_path / "export", precision="fp16")


@pytest.fixture(scope="module")
def gray(tmp_path_factory):
    return exports.gray_run(tmp_path_factory.mktemp("gray"))


def test_gray_crops_and_other_networks(gray):
    images, ids = exports.crops_of(gray / "crops.h5")
    ensemble = exports.load(gray / "export")
    assert exports.largest_difference(exports.rows_of(gray / "run/predictions.csv"), ids, ensemble, ensemble.predict_all(images)) < 1e-5
    with pytest.raises(NotImplementedError, match="pleat prepare"):
        ensemble.crop(Image.new("L", (20, 20)))
    for wrong in (images[0], images.astype("float32"), images[:, :5], numpy.repeat(images, 3, 3)):
        with pytest.raises(ValueError, match="expected uint8"):
            ensemble.predict(wrong)


@pytest.mark.parametrize("exported", ["joint"], indirect=True)
def test_a_changed_script_is_not_exported(exported, tmp_path):
    folder, _, _ = exported
    run = shutil.copytree(folder / "run", tmp_path / "run")
    exports.flip_a_byte(run / "models/small.pt")
    assert "models/small.pt was changed" in runs.refusal(runs.pleat("export", run, "--out", tmp_path / "export"), DATA)


def test_faces_are_left_to_pleat(tmp_path):
    """For faces and masks, which Python does not implement, the loader raises an error."""
    out = tmp_path / "export"
    shutil.copytree(ROOT / "src/inference/exported", out)
    how = {"height": 12, "width": 14, "channels": 3, "source": "photos", "crop": "none"}
    for crop, background in [("face", "keep"), ("center", "gray 128, by masks")]:
        about = {"format": "pleat ensemble", "version": 4, "targets": [], "models": {}, "runs": [],
                 "preprocessing": how | {"crop": crop, "background": background}}
        (out / "ensemble.json").write_text(json.dumps(about))
        with pytest.raises(NotImplementedError, match="pleat prepare"):
            exports.load(out).crop(Image.new("RGB", (20, 20)))


def nested_weights(text):
    about = json.loads(text)
    blend = about["targets"][0]["blend"]
    blend["weights"] = [blend["weights"]]
    return json.dumps(about)


DAMAGED = "ensemble.json is damaged .*; export the run again"


@pytest.mark.parametrize("exported", ["heads"], indirect=True)
@pytest.mark.parametrize("spoil, words", [
    pytest.param(lambda text: text[:len(text) // 2], DAMAGED, id="cut"),
    pytest.param(lambda text: "[]", DAMAGED, id="a-list"),
    pytest.param(lambda text: text.replace('"classes"', '"klasses"', 1), DAMAGED, id="a-key"),
    pytest.param(nested_weights, DAMAGED, id="nested"),
    pytest.param(lambda text: text.replace('"version": 4', '"version": 3'), "has format version 3, expected 4; load it with the ensemble.py in that folder", id="version"),
    pytest.param(lambda text: text.replace("pleat ensemble", "other"), "has the format 'other'", id="format"),
])
def test_a_damaged_description_is_named_without_a_traceback(exported, tmp_path, spoil, words):
    out = shutil.copytree(exported[0] / "export", tmp_path / "export")
    (out / "ensemble.json").write_text(spoil((out / "ensemble.json").read_text()))
    with pytest.raises(ValueError, match=words):
        exports.load(out)


@pytest.mark.parametrize("exported", ["heads"], indirect=True)
def test_parts_that_are_missing_are_named_and_found_once_they_are_there(exported, tmp_path):
    out = shutil.copytree(exported[0] / "export", tmp_path / "export")
    for missing, words in [("loader", "ensemble.py: the folder 'loader' beside it is missing; copy the whole export"),
                           ("loader/codes.py", "'loader' beside it lacks codes.py"), ("ensemble.json", "ensemble.json is missing; copy the whole export")]:
        (out / missing).rename(tmp_path / "aside")
        done = by_hand(tmp_path, "a.jpg")
        assert done.returncode == DATA and words in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr
        with pytest.raises((ValueError, FileNotFoundError, ImportError)):
            exports.load(out)
        (tmp_path / "aside").rename(out / missing)
    assert exports.load(out).classes == exported[1].classes


@pytest.mark.parametrize("exported", ["heads"], indirect=True)
def test_a_network_that_gives_other_shapes_is_named(exported):
    ensemble = exports.load(exported[0] / "export")
    name = list(ensemble.networks)[0]
    ensemble.networks[name] = lambda images: images[:, 0, 0, 0]
    with pytest.raises(ValueError, match="gives .*, expected .*any number of images") as error:
        ensemble.predict(numpy.zeros((1, 12, 14, 3), numpy.uint8))
    assert name in str(error.value)

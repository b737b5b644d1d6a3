"""pleat export --onnx: onnxruntime computes pleat's predictions from one file; failures leave nothing behind."""
import json
import shutil
import subprocess
import sys

import numpy
import onnx
import onnxruntime
import pytest
import torch
from support import exports, runs

USAGE, DATA, STOPPED = 2, 3, 75


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of heads (classes, bins, a number), a joint target, views, and networks of all three kinds."""
    folder = tmp_path_factory.mktemp("onnx")
    crops = runs.prepare(folder, rows=48, test_rows=12)
    exports.script_with_a_constant(folder / "small.pt", outputs=8, channels=1)
    config = runs.write_config(
        folder / "c.yaml", crops, folds="{k: 2}", train=exports.TRAIN, predict="{flip: true, shift: 2}", targets_as="heads",
        targets="[{name: label}, {name: bins, column: label, edges: [1], bins: 3}, "
                "{name: size, column: label, edges: [1, 2], regress: true, classes: [few, some, many]}]",
        joint="{name: both, of: [size, bins]}", models="[{name: resnet20}, {name: efficientnet_b0, stem: small}, {script: small.pt}]")
    exports.pleat("train", config, *exports.FP32, "--run", folder / "run", cwd=folder)
    exports.pleat("export", folder / "run", "--out", folder / "export", "--onnx")
    return folder


def columns_of(session, results):
    """{column of predictions.csv: values}"""
    classes = json.loads(session.get_modelmeta().custom_metadata_map["classes"])
    columns = {}
    for output, values in zip(session.get_outputs(), results):
        if output.name in classes:
            columns |= {f"{output.name}:{name}": values[:, c] for c, name in enumerate(classes[output.name])}
        else:
            columns[output.name] = values
    return columns


def test_onnxruntime_predicts_what_pleat_does(run):
    images, ids = exports.crops_of(run / "crops.h5")
    session = onnxruntime.InferenceSession(run / "export/ensemble.onnx")
    (given,) = session.get_inputs()
    assert (given.name, given.type, given.shape) == ("crops", "tensor(uint8)", ["N", *images.shape[1:]])
    columns = columns_of(session, session.run(None, {"crops": images}))
    rows = exports.rows_of(run / "run/predictions.csv")
    assert len(rows) == 12
    numbers = {"size.mean", "size.deviation"}
    for name, row in rows.items():
        probabilities = {column for column in row if ":" in column}
        assert probabilities | numbers == set(columns)
        for column in columns:
            scale = abs(columns[column]).max() if column in numbers else 1
            assert abs(columns[column][ids.index(name)] - float(row[column])) < 1e-5 * scale, column
    one = columns_of(session, session.run(None, {"crops": images[7:8]}))
    assert all(abs(one[column][0] - columns[column][7]) < 1e-5 * max(1, abs(columns[column]).max()) for column in columns)


def test_the_file_is_the_same_each_time_and_goes_with_its_export(run, tmp_path):
    exports.pleat("export", run / "run", "--out", tmp_path / "export", "--onnx")
    assert exports.tree(tmp_path / "export") == exports.tree(run / "export")
    assert not list((tmp_path / "export").rglob("__pycache__"))
    exports.pleat("export", run / "run", "--out", tmp_path / "export")
    assert "ensemble.onnx" not in exports.tree(tmp_path / "export"), "it would not be of the new weights"
    model = onnx.load(run / "export/ensemble.onnx")
    assert {entry.domain: entry.version for entry in model.opset_import} == {"": 17}


def test_large_weights_are_in_a_file_of_their_own(run, tmp_path):
    module, ensemble = exports.loader_of(run / "export").part("onnx_file"), exports.load(run / "export")
    whole, module.MOST_BYTES = module.MOST_BYTES, 1000
    module.write_onnx(ensemble, tmp_path / "e.onnx")
    assert {each.name for each in tmp_path.iterdir()} == {"e.onnx", "e.onnx.data"}
    images, _ = exports.crops_of(run / "crops.h5")
    made = [onnxruntime.InferenceSession(path).run(None, {"crops": images}) for path in (tmp_path / "e.onnx", run / "export/ensemble.onnx")]
    assert all(numpy.array_equal(ours, theirs) for ours, theirs in zip(*made))
    module.MOST_BYTES = whole
    module.write_onnx(ensemble, tmp_path / "e.onnx")
    assert {each.name for each in tmp_path.iterdir()} == {"e.onnx"}, "the old weights would mislead"


def test_only_an_earlier_model_is_replaced(run, tmp_path):
    """A photo that is given by mistake stays, and so does a file of weights that belongs to no model."""
    module, ensemble = exports.loader_of(run / "export").part("onnx_file"), exports.load(run / "export")
    (tmp_path / "photo.onnx").write_bytes(b"\xff\xd8\xff photo")
    (tmp_path / "folder.onnx").mkdir()
    (tmp_path / "alone.onnx.data").write_bytes(b"mine")
    before = exports.tree(tmp_path)
    for name, words in [("photo.onnx", "photo.onnx exists and is no ONNX model"), ("folder.onnx", "is no ONNX model"),
                        ("alone.onnx", "alone.onnx.data exists and belongs to no model"), ("nowhere/e.onnx", "there is no folder")]:
        with pytest.raises(ValueError, match=words):
            module.write_onnx(ensemble, tmp_path / name)
    done = subprocess.run([sys.executable, run / "export/ensemble.py", "--onnx", tmp_path / "photo.jpg"], text=True, capture_output=True)
    assert done.returncode == USAGE and "a name that ends in .onnx" in done.stderr
    assert exports.tree(tmp_path) == before
    assert module.is_model(run / "export/ensemble.onnx")


def test_a_model_that_cannot_be_replaced_keeps_its_weights(run, tmp_path, monkeypatch):
    module, ensemble = exports.loader_of(run / "export").part("onnx_file"), exports.load(run / "export")
    whole, module.MOST_BYTES = module.MOST_BYTES, 1000
    module.write_onnx(ensemble, tmp_path / "e.onnx")
    module.MOST_BYTES, before = whole, exports.tree(tmp_path)
    monkeypatch.setattr(module.os, "replace", lambda *_: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        module.write_onnx(ensemble, tmp_path / "e.onnx")
    assert exports.tree(tmp_path) == before


class Unknown(torch.nn.Module):
    def forward(self, images):
        return torch.linalg.pinv(images[:, 0])[:, :8, 0]


class OfThisMany(torch.nn.Module):
    """The exporter sees 2 crops in 10 views, and takes their number for a constant."""
    def forward(self, images):
        return images.new_full((len(images), 8), 1.0 if len(images) == 20 else 0.0)


@pytest.mark.parametrize("network, words", [
    (Unknown, "cannot express the outputs of weights/"),
    (OfThisMany, "other outputs than PyTorch for weights/"),
])
def test_a_network_that_onnx_gets_wrong_is_named_and_nothing_is_written(run, tmp_path, network, words):
    ensemble = exports.load(run / "export")
    name = list(ensemble.networks)[3]
    ensemble.networks[name] = network()
    with pytest.raises(ValueError, match=words) as error:
        exports.loader_of(run / "export").part("onnx_file").write_onnx(ensemble, tmp_path / "e.onnx")
    assert name in str(error.value) and list(tmp_path.iterdir()) == []


def test_results_that_differ_are_refused(run, tmp_path):
    module = exports.loader_of(run / "export").part("onnx_file")
    ensemble = exports.load(run / "export")
    graph = module.whole_graph(ensemble)
    ensemble.about["runs"][0]["units"][0]["members"][0]["codes"][0]["temperature"] = 3.0
    module.save(graph, tmp_path / "e.onnx")
    with pytest.raises(ValueError, match="results differ from PyTorch's"):
        module.compare(ensemble, tmp_path / "e.onnx")


def python_that(folder, script):
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("script, code, words", [
    pytest.param("echo 'ensemble.py: needs torch, which is missing here; run pip install torch' >&2; exit 2", USAGE,
                 "needs torch, which is missing here", id="no-torch"),
    pytest.param("echo Traceback; echo 'MemoryError: too large'; exit 1", DATA, "(exit code 1): MemoryError: too large", id="traceback"),
    pytest.param("kill -KILL $$", DATA, "(exit code 137): it was killed or crashed; run it by hand", id="killed"),
    pytest.param("exit 0", DATA, "ensemble.onnx", id="no-file"),
    pytest.param("kill -TERM $PPID; exec tail -f /dev/null", STOPPED, "nothing was exported", id="stopped"),
])
def test_a_python_that_fails_leaves_nothing(run, tmp_path, script, code, words):
    earlier = shutil.copytree(run / "export", tmp_path / "earlier")
    python = str(python_that(tmp_path, script))
    for out in (tmp_path / "above/new", earlier):
        done = runs.pleat("export", run / "run", "--out", out, "--onnx", PLEAT_PYTHON=python)
        assert done.returncode == code and words in done.stdout, done.stdout
    assert not (tmp_path / "above").exists()
    assert exports.tree(earlier) == exports.tree(run / "export")


def test_a_missing_python_is_named(run, tmp_path):
    done = runs.pleat("export", run / "run", "--out", tmp_path / "new", "--onnx", PLEAT_PYTHON="/no/python")
    assert "cannot run '/no/python'" in runs.refusal(done, USAGE)
    assert not (tmp_path / "new").exists()


def test_the_export_converts_itself_on_another_machine(run, tmp_path):
    """By hand, without pleat. Without onnx it says what to install."""
    command = [sys.executable, run / "export/ensemble.py", "--onnx", tmp_path / "mine.onnx"]
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "onnx.py").write_text("raise ModuleNotFoundError(\"No module named 'onnx'\", name='onnx')\n")
    done = subprocess.run(command, env=runs.environment(PYTHONPATH=hidden), text=True, capture_output=True)
    assert done.returncode == USAGE and "needs onnx, which is missing here; run pip install onnx onnxruntime" in done.stderr
    assert not (tmp_path / "mine.onnx").exists()
    done = subprocess.run(command, env=runs.environment(PYTHONHASHSEED="0"), text=True, capture_output=True)
    assert done.returncode == 0 and done.stdout.startswith("mine.onnx: opset 17; on 6 test crops, onnxruntime and PyTorch differ by at most "), done.stderr
    assert (tmp_path / "mine.onnx").read_bytes() == (run / "export/ensemble.onnx").read_bytes()
    assert {each.name for each in tmp_path.iterdir()} == {"mine.onnx", "hidden"}

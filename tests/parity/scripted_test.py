"""Compares networks exported from timm by launch/export_model.py and trained by pleat with timm itself."""
import csv
import json
import os
import pathlib
import shutil
import subprocess
import sys
import zipfile

import h5py
import pretrained_weights as weights
import pytest
import timm
import torch
from safetensors.torch import load_file, save_file
from support import runs

ROOT = pathlib.Path(__file__).resolve().parents[2]

USAGE, DATA = 2, 3
SHAPE = ("--channels", 1, "--size", runs.SIDE)


def export(network, out, *arguments, classes=runs.CLASSES, **extra):
    command = [sys.executable, ROOT / "launch/export_model.py", network, "--classes", classes, "--out", out, *arguments]
    return subprocess.run([*map(str, command)], env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0"} | extra, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


@pytest.fixture(scope="module", params=["resnet18", "efficientnet_b0"])
def trained(request, tmp_path_factory):
    """A network's name, and the folder of a run of it: two short epochs in two folds on tiny crops."""
    folder = tmp_path_factory.mktemp(request.param)
    done = export(f"timm:{request.param}", folder / "net.pt", *SHAPE)
    assert done.returncode == 0, done.stdout
    config = runs.write_config(folder / "config.yaml", runs.prepare(folder, rows=60, test_rows=12), folds="{k: 2}",
                               models=f"[{{script: {folder}/net.pt}}]",
                               train="{epochs: 2, batch: 16, precision: fp32, augment: {pad: 1}}")
    done = runs.pleat("train", config, "--run", folder / "run")
    assert done.returncode == 0, done.stdout
    return request.param, folder


def timm_logits(name, weights, pixels):
    """Of timm's own network with these weights, which must be all of it and nothing else."""
    network = timm.create_model(name, num_classes=runs.CLASSES, in_chans=1)
    network.load_state_dict(weights, strict=True)
    network.eval()
    with torch.no_grad():
        return network(pixels)


def normalised_crops(folder, run):
    """Every crop as the run's networks see it, and the ids."""
    norm = json.loads((run / "run.json").read_text())["norm"]
    mean, std = (torch.tensor(norm[key]).view(1, -1, 1, 1) for key in ("mean", "std"))
    with h5py.File(folder / "crops.h5") as crops:
        pixels = torch.from_numpy(crops["images"][:]).permute(0, 3, 1, 2) / 255
        return (pixels - mean) / std, [each.decode() for each in crops["table/id"][:]]


def check_against_timm(name, folder, run):
    """Loaded into timm, the run's weights give the run's logits, and its ensemble the run's predictions."""
    pixels, ids = normalised_crops(folder, run)
    probabilities = 0
    for fold in (0, 1):
        job = run / f"round_0/label/net/fold_{fold}"
        made = load_file(job / "predictions.safetensors")
        logits = timm_logits(name, load_file(job / "weights.safetensors"), pixels)
        assert logits.abs().max() > 1e-2
        for rows in ("oof", "test"):
            theirs, ours = logits[made[f"{rows}.rows"]], made[f"{rows}.logits"]
            assert (theirs - ours).abs().max() < 1e-3 and theirs.argmax(1).equal(ours.argmax(1))
        probabilities = probabilities + logits.softmax(1) / 2
    predicted = list(csv.DictReader(open(run / "predictions.csv")))
    assert len(predicted) == 12
    for row in predicted:
        theirs = probabilities[ids.index(row["id"])]
        assert int(row["label"]) == theirs.argmax()
        assert max(abs(float(row[f"label:{k}"]) - theirs[k].item()) for k in range(runs.CLASSES)) < 1e-4


def test_trained_weights_load_into_timm_and_predict_the_same(trained):
    name, folder = trained
    first = torch.jit.load(folder / "net.pt").state_dict()
    for fold in (0, 1):
        weights = load_file(folder / f"run/round_0/label/net/fold_{fold}/weights.safetensors")
        assert any(not torch.equal(weights[key], first[key]) for key in first if key.endswith("running_mean"))
        assert all(not torch.equal(weights[key], first[key]) for key in first if key.endswith("conv1.weight"))
    check_against_timm(name, folder, folder / "run")


# Two epochs of two steps in each of two jobs: the third step is in the second epoch of the first job, the seventh of the second.
@pytest.mark.parametrize("ranks, moment, killed", [(0, "step_done:3:kill", -9), (0, "step_done:7:kill", -9), (2, "step_done:3:kill@1", 137)])
def test_killed_in_the_middle_it_goes_on_to_the_same_bytes_and_timm_predicts_the_same(trained, tmp_path, ranks, moment, killed):
    name, folder = trained
    run = tmp_path / "run"
    first = runs.pleat("train", folder / "config.yaml", "--run", run, ranks=ranks, PLEAT_FAULT=moment)
    assert first.returncode == killed and not (run / "summary.json").exists(), first.stdout
    assert list(run.glob("round_0/label/net/fold_*/resume/*.safetensors"))
    done = runs.pleat("train", folder / "config.yaml", "--run", run, ranks=ranks)
    assert done.returncode == 0 and "resumes from" in done.stdout, done.stdout
    assert runs.results(run) == runs.results(folder / "run")
    check_against_timm(name, folder, run)


def test_two_ranks_give_the_same_bytes(trained, tmp_path):
    _, folder = trained
    done = runs.pleat("train", folder / "config.yaml", "--run", tmp_path / "two", ranks=2)
    assert done.returncode == 0 and runs.results(tmp_path / "two") == runs.results(folder / "run"), done.stdout


def origin_of(path):
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read(f"{archive.namelist()[0].partition('/')[0]}/extra/pleat.json"))


def test_weights_for_other_classes_start_all_but_the_last_layer(trained, tmp_path):
    name, folder = trained
    head = {"resnet18": "fc", "efficientnet_b0": "classifier"}[name]
    assert origin_of(folder / "net.pt")["head"] == [head]
    torch.manual_seed(5)
    given = timm.create_model(name, num_classes=10, in_chans=1).state_dict()
    torch.save({"state_dict": {f"module.{key}": value for key, value in given.items()}, "epoch": 90}, tmp_path / "given.pth")
    model = f"models=[{{script: {folder}/net.pt, weights: {tmp_path}/given.pth%s}}]"
    done = runs.pleat("train", folder / "config.yaml", "--set", model % "", "--run", tmp_path / "run")
    line = runs.refusal(done, DATA)
    assert f"{head}.weight [10, " in line and "set new_head: true" in line, line
    # The learning rate is so small that the run ends with its initial weights.
    done = runs.pleat("train", folder / "config.yaml", "--set", model % ", new_head: true", "--set", "train.lr=1e-9", "--run", tmp_path / "run")
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("reads weights under 'state_dict'") == 1 and done.stdout.count("without 'module.'") == 1, done.stdout
    first = torch.jit.load(folder / "net.pt").state_dict()
    learnt = dict(timm.create_model(name, num_classes=runs.CLASSES, in_chans=1).named_parameters())
    for fold in (0, 1):
        weights = load_file(tmp_path / f"run/round_0/label/net/fold_{fold}/weights.safetensors")
        for key in learnt:
            start = first[key] if key.startswith(head + ".") else given[key]
            assert weights[key].allclose(start, rtol=1e-6, atol=1e-6), key


def test_a_run_predicts_without_the_file_it_was_made_of(trained, tmp_path):
    _, folder = trained
    run = shutil.copytree(folder / "run", tmp_path / "run")
    os.rename(folder / "net.pt", folder / "away.pt")
    try:
        done = runs.pleat("predict", "--run", run, "--crops", folder / "crops.h5", "--out", tmp_path / "p.csv")
    finally:
        os.rename(folder / "away.pt", folder / "net.pt")
    assert done.returncode == 0, done.stdout
    predicted = {row["id"]: row for row in csv.DictReader(open(tmp_path / "p.csv"))}
    for row in csv.DictReader(open(run / "predictions.csv")):
        for column, value in row.items():
            if ":" in column:
                assert abs(float(predicted[row["id"]][column]) - float(value)) < 1e-4
    copy = run / "models/net.pt"
    assert copy.read_bytes() == (folder / "net.pt").read_bytes()
    copy.write_bytes(copy.read_bytes() + b"\0")
    done = runs.pleat("predict", "--run", run, "--crops", folder / "crops.h5", "--out", tmp_path / "q.csv")
    assert done.returncode == DATA and "models/net.pt was changed" in done.stdout, done.stdout
    assert runs.pleat("train", folder / "config.yaml", "--run", run).returncode == 0, "mends it"
    assert copy.read_bytes() == (folder / "net.pt").read_bytes()


def test_another_network_under_the_same_name_does_not_go_on(trained, tmp_path):
    name, folder = trained
    assert export(f"timm:{name}", tmp_path / "net.pt", *SHAPE, "--seed", 1).returncode == 0
    done = runs.pleat("train", folder / "config.yaml", "--run", folder / "run",
                      "--set", f"models=[{{script: {tmp_path}/net.pt}}]")
    assert done.returncode == USAGE and "script of model net is not the one" in done.stdout, done.stdout


def test_a_network_for_other_classes_is_refused_before_anything_is_written(trained, tmp_path):
    name, folder = trained
    assert export(f"timm:{name}", tmp_path / "net.pt", *SHAPE, classes=7).returncode == 0
    for flags in ((), ("--dry-run",)):
        done = runs.pleat("train", folder / "config.yaml", "--run", tmp_path / "run", *flags,
                          "--set", f"models=[{{script: {tmp_path}/net.pt}}]")
        assert done.returncode == DATA, done.stdout
        for words in ("[2, 7]", "take 3 outputs", f"export_model.py timm:{name} --classes 3 --channels 1 --size 12x12"):
            assert words in done.stdout, done.stdout
        assert not (tmp_path / "run").exists()


def test_the_same_command_exports_the_same_bytes(trained, tmp_path):
    name, folder = trained
    assert export(f"timm:{name}", tmp_path / "other_name.pt", *SHAPE).returncode == 0
    assert (tmp_path / "other_name.pt").read_bytes() == (folder / "net.pt").read_bytes()


@pytest.mark.parametrize("ending", [".safetensors", ".pth"])
def test_pretrained_weights_are_taken_over_but_for_the_head(tmp_path, ending):
    torch.manual_seed(1)
    given = timm.create_model("resnet18", num_classes=10).state_dict()
    path = tmp_path / f"given{ending}"
    save_file(given, path) if ending == ".safetensors" else torch.save(given, path)
    done = export("timm:resnet18", tmp_path / "net.pt", *SHAPE, "--pretrained", path)
    assert done.returncode == 0, done.stdout
    made = torch.jit.load(tmp_path / "net.pt").state_dict()
    assert made["fc.weight"].shape == (runs.CLASSES, 512)
    assert made["conv1.weight"].shape == (64, 1, 7, 7)
    for key in given:
        if not key.startswith(("fc.", "conv1.")):
            assert torch.equal(made[key], given[key]), key


class Command:
    def __reduce__(self):
        return os.system, ("touch was_run",)


def test_a_checkpoint_is_taken_over_and_nothing_in_it_is_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = timm.create_model("resnet18", num_classes=10).state_dict()
    torch.save({"args": Command(), "ema": {"module": {f"model.{key}": value for key, value in given.items()}}, "rng": torch.get_rng_state()},
               "given.pth", _use_new_zipfile_serialization=False)
    done = export("timm:resnet18", tmp_path / "net.pt", *SHAPE, "--pretrained", "given.pth")
    assert done.returncode == 0 and not (tmp_path / "was_run").exists(), done.stdout
    assert torch.jit.load(tmp_path / "net.pt").state_dict()["layer4.1.conv2.weight"].equal(given["layer4.1.conv2.weight"])
    origin = origin_of(tmp_path / "net.pt")  # gray images: the mean of ImageNet's colours
    assert origin["mean"] == [pytest.approx(0.449, abs=1e-3)] and origin["std"] == [pytest.approx(0.226, abs=1e-3)]
    assert origin["options"] == "--pretrained given.pth"


def renamed(state):
    """The same tensors under names of another program, which keep their last part."""
    return {f"_{i}.{key.rpartition('.')[2]}": value for i, (key, value) in enumerate(state.items())}


def test_other_names_are_mapped_by_order_only_on_request(tmp_path):
    torch.manual_seed(2)
    given = timm.create_model("tf_efficientnet_lite0").state_dict()
    torch.save(renamed(given), tmp_path / "given.pth")
    done = export("timm:tf_efficientnet_lite0", tmp_path / "net.pt", "--pretrained", tmp_path / "given.pth")
    assert done.returncode == DATA and "add --map-by-order" in done.stdout and len(done.stdout.splitlines()) == 1, done.stdout
    done = export("timm:tf_efficientnet_lite0", tmp_path / "net.pt", "--pretrained", tmp_path / "given.pth", "--map-by-order")
    assert done.returncode == 0 and "_0.weight -> conv_stem.weight" in done.stdout, done.stdout
    learnt = torch.jit.load(tmp_path / "net.pt").state_dict()
    assert all(learnt[key].equal(value) for key, value in given.items() if not key.startswith("classifier.") and "num_batches" not in key)
    assert origin_of(tmp_path / "net.pt")["mean"] == [0.5] * 3


def test_names_of_pretrained_weights_are_fitted_as_pleat_fits_them(tmp_path):
    own = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2), torch.nn.Linear(2, 3)).state_dict()
    path = tmp_path / "given.pth"
    torch.save(own, path)
    save_file(own, tmp_path / "sorted.pth")
    for state in (own, {f"model.net.{key}": value for key, value in own.items()}, {"n_averaged": torch.tensor(3), **{f"module.{key}": value for key, value in own.items()}}):
        assert weights.without_prefix(state, own, "2.").keys() == own.keys()
    other = {f"a.{key}": value for key, value in own.items()} | {"b": torch.zeros(1)}
    assert weights.without_prefix(other, own, "2.") == other
    assert all(value.equal(own[key]) for key, value in weights.by_order(renamed(own), own, "2.", path).items())
    for state, where, words in [(renamed(own), tmp_path / "sorted.pth", "keeps their order"), ({"w": torch.zeros(2)}, path, "has 1 tensors, and the network 8"),
                                (renamed(own) | {"_0.weight": torch.zeros(2)}, path, "by order, _0.weight")]:
        with pytest.raises(ValueError, match=words):
            weights.by_order(state, own, "2.", where)
    for value, words in [({"epoch": 3}, "no state dict under"), ({"model": own, "net": own}, "weights under model and net"), (Command(), "an object of class posix.system"),
                         (torch.nn.Linear(1, 1), "an object of class torch.nn.modules.linear.Linear")]:
        torch.save(value, path)
        with pytest.raises(ValueError, match=words):
            weights.read(path)


def test_torchvisions_networks_are_exported_too(tmp_path):
    import torchvision
    given = torchvision.models.mobilenet_v3_small(num_classes=10).state_dict()
    torch.save(given, tmp_path / "given.pth")
    done = export("torchvision:mobilenet_v3_small", tmp_path / "net.pt", "--pretrained", tmp_path / "given.pth")
    assert done.returncode == 0, done.stdout
    made = torch.jit.load(tmp_path / "net.pt").state_dict()
    assert made["classifier.3.weight"].shape == (runs.CLASSES, 1024)
    assert torch.equal(made["classifier.0.weight"], given["classifier.0.weight"])
    assert origin_of(tmp_path / "net.pt")["head"] == ["classifier.3"]


def test_what_cannot_be_exported_is_told_in_a_line(tmp_path):
    (tmp_path / "no_timm").mkdir()
    (tmp_path / "no_timm/timm.py").write_text("raise ImportError('not here')\n")
    save_file({"w": torch.zeros(2)}, tmp_path / "odd.safetensors")
    out = tmp_path / "net.pt"
    for code, words, arguments, extra in [
        (USAGE, "did you mean resnet18", ("timm:resnet8", out), {}),
        (USAGE, "expected timm:NAME", ("resnet18", out), {}),
        (USAGE, "'64,64' is not a size", ("timm:resnet18", out, "--size", "64,64"), {}),
        (USAGE, "take 3 channels", ("torchvision:resnet18", out, "--channels", 1), {}),
        (USAGE, "launch/setup.sh --test", ("timm:resnet18", out), {"PYTHONPATH": str(tmp_path / "no_timm")}),
        (DATA, "there is no folder", ("timm:resnet18", tmp_path / "nowhere/net.pt"), {}),
        (DATA, "no such file", ("timm:resnet18", out, "--pretrained", tmp_path / "none.pth"), {}),
        (DATA, "odd.safetensors has no weights for conv1.weight", ("timm:resnet18", out, "--pretrained", tmp_path / "odd.safetensors"), {}),
    ]:
        done = export(*arguments, **extra)
        assert done.returncode == code and words in done.stdout, (arguments, done.stdout)
        assert "Traceback" not in done.stdout
    assert not out.exists()

"""pleat ensemble: one ensemble of several runs. Its scores are those of its tables; predict and export blend as it does."""
import csv
import json
import shutil

import h5py
import numpy
import pytest
from sklearn.metrics import f1_score
from support import exports, people, runs

CLASS = {"name": "class", "of": ["mask", "gender"]}
COMMON = {"folds.k": 3, "train.epochs": 2, "targets": people.TARGETS}
TWO = [{"id": "a", "name": "resnet20"}, {"id": "b", "name": "resnet18"}]
RUNS = {  # the same targets by several kinds of networks; one in bf16, one with two rounds
    "separate": {"joint": CLASS, "models": TWO, "predict.temperature": True, "train.precision": "bf16"},
    "heads": {"joint": CLASS, "targets_as": "heads", "predict": {"flip": True, "shift": 1}},
    "rounds": {"joint": CLASS, "rounds": {"count": 2, "stop": "never", "parts": 2, "admit": {"threshold": 0.0}},
               "train.epochs": 6, "train.lr": 1e-2, "train.sampling": "balanced"},
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with finished runs on the same folds."""
    folder = tmp_path_factory.mktemp("merge")
    crops = people.prepare(folder, people.rows(96, 12, 16), pictured=people.rows(124, 0, 0))
    for name, changes in RUNS.items():
        config = people.write_config(folder / f"{name}.yaml", crops, COMMON | changes)
        exports.pleat("train", config, "--run", folder / name)
    for name, targets_as in (("pair", "separate"), ("product", "joint")):  # two targets, and the joint one trained
        changes = COMMON | {"targets": people.TARGETS[:2], "joint": {"name": "class"}, "targets_as": targets_as}
        config = people.write_config(folder / f"{name}.yaml", crops, changes)
        exports.pleat("train", config, "--run", folder / name, "--set", f"folds.file={folder / 'heads/folds.csv'}")
    return folder


def merge(made, names, out, *arguments):
    return exports.pleat("ensemble", *(made / name for name in names), "--out", out, *arguments)


def described(folder):
    return json.loads((folder / "round_0/ensemble.json").read_text())


def tables(folder, target):
    """(labels, {candidate: probabilities}, the ensemble's) of the out-of-fold table."""
    with h5py.File(folder / "round_0/oof.h5") as oof:
        of = oof[f"targets/{target}"]
        names = [name.decode() for name in of["model_order"][:]]
        return of["labels"][:], {name: of[f"models/{name}/probs"][:] for name in names}, of["ensemble"][:]


def test_the_candidates_are_the_models_of_all_runs(made, tmp_path):
    merge(made, ["separate", "heads", "rounds"], tmp_path / "out")
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    assert [run["round"] for run in described(tmp_path / "out")["runs"]] == [0, 0, 1]
    for target in ("mask", "gender", "age"):
        labels, candidates, ensemble = tables(tmp_path / "out", target)
        assert list(candidates) == ["separate:a", "separate:b", "heads:resnet20", "rounds:resnet20"]
        for name, probs in candidates.items():
            run, model = name.split(":")
            with h5py.File(made / run / f"round_{int(run == 'rounds')}/oof.h5") as oof:
                assert (oof[f"targets/{target}/models/{model}/probs"][:] == probs).all()
        told = summary["targets"][target]
        assert told["oof"]["macro_f1"] == pytest.approx(f1_score(labels, ensemble.argmax(1), average="macro"))
        best = max(f1_score(labels, probs.argmax(1), average="macro") for probs in candidates.values())
        assert told["ensemble"]["in_sample"]["macro_f1"] >= best - 1e-12
        assert set(told["models"]) == set(candidates) and told["leak_meter"] is not None
    joint = tables(tmp_path / "out", "class")[2]
    parts = [tables(tmp_path / "out", target)[2] for target in CLASS["of"]]
    assert numpy.allclose(joint, (parts[0][:, :, None] * parts[1][:, None, :]).reshape(len(joint), -1))


def test_one_run_alone_is_its_own_ensemble(made, tmp_path):
    merge(made, ["separate"], tmp_path / "out")
    ours, its = (json.loads((folder / "summary.json").read_text())["targets"] for folder in (tmp_path / "out", made / "separate"))
    for target in its:
        assert ours[target]["oof"] == its[target]["oof"] and ours[target]["test"] == its[target]["test"]
    assert (tmp_path / "out/predictions.csv").read_bytes() == (made / "separate/predictions.csv").read_bytes()


@pytest.mark.parametrize("names, method", [
    (("separate", "heads", "rounds"), "auto"), (("separate", "heads", "rounds"), "stack"), (("pair", "product"), "mean"),
], ids=str)
def test_predict_and_python_blend_as_it_does(made, tmp_path, names, method):
    out = tmp_path / "out"
    merge(made, names, out, "--method", method)
    exports.pleat("predict", "--run", out, "--crops", made / "crops.h5", "--out", tmp_path / "p.csv", ranks=2)
    ours, again = exports.rows_of(out / "predictions.csv"), exports.rows_of(tmp_path / "p.csv")
    if "rounds" in names:  # with rounds.parts, a run leaves out networks that were taught a row's pseudo-label
        ours = {each: row for each, row in ours.items() if row["split"] == "test"}
    assert ours and ours == {each: row for each, row in again.items() if each in ours}
    exports.pleat("export", out, "--out", tmp_path / "export")
    images, ids = exports.crops_of(made / "crops.h5")
    ensemble = exports.load(tmp_path / "export")
    limit = 1e-2 if "separate" in names else 1e-5  # Python computes in fp32
    assert exports.largest_difference(again, ids, ensemble, ensemble.predict_all(images)) < limit


def test_the_joint_target_is_blended_where_a_run_trains_it(made, tmp_path):
    merge(made, ["pair", "product"], tmp_path / "out", "--method", "mean")
    targets = described(tmp_path / "out")["targets"]
    assert {name: each["method"] for name, each in targets.items()} == dict.fromkeys(("mask", "gender", "class"), "mean")
    labels, candidates, ensemble = tables(tmp_path / "out", "class")
    assert numpy.allclose(ensemble, sum(candidates.values()) / 2) and set(candidates) == {"pair:resnet20", "product:resnet20"}
    units = {(member["run"], member["unit"]) for member in targets["class"]["members"]}
    assert units == {("pair", "mask"), ("pair", "gender"), ("product", "class")}


def test_the_folder_holds_all_that_it_needs(made, tmp_path):
    names = ["pair", "product"]
    for name in names:
        shutil.copytree(made / name, tmp_path / name)
    merge(tmp_path, names, tmp_path / "out")
    before = exports.tree(tmp_path / "out")
    for name in names:
        shutil.rmtree(tmp_path / name)
    exports.pleat("predict", "--run", tmp_path / "out", "--crops", made / "crops.h5", "--out", tmp_path / "p.csv")
    assert exports.tree(tmp_path / "out") == before


def write_table(path, made, run, rows=lambda id: True, edit=lambda row: row):
    """A CSV of a run's predictions of all rows, out-of-fold for train rows, with these changes."""
    lines = []
    with h5py.File(made / run / "round_0/oof.h5") as oof:
        for i, id in enumerate(oof["ids"][:]):
            row = {"id": id.decode(), "fold": str(oof["folds"][0, i])}
            for target in ("mask", "gender", "age"):
                for c, name in enumerate(oof[f"targets/{target}/classes"][:]):
                    row[f"{target}:{name.decode()}"] = repr(float(oof[f"targets/{target}/ensemble"][i, c]))
            lines.append(row)
    for row in exports.rows_of(made / run / "predictions.csv").values():
        lines.append({column: row.get(column, "") for column in lines[0]})
    lines = [edit(dict(row)) for row in lines if rows(row["id"])]
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, lines[0])
        writer.writeheader()
        writer.writerows(lines)
    return path


@pytest.mark.parametrize("kind", ["csv", "h5"])
def test_a_table_from_elsewhere_is_a_candidate(made, tmp_path, kind):
    file = write_table(tmp_path / "t.csv", made, "separate") if kind == "csv" else made / "separate/round_0/oof.h5"
    done = merge(made, ["heads"], tmp_path / "out", "--oof", f"other={file}", "--method", "mean")
    labels, candidates, ensemble = tables(tmp_path / "out", "mask")
    assert numpy.allclose(candidates["other"], tables(made / "separate", "mask")[2], atol=1e-9)
    assert numpy.allclose(ensemble, (candidates["other"] + candidates["heads:resnet20"]) / 2)
    assert "which cannot be checked" in done.stdout
    assert (tmp_path / "out/predictions.csv").exists() == (kind == "csv")  # oof.h5 has no test rows
    assert ("lacks the test or unlabelled rows" in done.stdout) == (kind == "h5")
    if kind == "csv":
        assert described(tmp_path / "out")["targets"]["class"]["method"] == "product"
        mine = exports.rows_of(tmp_path / "out/predictions.csv")
        theirs = [exports.rows_of(made / name / "predictions.csv") for name in ("separate", "heads")]
        for id, row in mine.items():
            assert float(row["mask:wear"]) == pytest.approx(sum(float(each[id]["mask:wear"]) for each in theirs) / 2, abs=2e-6)
    done = runs.pleat("predict", "--run", tmp_path / "out", "--crops", made / "crops.h5", "--out", tmp_path / "p.csv")
    assert "uses the table 'other', which has no networks" in runs.refusal(done)


def test_a_table_that_the_ensemble_does_not_use_is_no_hindrance(made, tmp_path):
    even = {"mask": 3, "gender": 2, "age": 3}
    def flatten(row):
        return {key: repr(1 / even[key.split(":")[0]]) if ":" in key else value for key, value in row.items()}
    file = write_table(tmp_path / "t.csv", made, "separate", edit=flatten)
    merge(made, ["heads"], tmp_path / "out", "--oof", f"flat={file}", "--method", "best")
    assert described(tmp_path / "out")["targets"]["mask"]["weights"] == [1, 0]
    exports.pleat("predict", "--run", tmp_path / "out", "--crops", made / "crops.h5", "--out", tmp_path / "p.csv")


def write_script(path, outputs):
    """A TorchScript network."""
    import torch
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3, 2), torch.nn.BatchNorm2d(8), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1),
                                  torch.nn.Flatten(), torch.nn.Linear(8, outputs))
    torch.jit.save(torch.jit.script(network), path)


def test_numbers_repeats_scripts_and_folders_of_one_name(made, tmp_path):
    write_script(tmp_path / "net.pt", 2)
    base = {"targets": [people.TARGETS[2] | {"regress": True}], "folds": {"k": 2, "repeats": 2}, "train.epochs": 3}
    one = people.write_config(tmp_path / "one.yaml", made / "crops.h5", base)
    other = people.write_config(tmp_path / "other.yaml", made / "crops.h5", base | {
        "score": "accuracy", "models": [{"id": "s", "script": str(tmp_path / "net.pt")}]})
    exports.pleat("train", one, "--run", tmp_path / "one/run")
    exports.pleat("train", other, "--run", tmp_path / "other/run")
    done = merge(tmp_path, ["one/run", "other/run"], tmp_path / "out", "--method", "mean")
    assert [run["name"] for run in described(tmp_path / "out")["runs"]] == ["run", "run_2"]
    assert "run_2 was scored by accuracy; the ensemble is chosen by macro_f1" in done.stdout
    exports.pleat("predict", "--run", tmp_path / "out", "--crops", made / "crops.h5", "--out", tmp_path / "p.csv")
    ours, again = exports.rows_of(tmp_path / "out/predictions.csv"), exports.rows_of(tmp_path / "p.csv")
    assert ours == {each: row for each, row in again.items() if each in ours} and "age.mean" in next(iter(ours.values()))
    exports.pleat("export", tmp_path / "out", "--out", tmp_path / "export")
    images, ids = exports.crops_of(made / "crops.h5")
    ensemble = exports.load(tmp_path / "export")
    assert exports.largest_difference(again, ids, ensemble, ensemble.predict_all(images)) < 1e-5


def test_an_earlier_ensemble_is_replaced_whole(made, tmp_path):
    merge(made, ["separate", "heads"], tmp_path / "out")
    merge(made, ["heads"], tmp_path / "out")
    assert {each.name for each in (tmp_path / "out/runs").iterdir()} == {"heads"}
    assert {each.name for each in tmp_path.iterdir()} == {"out"}


def test_killed_before_it_is_in_place_it_is_made_again(made, tmp_path):
    merge(made, ["heads"], tmp_path / "out")
    whole = exports.tree(tmp_path / "out")
    arguments = ("ensemble", made / "heads", "--out", tmp_path / "out")
    assert runs.pleat(*arguments, PLEAT_FAULT="publish_ensemble:1:kill").returncode == -9
    assert runs.pleat(*arguments).returncode == 0
    for files in (again := exports.tree(tmp_path / "out"), whole):
        del files["summary.json"]  # it has the time
    assert again == whole and {each.name for each in tmp_path.iterdir()} == {"out"}


def test_under_mpirun_rank_0_does_it(made, tmp_path):
    exports.pleat("ensemble", made / "heads", made / "separate", "--out", tmp_path / "out", ranks=2)
    merge(made, ["heads", "separate"], tmp_path / "alone")
    assert runs.results(tmp_path / "out") == runs.results(tmp_path / "alone")

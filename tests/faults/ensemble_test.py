"""The ensemble of a run: chosen and scored alike for any ranks; predict and export blend as the run does."""
import json
import shutil

import h5py
import pytest
from sklearn.metrics import f1_score
from support import exports, runs

METHODS = ["auto", "mean", "best", "greedy", "stack"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run of three models, with the mean as its ensemble."""
    folder = tmp_path_factory.mktemp("ensemble")
    crops = runs.prepare(folder, rows=150, test_rows=30)
    config = runs.write_config(folder / "c.yaml", crops, ensemble="mean", predict="{temperature: true}", folds="{k: 3}",
                               models="[{id: a, name: resnet20}, {id: b, name: resnet18}, {id: c, name: resnet34}]",
                               train="{epochs: 2, batch: 16, lr: 3e-3}")
    exports.pleat("train", config, *exports.FP32, "--run", folder / "mean")
    return folder


def with_method(run, method):
    """The same run under another ensemble: its jobs are copied, so nothing is trained."""
    out = run / method
    if not out.exists():
        shutil.copytree(run / "mean", out)
        text = (out / "config.yaml").read_text()
        (out / "config.yaml").write_text(text.replace("ensemble: mean", f"ensemble: {method}"))
        done = exports.pleat("train", run / "c.yaml", *exports.FP32, "--set", f"ensemble={method}", "--run", out)
        assert "9 were done before" in done.stdout
    return out


def described(folder):
    return json.loads((folder / "round_0/ensemble.json").read_text())["targets"]["label"]


@pytest.mark.parametrize("method", METHODS)
def test_scores_are_those_of_the_tables(run, method):
    folder = with_method(run, method)
    told, ensemble = json.loads((folder / "summary.json").read_text())["targets"]["label"], described(folder)
    with h5py.File(folder / "round_0/oof.h5") as oof:
        label = oof["targets/label"]
        tables = [label[f"models/{name}/probs"][:] for name in "abc"]
        labels, cross_fitted = label["labels"][:], label["ensemble"][:]
    assert told["oof"]["macro_f1"] == pytest.approx(f1_score(labels, cross_fitted.argmax(1), average="macro"))
    assert told["ensemble"]["cross_fitted"]["macro_f1"] == told["oof"]["macro_f1"]
    assert ensemble["asked"] == method and ensemble["methods"][ensemble["method"]]["cross_fitted"]["macro_f1"] == told["oof"]["macro_f1"]
    if "stack" not in ensemble:
        whole = sum(w * table for w, table in zip(ensemble["weights"], tables))
        assert told["ensemble"]["in_sample"]["macro_f1"] == pytest.approx(f1_score(labels, whole.argmax(1), average="macro"))
    if method == "auto":
        best = max(f1_score(labels, table.argmax(1), average="macro") for table in tables)
        assert told["ensemble"]["in_sample"]["macro_f1"] >= best - 1e-12
        assert set(ensemble["methods"]) == {"mean", "best", "greedy", "stack"}


@pytest.mark.parametrize("method", METHODS)
def test_predict_and_python_blend_as_the_run_does(run, method):
    folder = with_method(run, method)
    exports.pleat("predict", "--run", folder, "--crops", run / "crops.h5", "--out", folder / "p.csv", ranks=2)
    ours, again = exports.rows_of(folder / "predictions.csv"), exports.rows_of(folder / "p.csv")
    assert ours == {each: row for each, row in again.items() if each in ours}
    exports.pleat("export", folder, "--out", run / f"export_{method}")
    images, ids = exports.crops_of(run / "crops.h5")
    ensemble = exports.load(run / f"export_{method}")
    assert exports.largest_difference(again, ids, ensemble, ensemble.predict_all(images)) < 1e-5


def test_models_without_a_weight_are_not_predicted_with(run):
    folder = with_method(run, "best")
    weights = described(folder)["weights"]
    assert sorted(weights) == [0, 0, 1]
    done = exports.pleat("predict", "--run", folder, "--crops", run / "crops.h5", "--out", folder / "few.csv")
    assert "predicted by 3 models" in done.stdout
    assert len({member["model"] for member in described(folder)["members"]}) == 1


def test_temperatures_are_fitted_on_rows_of_the_training_side(run):
    for fold in (run / "mean/round_0/label/a").glob("fold_*"):
        done = json.loads((fold / "done.json").read_text())
        assert done["train_rows"] < 100 and 0.1 <= done["heads"][0]["code"]["temperature"] <= 10


def test_another_ensemble_is_another_run(run):
    done = runs.pleat("train", run / "c.yaml", *exports.FP32, "--set", "ensemble=greedy", "--run", run / "mean")
    assert 'ensemble: "mean" -> "greedy"' in runs.refusal(done, 2)


def test_an_ensemble_of_other_models_than_the_config_is_refused(run, tmp_path):
    out = shutil.copytree(run / "mean", tmp_path / "run")
    text = (out / "round_0/ensemble.json").read_text()
    (out / "round_0/ensemble.json").write_text(text.replace('"a",\n', '"z",\n', 1))
    done = runs.pleat("predict", "--run", out, "--crops", run / "crops.h5", "--out", tmp_path / "p.csv")
    assert "other models than its config" in runs.refusal(done)

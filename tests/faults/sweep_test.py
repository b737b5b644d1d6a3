"""pleat sweep: the same choice and bytes for any number of ranks and through kills; nothing is trained twice."""
import json
import re
import shutil

import pytest
from support import people, runs, sweeps

SHORT, SECOND, THIRD = 6, 2, 8  # trainings of the grid's rungs: all cells, the best two, these on the other folds at most


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A race over six cells on one rank, and everything that other starts of it must give."""
    folder = tmp_path_factory.mktemp("sweep")
    crops = runs.prepare(folder)
    config = runs.write_config(folder / "config.yaml", crops)
    output = sweeps.done(config, folder / "race")
    return folder, config, output, sweeps.results(folder / "race")


@pytest.fixture(scope="module")
def grid(made):
    """The same cells on all folds, with an ensemble of them all."""
    folder, config, _, _ = made
    output = sweeps.done(config, folder / "grid", "--set", "sweep.strategy=full", "--set", "sweep.keep=all", "--collect", ranks=2)
    return folder / "grid", output


def test_a_race_trains_all_cells_shortly_and_few_fully(made):
    folder, _, output, _ = made
    jobs = sweeps.trained(output)
    short = [job for job in jobs if "/short/" in job]
    assert len(short) == SHORT and len(set(jobs)) == len(jobs)
    assert SECOND + 4 <= len(jobs) - len(short) <= SECOND + THIRD
    table = sweeps.table(folder / "race")
    assert sorted(row["verdict"] for row in table.values()).count("best") == 1
    for name, row in table.items():
        assert row["short_macro_f1"] and row["rung"] in "123", name
        assert bool(row["macro_f1"]) == (int(row["folds"]) > 0), name
        assert bool(row["why"]) == (row["verdict"] == "dropped"), name
    ranked = sorted(table, key=lambda name: -float(table[name]["short_macro_f1"]))
    assert {name for name in table if table[name]["rung"] > "1"} == set(ranked[:2]), "the best third, at least two"


@pytest.mark.parametrize("ranks", [2, 5])
def test_any_number_of_ranks_makes_the_same_choice_and_bytes(made, tmp_path, ranks):
    _, config, _, expected = made
    sweeps.done(config, tmp_path / "race", ranks=ranks)
    assert sweeps.results(tmp_path / "race") == expected


@pytest.mark.parametrize("moment", ["before_done:3:kill", "before_done:7:kill", "before_done:11:kill"], ids=["rung-1", "rung-2", "rung-3"])
@pytest.mark.parametrize("ranks", [0, 2])
def test_a_kill_in_each_rung(made, tmp_path, moment, ranks):
    _, config, _, expected = made
    killed = sweeps.sweep(config, tmp_path / "race", ranks=ranks, PLEAT_FAULT=moment)
    assert killed.returncode not in (0, 5) and not (tmp_path / "race/sweep.csv").exists(), killed.stdout
    finished = {path: path.stat().st_mtime_ns for path in tmp_path.glob("race/*/*/round_0/*/*/*/predictions.safetensors") if (path.parent / "done.json").exists()}
    assert finished
    output = sweeps.done(config, tmp_path / "race", ranks=ranks)
    assert f"{len(finished)} jobs done before" in output
    assert {path: path.stat().st_mtime_ns for path in finished} == finished, "nothing is trained twice"
    assert sweeps.results(tmp_path / "race") == expected


def test_a_stop_on_request_resumes(made, tmp_path):
    _, config, _, expected = made
    stopped = sweeps.sweep(config, tmp_path / "race", PLEAT_FAULT="step_done:20:stop")
    assert stopped.returncode == 75 and "resume" in stopped.stdout, stopped.stdout
    sweeps.done(config, tmp_path / "race")
    assert sweeps.results(tmp_path / "race") == expected


def test_a_finished_sweep_trains_nothing_and_says_the_same(made, tmp_path):
    folder, config, output, expected = made
    shutil.copytree(folder / "race", tmp_path / "race")
    again = sweeps.done(config, tmp_path / "race", "--set", "cluster.device=cpu")
    assert sweeps.trained(again) == [] and sweeps.results(tmp_path / "race") == expected
    pattern = r"(?s)macro_f1 on fold.*?\n\ncell"
    assert re.search(pattern, again).group() == re.search(pattern, output).group()


def test_the_best_cells_run_is_done_and_its_config_gives_the_same_bytes(made, tmp_path):
    folder, _, _, _ = made
    shutil.copytree(folder / "race", tmp_path / "race")
    trial = tmp_path / "race/trials" / sweeps.best(folder / "race")
    expected = runs.results(trial)
    assert len([name for name in expected if name.endswith("weights.safetensors")]) == 5
    again = runs.pleat("train", tmp_path / "race/best.yaml", "--run", trial)
    assert again.returncode == 0 and "starts on host" not in again.stdout, again.stdout
    new = runs.pleat("train", tmp_path / "race/best.yaml", "--run", tmp_path / "new", ranks=2)
    assert new.returncode == 0, new.stdout
    assert runs.results(tmp_path / "new") == expected == runs.results(trial)


def test_a_wider_sweep_trains_only_what_is_new(made, tmp_path):
    folder, config, _, _ = made
    wide = ["--axis", "train.lr=1e-4,1e-3,1e-2,2e-2", "--axis", "train.batch=32,64"]
    shutil.copytree(folder / "race", tmp_path / "widened")
    sweeps.done(config, tmp_path / "at_once", axes=wide, ranks=2)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("widened/*/*/round_0/*/*/*/predictions.safetensors")}
    output = sweeps.done(config, tmp_path / "widened", axes=wide)
    jobs = sweeps.trained(output)
    assert {job.split("/")[0] for job in jobs if "/short/" in job} == {"lr=0.02,batch=32", "lr=0.02,batch=64"}
    assert all(before[path] == path.stat().st_mtime_ns for path in before), "what was done stays"
    widened, at_once = sweeps.table(tmp_path / "widened"), sweeps.table(tmp_path / "at_once")
    earlier = sweeps.best(folder / "race")  # it stays a candidate, wherever the wider race leaves it
    assert widened[earlier]["folds"] == "5" and widened[earlier]["verdict"] in ("best", "equal", "worse")
    same = {name: row for name, row in at_once.items() if name != earlier}
    compared = ("short_macro_f1", "rung", "folds", "macro_f1", "low", "high")
    assert all(widened[name][key] == row[key] for name, row in same.items() for key in compared)
    assert float(widened[sweeps.best(tmp_path / "widened")]["macro_f1"]) >= float(widened[earlier]["macro_f1"])


def test_weights_that_are_wanted_later_are_trained_again(made, tmp_path):
    folder, config, _, expected = made
    shutil.copytree(folder / "race", tmp_path / "race")
    weights = {name: sum_ for name, sum_ in expected.items() if name.endswith("weights.safetensors")}
    for path in tmp_path.glob("race/trials/*/round_0/*/*/*/weights.safetensors"):
        done = json.loads((path.parent / "done.json").read_text())
        del done["sha256"]["weights.safetensors"]
        (path.parent / "done.json").write_text(json.dumps(done))
        path.unlink()
    output = sweeps.done(config, tmp_path / "race", ranks=2)
    assert "were trained without keeping them" in output and len(sweeps.trained(output)) == 5
    assert weights.items() <= sweeps.results(tmp_path / "race").items()


def test_a_full_grid_is_as_many_plain_runs(made, grid, tmp_path):
    _, config, _, _ = made
    folder, output = grid
    assert len(sweeps.trained(output)) == 30 and not (folder / "short").exists()
    plain = runs.pleat("train", config, "--set", "train.lr=1e-3", "--set", "train.batch=64", "--run", tmp_path / "plain")
    assert plain.returncode == 0, plain.stdout
    assert runs.results(tmp_path / "plain") == runs.results(folder / "trials/lr=0.001,batch=64")


def test_the_race_finds_the_best_of_the_full_grid_or_one_equal_to_it(made, grid):
    folder, _, _, _ = made
    row = sweeps.table(grid[0])[sweeps.best(folder / "race")]
    assert row["verdict"] in ("best", "equal"), row


def test_collect_joins_all_complete_cells(made, grid, tmp_path):
    folder, config, _, _ = made
    grid_folder, output = grid
    assert re.search(r"difference to the best cell, both cross-fitted: macro_f1 [+-]0\.\d{4} \(", output), output[-3000:]
    assert re.search(r"on held-out test rows: macro_f1 0\.\d{4}, best cell 0\.\d{4}", output)
    ensemble = json.loads((grid_folder / "ensemble/round_0/ensemble.json").read_text())
    assert len(ensemble["runs"]) == 6
    done = runs.pleat("predict", "--run", grid_folder / "ensemble", "--crops", folder / "crops.h5", "--out", tmp_path / "p.csv")
    assert done.returncode == 0 and len((tmp_path / "p.csv").read_text().splitlines()) == 361, done.stdout
    exported = runs.pleat("export", grid_folder / "ensemble", "--out", tmp_path / "export")
    assert exported.returncode == 0, exported.stdout


def test_an_ensemble_that_is_made_is_not_made_again(made, tmp_path):
    _, config, _, _ = made
    axes, options = ["--axis", "train.lr=1e-3,1e-2"], ["--set", "sweep.strategy=full", "--collect"]
    sweeps.done(config, tmp_path / "s", *options, axes=axes)
    assert weights_of(tmp_path / "s") == {sweeps.best(tmp_path / "s")}
    again = sweeps.done(config, tmp_path / "s", *options, axes=axes)
    assert sweeps.trained(again) == [] and "was made by an earlier start" in again
    assert "difference to the best cell" in again and "on held-out test rows" in again


def weights_of(folder):
    return {path.relative_to(folder / "trials").parts[0] for path in folder.glob("trials/*/round_0/*/*/*/weights.safetensors")}


def test_keep_best_keeps_the_weights_of_the_best_cell_alone(made):
    folder, _, _, _ = made
    assert weights_of(folder / "race") == {sweeps.best(folder / "race")}
    assert not list((folder / "race").glob("short/*/round_0/*/*/*/weights.safetensors"))
    assert len(list((folder / "race").glob("short/*/round_0/*/*/*/predictions.safetensors"))) == SHORT


def test_keep_all_and_keep_scores(made, grid, tmp_path):
    folder, config, _, _ = made
    assert len(weights_of(grid[0])) == 6
    sweeps.done(config, tmp_path / "none", "--set", "sweep.keep=scores", ranks=2)
    assert weights_of(tmp_path / "none") == set()
    best = sweeps.best(tmp_path / "none")
    refused = runs.pleat("predict", "--run", tmp_path / "none/trials" / best, "--crops", folder / "crops.h5", "--out", tmp_path / "p.csv")
    assert refused.returncode == 3 and "sweep.keep" in refused.stdout, refused.stdout


def test_a_full_grid_frees_the_weights_of_beaten_cells_and_keeps_the_best(made, grid, tmp_path):
    _, config, _, _ = made
    sweeps.done(config, tmp_path / "grid", "--set", "sweep.strategy=full", ranks=2)
    assert sweeps.table(tmp_path / "grid") == sweeps.table(grid[0])
    assert weights_of(tmp_path / "grid") == {sweeps.best(tmp_path / "grid")}
    trial = sweeps.best(tmp_path / "grid")
    assert runs.results(tmp_path / "grid/trials" / trial) == runs.results(grid[0] / "trials" / trial)


@pytest.mark.parametrize("strategy", ["race", "full"])
def test_a_failed_cell_is_named_and_the_others_go_on(made, tmp_path, strategy):
    _, config, _, _ = made
    done = sweeps.sweep(config, tmp_path / "s", "--set", f"sweep.strategy={strategy}", "--set", "train.optimizer=sgd",
                        axes=["--axis", "train.lr=1e-3,1e-2,1e30"], ranks=2)
    assert done.returncode == 5 and "lr=1e+30 failed" in done.stdout, done.stdout
    table = sweeps.table(tmp_path / "s")
    assert table["lr=1e+30"]["verdict"] == "failed" and "loss" in table["lr=1e+30"]["why"]
    assert sweeps.best(tmp_path / "s") != "lr=1e+30"
    failures = json.loads((tmp_path / "s/failures.json").read_text())
    alone = sweeps.sweep(config, tmp_path / "alone", "--set", f"sweep.strategy={strategy}", "--set", "train.optimizer=sgd",
                         axes=["--axis", "train.lr=1e-3,1e-2,1e30"])
    assert alone.returncode == 5 and sweeps.table(tmp_path / "alone") == table, "the first failed job is named, not the first to fail"
    assert failures and all(each["job"].startswith("lr=1e+30/") for each in failures)


def test_if_every_cell_fails_there_is_no_best(made, tmp_path):
    _, config, _, _ = made
    done = sweeps.sweep(config, tmp_path / "s", "--set", "train.optimizer=sgd", axes=["--axis", "train.lr=1e30,1e31"])
    assert done.returncode == 5 and "no cell is done on all folds" in done.stdout, done.stdout
    assert not (tmp_path / "s/best.yaml").exists()


def test_models_and_repeats_can_be_swept(made, tmp_path):
    _, config, _, _ = made
    axes = ["--axis", "models=[{name: resnet20}],[{name: resnet20}, {id: wide, name: resnet20, dropout: 0.2}]", "--axis", "train.epochs=1,2"]
    options = ["--set", "folds={k: 2, repeats: 2}", "--set", "sweep.strategy=full"]
    sweeps.done(config, tmp_path / "one", *options, axes=axes)
    sweeps.done(config, tmp_path / "two", *options, axes=axes, ranks=2)
    assert sweeps.results(tmp_path / "one") == sweeps.results(tmp_path / "two")
    names = {re.sub("wide-[0-9a-f]{8}", "wide", name) for name in sweeps.table(tmp_path / "one")}
    assert names == {f"models={models},epochs={epochs}" for models in ("resnet20", "resnet20+wide") for epochs in (1, 2)}


def test_groups_several_heads_and_a_joint_target_can_be_swept(tmp_path):
    """The race compares the joint target, resampled by person."""
    crops = people.prepare(tmp_path)
    config = people.write_config(tmp_path / "config.yaml", crops, {
        "folds.k": 3, "targets": people.TARGETS[:2], "targets_as": "heads", "joint": {"name": "class", "of": ["mask", "gender"]},
        "train.epochs": 5})
    axes = ["--axis", "train.lr=1e-4,1e-3,1e-2"]
    sweeps.done(config, tmp_path / "one", axes=axes)
    sweeps.done(config, tmp_path / "two", axes=axes, ranks=2)
    assert sweeps.results(tmp_path / "one") == sweeps.results(tmp_path / "two")
    best = sweeps.best(tmp_path / "one")
    summary = json.loads((tmp_path / "one/trials" / best / "summary.json").read_text())
    assert abs(float(sweeps.table(tmp_path / "one")[best]["macro_f1"]) - summary["targets"]["class"]["oof"]["macro_f1"]) < 1e-5


def test_weights_that_pleat_train_has_made_stay(made, tmp_path):
    folder, config, _, _ = made
    shutil.copytree(folder / "race", tmp_path / "race")
    dropped = next(name for name, row in sweeps.table(folder / "race").items() if row["verdict"] == "dropped" and int(row["folds"]) > 0)
    trial = tmp_path / "race/trials" / dropped
    trained = runs.pleat("train", trial / "config.yaml", "--run", trial)
    assert trained.returncode == 0 and dropped in weights_of(tmp_path / "race"), trained.stdout
    sweeps.done(config, tmp_path / "race")
    assert dropped in weights_of(tmp_path / "race") and len(list(trial.glob("round_0/*/*/*/weights.safetensors"))) == 5
    row = sweeps.table(tmp_path / "race")[dropped]
    assert row["folds"] == "5" and row["verdict"] in ("best", "equal", "worse"), "now it is complete, so it is compared"


def test_a_trial_that_goes_on_with_rounds_stays_a_trial(made, tmp_path):
    _, config, _, _ = made
    axes, options = ["--axis", "train.lr=1e-3,1e-2"], ["--set", "rounds={count: 2, use_test: true, admit: {threshold: 0.34}}", "--set", "train.epochs=3"]
    sweeps.done(config, tmp_path / "s", *options, axes=axes)
    table, best = sweeps.table(tmp_path / "s"), sweeps.best(tmp_path / "s")
    trained = runs.pleat("train", tmp_path / "s/best.yaml", "--run", tmp_path / "s/trials" / best)
    assert trained.returncode == 0 and (tmp_path / "s/trials" / best / "round_1").exists(), trained.stdout
    summary = (tmp_path / "s/trials" / best / "summary.json").read_bytes()
    output = sweeps.done(config, tmp_path / "s", *options, axes=axes)
    assert sweeps.trained(output) == [] and sweeps.table(tmp_path / "s") == table
    assert (tmp_path / "s/trials" / best / "summary.json").read_bytes() == summary


def test_a_dry_run_names_cells_and_trainings_and_writes_nothing(made, tmp_path):
    _, config, _, _ = made
    output = sweeps.done(config, tmp_path / "s", "--dry-run")
    assert not (tmp_path / "s").exists()
    for words in ("6 of train.lr, train.batch", "lr=0.0001,batch=32", "16 = 6 short on fold", "2 full on fold", "at most 8 on the other folds",
                  "of training on 1 slot", "are kept (sweep.keep: best)", "nothing was written"):
        assert words in output, output


def test_the_better_log_loss_is_the_lower_one(tmp_path):
    """Intervals are shown so, too."""
    crops = runs.prepare(tmp_path)
    config = runs.write_config(tmp_path / "config.yaml", crops, score="log_loss")
    sweeps.done(config, tmp_path / "s", "--set", "sweep.strategy=full", axes=["--axis", "train.lr=1e-5,3e-3"], ranks=2)
    table = sweeps.table(tmp_path / "s")
    assert sweeps.best(tmp_path / "s") == min(table, key=lambda name: float(table[name]["log_loss"]))
    for row in table.values():
        assert 0 < float(row["low"]) < float(row["log_loss"]) < float(row["high"])
    worse = table["lr=1e-05"]
    assert worse["verdict"] == "worse" and 0 < float(worse["to_best_low"]) < float(worse["to_best"])

"""pleat runs and pleat clean, and launch/tensorboard.py."""
import fcntl
import json
import pathlib
import shutil
import subprocess
import sys

import pytest
from support import runs

DATA = 3
ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """runs/done (two models, the ensemble uses one), runs/deep/sweep, runs/stopped, and a folder that is no run."""
    folder = tmp_path_factory.mktemp("manage")
    crops = runs.prepare(folder, rows=90, test_rows=30)
    small = {"folds": "{k: 2}", "train": "{epochs: 2, batch: 15, lr: 3e-3}"}
    config = runs.write_config(folder / "two.yaml", crops, models="[{id: a, name: resnet20}, {id: b, name: resnet20, lr: 1e-2}]",
                               ensemble="best", **small)
    assert runs.pleat("train", config, "--run", folder / "runs/done").returncode == 0
    config = runs.write_config(folder / "one.yaml", crops, **small)
    done = runs.pleat("sweep", config, "--axis", "train.lr=1e-3,1e-2", "--run", folder / "runs/deep/sweep", "--set", "sweep.keep=all")
    assert done.returncode == 0, done.stdout
    runs.pleat("train", config, "--run", folder / "runs/stopped", PLEAT_FAULT="before_done:2:kill")
    (folder / "runs/notes").mkdir()
    return folder


def lines_of(done):
    assert done.returncode == 0, done.stdout
    return {line.split()[0]: line for line in done.stdout.splitlines()[1:]}


def weights_in(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("weights.safetensors"))


def test_runs_shows_state_score_and_disk_use(made):
    lines = lines_of(runs.pleat("runs", made / "runs"))
    assert set(lines) == {"done", "deep/sweep", "stopped", "3"}
    score = json.loads((made / "runs/done/summary.json").read_text())["targets"]["label"]["oof"]["macro_f1"]
    assert " run " in lines["done"] and " done " in lines["done"] and f"macro_f1 label {score:.4f}, test" in lines["done"]
    assert " sweep " in lines["deep/sweep"] and ("lr=0.01" in lines["deep/sweep"] or "lr=0.001" in lines["deep/sweep"])
    assert " stopped " in lines["stopped"] and " 1 " in lines["stopped"]
    assert "MB" in lines["done"] or "kB" in lines["done"]


def test_runs_tells_live_and_failed_runs(made, tmp_path):
    shutil.copytree(made / "runs/done", tmp_path / "done")
    shutil.copytree(made / "runs/done", tmp_path / "bad")
    (tmp_path / "bad/failures.json").write_text("[]")
    with open(tmp_path / "done/run.lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lines = lines_of(runs.pleat("runs", tmp_path))
        assert " live " in lines["done"] and " failed " in lines["bad"]
        assert "in use" in runs.refusal(runs.pleat("clean", tmp_path / "done"))
        assert "in use" in runs.refusal(runs.pleat("clean", tmp_path / "done", "--yes"))


def test_runs_of_odd_folders(made, tmp_path):
    assert "no such folder" in runs.refusal(runs.pleat("runs", tmp_path / "none"))
    assert "is a file" in runs.refusal(runs.pleat("runs", made / "one.yaml"))
    done = runs.pleat("runs", tmp_path)
    assert done.returncode == 0 and "no run in" in done.stdout
    shutil.copytree(made / "runs/done", tmp_path / "done")
    for text in "{ broken", '{"targets": {"label": 3}, "score": 5}', '{"targets": {"label": {}}, "score": "macro_f1", "result_round": "x"}':
        (tmp_path / "done/summary.json").write_text(text)
        done = runs.pleat("runs", tmp_path)
        assert done.returncode == 0 and " done " in done.stdout, done.stdout
        runs.refusal(runs.pleat("clean", tmp_path / "done", "--yes"))
    (tmp_path / "done/summary.json").write_text("{ broken")
    assert "damaged" in runs.pleat("runs", tmp_path).stdout and len(weights_in(tmp_path / "done")) == 4


def test_clean_lists_first_and_frees_only_what_is_not_needed(made, tmp_path):
    run = shutil.copytree(made / "runs/done", tmp_path / "done")
    weights = json.loads((run / "summary.json").read_text())["targets"]["label"]["ensemble"]["weights"]
    loser = next(name for name, weight in weights.items() if weight == 0)
    (run / "round_0/label" / loser / "fold_0/resume").mkdir()
    (run / "round_0/label" / loser / "fold_0/resume/epoch_1.safetensors").write_bytes(b"x" * 5000)
    before = weights_in(run)
    done = runs.pleat("clean", run)
    assert done.returncode == 0 and "nothing was removed; add --yes" in done.stdout and weights_in(run) == before
    assert f"round_0/label/{loser}/fold_1/weights.safetensors" in done.stdout and "fold_0/resume" in done.stdout
    predicted = runs.pleat("predict", "--run", run, "--crops", made / "crops.h5", "--out", tmp_path / "before.csv")
    assert predicted.returncode == 0, predicted.stdout
    done = runs.pleat("clean", run, "--yes")
    assert done.returncode == 0 and "freed" in done.stdout, done.stdout
    assert weights_in(run) == [name for name in before if f"/{loser}/" not in name] and not list(run.rglob("resume"))
    for verb in ("predict", "--run", run, "--crops", made / "crops.h5", "--out", tmp_path / "after.csv"), ("report", run), ("audit", run):
        assert runs.pleat(*verb).returncode == 0, verb
    assert (tmp_path / "before.csv").read_bytes() == (tmp_path / "after.csv").read_bytes()
    assert "nothing to free" in runs.pleat("clean", run, "--yes").stdout
    again = runs.pleat("train", made / "two.yaml", "--run", run)
    assert again.returncode == 0 and "(2 were done before)" in again.stdout and weights_in(run) == before, again.stdout


def test_clean_keeps_the_best_cell_of_a_sweep(made, tmp_path):
    sweep = shutil.copytree(made / "runs/deep/sweep", tmp_path / "sweep")
    done = runs.pleat("clean", sweep, "--yes")
    assert done.returncode == 0 and "not the best cell" in done.stdout, done.stdout
    cells = {name.split("/")[1] for name in weights_in(sweep)}
    assert len(cells) == 1
    assert runs.pleat("predict", "--run", sweep / "trials" / cells.pop(), "--crops", made / "crops.h5", "--out", tmp_path / "p.csv").returncode == 0


def test_clean_leaves_a_run_that_was_resumed_for_more(made, tmp_path):
    run = shutil.copytree(made / "runs/done", tmp_path / "done")
    shutil.copytree(run / "round_0", run / "round_1")
    for path in run.glob("round_1/label/*/fold_0/done.json"):
        path.write_text(path.read_text())  # newer than the result
    before = weights_in(run)
    assert " stopped " in lines_of(runs.pleat("runs", tmp_path))["done"]
    assert runs.pleat("clean", run, "--yes").returncode == 0 and weights_in(run) == before


def test_clean_of_an_unfinished_run_keeps_its_weights(made, tmp_path):
    run = shutil.copytree(made / "runs/stopped", tmp_path / "stopped")
    before = weights_in(run)
    assert runs.pleat("clean", run, "--yes").returncode == 0 and weights_in(run) == before and before
    (tmp_path / "empty").mkdir()
    assert "is not the folder of a run" in runs.refusal(runs.pleat("clean", tmp_path / "empty"), DATA)


READ_EVENTS = """
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
events = EventAccumulator(sys.argv[1])
events.Reload()
print(json.dumps({name: [(event.step, event.value) for event in events.Scalars(name)] for name in events.Tags()["scalars"]}))
"""


def events_in(folder):
    """{name: [(step, value)]}. In a process of its own: launch/tensorboard.py hides the package from this one."""
    return json.loads(subprocess.run([sys.executable, "-c", READ_EVENTS, folder], check=True, capture_output=True, text=True, cwd="/").stdout)


def tensorboard(*arguments):
    return subprocess.run([sys.executable, ROOT / "launch/tensorboard.py", *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_tensorboard_files_hold_the_epochs_of_each_fold(made, tmp_path):
    for _ in range(2):  # a second call replaces the files
        done = tensorboard(made / "runs/done", made / "runs/deep/sweep", made / "runs/stopped", "--out", tmp_path / "boards")
        assert done.returncode == 0 and "4 networks" in done.stdout, done.stdout
    network = tmp_path / "boards/done/round_0/label/a/fold_1"
    assert len(list(network.glob("events*"))) == 1
    lines = [json.loads(line) for line in (made / "runs/done/round_0/label/a/fold_1/metrics.jsonl").read_text().splitlines()]
    assert events_in(network)["train/loss"] == [[line["epoch"], pytest.approx(line["loss"])] for line in lines]
    result = events_in(tmp_path / "boards/done/result")
    score = json.loads((made / "runs/done/summary.json").read_text())["targets"]["label"]["oof"]["accuracy"]
    assert result["oof/label/accuracy"][0][1] == pytest.approx(score)
    assert not (tmp_path / "boards/stopped/result").exists() and len(list((tmp_path / "boards").iterdir())) == 4


def test_tensorboard_leaves_foreign_folders_alone(made, tmp_path):
    (tmp_path / "boards/done").mkdir(parents=True)
    (tmp_path / "boards/done/mine.txt").write_text("x")
    done = tensorboard(made / "runs/done", "--out", tmp_path / "boards")
    assert done.returncode == DATA and "holds files of another program" in done.stdout and (tmp_path / "boards/done/mine.txt").exists()
    assert tensorboard(tmp_path / "none").returncode == DATA

"""pleat report: its files, and runs of which parts are missing, damaged or huge."""
import json
import re
import shutil

import h5py
import numpy
import pytest
from support import oof_files, runs, sweeps

CLASSES, ROWS = 3, 300
USAGE, DATA = 2, 3


def report(*arguments, **how):
    return runs.pleat("report", *arguments, **how)


def texts(folder):
    """The page without its scripts, and the Markdown."""
    page = (folder / "report.html").read_text()
    return re.sub(r"<script.*?</script>|<style.*?</style>", "", page, flags=re.S), (folder / "report.md").read_text()


def drawn(folder, rows=ROWS, classes=CLASSES, right=0.8, **how):
    rng = numpy.random.default_rng(4)
    labels = rng.integers(0, classes, rows)
    return oof_files.write_run(folder, oof_files.draw(rng, labels, classes, right), labels, **how)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    crops = runs.prepare(folder, rows=90, test_rows=30)
    config = runs.write_config(folder / "config.yaml", crops, folds="{k: 2}", train="{epochs: 2, batch: 15, lr: 3e-3}")
    done = runs.pleat("train", config, "--run", folder / "run")
    assert done.returncode == 0, done.stdout
    return folder


def test_training_ends_with_a_report(trained):
    page, markdown = texts(trained / "run")
    summary = json.loads((trained / "run/summary.json").read_text())["targets"]["label"]
    for text in page, markdown:
        assert f"{summary['oof']['macro_f1']:.4f}" in text and f"{summary['test']['macro_f1']:.4f}" in text
    folds = [fold["accuracy"] for fold in summary["folds"]]
    assert all(f"{accuracy:.4f}" in markdown for accuracy in folds), markdown
    assert "one out-of-fold prediction per model" in markdown and "Networks (2)" in markdown and "Drag across" not in markdown and "the worst class is" in markdown
    assert page.count("data-picture") > 0 and "leak meter, label" in markdown


def test_report_false_writes_none(trained, tmp_path):
    done = runs.pleat("train", trained / "config.yaml", "--run", tmp_path / "run", "--set", "report=false")
    assert done.returncode == 0 and not list((tmp_path / "run").glob("report.*")), done.stdout


def test_it_goes_where_it_is_told_and_overwrites_only_reports(trained, tmp_path):
    assert "a/b" in runs.refusal(report(trained / "run", "--out", tmp_path / "a/b.html"))
    (tmp_path / "a").mkdir()
    for _ in range(2):  # the second time over the first
        assert report(trained / "run", "--out", tmp_path / "a/b.html").returncode == 0
    assert (tmp_path / "a/b.md").exists()
    (tmp_path / "mine.html").write_text("<html>mine</html>")
    assert "mine.html exists" in runs.refusal(report(trained / "run", "--out", tmp_path / "mine.html"))
    assert (tmp_path / "mine.html").read_text() == "<html>mine</html>"
    assert ".html" in runs.refusal(report(trained / "run", "--out", tmp_path / "x.md"), USAGE)


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    assert "no such folder" in runs.refusal(report(tmp_path / "none"))
    assert "is not the folder of a run" in runs.refusal(report(tmp_path))
    assert not list(tmp_path.iterdir())


def test_an_unfinished_run_shows_what_there_is(trained, tmp_path):
    shutil.copytree(trained / "run", tmp_path / "run")
    for name in "summary.json", "round_0/oof.h5", "round_0/label/resnet20/fold_1/done.json":
        (tmp_path / "run" / name).unlink()
    done = report(tmp_path / "run")
    assert done.returncode == 0 and "not finished" in done.stdout, done.stdout
    page, markdown = texts(tmp_path / "run")
    assert "The run is not finished" in page and "Learning curves" in page and "not done" in page
    assert "Confusion" not in page and "Scores of the ensemble" not in markdown


@pytest.mark.parametrize("file, words", [
    ("summary.json", "summary.json is damaged"), ("round_0/oof.h5", "oof.h5"), ("run.json", "run.json"),
    ("round_0/ensemble.json", "ensemble.json is damaged"), ("config.yaml", "config.yaml"),
    ("round_0/label/resnet20/fold_0/done.json", "done.json is damaged")])
def test_a_damaged_file_costs_its_part(trained, tmp_path, file, words):
    shutil.copytree(trained / "run", tmp_path / "run")
    (tmp_path / "run" / file).write_bytes(b"{ [ broken")
    done = report(tmp_path / "run")
    assert done.returncode == 0, done.stdout
    page, _ = texts(tmp_path / "run")
    assert words in done.stdout and words in page, done.stdout


@pytest.mark.parametrize("change", [{"targets": {"label": 3}}, {"targets": {"label": {"oof": [], "folds": {}, "models": 7}}}, {"rounds": [1, 2]}, {"rounds": 5, "notes": 3}])
def test_json_of_another_kind_costs_its_part(trained, tmp_path, change):
    shutil.copytree(trained / "run", tmp_path / "run")
    summary = json.loads((tmp_path / "run/summary.json").read_text()) | change
    (tmp_path / "run/summary.json").write_text(json.dumps(summary))
    (tmp_path / "run/failures.json").write_text('[{"job": 3}]')
    done = report(tmp_path / "run")
    assert done.returncode == 0 and "Confusion" in texts(tmp_path / "run")[0], done.stdout


def test_damaged_crops_cost_the_photos(trained, tmp_path):
    shutil.copytree(trained / "run", tmp_path / "run")
    (tmp_path / "cut.h5").write_bytes((trained / "crops.h5").read_bytes()[:3000])
    done = report(tmp_path / "run", "--crops", tmp_path / "cut.h5")
    assert done.returncode == 0 and "No photos" in done.stdout and (tmp_path / "run/report.html").exists(), done.stdout
    assert runs.pleat("audit", tmp_path / "run", "--crops", tmp_path / "cut.h5").returncode == 0


def test_a_table_of_a_newer_format_is_named(trained, tmp_path):
    shutil.copytree(trained / "run", tmp_path / "run")
    with h5py.File(tmp_path / "run/round_0/oof.h5", "r+") as file:
        file["schema"][...] = 99
    done = report(tmp_path / "run")
    assert done.returncode == 0 and "99" in done.stdout, done.stdout


def test_without_its_crops_a_report_has_no_photos(trained, tmp_path):
    shutil.copytree(trained / "run", tmp_path / "run")
    record = json.loads((tmp_path / "run/run.json").read_text())
    record["data"]["crops"] = str(tmp_path / "gone.h5")
    (tmp_path / "run/run.json").write_text(json.dumps(record))
    done = report(tmp_path / "run")
    assert done.returncode == 0 and "gone.h5 is gone" in done.stdout and "--crops" in done.stdout, done.stdout
    assert "data-picture" not in texts(tmp_path / "run")[0]
    done = report(tmp_path / "run", "--crops", trained / "crops.h5")
    assert done.returncode == 0 and "data-picture" in texts(tmp_path / "run")[0]
    (tmp_path / "other").mkdir()
    other = runs.prepare(tmp_path / "other", rows=60, test_rows=30)
    done = report(tmp_path / "run", "--crops", other)
    assert done.returncode == 0 and "has changed since the run" in done.stdout, done.stdout


def test_relative_crops_are_found_from_the_runs_folder(trained, tmp_path):
    (tmp_path / "data").mkdir()
    shutil.copy(trained / "crops.h5", tmp_path / "data/crops.h5")
    config = runs.write_config(tmp_path / "c.yaml", "data/crops.h5", folds="{k: 2}", train="{epochs: 1, batch: 15}")
    assert runs.pleat("train", config, cwd=tmp_path).returncode == 0
    (tmp_path / "runs/c/report.html").unlink()
    done = report(".", cwd=tmp_path / "runs/c")
    assert done.returncode == 0 and "No photos" not in done.stdout and "data-picture" in texts(tmp_path / "runs/c")[0], done.stdout


def test_a_run_without_test_rows_and_records(tmp_path):
    drawn(tmp_path / "run", groups=[f"p{i // 3}" for i in range(ROWS)])
    done = report(tmp_path / "run")
    assert done.returncode == 0, done.stdout
    page, markdown = texts(tmp_path / "run")
    assert "| label |" in markdown and "| – | – |" in markdown and "resampled groups" in page


def test_groups_that_folds_divide_are_told(tmp_path):
    drawn(tmp_path / "run", groups=[f"p{i // 3}" for i in range(ROWS)])
    report(tmp_path / "run")
    assert "Folds divide 100 groups" in texts(tmp_path / "run")[1]


def test_many_classes_and_rows_stay_small(tmp_path):
    drawn(tmp_path / "run", rows=40_000, classes=1000, right=0.5)
    done = report(tmp_path / "run")
    assert done.returncode == 0, done.stdout
    assert (tmp_path / "run/report.html").stat().st_size < 3_000_000
    markdown = texts(tmp_path / "run")[1]
    assert "The 30 of 1,000 classes with the most errors" in markdown and "100 of 1,000" in markdown


def test_failures_are_listed(trained, tmp_path):
    shutil.copytree(trained / "run", tmp_path / "run")
    (tmp_path / "run/failures.json").write_text(json.dumps([{"job": "label/resnet20/fold 1", "why": "loss is not finite | x"}]))
    report(tmp_path / "run")
    assert "loss is not finite \\| x" in texts(tmp_path / "run")[1]


def test_a_sweep_shows_its_map_and_its_best_run(trained, tmp_path):
    done = runs.pleat("sweep", trained / "config.yaml", "--axis", "train.lr=1e-3,1e-2", "--axis", "train.batch=15,30", "--run", tmp_path / "sweep",
                      "--set", "sweep.strategy=full")
    assert done.returncode == 0, done.stdout
    page, markdown = texts(tmp_path / "sweep")
    table = sweeps.table(tmp_path / "sweep")
    assert page.count('class="map"') == 1 and all(cell in markdown for cell in table) and "Verdict" in page
    best = next(cell for cell in table if table[cell]["verdict"] == "best")
    assert f"Best cell: {best}" in page and f"{float(table[best]['macro_f1']):.4f}" in page


def test_an_unfinished_sweep_says_so(tmp_path):
    (tmp_path / "sweep").mkdir()
    (tmp_path / "sweep/sweep.json").write_text("{}")
    done = report(tmp_path / "sweep")
    assert done.returncode == 0 and "sweep.csv is missing" in texts(tmp_path / "sweep")[0], done.stdout

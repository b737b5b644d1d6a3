"""pleat compare: its tables, its verdicts, and runs that cannot be compared."""
import json
import shutil

import numpy
import pytest
from support import oof_files, runs

CLASSES, ROWS = 3, 300
USAGE, DATA = 2, 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """good, same (as good), poor: runs on the same rows; more: a folder with one of other folds and an unfinished one."""
    folder, rng = tmp_path_factory.mktemp("runs"), numpy.random.default_rng(2)
    labels = rng.integers(0, CLASSES, ROWS)
    good, poor = (oof_files.draw(rng, labels, CLASSES, right) for right in (0.9, 0.6))
    groups = [f"p{i // 3}" for i in range(ROWS)]
    oof_files.write_run(folder / "good", good, labels, groups, test={"macro_f1": 0.8712, "accuracy": 0.9})
    oof_files.write_run(folder / "same", good, labels, groups)
    oof_files.write_run(folder / "poor", poor, labels, groups)
    oof_files.write_run(folder / "more/other_folds", good, labels, groups, folds=3)
    oof_files.write_run(folder / "more/poor", poor, labels, groups)
    (folder / "more/unfinished").mkdir()
    (folder / "more/unfinished/config.yaml").write_text("{}\n")
    (folder / "more/notes").mkdir()
    return folder


def compare(*arguments):
    return runs.pleat("compare", *arguments)


def line_with(word, text):
    return next(line for line in text.splitlines() if word in line)


def test_the_best_run_comes_first_with_the_differences_from_it(folder):
    done = compare(folder / "poor", folder / "good", folder / "same")
    assert done.returncode == 0, done.stdout
    assert "3 runs on the same 300 rows of 100 groups, 2 folds" in done.stdout, done.stdout
    names = [line.split()[0] for line in done.stdout.splitlines() if line.startswith("  ")]
    assert names == ["good", "same", "poor"], done.stdout
    assert "0.8712" in line_with("good", done.stdout) and "±" in line_with("good", done.stdout)
    assert "no evidence; the scores are equal" in line_with("  same", done.stdout)
    assert line_with("poor", done.stdout).endswith("worse") and "-0." in line_with("poor", done.stdout)


def test_two_runs_are_shown_with_classes_and_folds(folder):
    done = compare(folder / "good", folder / "poor")
    assert "poor less good: -0." in done.stdout, done.stdout
    assert done.stdout.count("F1 of c") == CLASSES and "fold 1" in done.stdout


def test_runs_of_other_folds_and_unfinished_ones_are_listed_apart(folder):
    done = compare(folder / "good", folder / "more")
    assert done.returncode == 0, done.stdout
    apart = done.stdout[done.stdout.index("not compared:") :]
    assert "other_folds: other folds than good" in apart, done.stdout
    assert "unfinished holds no finished run (summary.json is missing)" in apart and "notes" not in done.stdout
    assert line_with("  poor", done.stdout).endswith("worse")


def test_the_json_holds_every_pair(folder, tmp_path):
    done = compare(folder / "good", folder / "same", folder / "more", "--json", tmp_path / "c.json")
    assert done.returncode == 0, done.stdout
    made = json.loads((tmp_path / "c.json").read_text())
    pairs = made["experiments"][0]["targets"]["label"]["pairs"]
    assert [(each["run"], each["against"], each["verdict"]) for each in pairs] == [
        ("same", "good", "no evidence"), ("poor", "good", "worse"), ("poor", "same", "worse")]
    assert [each["run"] for each in made["apart"]] == [str(folder / "more/unfinished"), "other_folds"]
    assert (made["experiments"][0]["rows"], made["experiments"][0]["groups"]) == (ROWS, 100)


def test_a_run_named_twice_is_one_run(folder):
    done = compare(folder / "good", f"{folder}/good/", folder / "good/../good")
    assert done.returncode == DATA and "there is only one finished run to compare" in done.stdout, done.stdout


def test_runs_of_one_name_are_shown_by_their_paths(folder):
    done = compare(folder / "poor", folder / "more/poor")
    assert done.returncode == 0 and str(folder / "more/poor") in done.stdout, done.stdout


def test_what_cannot_be_compared_is_refused(folder, tmp_path):
    shutil.copytree(folder / "good", tmp_path / "cut")
    oof = tmp_path / "cut/round_0/oof.h5"
    oof.write_bytes(oof.read_bytes()[:-500])
    shutil.copytree(folder / "good", tmp_path / "odd")
    (tmp_path / "odd/summary.json").write_text("[]")
    shutil.copytree(folder / "good", tmp_path / "no_table")
    (tmp_path / "no_table/round_0/oof.h5").unlink()
    (tmp_path / "notes.json").write_text("{}\n")
    for code, words, arguments in [
        (DATA, "no such folder", [tmp_path / "none", folder / "good"]),
        (DATA, "is neither a run nor a folder of runs", [folder / "more/notes", folder / "good"]),
        (DATA, "holds no finished run", [folder / "more/unfinished", folder / "good"]),
        (DATA, "there is only one finished run to compare", [folder / "good"]),
        (DATA, "no two of the 2 runs have the same rows", [folder / "good", folder / "more/other_folds"]),
        (DATA, "is not an out-of-fold table", [tmp_path / "cut", folder / "good"]),
        (DATA, "summary.json is damaged", [tmp_path / "odd", folder / "good"]),
        (DATA, "has no out-of-fold table", [tmp_path / "no_table", folder / "good"]),
        (DATA, "notes.json", [folder / "good", folder / "poor", "--json", tmp_path / "notes.json"]),
        (USAGE, "--score", [folder / "good", folder / "poor", "--score", "f2"]),
        (USAGE, "--resamples", [folder / "good", folder / "poor", "--resamples", 5]),
        (USAGE, "runs", []),
    ]:
        line = runs.refusal(compare(*arguments), code)
        assert words in line, line
    assert (tmp_path / "notes.json").read_text() == "{}\n"


def test_real_runs_are_compared(tmp_path):
    crops = runs.prepare(tmp_path, rows=120, test_rows=30)
    config = runs.write_config(tmp_path / "c.yaml", crops, folds="{k: 2}", train="{epochs: 1, batch: 32}")
    for name, more in (("a", []), ("b", ["--set", "train.epochs=3"])):
        done = runs.pleat("train", config, "--run", tmp_path / "runs" / name, *more)
        assert done.returncode == 0, done.stdout
    done = compare(tmp_path / "runs")
    assert done.returncode == 0 and "2 runs on the same 120 rows, 2 folds" in done.stdout, done.stdout
    summary = json.loads((tmp_path / "runs/a/summary.json").read_text())["targets"]["label"]
    for value in (summary["oof"]["macro_f1"], summary["test"]["macro_f1"]):
        assert f"{value:.4f}" in line_with("  a ", done.stdout), done.stdout
    assert f"± {summary['oof']['score_spread']:.4f}" in line_with("  a ", done.stdout)


def test_a_page_shows_the_differences(folder, tmp_path):
    for name, rate in ("a", "0.001"), ("b", "0.01"):
        shutil.copytree(folder / ("good" if name == "a" else "poor"), tmp_path / name)
        (tmp_path / name / "config.yaml").write_text(f"seed: 42\ntrain: {{lr: {rate}}}\nmodels: [{{id: '<b>{name}', name: resnet20}}]\ncluster: {{threads: {len(rate)}}}\n")
    done = compare(tmp_path / "a", tmp_path / "b", folder / "more/other_folds", "--html", tmp_path / "c.html")
    assert done.returncode == 0, done.stdout
    assert "configs differ in" in done.stdout and "train.lr: 0.01" in done.stdout and "threads" not in done.stdout.split("configs differ in")[1]
    page = (tmp_path / "c.html").read_text()
    assert "<b>a" not in page and "&lt;b&gt;a" in page and "&lt;b&gt;b" in page and "worse" in page and "F1 of c2" in page and "other folds than" in page
    assert ">train.lr<" in page and "0.001" in page
    (tmp_path / "mine.html").write_text("mine")
    assert "mine.html exists" in runs.refusal(compare(tmp_path / "a", tmp_path / "b", "--html", tmp_path / "mine.html"), DATA)

"""pleat predict gives what the run itself predicted, on any number of ranks."""
import csv

import pytest
from support import runs


def rows_of(path):
    with open(path) as file:
        return {row["id"]: row for row in csv.DictReader(file)}


@pytest.mark.parametrize("ranks", [0, 2, 3])
def test_the_ensemble_predicts_its_test_rows_as_the_run_did(whole_run, tmp_path, ranks):
    folder, _, _ = whole_run
    done = runs.pleat("predict", "--run", folder / "run", "--crops", folder / "crops.h5", "--out", tmp_path / "p.csv", ranks=ranks)
    assert done.returncode == 0, done.stdout
    predicted, by_run = rows_of(tmp_path / "p.csv"), rows_of(folder / "run/predictions.csv")
    assert len(predicted) == 360 and len(by_run) == 60
    for name, row in by_run.items():
        for column, value in row.items():
            if ":" in column:  # a probability; batches are cut elsewhere, so the last digits may differ
                assert abs(float(predicted[name][column]) - float(value)) < 1e-2


def test_bad_requests_are_named(whole_run, tmp_path):
    folder, _, _ = whole_run
    done = runs.pleat("predict", "--run", tmp_path, "--crops", folder / "crops.h5", "--out", tmp_path / "p.csv")
    assert done.returncode == 3 and "holds no finished run" in done.stdout
    done = runs.pleat("predict", "--run", folder / "run", "--crops", tmp_path / "none.h5", "--out", tmp_path / "p.csv")
    assert done.returncode == 3 and "none.h5" in done.stdout
    assert not (tmp_path / "p.csv").exists()

"""After a kill during the first writes of a run, the same command starts over in its folder."""
import pytest
from support import runs

WRITES = ["run.json", "config.yaml", "folds.csv"]  # in this order; fault points count from 1


@pytest.mark.parametrize("end", ["kill", "nospace"])
@pytest.mark.parametrize("write", [1, 2, 3])
def test_the_same_command_goes_on(whole_run, tmp_path, write, end):
    _, config, expected = whole_run
    first = runs.pleat("train", config, "--run", tmp_path / "run", PLEAT_FAULT=f"write_file:{write}:{end}")
    assert first.returncode not in (0, 75), first.stdout
    assert not (tmp_path / "run" / WRITES[write - 1]).exists(), "the test must stop the write it means"
    again = runs.pleat("train", config, "--run", tmp_path / "run")
    assert again.returncode == 0, again.stdout
    assert runs.results(tmp_path / "run") == expected
    assert not list((tmp_path / "run").glob("*.partial"))

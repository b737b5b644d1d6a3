import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from support import runs  # noqa: E402


@pytest.fixture(scope="session")
def whole_run(tmp_path_factory):
    """A run on one rank, undisturbed: what every other way must equal, byte for byte."""
    folder = tmp_path_factory.mktemp("whole")
    crops = runs.prepare(folder)
    config = runs.write_config(folder / "config.yaml", crops)
    done = runs.pleat("train", config, "--run", folder / "run")
    assert done.returncode == 0, done.stdout
    files = runs.results(folder / "run")
    assert len(files) == 4 + 2 * 5, sorted(files)
    return folder, config, files

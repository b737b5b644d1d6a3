import collections
import os
import pathlib
import tempfile

import pytest
from support import runs


@pytest.fixture(scope="session")
def whole_run(tmp_path_factory):
    """An undisturbed run on one rank. All other runs must give the same bytes."""
    return runs.undisturbed(tmp_path_factory.mktemp("whole"))


LockedOut = collections.namedtuple("LockedOut", "folder user")
NOBODY = 65534


@pytest.fixture
def locked_out():
    """(a folder, a user id for pleat). This user cannot read files of mode 0 in the folder; root could."""
    user = NOBODY if os.geteuid() == 0 else None
    try:
        done = runs.pleat("--version", cwd="/", user=user)
    except PermissionError as error:
        pytest.skip(f"user {user} may not run {runs.PLEAT}, and root may read every file: {error}")
    if done.returncode != 0 and user is not None:
        pytest.skip(f"user {user} cannot run {runs.PLEAT}, and root may read every file: {done.stdout}")
    with tempfile.TemporaryDirectory() as name:  # other users cannot enter pytest's folders
        os.chmod(name, 0o777)
        yield LockedOut(pathlib.Path(name), user)

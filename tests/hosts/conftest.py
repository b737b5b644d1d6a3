"""Skips the whole suite where namespaces cannot be made, by the exit code that CTest reports as "Skipped"."""

import pytest
from support import runs, two_hosts

SKIPPED = 77  # as in CMakeLists.txt


def pytest_sessionstart():
    if two_hosts.lack():
        pytest.exit(two_hosts.lack(), SKIPPED)


@pytest.fixture(scope="session")
def hosts():
    with two_hosts.TwoHosts() as both:
        yield both


@pytest.fixture(scope="session")
def whole_run(tmp_path_factory):
    return runs.undisturbed(tmp_path_factory.mktemp("whole"))

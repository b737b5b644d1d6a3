"""Skips the whole suite without a CUDA device, by the exit code that CTest reports as "Skipped"."""

import pytest


import devices
import easy

SKIPPED = 77  # as in CMakeLists.txt


def pytest_sessionstart():
    if devices.lack():
        pytest.exit(devices.lack(), SKIPPED)


@pytest.fixture(scope="session")
def config(tmp_path_factory):
    return easy.write(tmp_path_factory.mktemp("easy"))


@pytest.fixture(scope="session")
def cpu_accuracy(config, tmp_path_factory):
    """Out-of-fold accuracy of the undisturbed run on CPU."""
    run = tmp_path_factory.mktemp("cpu") / "run"
    done = easy.train(config, run, "cluster.device=cpu")
    assert done.returncode == 0, done.stdout
    assert easy.accuracy(run) > 0.97, "else the set is not easy, and to be as good says little"
    return easy.accuracy(run)

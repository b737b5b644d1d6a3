"""Runs whose ranks are on two hosts give the bytes of runs on one."""
import re
import subprocess

import pytest
from support import runs, sweeps, two_hosts

SHARDS = "{threads: 1, device: cpu, shards: 2, exact: true}"
TRAIN = "{epochs: 4, batch: 32, micro_batches: 2, lr: 3e-3, augment: {pad: 1}}"


def test_doctor_sees_both_hosts(hosts):
    done = hosts.run("doctor")
    assert done.returncode == 0, done.stdout
    ranks = re.findall(r"^ +(\d+) +(host-\w) +(\d/\d) ", done.stdout, re.MULTILINE)
    assert ranks == [("0", "host-a", "0/1"), ("1", "host-b", "0/1")], done.stdout


@pytest.mark.parametrize("ranks", [2, 4])
def test_folds_over_two_hosts(hosts, whole_run, tmp_path, ranks):
    _, config, expected = whole_run
    done = hosts.run("train", config, "--run", tmp_path / "run", ranks=ranks)
    assert done.returncode == 0, done.stdout
    assert "starts on host host-a" in done.stdout and "starts on host host-b" in done.stdout
    assert runs.results(tmp_path / "run") == expected


def test_shards_of_a_fold_over_two_hosts(hosts, whole_run, tmp_path):
    folder, _, _ = whole_run
    config = runs.write_config(tmp_path / "c.yaml", folder / "crops.h5", cluster=SHARDS, train=TRAIN)
    one = runs.pleat("train", config, "--run", tmp_path / "one_host", ranks=2)
    assert one.returncode == 0, one.stdout
    two = hosts.run("train", config, "--run", tmp_path / "two_hosts")
    assert two.returncode == 0, two.stdout
    assert runs.results(tmp_path / "two_hosts") == runs.results(tmp_path / "one_host")


def test_a_rank_killed_on_the_other_host_ends_the_run_and_it_resumes(hosts, whole_run, tmp_path):
    _, config, expected = whole_run
    first = hosts.run("train", config, "--run", tmp_path / "run", timeout=60, PLEAT_FAULT="step_done:13:kill@1")
    assert first.returncode == 137 and "rank 1 (host host-b), in epoch 2 of 4" in first.stdout, first.stdout
    again = hosts.run("train", config, "--run", tmp_path / "run")
    assert again.returncode == 0 and "resumes from" in again.stdout, again.stdout
    assert runs.results(tmp_path / "run") == expected


def test_namespaces_are_removed_also_after_a_failure_and_instances_do_not_collide(hosts):
    class Failure(Exception):
        pass

    def listed():
        return subprocess.run(["ip", "netns", "list"], capture_output=True, text=True).stdout

    with pytest.raises(Failure):
        with two_hosts.TwoHosts() as others:
            assert set(others.names).isdisjoint(hosts.names) and all(name in listed() for name in others.names + hosts.names)
            assert others.run("--version").returncode == 0 and hosts.run("--version").returncode == 0
            raise Failure
    assert not [name for name in others.names if name in listed()] and all(name in listed() for name in hosts.names)


def test_a_sweep_over_two_hosts(hosts, whole_run, tmp_path):
    _, config, _ = whole_run
    options = ["--set", f"cluster.stage={tmp_path / 'disk'}"]
    sweeps.done(config, tmp_path / "one", *options)
    done = hosts.run("sweep", config, *sweeps.GRID, "--run", tmp_path / "two", *options)
    assert done.returncode == 0, done.stdout
    assert "starts on host host-a" in done.stdout and "starts on host host-b" in done.stdout
    assert sweeps.results(tmp_path / "two") == sweeps.results(tmp_path / "one")

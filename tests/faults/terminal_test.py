"""What a person sees in a terminal: bars that are redrawn in place, log lines above them; and run.log, which has all lines."""
import contextlib
import re

import pytest
from support import runs
from support.terminal import Terminal

MPIRUN = ("mpirun", "--oversubscribe", "--bind-to", "none", "-n", "2")


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    folder = tmp_path_factory.mktemp("terminal")
    return runs.write_config(folder / "c.yaml", runs.prepare(folder, rows=600), folds="{k: 3}", train="{epochs: 6, batch: 32}")


@contextlib.contextmanager
def terminal(*command, **options):
    made = Terminal(*command, **options)
    try:
        yield made
    finally:
        made.close()


def bars(lines):
    return [line for line in lines if "█" in line or "░" in line or "..." in line]


@pytest.mark.parametrize("launcher", [(), MPIRUN], ids=["one rank", "two ranks"])
def test_bars_are_drawn_in_place_and_leave_nothing(config, tmp_path, launcher):
    with terminal(*launcher, runs.PLEAT, "train", config, "--run", tmp_path / "run") as shown:
        shown.until(lambda lines: any(re.search(r"label/resnet20/fold 0  \S*█\S*  epoch \d of 6, loss", line) for line in lines))
        shown.until(lambda lines: lines and re.search(r"^\d of 3 jobs done, \d+ % of all", lines[-1]))
        assert shown.to_end() == 0
    lines = shown.lines()
    assert not bars(lines), lines
    assert sum("done, macro_f1" in line for line in lines) == 3
    assert not any("epoch" in line for line in lines), "the bars say it"
    assert f"Results: {tmp_path}/run" in lines
    assert "".join(lines).endswith(f"{tmp_path}/run/report.md"), lines  # the line is longer than the terminal is wide


def test_lines_are_cut_to_a_narrow_terminal_and_the_block_to_a_low_one(config, tmp_path):
    with terminal(*MPIRUN, runs.PLEAT, "train", config, "--run", tmp_path / "run", columns=40, rows=3) as shown:
        assert shown.to_end() == 0
    assert len(bars(shown.lines())) <= 1, shown.lines()  # redrawing must not push copies into the scrollback


def test_without_utf8_the_bars_are_ascii(config, tmp_path):
    with terminal(runs.PLEAT, "train", config, "--run", tmp_path / "run", LC_ALL="C") as shown:
        shown.until(lambda lines: any(re.search(r"fold 0  #+\.+  epoch", line) for line in lines))
        assert shown.to_end() == 0


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_terminal_that_cannot_redraw_gets_lines(config, tmp_path, term):
    with terminal(runs.PLEAT, "train", config, "--run", tmp_path / "run", TERM=term) as shown:
        assert shown.to_end() == 0
    assert b"\x1b[" not in shown.bytes.replace(b"\x1b[32m", b"").replace(b"\x1b[33m", b"").replace(b"\x1b[m", b"")
    assert any("epoch 6 of 6" in line for line in shown.lines())


def test_standard_error_in_a_file_gets_lines_under_mpirun_in_a_terminal(config, tmp_path):
    command = f"exec {runs.PLEAT} train {config} --run {tmp_path}/run 2> {tmp_path}/err.log"
    with terminal("mpirun", "--oversubscribe", "-n", "1", "sh", "-c", command) as shown:
        assert shown.to_end() == 0
    text = (tmp_path / "err.log").read_text()
    assert "\x1b[" not in text and "epoch 6 of 6" in text


def test_after_a_killed_rank_no_bars_stay(config, tmp_path):
    with terminal(*MPIRUN, runs.PLEAT, "train", config, "--run", tmp_path / "run", PLEAT_FAULT="step_done:30:kill@1") as shown:
        assert shown.to_end() not in (0, 5)
    said = next(i for i, line in enumerate(shown.lines()) if "resume" in line and " W " in line or " C " in line)
    assert not bars(shown.lines()[said:]), shown.lines()


def test_progress_of_prepare_ends_as_a_line(config, tmp_path):
    source = config.parent / "train"
    with terminal(runs.PLEAT, "prepare", "--idx-images", source / "images", "--idx-labels", source / "labels", "--out", tmp_path / "c.h5") as shown:
        assert shown.to_end() == 0
    found = [line for line in shown.lines() if "looking for duplicates" in line]
    assert len(found) == 1 and "(100 %)" in found[0], shown.lines()


def test_the_run_log_has_the_lines_of_all_starts(config, tmp_path):
    first = runs.pleat("train", config, "--run", tmp_path / "run", PLEAT_FAULT="step_done:20:kill")
    assert first.returncode == -9, first.stdout
    with terminal(*MPIRUN, runs.PLEAT, "train", config, "--run", tmp_path / "run") as shown:
        assert shown.to_end() == 0
    log = (tmp_path / "run/run.log").read_text()
    assert "\x1b" not in log and log.count(" I command: ") == 2
    for fold in range(3):
        assert f"fold {fold}: starts on host" in log and f"fold {fold}: epoch 6 of 6: loss" in log
    assert f"Results: {tmp_path}/run\n" in log and "result:\n" in log and "OOF ensemble" in log
    assert log.rstrip().endswith(f"{tmp_path}/run/report.md"), "the report is the last thing that is written"
    dated = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [DIWE] "
    assert re.match(dated, log) and len(re.findall("^" + dated, log, re.MULTILINE)) > 20

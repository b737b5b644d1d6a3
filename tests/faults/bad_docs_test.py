"""docs/bad_input.md and the tests agree: every kind names existing tests, and every bad test file has its kind."""
import fnmatch
import pathlib
import re
import subprocess
import sys

import pytest
from support import runs

TESTS = pathlib.Path(__file__).resolve().parents[1]
PAGE = TESTS.parent / "docs/bad_input.md"
# Suites in which every case needs a row:
WHOLE = ("photos", "odd_photos", "bad_tables", "bad_columns", "bad_crops", "bad_idx", "bad_weights", "bad_targets", "bad_training", "bad_rounds", "bad_merge", "bad_sweep")
SUITES = (*WHOLE, "checkpoints", "scripts", "same_text", "doctor", "bad_input", "memory", "prepare", "predict", "init", "faces", "export", "export_folder", "export_onnx", "merge", "sweep", "stage", "compare", "audit", "report", "report_page", "manage", "labels", "trunks", "output", "dry_run")


def kinds():
    """[(kind, what happens, {suite: its tests})] of the page."""
    rows = []
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")] if line.startswith("| ") else []
        if len(cells) == 3 and cells[0] not in ("kind", "---"):
            named = dict(part.split(": ", 1) for part in cells[2].strip("`").split("; "))
            rows.append((cells[0], cells[1], {suite: tests.split(", ") for suite, tests in named.items()}))
    return rows


@pytest.fixture(scope="module")
def cases():
    """{suite: [(test's name, its case or None)]} as pytest finds them."""
    files = [TESTS / f"faults/{suite}_test.py" for suite in SUITES]
    done = subprocess.run([sys.executable, "-m", "pytest", "--collect-only", "-q", *files],
                          env=runs.environment(), cwd=TESTS.parent, stdout=subprocess.PIPE, text=True)
    assert done.returncode == 0, done.stdout
    found = re.findall(r"^\S*?(\w+)_test\.py::(\w+)(?:\[(.*)\])?$", done.stdout, re.MULTILINE)
    return {suite: [(name, case or None) for where, name, case in found if where == suite] for suite in SUITES}


def unit_tests():
    text = "".join(path.read_text() for path in TESTS.rglob("*_test.cpp"))
    return {f"{suite}.{name}" for suite, name in re.findall(r"^TEST(?:_F|_P)?\((\w+), (\w+)\)", text, re.MULTILINE)}


def is_named(wanted, name, case):
    """True if `wanted` is the test's name, its case, or the part of the case between dashes; * matches any letters."""
    pattern = wanted.replace("[", "[[]")
    return wanted == name or (case is not None and fnmatch.fnmatchcase(f"-{case}-", f"*-{pattern}-*"))


def test_every_kind_names_tests_that_there_are(cases):
    units = unit_tests()
    for kind, _, named in kinds():
        for suite, tests in named.items():
            for wanted in tests:
                there = wanted in units if suite == "unit" else any(is_named(wanted, *case) for case in cases[suite])
                assert there, f"{kind}: there is no test '{wanted}' in {suite}"


@pytest.mark.parametrize("suite", WHOLE)
def test_every_bad_file_of_the_tests_has_its_kind(cases, suite):
    wanted = [test for _, _, named in kinds() for test in named.get(suite, [])]
    bad = [(name, case) for name, case in cases[suite] if case is not None]
    assert bad and [case for name, case in bad if not any(is_named(each, name, case) for each in wanted)] == []


def test_the_page_says_how_many_kinds_there_are():
    rows = kinds()
    assert len({(kind, str(named)) for kind, _, named in rows}) == len(rows) >= 40
    assert f"**{len(rows)} kinds**" in PAGE.read_text(), f"there are {len(rows)}"
    assert sum(what.startswith(("refused", "all listed")) for _, what, _ in rows) >= 40

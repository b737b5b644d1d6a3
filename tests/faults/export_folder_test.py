"""pleat export: files of its folder, and protection against incomplete or foreign folders."""
import json
import pathlib
import shutil

import pytest
from support import exports, runs

ROOT = pathlib.Path(__file__).resolve().parents[2]
USAGE, DATA, STOPPED = 2, 3, 75


@pytest.fixture(scope="module")
def gray(tmp_path_factory):
    return exports.gray_run(tmp_path_factory.mktemp("gray"))


def test_an_export_holds_the_runs_bytes_and_nothing_else(gray):
    files, described = exports.tree(gray / "export"), json.loads((gray / "export/ensemble.json").read_text())
    members = [member for run in described["runs"] for unit in run["units"] for member in unit["members"]]
    assert len(members) == 6
    loader = exports.tree(ROOT / "src/inference/exported")
    assert "loader/ensemble.py" in loader
    assert set(files) == {"ensemble.json", *loader, *(member["weights"] for member in members)}
    of_run = {file.read_bytes() for file in gray.glob("run/round_0/label/*/fold_*/weights.safetensors")}
    assert {files[member["weights"]] for member in members} == of_run
    assert {name: files[name] for name in loader} == loader


def test_an_earlier_export_is_replaced_and_other_files_in_it_stay(gray, tmp_path):
    out = tmp_path / "above/export"
    shutil.copytree(gray / "export", out)
    (out / "weights/of-an-earlier-run.safetensors").write_bytes(b"")
    (out / "loader/of_an_earlier_version.py").write_bytes(b"")
    (out / "README").write_text("mine")
    exports.pleat("export", gray / "run", "--out", f"{out}/")
    assert exports.tree(out) == exports.tree(gray / "export") | {"README": b"mine"}
    assert {each.name for each in out.iterdir()} == {"README", "ensemble.json", "ensemble.py", "loader", "weights"}


def test_what_is_changed_after_the_export_is_refused_in_python(gray, tmp_path):
    out = shutil.copytree(gray / "export", tmp_path / "export")
    manifest = json.loads((out / "ensemble.json").read_text())
    (out / "ensemble.json").write_text(json.dumps(manifest | {"version": 2}))
    with pytest.raises(ValueError, match="load it with the ensemble.py in that folder"):
        exports.load(out)
    (out / "ensemble.json").write_text(json.dumps(manifest))
    weights = next(out.glob("weights/*"))
    exports.flip_a_byte(weights)
    with pytest.raises(ValueError, match="was changed"):
        exports.load(out)


FOLD = "round_0/label/resnet20/fold_0"
WEIGHTS = f"{FOLD}/weights.safetensors"


def truncate(file):
    file.write_bytes(file.read_bytes()[:100])


def drop_from_record(run, key):
    record = json.loads((run / "run.json").read_text())
    for part in (record, record.get("data", {})):
        part.pop(key, None)
    (run / "run.json").write_text(json.dumps(record))


def fail_a_job(run):
    """Leaves the files of a run with a failed job in its result."""
    (run / "failures.json").write_text(json.dumps([{"job": "label/small/fold 0", "why": "the loss is not finite"}]))
    summary = json.loads((run / "summary.json").read_text())
    summary["rounds"][summary["result_round"]]["failed"] = 1
    (run / "summary.json").write_text(json.dumps(summary))


@pytest.mark.parametrize("spoil, words", [
    pytest.param(lambda run: (run / "round_0/ensemble.json").unlink(), "holds no finished run", id="unfinished"),
    pytest.param(fail_a_job, "has failed jobs", id="failed-jobs"),
    pytest.param(lambda run: exports.flip_a_byte(run / WEIGHTS), f"{WEIGHTS} was changed", id="flipped-byte"),
    pytest.param(lambda run: truncate(run / WEIGHTS), "was changed", id="cut-weights"),
    pytest.param(lambda run: (run / WEIGHTS).unlink(), "weights.safetensors: No such file", id="no-weights"),
    pytest.param(lambda run: (run / FOLD / "done.json").write_text('{"job": 1}'), "done.json is damaged", id="odd-done"),
    pytest.param(lambda run: truncate(run / FOLD / "done.json"), "done.json is damaged", id="cut-done"),
    pytest.param(lambda run: truncate(run / "run.json"), "is damaged", id="cut-run-json"),
    *(pytest.param(lambda run, key=key: drop_from_record(run, key), f"key '{key}' not found", id=f"run-json-without-{key}")
      for key in ("norm", "targets", "data", "shape", "provenance")),
    pytest.param(lambda run: shutil.rmtree(run), "holds no finished run", id="no-run"),
])
def test_a_run_that_is_not_whole_is_not_exported(gray, tmp_path, spoil, words):
    run = shutil.copytree(gray / "run", tmp_path / "run")
    spoil(run)
    assert words in runs.refusal(runs.pleat("export", run, "--out", tmp_path / "above/export"), DATA)
    assert not (tmp_path / "above").exists()


def test_folders_that_are_not_ours_are_refused(gray, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full/notes.txt").write_text("mine")
    (tmp_path / "other").mkdir()
    (tmp_path / "other/ensemble.json").write_text("{}")
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(gray / "run")
    before = exports.tree(tmp_path), exports.tree(gray / "run")
    for out, code, words in [
        (tmp_path / "full", DATA, "is not empty and holds no earlier export (no export's ensemble.json, but notes.txt)"),
        (tmp_path / "other", DATA, "is not empty"),
        (tmp_path / "file", DATA, "is a file"),
        (tmp_path / "file/below", DATA, "Not a directory"),
        (gray / "run", USAGE, "is the run folder"),
        (gray / "run/export", USAGE, "is inside the run folder"),
        (tmp_path / "link/deep/export", USAGE, "is inside the run folder"),
    ]:
        assert words in runs.refusal(runs.pleat("export", gray / "run", "--out", out), code)
    assert before == (exports.tree(tmp_path), exports.tree(gray / "run"))


def test_under_mpirun_one_rank_writes_and_all_leave(gray, tmp_path):
    exports.pleat("export", gray / "run", "--out", tmp_path / "export", ranks=2)
    assert exports.tree(tmp_path / "export") == exports.tree(gray / "export")
    done = runs.pleat("export", gray / "run", "--out", gray / "run/export", ranks=2)
    assert "is inside the run folder" in runs.refusal(done, USAGE)


def test_flags_that_are_missing_are_named(gray):
    assert "--out" in runs.refusal(runs.pleat("export", gray / "run"), USAGE)
    assert "run" in runs.refusal(runs.pleat("export", "--out", gray / "new"), USAGE)


def test_a_full_disk_leaves_everything_as_it_was(gray, tmp_path):
    for at in (1, 8):
        done = runs.pleat("export", gray / "run", "--out", tmp_path / "above/new", PLEAT_FAULT=f"write_file:{at}:nospace")
        assert "No space left" in runs.refusal(done, DATA)
        assert not (tmp_path / "above").exists()
    full = {"PLEAT_FAULT": "write_file:8:nospace"}
    earlier = shutil.copytree(gray / "export", tmp_path / "earlier")
    runs.refusal(runs.pleat("export", gray / "run", "--out", earlier, **full), DATA)
    assert exports.tree(earlier) == exports.tree(gray / "export")
    (tmp_path / "empty").mkdir()
    runs.refusal(runs.pleat("export", gray / "run", "--out", tmp_path / "empty", **full), DATA)
    assert list((tmp_path / "empty").iterdir()) == []


def test_one_that_is_stopped_leaves_nothing(gray, tmp_path):
    done = runs.pleat("export", gray / "run", "--out", tmp_path / "above/export", PLEAT_FAULT="write_file:2:stop")
    assert done.returncode == STOPPED and "nothing was exported" in done.stdout, done.stdout
    assert not (tmp_path / "above").exists()


@pytest.mark.parametrize("fault", ["write_file:2:kill", "publish_export:1:kill", "publish_export:3:throw"])
def test_one_that_dies_leaves_no_manifest_and_the_next_is_whole(gray, tmp_path, fault):
    out = tmp_path / "export"
    assert runs.pleat("export", gray / "run", "--out", out, PLEAT_FAULT=fault).returncode != 0
    assert not (out / "ensemble.json").exists()
    exports.pleat("export", gray / "run", "--out", out)
    assert exports.tree(out) == exports.tree(gray / "export")


def test_a_folder_that_may_not_be_written_is_named(gray, locked_out):
    run = shutil.copytree(gray / "run", locked_out.folder / "run")
    for each in [run, *run.rglob("*")]:
        each.chmod(0o755)
    (locked_out.folder / "closed").mkdir(mode=0o755)
    done = runs.pleat("export", run, "--out", locked_out.folder / "closed", cwd="/", user=locked_out.user)
    assert "Permission denied" in runs.refusal(done, DATA)

"""Rounds of pseudo-labels from outside: the same bytes for any ranks and through kills, their files, and bad input."""
import csv
import json

import pytest
from support import crowd, exports, people, runs

USAGE = 2


@pytest.fixture(scope="module")
def crops(tmp_path_factory):
    return crowd.prepare(tmp_path_factory.mktemp("crowd"))


@pytest.fixture(scope="module")
def whole(crops, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    done = crowd.train(folder, "run", crops)
    assert done.returncode == 0, done.stdout[-3000:]
    return folder / "run", done.stdout


@pytest.mark.parametrize("ranks", [2, 5])
def test_any_number_of_ranks_gives_the_same_bytes(crops, whole, tmp_path, ranks):
    done = crowd.train(tmp_path, "run", crops, ranks=ranks)
    assert done.returncode == 0, done.stdout[-3000:]
    assert runs.results(tmp_path / "run") == runs.results(whole[0])


def steps_of(run, rounds):
    """Optimizer steps of all jobs in these rounds."""
    count = 0
    for round in rounds:
        for done in run.glob(f"round_{round}/*/*/*/done.json"):
            fact = json.loads(done.read_text())
            rows = fact["train_rows"]
            count += fact["epochs"] * -(-rows // 12)
    return count


@pytest.mark.parametrize("moment", ["first round", "between rounds", "middle of round 1", "before a student is done"])
def test_killed_and_run_again_it_ends_with_the_same_bytes(crops, whole, tmp_path, moment):
    of_first = steps_of(whole[0], [0])
    fault = {"first round": f"step_done:{of_first // 2}:kill", "between rounds": "before_done:3:kill",
             "middle of round 1": f"step_done:{of_first + 10}:kill", "before a student is done": "before_done:5:kill"}[moment]
    first = crowd.train(tmp_path, "run", crops, PLEAT_FAULT=fault)
    assert first.returncode == -9, first.stdout[-2000:]
    students = list((tmp_path / "run").glob("round_1/*/*/*/done.json"))
    assert len(students) == {"before a student is done": 1}.get(moment, 0)
    again = crowd.train(tmp_path, "run", crops)
    assert again.returncode == 0, again.stdout[-3000:]
    assert runs.results(tmp_path / "run") == runs.results(whole[0])


def test_a_run_that_is_done_trains_nothing_again(crops, whole):
    before = runs.results(whole[0])
    done = runs.pleat("train", whole[0].parent / "run.yaml", "--run", whole[0])
    assert done.returncode == 0 and "9 jobs (9 were done before)" in done.stdout, done.stdout[-2000:]
    assert "starts on host" not in done.stdout and runs.results(whole[0]) == before


def test_no_person_is_on_both_sides_of_a_fold(whole):
    """Not even with unlabelled photos: those of a held-out person are not taught to the fold's students."""
    run, table = whole[0], crowd.rows()
    with open(run / "folds.csv") as file:
        fold_of = {row["group"]: row["fold"] for row in csv.DictReader(file)}
    for round in (0, 1):
        with open(run / f"round_{round}/pseudo_labels.csv") as file:
            taught = {(table[row["id"]]["person"], row["fold"]) for row in csv.DictReader(file)}
        mixed = {person for person, _ in taught if person in fold_of}
        assert len(mixed) == 8
        for person in mixed:
            assert {fold for each, fold in taught if each == person} == {"0", "1", "2"} - {fold_of[person]}


def test_rounds_may_be_added_to_a_finished_run(crops, whole, tmp_path):
    one = crowd.train(tmp_path, "run", crops, {"rounds": 1})
    assert one.returncode == 0 and not (tmp_path / "run/round_1").exists(), one.stdout[-2000:]
    more = crowd.train(tmp_path, "run", crops)
    assert more.returncode == 0 and "9 jobs (3 were done before)" in more.stdout, more.stdout[-2000:]
    assert runs.results(tmp_path / "run") == runs.results(whole[0])
    other = crowd.train(tmp_path, "run", crops, {"rounds": crowd.ROUNDS | {"labels": "soft"}})
    assert "rounds.labels" in runs.refusal(other, USAGE)


def test_the_files_say_what_their_formats_promise(whole):
    run, output = whole
    summary = json.loads((run / "summary.json").read_text())
    assert summary["result_round"] == 2 and len(summary["rounds"]) == 3
    for number, round in enumerate(summary["rounds"]):
        assert (round["round"], round["jobs"], round["failed"]) == (number, 3, 0)
        assert set(round["targets"]) == {"mask", "gender", "age", "joint"}
        assert round["targets"]["joint"]["oof"]["score"] == pytest.approx(round["score"])
    assert summary["targets"]["mask"]["oof"]["score"] == summary["rounds"][2]["targets"]["mask"]["oof"]["score"]
    assert "round 1" in output and "the result" in output
    table = crowd.rows()
    for round in (0, 1):
        with open(run / f"round_{round}/pseudo_labels.csv") as file:
            rows = list(csv.DictReader(file))
        assert {row["id"] for row in rows} <= {name for name, row in table.items() if row["split"] == "unlabelled"}
        assert {row["fold"] for row in rows} == {"0", "1", "2"} and {row["target"] for row in rows} == {"joint"}
        assert {row["evidence"] for row in rows} <= {"composition", "known"}
        for fold in "012":  # photos of one person have one gender and age, and the composition of masks
            persons = {}
            for row in rows:
                if row["fold"] == fold:
                    persons.setdefault(table[row["id"]]["person"], []).append(row["label"].split("/"))
            assert all(len({tuple(label[1:]) for label in labels}) == 1 for labels in persons.values())
            assert all(sorted(label[0] for label in labels) == ["bad", "none", "wear", "wear"]
                       for labels in persons.values() if len(labels) == 4)
    assert not (run / "round_2/pseudo_labels.csv").exists()


def test_predict_and_export_use_the_result_round(crops, whole, tmp_path):
    run = whole[0]
    exports.pleat("predict", "--run", run, "--crops", crops, "--out", tmp_path / "p.csv")
    ours, again = exports.rows_of(run / "predictions.csv"), exports.rows_of(tmp_path / "p.csv")
    assert ours == {each: row for each, row in again.items() if each in ours}
    exports.pleat("export", run, "--out", tmp_path / "export")
    weights = sorted((tmp_path / "export/weights").iterdir())
    assert [each.read_bytes() for each in weights] == [
        (run / f"round_2/joint/resnet20/fold_{fold}/weights.safetensors").read_bytes() for fold in range(3)]


def test_a_round_that_is_not_better_ends_the_rounds(crops, tmp_path):
    """Students that learn nothing score worse than their teachers."""
    rounds = crowd.ROUNDS | {"stop": "not_better", "epochs": 1, "weight": {"factor": 1e-3}}
    done = crowd.train(tmp_path, "run", crops, {"rounds": rounds, "train.lr": 3e-3, "train.epochs": 8, "train.warmup": 0.9})
    assert done.returncode == 0, done.stdout[-3000:]
    summary = json.loads((tmp_path / "run/summary.json").read_text())
    assert "round 1 is not better than round 0, so the rounds end here" in done.stdout
    assert summary["result_round"] == 0 and len(summary["rounds"]) == 2
    assert summary["rounds"][1]["score"] <= summary["rounds"][0]["score"]
    assert not (tmp_path / "run/round_2").exists()
    exports.pleat("predict", "--run", tmp_path / "run", "--crops", crops, "--out", tmp_path / "p.csv")


def test_a_short_form_and_single_keys_of_rounds(crops, tmp_path):
    config = people.write_config(tmp_path / "c.yaml", crops, crowd.BASE | {"rounds": 3})
    done = runs.pleat("config", config, "--set", "rounds.parts=2")
    assert done.returncode == 0 and "  count: 3\n" in done.stdout and "  parts: 2\n" in done.stdout
    done = runs.pleat("config", config, "--set", "rounds=2")
    assert "  count: 2\n" in done.stdout

"""Every config option has its expected effect: it changes the weights, only the predictions, or nothing.

The program lists its options. The suite fails if one of them is missing in support/option_tables.py."""

import copy
import csv
import hashlib
import json
import re
import shutil
import subprocess
import sys

import pytest
from support import crowd, people, runs
from support.option_tables import (
    AGE,
    ALL_SAME,
    EPOCHS,
    IDENTITY,
    MORE,
    PLACE,
    READING,
    RUNTIME,
    SOME_WEIGHTS,
    SOME_STUDENTS,
    STUDENTS,
    TABLES,
    TWO,
    WEIGHTS,
)

SCRIPT = """
import sys, torch
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(int(sys.argv[2]))
        self.conv, self.norm, self.fc = torch.nn.Conv2d(3, 8, 3), torch.nn.BatchNorm2d(8), torch.nn.Linear(8, 3)
    def forward(self, x):
        return self.fc(torch.relu(self.norm(self.conv(x))).mean((2, 3)))
torch.jit.script(Net()).save(sys.argv[1])
"""


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Outcome:
    """A finished run's keys and hashes by job ("mask/resnet20/fold_0") and by table."""

    def __init__(self, run):
        self.run = run
        done = {
            str(path.parent.relative_to(run / "round_0")): path.parent
            for path in run.glob("round_0/*/*/fold_*/done.json")
        }
        facts = {job: json.loads((folder / "done.json").read_text()) for job, folder in done.items()}
        self.keys = {job: fact["key"] for job, fact in facts.items()}
        students = list(run.glob("round_1/*/*/*/done.json"))
        self.students = {json.loads(path.read_text())["key"]: digest(path.parent / "weights.safetensors") for path in students}
        self.epochs = {job: fact["epochs"] for job, fact in facts.items()}
        self.weights = {job: digest(folder / "weights.safetensors") for job, folder in done.items()}
        self.predictions = {job: digest(folder / "predictions.safetensors") for job, folder in done.items()}
        summary = json.loads((run / "summary.json").read_text())
        scores = {
            target: {which: each[which] for which in ("oof", "test")} for target, each in summary["targets"].items()
        }
        self.tables = (digest(run / "round_0/oof.h5"), digest(run / "predictions.csv"), json.dumps(scores))


class World:
    """Data, weight files and runs for the tests. Each run is made once."""

    def __init__(self, folder):
        self.folder, self.made, self.begun = folder, {}, 0
        self.crops = people.prepare(folder)
        self.crowd = crowd.prepare(folder / "crowd")
        self.copies = people.prepare(folder / "copies", copies=[("r0", "r9", "r30")])
        self.labels = folder / "labels.csv"
        self.labels.write_text("target,id,label\n" + "".join(f"mask,r{i},none\n" for i in range(0, 40, 5)))
        self.weights = folder / "start.safetensors"
        shutil.copy(self.train({}).run / "round_0/mask/resnet20/fold_0/weights.safetensors", self.weights)

    @property
    def script(self):
        return self.make_script(1)

    def make_script(self, seed):
        path, source = self.folder / f"net{seed}.pt", self.folder / "net.py"
        if not path.exists():
            source.write_text(SCRIPT)
            subprocess.run([sys.executable, "-W", "ignore", source, path, str(seed)], check=True)
        return path

    def config(self, changes):
        changes = dict(changes(self) if callable(changes) else changes)
        if changes.get("folds") == "plan":  # other strata would otherwise change the folds
            changes["folds"] = {"k": 2, "file": str(self.train({}).run / "folds.csv")}
        return people.config(self.crops, changes)

    def train(self, config, ranks=0, first_round=None):
        """first_round: a finished run whose jobs of round 0 the new run finds done, if it gives them the same keys."""
        text = json.dumps(config or people.config(self.crops), indent=1)
        if (text, ranks) not in self.made:
            self.begun += 1
            at = self.folder / f"run{self.begun}"
            at.with_suffix(".yaml").write_text(text)
            if first_round:
                runs.pleat("train", at.with_suffix(".yaml"), "--run", at, PLEAT_FAULT="step_done:1:kill")
                shutil.copytree(first_round / "round_0", at / "round_0", dirs_exist_ok=True)
            done = runs.pleat("train", at.with_suffix(".yaml"), "--run", at, ranks=ranks)
            assert done.returncode == 0, done.stdout
            self.made[text, ranks] = Outcome(at)
        return self.made[text, ranks]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return World(tmp_path_factory.mktemp("world"))


def changed(world, config, option, value):
    return people.changed(copy.deepcopy(config), {option: value(world) if callable(value) else value})


def rows(table):
    return [
        pytest.param(option, *row, id=f"{option}-{i}") for option, each in table.items() for i, row in enumerate(each)
    ]


def reference():
    """{option: its role}, as the program lists them."""
    table = re.findall(
        r"^\| `([^`]+)` \|.*\| (identity|runtime) \|", runs.pleat("config", "--reference").stdout, re.MULTILINE
    )
    return dict(table)


def test_every_option_is_in_the_table_of_its_role():
    roles = reference()
    assert len(roles) > 70
    assert {option for option, role in roles.items() if role == "identity"} == set(IDENTITY)
    assert {option for option, role in roles.items() if role == "runtime"} == set(RUNTIME)


@pytest.mark.parametrize("option, base, value, effect", rows(IDENTITY))
def test_an_option_that_determines_results_changes_what_it_governs(world, option, base, value, effect):
    config = world.config(base)
    before = world.train(config)
    first_round = before.run if effect in (STUDENTS, SOME_STUDENTS) else None
    after = world.train(changed(world, config, option, value), first_round=first_round)
    old, new = (sorted(each.keys.values()) for each in (before, after))
    if effect in (WEIGHTS, SOME_WEIGHTS, READING, EPOCHS):
        assert not set(old) & set(new), "a result that may differ needs another key"
    if effect == WEIGHTS:
        assert not set(before.weights.values()) & set(after.weights.values())
    elif effect == SOME_WEIGHTS:
        assert before.weights.keys() == after.weights.keys() and before.weights != after.weights
    elif effect == READING:
        assert before.weights == after.weights
        assert all(before.predictions[job] != after.predictions[job] for job in before.predictions)
    elif effect == EPOCHS:
        assert before.epochs != after.epochs and all(before.epochs[job] >= after.epochs[job] for job in before.epochs)
    elif effect in (STUDENTS, SOME_STUDENTS):
        assert before.students and after.students and (before.keys, before.weights) == (after.keys, after.weights)
        assert before.students != after.students
    if effect == STUDENTS:
        assert not before.students.keys() & after.students.keys()
        assert not set(before.students.values()) & set(after.students.values())
    elif effect == MORE:
        assert before.weights.items() < after.weights.items() and before.keys.items() < after.keys.items()
    elif effect == TABLES:
        assert (before.keys, before.weights, before.predictions) == (after.keys, after.weights, after.predictions)
        assert before.tables != after.tables
    elif effect == PLACE:
        assert old == new and sorted(before.weights.values()) == sorted(after.weights.values())
        assert before.tables != after.tables


@pytest.mark.parametrize("option, base, value, ranks, stays", rows(RUNTIME))
def test_an_option_that_only_says_where_and_how_fast_changes_no_key(world, option, base, value, ranks, stays):
    config = world.config(base)
    before, after = world.train(config), world.train(changed(world, config, option, value), ranks)
    assert before.keys == after.keys
    if stays == ALL_SAME:
        assert (before.weights, before.predictions, before.tables) == (after.weights, after.predictions, after.tables)
    if option == "cluster.fast_conv":
        assert (before.run / "conv_plan.json").exists() and not (after.run / "conv_plan.json").exists()


@pytest.mark.parametrize("option", ["models[].script", "models[].weights"])
def test_another_file_to_start_from_is_another_key(world, option):
    base, _, _, _ = RUNTIME[option][0]
    config = world.config(base)
    fold_1 = world.train({}).run / "round_0/mask/resnet20/fold_1/weights.safetensors"
    other = world.make_script(2) if option == "models[].script" else fold_1
    before, after = world.train(config), world.train(changed(world, config, option, str(other)))
    random = world.train({})
    for one, another in ((before, after), (before, random)):
        assert not set(one.keys.values()) & set(another.keys.values())
        assert not set(one.weights.values()) & set(another.weights.values())


def test_a_run_goes_on_with_other_runtime_options_alone(world):
    """Changes all options of a role at once: identity options are refused and named, runtime options are accepted."""

    def dry_run(table):
        config = world.config({})
        # Not class_weights: refused together with train.sampling.
        options = [option for option, each in table.items() if each[0][0] == {} and option != "train.loss.class_weights"]
        for option in options:
            config = changed(world, config, option, table[option][0][1])
        path = world.folder / "changed.yaml"
        path.write_text(json.dumps(config))
        return options, runs.pleat("train", path, "--run", world.train({}).run, "--dry-run")

    options, done = dry_run(IDENTITY)
    assert done.returncode == 2 and len(options) > 35, done.stdout
    for option in options:
        assert f"{option.replace('[]', '.0')}: " in done.stdout, option
    options, done = dry_run(RUNTIME)
    assert done.returncode == 0 and len(options) > 4 and "nothing left to do" in done.stdout, done.stdout


def test_a_default_that_is_spelt_out_is_the_same_key(world):
    """Finished jobs stay valid if the config only spells out defaults."""
    before, age = world.train({}), world.train(world.config({"targets": [AGE]}))
    spelt = {
        "targets": [{"name": "mask", "column": "mask", "classes": ["bad", "none", "wear"], "bins": 0, "weight": 1.0}],
        "folds.stratify": ["mask"],
        "models": [{"id": "resnet20", "name": "resnet20", "stem": "small", "dropout": 0.0, "stochastic_depth": 0.0}],
        "train.loss": {"class_weights": "none", "focal": 0.0, "f1": 0.0},
        "train.inner_share": 0.2,  # no effect without keep: best
    }
    assert world.train(world.config(spelt)).keys == before.keys
    assert world.train(world.config({"targets": [AGE | {"train_edges": AGE["edges"]}]})).keys == age.keys


def test_the_dry_run_says_the_keys_that_the_jobs_get(world):
    run = world.train({})
    said = runs.pleat("train", run.run.with_suffix(".yaml"), "--run", world.folder / "new", "--dry-run").stdout
    for job, key in run.keys.items():
        assert re.search(rf"{job.replace('fold_', 'fold ')}: .* key {key[:12]}\n", said), said


def test_the_tables_hold_what_the_targets_are_called(world):
    """joint.name and a model's id: another table, and columns with that name."""
    both = world.train(changed(world, world.config({"targets": TWO}), "joint.name", "both"))
    assert list(json.loads((both.run / "summary.json").read_text())["targets"]) == ["mask", "gender", "both"]
    with open(both.run / "predictions.csv") as file:
        columns = next(csv.reader(file))
    assert any("both" in column for column in columns), columns

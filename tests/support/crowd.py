"""People with four photos each for tests of rounds: labelled, partly labelled, unlabelled and test persons. Two of a
person's photos show the mask worn, one badly, one none."""

from support import people, runs

MASKS = ("wear", "bad", "wear", "none")
LABELS = ("mask", "gender", "age")
COMPOSITION = {"wear": 2, "bad": 1, "none": 1}
GROUPS = {"constant_in_group": ["gender", "age"], "composition": {"mask": COMPOSITION}}
ROUNDS = {"count": 3, "stop": "never", "admit": {"threshold": 0.0}, "augment": {"randaugment": {"ops": 1}}, **GROUPS}
TARGETS = [{"name": "mask"}, {"name": "gender"}, {"name": "age", "edges": [35, 50]}]
BASE = {"folds.k": 3, "train.epochs": 6, "train.lr": 1e-2, "train.batch": 12, "train.sampling": "balanced",
        "targets": TARGETS, "targets_as": "joint", "rounds": ROUNDS}


def rows(full=16, mixed=8, unlabelled=8, test=4):
    """The table: {id: {column: value}}. Of a mixed person one photo is labelled."""
    table, person = {}, 0
    for kind, count in (("full", full), ("mixed", mixed), ("unlabelled", unlabelled), ("test", test)):
        for _ in range(count):
            gender, age = "fm"[person % 2], str(20 + person * 7 % 50)
            for photo, mask in enumerate(MASKS):
                split = {"full": "train", "mixed": "train" if photo == person % 4 else "unlabelled"}.get(kind, kind)
                table[f"p{person}_{photo}"] = {"mask": mask, "gender": gender, "age": age, "person": f"p{person}", "split": split}
            person += 1
    return table


def shown(table):
    """The table as people.prepare writes it: labels of unlabelled rows are hidden, but their photos show them."""
    return {name: row | (dict.fromkeys(LABELS, "") if row["split"] == "unlabelled" else {}) for name, row in table.items()}


def permuted(table, held_out):
    """The table with other labels in the held-out rows: persons of one kind swap gender and age, and masks rotate."""
    changed = {name: dict(row) for name, row in table.items()}
    whole, single = [], []
    for person in dict.fromkeys(table[name]["person"] for name in held_out):
        mine = [name for name in held_out if table[name]["person"] == person]
        (whole if len(mine) == 4 else single).append(mine)
    for persons in (whole, single):
        for mine, source in zip(persons, persons[1:] + persons[:1]):
            for place, name in enumerate(mine):
                other = table[source[place]]
                changed[name].update(gender=other["gender"], age=other["age"],
                                     mask=table[mine[(place + 1) % 4]]["mask"] if len(mine) == 4 else other["mask"])
    moved = sum(changed[name][column] != table[name][column] for name in held_out for column in LABELS)
    assert moved > len(held_out), "the permutation must change labels to test anything"
    return changed


def prepare(folder):
    """Makes folder/crops.h5 of the whole crowd."""
    table = rows()
    return people.prepare(folder, shown(table), pictured=table)


def train(folder, name, crops, changes=(), ranks=0, **how):
    """Trains BASE with changes into folder/name."""
    config = people.write_config(folder / f"{name}.yaml", crops, BASE | dict(changes))
    return runs.pleat("train", config, "--run", folder / name, ranks=ranks, **how)

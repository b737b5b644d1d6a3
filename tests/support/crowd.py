"""People with four photos each for tests of rounds: labelled, partly labelled, unlabelled and test persons. Two of a
person's photos show the mask worn, one badly, one none."""

MASKS = ("wear", "bad", "wear", "none")
LABELS = ("mask", "gender", "age")
COMPOSITION = {"wear": 2, "bad": 1, "none": 1}


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

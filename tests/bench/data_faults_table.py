"""The comparison of wrong labels and copies in docs/results.md on drawn faces: makes data, trains, prints tables.

    .venv/bin/python tests/bench/data_faults_table.py --folder /tmp/faults [--only noise,copies] [--seeds 42,43,44]

noise: 3 % wrong labels (gender and age of a person, mask of a photo). pleat audit's suspects are compared with the truth,
and train.labels.drop: auto with no change, by new persons with correct labels.
copies: 10 % of the train photos are copied under other persons. The gap of OOF and held-out scores is compared with
data.duplicates: warn, together and drop.
Finished runs are not trained again, and interrupted ones are resumed.
"""
import argparse
import collections
import csv
import json
import pathlib
import random
import time

import h5py
import numpy
from faces_table import make_crops, make_table, run, span

ROOT = pathlib.Path(__file__).resolve().parents[2]
PERSONS, NEW_PERSONS, NOISE, COPIED = 200, 100, 0.03, 0.1
TARGETS = ("mask", "gender", "age")
OPTIONS = ["targets_as=heads", "targets.2.bins=0", "folds.k=3", "train.epochs=8"]


def train(pleat, folder, name, seed, *options):
    out = folder / "runs" / f"{name}_{seed}"
    options = [f"data.crops={folder / 'center.h5'}", f"seed={seed}", *OPTIONS, *options]
    run("mpirun", "--bind-to", "none", "-n", 2, pleat, "train", ROOT / "configs/faces.yaml", "--run", out,
        *[part for option in options for part in ("--set", option)])
    return json.loads((out / "summary.json").read_text()), out


def class_of(target, label):
    return (int(label) >= 30) + (int(label) >= 60) if target == "age" else label


def wrong_labels(folder):
    """{(target, photo id)} of the labels whose class is wrong, by the truth of the drawn faces."""
    rows = {row["path"].removeprefix("known/"): row for row in csv.DictReader(open(folder / "samples.csv"))}
    return {(target, rows[true["path"]]["id"]) for true in csv.DictReader(open(folder / "known/truth.csv"))
            if true["path"] in rows for target in TARGETS
            if class_of(target, true[target]) != class_of(target, rows[true["path"]][target])}


def persons_of(folder):
    return {row["id"]: row["person"] for row in csv.DictReader(open(folder / "samples.csv"))}


def found(suspects, truth):
    hits = len(suspects & truth)
    return (hits / len(suspects) if suspects else 1.0, hits / len(truth) if truth else 1.0, len(suspects), len(truth))


def audit(pleat, out, folder):
    """{(target, kind): (precision, recall, suspects, wrong)}: photos by themselves, and persons by all their photos."""
    run(pleat, "audit", out)
    truth, person = wrong_labels(folder), persons_of(folder)
    suspects = collections.defaultdict(set)
    for row in csv.DictReader(open(out / "label_issues.csv")):
        suspects[row["target"], row["kind"]].add(row["id"] if row["kind"] == "row" else row["group"])
    result = {}
    for target in TARGETS:
        photos = {name for each, name in truth if each == target}
        result[target, "photo"] = found(suspects[target, "row"], photos)
        if target != "mask":
            result[target, "person"] = found(suspects[target, "group"], {person[name] for name in photos})
    return result


def print_audits(audits):
    print("| target | judged | suspect | wrong | precision | recall |\n| --- | --- | --- | --- | --- | --- |")
    for key in audits[0]:
        of = [each[key] for each in audits]
        mean = [sum(values) / len(of) for values in zip(*of)]
        print(f"| {key[0]} | by {key[1]} | {mean[2]:.0f} | {mean[3]:.0f} | {mean[0]:.2f} | {mean[1]:.2f} |")


def print_scores(runs):
    print("\n| labels | target | OOF | new persons | gain on new persons, by seed |\n| --- | --- | --- | --- | --- |")
    for name, summaries in runs.items():
        for target in ("class", *TARGETS):
            oof = [each["targets"][target]["oof"]["macro_f1"] for each in summaries]
            test = [each["targets"][target]["test"]["macro_f1"] for each in summaries]
            base = [each["targets"][target]["test"]["macro_f1"] for each in next(iter(runs.values()))]
            gains = ", ".join(f"{a - b:+.3f}" for a, b in zip(test, base))
            print(f"| {name} | {target} | {span(oof)} | {span(test)} | {gains} |", flush=True)


def noise(pleat, folder, seeds):
    folder.mkdir(parents=True, exist_ok=True)
    make_table(pleat, folder, PERSONS, NEW_PERSONS, NOISE)
    make_crops(pleat, folder, "center")
    plain = [train(pleat, folder, "plain", seed) for seed in seeds]
    print_audits([audit(pleat, out, folder) for _, out in plain])
    runs = {"as they are": [summary for summary, _ in plain]}
    runs["drop: auto"] = [train(pleat, folder, "auto", seed, "train.labels.drop=auto")[0] for seed in seeds]
    print_scores(runs)


def ceiling(pleat, folder, seeds):
    """What dropping exactly the wrong labels gains."""
    folder = folder.parent / "noise"
    wrong = folder / "wrong.csv"
    wrong.write_text("target,id\n" + "".join(f"{target},{name}\n" for target, name in sorted(wrong_labels(folder))))
    runs = {"as they are": [train(pleat, folder, "plain", seed)[0] for seed in seeds]}
    runs["exactly the wrong ones dropped"] = [train(pleat, folder, "truth", seed, f"train.labels.drop={wrong}")[0] for seed in seeds]
    print_scores(runs)


def copy_photos(folder):
    """Adds copies of train photos, with their labels, under persons that are not theirs."""
    rows = list(csv.DictReader(open(folder / "samples.csv")))
    if any(row["id"].startswith("copy-") for row in rows):
        return
    known, rng = [row for row in rows if row["split"] == "train"], random.Random(5)
    persons = sorted({row["person"] for row in known})
    for row in rng.sample(known, round(COPIED * len(known))):
        other = rng.choice([person for person in persons if person != row["person"]])
        rows.append(row | {"id": f"copy-{row['id']}", "person": other})
    with open(folder / "samples.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def accuracies(out):
    """Accuracy of the joint class, out of fold: of photos with a copy, of those whose copy is in another fold, and of others."""
    with h5py.File(out / "round_0/oof.h5") as file:
        ids, folds = [name.decode() for name in file["ids"][:]], file["folds"][0]
        table = file["targets/class"]
        right = table["ensemble"][:].argmax(1) == table["labels"][:]
    fold_of = dict(zip(ids, folds))
    other = {name: name[5:] if name.startswith("copy-") else f"copy-{name}" for name in ids}
    copied = numpy.array([other[name] in fold_of for name in ids])
    apart = numpy.array([fold_of.get(other[name], fold_of[name]) != fold_of[name] for name in ids])
    return [right[rows].mean() if rows.any() else None for rows in (copied, apart, ~copied)]


def print_copied(found):
    print("\n| data.duplicates | photos with a copy | of these, copies in different folds | other photos |\n| --- | --- | --- | --- |")
    for name, seeds in found.items():
        print(f"| {name} | {' | '.join('none' if None in values else span(values) for values in zip(*seeds))} |")


def copies(pleat, folder, seeds):
    folder.mkdir(parents=True, exist_ok=True)
    make_table(pleat, folder, PERSONS, NEW_PERSONS)
    copy_photos(folder)
    make_crops(pleat, folder, "center")
    print("\n| data.duplicates | target | OOF | new persons | gap, by seed |\n| --- | --- | --- | --- | --- |")
    found = {}
    for name in ("warn", "together", "drop"):
        runs = [train(pleat, folder, name, seed, f"data.duplicates={name}") for seed in seeds]
        summaries, found[name] = [summary for summary, _ in runs], [accuracies(out) for _, out in runs]
        for target in ("class", *TARGETS):
            oof = [each["targets"][target]["oof"]["macro_f1"] for each in summaries]
            test = [each["targets"][target]["test"]["macro_f1"] for each in summaries]
            print(f"| {name} | {target} | {span(oof)} | {span(test)} | {', '.join(f'{a - b:+.3f}' for a, b in zip(oof, test))} |", flush=True)
    print_copied(found)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=pathlib.Path, required=True, help="for data, crops and runs; about 1.5 GB")
    parser.add_argument("--only", default="noise,copies", help="parts, with commas; ceiling: after noise, drops exactly the wrong labels")
    parser.add_argument("--seeds", default="42,43,44", help="with commas")
    parser.add_argument("--pleat", type=pathlib.Path, default=ROOT / "build/pleat", help="the program; default: build/pleat")
    arguments = parser.parse_args()
    folder, pleat, start = arguments.folder.resolve(), arguments.pleat.resolve(), time.monotonic()
    seeds = [int(seed) for seed in arguments.seeds.split(",")]
    for part in arguments.only.split(","):
        {"noise": noise, "copies": copies, "ceiling": ceiling}[part](pleat, folder / part, seeds)
    print(f"\n{(time.monotonic() - start) / 60:.0f} min in all")


if __name__ == "__main__":
    main()

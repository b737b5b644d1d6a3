"""Shared by the peers, besides the recipe: arguments, photos and folds, cross-validation, scores, the report."""
import argparse
import contextlib
import csv
import dataclasses
import json
import os
import pathlib
import time

import torch
from sklearn import metrics

PREDICT_BATCH = 256


def arguments(description):
    """Parser of the arguments that all peers have."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=pathlib.Path, required=True, help="samples.csv: id, path, label")
    parser.add_argument("--images", type=pathlib.Path, required=True, help="folder that the table's paths start from")
    parser.add_argument("--folds", type=pathlib.Path, required=True, help="folds.csv of a run of pleat: exactly its rows take part")
    parser.add_argument("--fold", type=int, help="train this fold alone; default: all, one after another")
    parser.add_argument("--size", type=int, default=64, help="side of the crops, which are largest centred squares")
    parser.add_argument("--model", default="resnet18", help="a network of torchvision")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--batch", type=int, default=64, help="images per step, over all processes")
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--weight-decay", type=float, default=0.01)
    parser.add_argument("--warmup", type=float, default=0.25)
    parser.add_argument("--label-smoothing", type=float, default=0.0)
    parser.add_argument("--pad", type=int, default=4, help="shift training images by up to this many pixels, black coming in")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="compute threads of each process")
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--score-each-epoch", action="store_true", help="predict the held-out rows after each epoch; not counted in the whole")
    parser.add_argument("--launched", type=float, help="unix time from which the whole is counted; default: this process's start")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="JSON to write")
    return parser


def process_start():
    """Unix time at which the kernel started this process, so that Python's start and imports count."""
    ticks = int(pathlib.Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) + ticks / os.sysconf("SC_CLK_TCK")


class Watch:
    """Seconds by part of the work. Create it first in main: the time before it counts as `imports`."""

    def __init__(self, launched=None):
        self.launched = launched or process_start()
        self.seconds = {"imports": time.time() - self.launched, "preparation": 0.0, "training": 0.0, "prediction": 0.0, "scoring": 0.0}

    @contextlib.contextmanager
    def __call__(self, part):
        start = time.perf_counter()
        yield
        self.seconds[part] += time.perf_counter() - start

    def step_done(self):
        self.seconds.setdefault("first_step", time.time() - self.launched)

    def close(self):
        """Stops the clock: scores after each epoch are only for the curve, not part of the work."""
        self.seconds["whole"] = time.time() - self.launched - self.seconds["scoring"]


@dataclasses.dataclass
class Photos:
    """The rows of the fold plan, in its order."""

    paths: list
    labels: torch.Tensor  # [N] int64
    fold_of: torch.Tensor  # [N] int64
    classes: list

    def split(self, fold):
        """Rows to train on, rows held out."""
        return (self.fold_of != fold).nonzero().flatten(), (self.fold_of == fold).nonzero().flatten()


def read_csv(path):
    with open(path, newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def read_photos(options):
    row_of = {row["id"]: row for row in read_csv(options.table)}
    plan = read_csv(options.folds)
    rows = [row_of[planned["id"]] for planned in plan]
    classes = sorted({row["label"] for row in rows})
    return Photos(paths=[options.images / row["path"] for row in rows], labels=torch.tensor([classes.index(row["label"]) for row in rows]),
                  fold_of=torch.tensor([int(planned["fold"]) for planned in plan]), classes=classes)


def scores(probabilities, labels):
    guess = probabilities.argmax(1)
    return {"accuracy": float(metrics.accuracy_score(labels, guess)), "macro_f1": float(metrics.f1_score(labels, guess, average="macro"))}


def cross_validate(photos, options, watch, batches_of, trainer_of):
    """For each fold, trains on the others and predicts the held-out rows. Returns the report.

    batches_of(rows, training): iterable of batches (images, labels) with a length; each iteration is a new epoch
    trainer_of(steps): a new recipe.Trainer
    """
    folds = range(int(photos.fold_of.max()) + 1) if options.fold is None else [options.fold]
    probabilities = torch.zeros(options.epochs, len(photos.labels), len(photos.classes))  # of held-out rows, after each epoch
    history = []
    for fold in folds:
        rows, held_out = photos.split(fold)
        with watch("preparation"):
            batches, held_out_batches = batches_of(rows, training=True), batches_of(held_out, training=False)
            trainer = trainer_of(options.epochs * len(batches))
        for epoch in range(options.epochs):
            before = watch.seconds["training"]
            with watch("training"):
                loss, images = trainer.epoch(batches, watch)
            history.append({"fold": fold, "epoch": epoch + 1, "loss": loss, "images": images, "seconds": watch.seconds["training"] - before})
            last = epoch + 1 == options.epochs
            if last or options.score_each_epoch:
                with watch("prediction" if last else "scoring"):
                    probabilities[epoch, held_out] = trainer.predict(held_out_batches)
    watch.close()
    return report(photos, options, watch, probabilities, history, torch.isin(photos.fold_of, torch.tensor(folds)))


def report(photos, options, watch, probabilities, history, predicted):
    """The report: out-of-fold scores, time by part, and scores against time if all folds stop after the same epoch."""
    seconds = watch.seconds
    curve = []
    for epoch in range(1, options.epochs + 1) if options.score_each_epoch else [options.epochs]:
        trained = sum(line["seconds"] for line in history if line["epoch"] <= epoch)
        curve.append({"epoch": epoch, "seconds": seconds["imports"] + seconds["preparation"] + trained + seconds["prediction"],
                      **scores(probabilities[epoch - 1, predicted], photos.labels[predicted])})
    return {"arguments": {name: str(value) if isinstance(value, pathlib.Path) else value for name, value in vars(options).items()},
            "oof": {name: curve[-1][name] for name in ("accuracy", "macro_f1")}, "seconds": seconds,
            "images_per_second": sum(line["images"] for line in history) / seconds["training"], "curve": curve, "epochs": history}


def write(result, path):
    path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(f"OOF accuracy {result['oof']['accuracy']:.4f}, macro F1 {result['oof']['macro_f1']:.4f}, {result['images_per_second']:.0f} training images/s; "
          + ", ".join(f"{part} {seconds:.1f} s" for part, seconds in result["seconds"].items()))

"""Every config option, and its effect on the results."""

import shutil

from support import runs

# Effects of a changed value:
WEIGHTS = "weights"  # every job's weights and key change
SOME_WEIGHTS = "some weights"  # every job's key changes, but the weights of some folds may stay
MORE = "more"  # there are more jobs; the old ones stay
READING = "reading"  # key and predictions change, the weights stay
EPOCHS = "epochs"  # the key and a job's number of epochs change
TABLES = "tables"  # only the run's tables change: no key, nothing in a job
STUDENTS = "students"  # keys and weights of the second round change, those of the first stay
SOME_STUDENTS = "some students"  # the same, but students with unchanged labels stay
PLACE = "place"  # names of folders and tables change: no key, no weights

AGE = {"name": "age", "edges": [30, 50]}
BINS = AGE | {"bins": 5}
SPREAD = BINS | {"bin_spread": 1.0}
NUMBER = AGE | {"regress": True}
TWO = [{"name": "mask"}, {"name": "gender"}]
THREE = [*TWO, AGE]
LONG = {"train.epochs": 3}
BEST = {"train.keep": "best", "train.epochs": 5, "train.lr": 1e-2, "train.inner_share": 0.3}
GROWING = LONG | {"train.progressive": {"from": 8}}
SGD = {"train.optimizer": "sgd"}
SMALL_STEM = {"models[].name": "resnet18", "models[].stem": "small"}




COMPOSITION = {"mask": {"wear": 2, "bad": 1, "none": 1}}


def crowd(**changes):
    """A run of two rounds on the crowd; keyword arguments are dotted keys with __ for the dots."""
    changes = {name.replace("__", "."): value for name, value in changes.items()}
    return lambda world: {"data": {"crops": str(world.crowd), "group": "person"}, "folds.k": 3, "train.epochs": 8, "train.batch": 12, "train.lr": 1e-2,
                          "train.sampling": "balanced", "rounds.count": 2, "rounds.admit.threshold": 0.0,
                          "rounds.stop": "never", "rounds.composition": COMPOSITION} | changes


def copied(world):
    """Three train rows of three persons show the same photo."""
    return {"data.crops": str(world.copies)}


def relabelled(option):
    return lambda world: {f"train.labels.{option}": str(world.labels)}


def started(world, **more):
    return {"models": [{"name": "resnet20", "weights": str(world.weights), **more}]}


# option: [(changes to people.config before, new value of the option, effect), …]. Callables get the world as argument.
IDENTITY = {
    "seed": [({}, 8, WEIGHTS)],
    "data.group": [({}, "", WEIGHTS)],
    "data.limit": [({}, 64, WEIGHTS)],
    "data.rest": [({"data.limit": 64}, "unlabelled", READING)],
    "data.duplicates": [(copied, "drop", WEIGHTS), (copied, "together", WEIGHTS)],
    "data.mean": [({"data.mean": [0.4] * 3, "data.std": [0.2] * 3}, [0.5, 0.4, 0.4], WEIGHTS)],
    "data.std": [({"data.mean": [0.4] * 3, "data.std": [0.2] * 3}, [0.3, 0.2, 0.2], WEIGHTS)],
    "targets[].name": [({"targets": [{"name": "mask", "column": "mask"}]}, "cover", PLACE)],
    "targets[].column": [({"targets": [{"name": "mask", "column": "mask"}]}, "gender", WEIGHTS)],
    "targets[].classes": [({}, ["wear", "none", "bad"], WEIGHTS)],
    "targets[].edges": [({"targets": [AGE]}, [40], WEIGHTS), ({"targets": [BINS], "folds": "plan"}, [35, 50], READING)],
    "targets[].bins": [({"targets": [AGE]}, 5, WEIGHTS), ({"targets": [BINS]}, 6, WEIGHTS)],
    "targets[].bin_spread": [({"targets": [BINS]}, 1.0, WEIGHTS), ({"targets": [SPREAD]}, 2.0, WEIGHTS)],
    "targets[].regress": [({"targets": [AGE]}, True, WEIGHTS)],
    "targets[].train_edges": [
        ({"targets": [AGE]}, [30, 45], WEIGHTS),
        ({"targets": [BINS]}, [30, 45], READING),
        ({"targets": [NUMBER]}, [30, 45], READING),
    ],
    "targets[].weight": [({"targets": TWO, "targets_as": "heads"}, 3.0, WEIGHTS)],
    "targets_as": [({"targets": TWO}, "heads", WEIGHTS), ({"targets": TWO}, "joint", WEIGHTS)],
    "joint.name": [({"targets": TWO}, "both", TABLES), ({"targets": TWO, "targets_as": "joint"}, "both", PLACE)],
    "joint.of": [
        ({"targets": THREE, "joint.name": "some"}, ["gender", "mask"], TABLES),
        ({"targets": TWO, "targets_as": "joint"}, ["gender", "mask"], WEIGHTS),
    ],
    "score": [({}, "accuracy", TABLES), (BEST | {"train.epochs": 8}, "log_loss", SOME_WEIGHTS)],
    "folds.k": [({}, 3, WEIGHTS)],
    "folds.repeats": [({}, 2, MORE)],
    "folds.stratify": [({}, ["gender", "mask"], WEIGHTS)],
    "folds.trunks": [({"folds.k": 4, "train.epochs": 4}, 0.5, WEIGHTS)],
    "models[].id": [({}, "net", PLACE)],
    "models[].name": [({}, "resnet18", WEIGHTS), ({}, "efficientnet_b0", WEIGHTS)],
    "models[].stem": [({"models[].name": "resnet18"}, "small", WEIGHTS)],
    "models[].new_head": [(started, True, WEIGHTS)],
    "models[].mean": [({"models": [{"name": "resnet20", "mean": [0.4] * 3, "std": [0.2] * 3}]}, [0.5, 0.4, 0.4], WEIGHTS)],
    "models[].std": [({"models": [{"name": "resnet20", "mean": [0.4] * 3, "std": [0.2] * 3}]}, [0.3, 0.2, 0.2], WEIGHTS)],
    "models[].lr": [({}, 2e-3, WEIGHTS)],
    "models[].dropout": [({}, 0.5, WEIGHTS), ({"models": [{"name": "efficientnet_b0"}]}, 0.0, WEIGHTS)],
    "models[].zero_last_norm": [({}, True, WEIGHTS)],
    "models[].whiten": [({}, True, WEIGHTS)],
    "models[].stochastic_depth": [({}, 0.5, WEIGHTS)],
    "ensemble": [({"models": [{"name": "resnet20"}, {"name": "resnet18"}], "ensemble": "mean"}, "best", TABLES)],
    "rounds.teacher": [(crowd(rounds__labels="soft"), "shared", STUDENTS)],
    "rounds.admit.threshold": [(crowd(targets=[AGE], rounds__composition={}), 0.5, SOME_STUDENTS)],
    "rounds.admit.adaptive": [(crowd(train__epochs=3), True, SOME_STUDENTS)],
    "rounds.admit.quotas": [(crowd(rounds__admit__share=0.5), True, STUDENTS)],
    "rounds.admit.share": [(crowd(), 0.5, STUDENTS)],
    "rounds.labels": [(crowd(), "soft", STUDENTS)],
    "rounds.temperature": [(crowd(rounds__labels="soft"), 0.5, STUDENTS)],
    "rounds.weight.factor": [(crowd(), 0.5, STUDENTS)],
    "rounds.weight.by": [(crowd(train__epochs=3), "confidence", SOME_STUDENTS)],
    "rounds.constant_in_group": [(crowd(targets=[{"name": "gender"}], rounds__composition={}), ["gender"], SOME_STUDENTS)],
    "rounds.composition": [(crowd(), {"mask": {"wear": 1, "bad": 2, "none": 1}}, STUDENTS)],
    "rounds.start": [(crowd(), "warm", STUDENTS)],
    "rounds.augment.flip": [(crowd(rounds__augment={}), False, STUDENTS)],
    "rounds.augment.alternate_flips": [(crowd(rounds__augment={}), True, STUDENTS)],
    "rounds.augment.pad": [(crowd(rounds__augment={}), 2, STUDENTS)],
    "rounds.augment.resized_crop": [(crowd(rounds__augment={}), 0.5, STUDENTS)],
    "rounds.augment.rotate": [(crowd(rounds__augment={}), 20.0, STUDENTS)],
    "rounds.augment.jitter": [(crowd(rounds__augment={}), 0.3, STUDENTS)],
    "rounds.augment.randaugment.ops": [(crowd(rounds__augment={}), 2, STUDENTS)],
    "rounds.augment.randaugment.magnitude": [(crowd(rounds__augment={"randaugment": {"ops": 2}}), 20, STUDENTS)],
    "rounds.augment.erase": [(crowd(rounds__augment={}), 0.5, STUDENTS)],
    "rounds.augment.mixup": [(crowd(rounds__augment={}), 0.3, STUDENTS)],
    "rounds.augment.cutmix": [(crowd(rounds__augment={}), 1.0, STUDENTS)],
    "rounds.epochs": [(crowd(), 2, STUDENTS)],
    "rounds.parts": [(crowd(), 2, STUDENTS)],
    "rounds.stop": [(crowd(rounds__weight__factor=1e-4, rounds__epochs=1), "not_better", TABLES)],
    "rounds.use_test": [(crowd(), True, STUDENTS)],
    "train.epochs": [({}, 2, WEIGHTS)],
    "train.batch": [({}, 24, WEIGHTS)],
    "train.micro_batches": [({}, 2, WEIGHTS)],
    "train.lr": [({}, 2e-3, WEIGHTS)],
    "train.optimizer": [({}, "sgd", WEIGHTS)],
    "train.weight_decay": [({}, 0.1, WEIGHTS), (SGD, 0.1, WEIGHTS)],
    "train.momentum": [({}, 0.8, WEIGHTS), (SGD, 0.8, WEIGHTS)],
    "train.beta2": [({}, 0.9, WEIGHTS)],
    "train.schedule": [({}, "cosine", WEIGHTS), ({}, "constant", WEIGHTS)],
    "train.warmup": [(LONG, 0.5, WEIGHTS), (LONG | {"train.schedule": "cosine"}, 0.5, WEIGHTS)],
    "train.label_smoothing": [({}, 0.1, WEIGHTS), ({"targets": [BINS]}, 0.1, WEIGHTS)],
    "train.precision": [({}, "bf16", WEIGHTS)],
    "train.loss.class_weights": [
        ({}, "balanced", WEIGHTS),
        ({}, "balanced_sqrt", WEIGHTS),
        ({"targets": [BINS]}, "balanced", WEIGHTS),
        ({"targets": [NUMBER]}, "balanced", WEIGHTS),
    ],
    "train.loss.focal": [({}, 2.0, WEIGHTS), ({"targets": [SPREAD]}, 2.0, WEIGHTS)],
    "train.loss.f1": [({}, 0.5, WEIGHTS), ({"targets": [BINS]}, 0.5, WEIGHTS)],
    "train.sampling": [
        ({}, "balanced", WEIGHTS),
        ({}, "balanced_sqrt", WEIGHTS),
        ({"targets": TWO, "targets_as": "heads"}, "balanced", WEIGHTS),
    ],
    "train.last_batch": [({"train.epochs": 3}, 48, WEIGHTS)],
    "train.norm_bias_rate": [({}, 8, WEIGHTS), (SGD, 8, WEIGHTS)],
    "train.norm_momentum": [({}, 0.5, WEIGHTS)],
    "train.clip": [({}, 0.1, WEIGHTS)],
    "train.layer_decay": [({}, 0.5, WEIGHTS), (SGD, 0.5, WEIGHTS)],
    "train.freeze_epochs": [(LONG, 1, WEIGHTS)],
    "train.keep": [(LONG, "best", WEIGHTS)],
    "train.inner_share": [(BEST, 0.2, WEIGHTS)],
    "train.patience": [(BEST | {"train.epochs": 8}, 1, EPOCHS)],
    "train.ema": [({}, 0.9, WEIGHTS)],
    "train.augment.alternate_flips": [({"train.epochs": 4}, True, WEIGHTS)],
    "train.augment.flip": [({}, False, WEIGHTS)],
    "train.augment.pad": [({}, 2, WEIGHTS)],
    "train.augment.resized_crop": [({}, 0.5, WEIGHTS)],
    "train.augment.rotate": [({}, 20.0, WEIGHTS)],
    "train.augment.jitter": [({}, 0.3, WEIGHTS)],
    "train.augment.randaugment.ops": [({}, 2, WEIGHTS)],
    "train.augment.randaugment.magnitude": [({"train.augment.randaugment.ops": 2}, 20, WEIGHTS)],
    "train.augment.erase": [({}, 0.5, WEIGHTS)],
    "train.augment.mixup": [({}, 0.3, WEIGHTS)],
    "train.augment.cutmix": [({}, 1.0, WEIGHTS)],
    "train.progressive.from": [(LONG, 8, WEIGHTS)],
    "train.progressive.delay": [(GROWING | {"train.epochs": 5, "train.progressive.until": 1.0}, 0.7, WEIGHTS)],
    "train.progressive.until": [(GROWING, 0.2, WEIGHTS)],
    "predict.flip": [({}, True, READING)],
    "predict.temperature": [({}, True, WEIGHTS)],
    "predict.shift": [({}, 2, READING)],
    "cluster.exact": [({"train.micro_batches": 4}, True, WEIGHTS)],
}


def elsewhere(world, path):
    """Copies the file under another name."""
    return str(shutil.copy(path, world.folder / f"elsewhere{path.suffix}"))


ALL_SAME = "all the same"  # key and weights
KEY_SAME = "key the same"  # the bits may differ
EXACT = {"cluster.exact": True, "train.micro_batches": 2}
# option: [(changes before, new value of the option, ranks, what stays the same), …]
RUNTIME = {
    "rounds.count": [(crowd(rounds__count=1), 2, 0, KEY_SAME)],
    "data.crops": [({}, lambda world: elsewhere(world, world.crops), 0, ALL_SAME)],
    "data.same_text": [({}, "strict", 0, ALL_SAME)],
    "report": [({}, False, 0, ALL_SAME)],
    "folds.file": [({}, lambda world: str(world.train({}).run / "folds.csv"), 0, ALL_SAME)],
    "models[].script": [
        (
            lambda world: {"models": [{"id": "net", "script": str(world.script)}]},
            lambda world: elsewhere(world, world.script),
            0,
            ALL_SAME,
        )
    ],
    "models[].weights": [(started, lambda world: elsewhere(world, world.weights), 0, ALL_SAME)],
    "models[].map_by_order": [(started, True, 0, ALL_SAME)],  # names that fit stay
    "train.labels.drop": [(relabelled("drop"), lambda world: elsewhere(world, world.labels), 0, ALL_SAME)],
    "train.labels.relabel": [(relabelled("relabel"), lambda world: elsewhere(world, world.labels), 0, ALL_SAME)],
    "sweep.strategy": [({}, "full", 0, ALL_SAME)],
    "sweep.short_share": [({}, 0.1, 0, ALL_SAME)],
    "sweep.keep": [({}, "all", 0, ALL_SAME)],
    "cluster.stage": [({}, lambda world: str(world.folder / "disk"), 0, ALL_SAME)],
    "cluster.shards": [(EXACT, 2, 2, ALL_SAME)],
    "cluster.device": [({}, "auto", 0, KEY_SAME if runs.sees_cuda() else ALL_SAME)],
    "cluster.threads": [({}, "auto", 0, KEY_SAME)],
    "cluster.fast_conv": [({}, False, 0, KEY_SAME)],
}

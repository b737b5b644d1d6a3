"""Training batches per CPU second: pleat's loader against torchvision in a DataLoader; and waits during training."""
import crops
from measure import BUILD, CORES, PEERS, in_turn, last_json, median, python, sh
from pleat_run import Run, write_config
from report import at_least, at_most

BATCH, SIZE = 64, 64


def loader(file, seconds):
    """Crops per CPU second, for each augmentation."""
    cores = CORES[:2]
    return last_json(sh(BUILD / "tests/bench_feed", file, BATCH, len(cores), seconds, cores=cores))


def peer(file, kind):
    return last_json(python(PEERS / "feed.py", "--crops", file, "--size", SIZE, "--kind", kind, "--batch", BATCH, "--workers", 2))["per_core"]


def waiting(bench, file):
    """resnet18 on two ranks with one thread: only batches that the loader makes ahead are ready in time."""
    config = write_config(bench, file, folds="{k: 2}", train=f"{{epochs: 3, batch: {BATCH}}}", cluster="{threads: 1, device: cpu}")
    return Run(bench).train(config, 2).waited()


def run(bench):
    file = crops.noise(bench, 800 if bench.quick else 2400, SIZE, 3)
    results = in_turn({"pleat": lambda _: loader(file, 1 if bench.quick else 3), "pad_crop": lambda _: peer(file, "pad_crop"),
                       "resized_crop": lambda _: peer(file, "resized_crop")}, bench.turns(3))
    bench.keep("crops_per_second_and_core", results)
    for kind, words, target in (("pad_crop", "flip and pad-crop", at_least(10)), ("resized_crop", "flip and resized crop", at_least(4))):
        ours, theirs = median(results["pleat"], kind), median(results[kind])
        bench.figure(f"{words}, {SIZE}×{SIZE}×3, per core", ours / theirs, "×", target, f"{ours:,.0f} crops/s", f"DataLoader {theirs:,.0f} crops/s")
    waited = [waiting(bench, file) for _ in range(bench.turns(1))]
    bench.keep("waited", waited)
    bench.figure("training that waits for data, resnet18, 2 × 1 thread", 100 * max(waited), "%", at_most(1))

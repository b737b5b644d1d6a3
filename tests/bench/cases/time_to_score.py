"""Two presets against tuned PyTorch on the bench photos. The fast one must reach the score of tuned's 8 epochs in fewer
seconds. The best one must be far above that score in the time that plain PyTorch takes for 3 epochs.

All start from photos, with empty caches. Each turn uses another seed and the same folds.
"""
import measure
from cases import photos_to_ensemble as whole
from crops import photos
from measure import Skipped, in_turn, median
from report import at_least, at_most

SEEDS = 3
BEST = measure.ROOT / "configs/photos_best.yaml"
PLAIN_EPOCHS = 3  # as in photos_to_ensemble


def gains(ours, theirs):
    return [mine["oof"]["macro_f1"] - other["oof"]["macro_f1"] for mine, other in zip(ours, theirs)]


def run(bench):
    if not bench.preset.exists():
        raise Skipped(f"{bench.preset} is not there")
    table, images = photos(bench)
    folds = whole.plan_folds(bench, table, images)
    epochs = 4 if bench.quick else bench.epochs

    def pleat(config):
        return lambda turn: whole.pleat_from_photos(bench, table, images, lambda _: config, [f"seed={turn + 1}", f"folds.file={folds}"])

    def tuned(turn):
        return whole.peer_from_photos(bench, "tuned.py", table, images, folds, "--epochs", epochs, "--seed", turn + 1)

    seeds = bench.rounds or (1 if bench.quick else SEEDS)
    results = in_turn({"fast": pleat(bench.preset), "best": pleat(BEST), "tuned": tuned}, seeds)
    plain = whole.peer_from_photos(bench, "plain.py", table, images, folds, "--epochs", PLAIN_EPOCHS, "--workers", 2)
    bench.keep("seeds", results | {"plain": [plain]})
    for seed, (fast, best, theirs) in enumerate(zip(results["fast"], results["best"], results["tuned"]), 1):
        bench.note(f"seed {seed}: macro F1 {fast['oof']['macro_f1']:.4f} in {fast['wall']:.1f} s, best {best['oof']['macro_f1']:.4f} in "
                   f"{best['wall']:.1f} s, tuned {theirs['oof']['macro_f1']:.4f} in {theirs['wall']:.1f} s ({epochs} epochs)")
    words = {name: whole.in_words(of) for name, of in results.items()}
    wall = {name: median(of, "wall") for name, of in results.items()}
    bench.figure(f"fast preset, wall to tuned's score after {epochs} epochs, {seeds} seeds", wall["fast"] / wall["tuned"], "×", at_most(0.35),
                 words["fast"], f"tuned {words['tuned']}")
    bench.figure("fast preset, macro F1 minus tuned's, least of the seeds", min(gains(results["fast"], results["tuned"])), "", at_least(0.0))
    bench.figure(f"best preset, wall against plain PyTorch's {PLAIN_EPOCHS} epochs", wall["best"] / plain["wall"], "×", at_most(1.0),
                 words["best"], f"plain {plain['wall']:.1f} s (F1 {plain['oof']['macro_f1']:.4f})")
    bench.figure("best preset, macro F1 minus tuned's, least of the seeds", min(gains(results["best"], results["tuned"])), "", at_least(0.04))

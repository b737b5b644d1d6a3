"""Time to the tuned peer's final score: pleat with its preset must reach this score in fewer seconds.

Both start from photos, with empty caches. Each turn uses another seed and the same folds.
"""
from cases import photos_to_ensemble as whole
from crops import photos
from measure import Skipped, in_turn, median
from report import at_least, at_most

SEEDS = 3


def run(bench):
    if not bench.preset.exists():
        raise Skipped(f"{bench.preset} is not there")
    table, images = photos(bench)
    folds = whole.plan_folds(bench, table, images)
    epochs = 4 if bench.quick else bench.epochs

    def pleat(turn):
        return whole.pleat_from_photos(bench, table, images, lambda _: bench.preset, [f"seed={turn + 1}", f"folds.file={folds}"])

    def tuned(turn):
        return whole.peer_from_photos(bench, "tuned.py", table, images, folds, "--epochs", epochs, "--seed", turn + 1)

    seeds = bench.rounds or (1 if bench.quick else SEEDS)
    results = in_turn({"pleat": pleat, "tuned": tuned}, seeds)
    bench.keep("seeds", results)
    for seed, (ours, theirs) in enumerate(zip(results["pleat"], results["tuned"]), 1):
        bench.note(f"seed {seed}: macro F1 {ours['oof']['macro_f1']:.4f} in {ours['wall']:.1f} s, "
                   f"tuned {theirs['oof']['macro_f1']:.4f} in {theirs['wall']:.1f} s ({epochs} epochs)")
    gains = [ours["oof"]["macro_f1"] - theirs["oof"]["macro_f1"] for ours, theirs in zip(results["pleat"], results["tuned"])]
    bench.figure(f"wall to tuned's score after {epochs} epochs, {seeds} seeds", median(results["pleat"], "wall") / median(results["tuned"], "wall"), "×",
                 at_most(0.35), whole.in_words(results["pleat"]), f"tuned {whole.in_words(results['tuned'])}")
    bench.figure("macro F1 minus tuned's, least of the seeds", min(gains), "", at_least(0.0))

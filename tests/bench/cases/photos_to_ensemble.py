"""From photos on disk to the scores of an out-of-fold ensemble: pleat against three peers, same recipe and folds.

Seconds from launch to end, with decoding and all imports. No caches: pleat measures its convolution plan and
torch.compile compiles, as on a machine's first run. Only the photos are in the page cache.
"""
import machine
import measure
from crops import photos, prepare_photos
from measure import Stopwatch, median, peer
from pleat_run import Run, write_config
from processes import first_step
from report import at_least, at_most

SIZE, BATCH, FOLDS = 64, 64, 5


def recipe(bench, crops, epochs, folds_file="''"):
    """pleat's config. Its defaults are the peers' recipe."""
    return write_config(bench, crops, data=f"{{crops: {crops}, group: group}}", folds=f"{{k: {FOLDS}, file: {folds_file}}}",
                        train=f"{{epochs: {epochs}, batch: {BATCH}}}", cluster="{device: cpu}")


def plan_folds(bench, table, images):
    """Makes the folds.csv that all programs use, with a run that is ended as soon as the file exists."""
    crops = prepare_photos(table, images, SIZE, bench.folder() / "crops.h5")
    folder = bench.folder() / "run"
    first_step(recipe(bench, crops, epochs=1), folder, ranks=2)
    return folder / "folds.csv"


def pleat_from_photos(bench, table, images, config_for, settings=()):
    """Prepares, trains and gathers on 2 ranks, with an empty cache. config_for(crops) returns the config's path."""
    env = {"XDG_CACHE_HOME": str(bench.folder())}
    with Stopwatch() as watch:
        crops = prepare_photos(table, images, SIZE, bench.folder() / "crops.h5")
        prepared = watch.so_far()
        run = Run(bench).train(config_for(crops), 2, settings=[f"data.crops={crops}", *settings], env=env)
    return {"wall": watch.seconds, "prepare": prepared, "plan": run.plan_seconds(), "oof": run.oof()}


def peer_from_photos(bench, script, table, images, folds, *arguments):
    """Runs a peer in its best way for 2 cores."""
    env = {"TORCHINDUCTOR_CACHE_DIR": str(bench.folder())}
    return peer(bench, script, "--table", table, "--images", images, "--folds", folds, "--size", SIZE, "--batch", BATCH, "--threads", 2,
                *arguments, env=env)


def noise_of_scores(score, rows):
    """Two standard errors of a share of this many rows. Equal recipes may differ by this much."""
    return 2 * (score * (1 - score) / rows) ** 0.5


def in_words(results):
    scores = ", ".join(f"{result['oof']['macro_f1']:.4f}" for result in results)
    return f"{median(results, 'wall'):.1f} s (F1 {scores})"


def run(bench):
    table, images = photos(bench)
    folds = plan_folds(bench, table, images)
    epochs = ["--epochs", 2 if bench.quick else 3]
    runners = {
        "pleat": lambda _: pleat_from_photos(bench, table, images, lambda crops: recipe(bench, crops, epochs[1], folds)),
        "plain": lambda _: peer_from_photos(bench, "plain.py", table, images, folds, *epochs, "--workers", 2),
        "tuned": lambda _: peer_from_photos(bench, "tuned.py", table, images, folds, *epochs),
        "compiled": lambda _: peer_from_photos(bench, "tuned.py", table, images, folds, *epochs, "--compile"),
    }
    results = measure.in_turn(runners, bench.turns(1))
    bench.keep("runs", results)
    wall = {name: median(of, "wall") for name, of in results.items()}
    amx = machine.has_amx()
    for name, target in (("plain", at_most(0.27 if amx else 0.4)), ("tuned", at_most(0.55 if amx else 0.8)), ("compiled", None)):
        bench.figure(f"{bench.photos} photos to ensemble, wall against {name}", wall["pleat"] / wall[name], "×", target,
                     in_words(results["pleat"]), f"{name} {in_words(results[name])}")
    scores = {name: median([result["oof"] for result in of], "macro_f1") for name, of in results.items()}
    noise = noise_of_scores(scores["tuned"], bench.photos)
    bench.figure("OOF macro F1 minus tuned's, within two standard errors", scores["pleat"] - scores["tuned"], "", at_least(-round(noise, 4)),
                 f"{scores['pleat']:.4f}", f"{scores['tuned']:.4f}")
    first = results["pleat"][0]
    bench.note(f"pleat's seconds hold {first['prepare']:.1f} s of pleat prepare and {first['plan']:.1f} s to measure the plan of convolutions, "
               "which a machine keeps for later runs")

"""One-thread ranks on all cores, each with a fold: images/s against as many times one rank alone, and memory."""
import pathlib
import re
import time

import crops
from measure import CORES, CommandFailed, in_turn, median, mpirun, sh, started
from pleat_run import Run, train_command, write_config
from processes import wait_for_ranks
from report import at_least, at_most

BATCH, EPOCHS, SIZE = 64, 3, 64
KB = 1024 / 1e6  # kB of /proc in megabytes of the dry run
SETTLING = 1.0  # seconds before a checkpoint during which its copy may already exist
UNITS = {"MB": 1.0, "GB": 1e3}


def config_for(bench, file, ranks):
    return write_config(bench, file, folds=f"{{k: {max(2, ranks)}}}", train=f"{{epochs: {EPOCHS}, batch: {BATCH}}}", cluster="{threads: 1, device: cpu}")


def wait_for(pattern, run, launcher, each=lambda: None, seconds=0.1):
    """Waits until the run has made a matching file. Calls `each` from time to time."""
    while not any(run.folder.glob(pattern)):
        if launcher.poll() is not None:
            raise CommandFailed(f"{' '.join(launcher.args)}: ended too early\n{launcher.communicate()[0]}")
        each()
        time.sleep(seconds)


def alone(bench, config):
    """Images per second of the first fold on one core. The run is ended after it."""
    run = Run(bench)
    with started(mpirun(1, *train_command(config, run.folder)), CORES[:1], None) as launcher:
        wait_for("round_0/label/*/fold_*/done.json", run, launcher)
    return run.rates()[0]


def together(bench, config, ranks):
    """Images per second of all ranks together, each on its first fold."""
    return sum(Run(bench).train(config, ranks, cores=CORES).rates()[:ranks])


def pss(pid):
    """Megabytes of a process. A page shared by n processes counts 1/n in each."""
    return int(re.search(r"^Pss: +(\d+)", pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M)[1]) * KB


def pss_of_mapping(pid, file):
    """The same for the mapping of one file."""
    parts = re.split(r"^(?=[0-9a-f]+-[0-9a-f]+ )", pathlib.Path(f"/proc/{pid}/smaps").read_text(), flags=re.M)
    return sum(int(re.search(r"^Pss: +(\d+)", part, re.M)[1]) * KB for part in parts if str(file) in part.partition("\n")[0])


def memory(bench, config, file, ranks):
    """Peak of each rank in the second half of epoch 1, before the checkpoint's copy; all ranks' share of the crops."""
    run, samples = Run(bench), []
    with started(mpirun(ranks, *train_command(config, run.folder)), CORES, None) as launcher:
        pids = wait_for_ranks(launcher, ranks)
        wait_for("round_0/label/*/fold_*/resume/*", run, launcher, lambda: samples.append((time.time(), [pss(pid) for pid in pids])), 0.25)
        shared = sum(pss_of_mapping(pid, file) for pid in pids)
    before = [each for when, each in samples if when < samples[-1][0] - SETTLING] or [samples[0][1]]
    return {"ranks": [max(of_rank) for of_rank in zip(*before[len(before) // 2:])], "crops": shared}


def estimate(config, folder):
    """The dry run's peak of a step in megabytes: weights, gradients, optimizer and activations of one rank."""
    found = re.search(r"peak of a step ([\d.]+) (MB|GB)", sh(*train_command(config, folder), "--dry-run"))
    return float(found[1]) * UNITS[found[2]]


def report_memory(bench, config, file, ranks):
    """Memory that an extra rank adds: memory of all ranks minus that of one rank alone, minus the extra ranks' tensors.

    All ranks map libraries and crops, so those pages count once. The rest is the heap, MPI's buffers, the loader's
    batches and other private memory of each process.
    """
    one, all_ranks, tensors = memory(bench, config, file, 1), memory(bench, config, file, ranks), estimate(config, bench.folder() / "run")
    bench.keep("memory_mb", {"one": one, "all": all_ranks, "tensors": tensors})
    extra = (sum(all_ranks["ranks"]) - sum(one["ranks"])) / (ranks - 1) - tensors
    bench.figure("memory of an extra rank, beyond model and activations", extra, "MB", at_most(150),
                 f"{ranks} ranks {sum(all_ranks['ranks']):.0f} MB, one {sum(one['ranks']):.0f} MB, tensors {tensors:.0f} MB a rank")
    size = file.stat().st_size / 1e6
    bench.figure("crops resident, all ranks together, against the file", all_ranks["crops"] / size, "×", at_most(1.02),
                 f"{all_ranks['crops']:.0f} MB", f"file {size:.0f} MB")


def run(bench):
    ranks = len(CORES)
    if ranks < 2:
        bench.note("not measured: there is one core alone")
        return
    file = crops.noise(bench, 800 if bench.quick else 2400, SIZE, 3)
    config = config_for(bench, file, ranks)
    results = in_turn({"alone": lambda _: alone(bench, config), "together": lambda _: together(bench, config, ranks)}, bench.turns(3))
    bench.keep("images_per_second", results)
    one, many = median(results["alone"]), median(results["together"])
    bench.figure(f"{ranks} one-thread ranks against {ranks} × one alone, resnet18 {SIZE}×{SIZE}", many / (ranks * one), "×", at_least(0.95),
                 f"{many:.0f} images/s", f"one alone {one:.0f} images/s")
    large = crops.noise(bench, 4000 if bench.quick else 8000, SIZE, 3)
    report_memory(bench, config_for(bench, large, ranks), large, ranks)

"""Time and memory of pleat's stages grow no faster than the rows: 10,000, 100,000 and 1,000,000 crops of 16×16×1."""
import crops
from measure import BUILD, CORES, Stopwatch, in_turn, last_json, median, sh
from pleat_run import train_command, write_config
from report import at_most

SIDE = 16
TIMES, MOST = 10, 12  # ten times the rows: at most twelve times the seconds or megabytes
SECONDS_FLOOR, MEGABYTES_FLOOR = 0.05, 10  # below these, differences are noise
DRY_RUN = "pleat train --dry-run"  # a stage, the only one in a process of its own
DISK = "disk"  # not a stage: writes the bytes of write_oof again, to show the disk's share of its growth
FIRST_BATCH = ("open", "shuffle", "cut", "first_batch")


def measure_rows(bench, rows):
    """Seconds of each stage, and megabytes above the process's memory before."""
    file = crops.noise(bench, rows, SIDE, 1)
    figures = last_json(sh(BUILD / "tests/bench_growth", file, bench.folder(), cores=CORES[:2]))
    stages = figures["stages"]
    config = write_config(bench, file, models="[{name: resnet20}]", cluster="{device: cpu}")
    with Stopwatch() as watch:
        sh(*train_command(config, bench.folder() / "run"), "--dry-run")
    above = {name: {"seconds": stage["seconds"], "megabytes": stage["megabytes"] - figures["before"]} for name, stage in stages.items()}
    return {**above, DRY_RUN: {"seconds": watch.seconds, "megabytes": 0}}  # another process, with its own memory


def medians(results):
    """{stage: {unit: median over turns}}"""
    return {stage: {unit: median([turn[stage] for turn in results], unit) for unit in ("seconds", "megabytes")} for stage in results[0]}


def worst_growth(by_rows, unit, floor):
    """(factor, stage, rows) of the stage that grows most for ten times the rows."""
    sizes = sorted(by_rows)
    return max((max(by_rows[more][stage][unit], floor) / max(by_rows[few][stage][unit], floor), stage, more)
               for few, more in zip(sizes, sizes[1:]) for stage in by_rows[few] if stage != DISK)


def run(bench):
    sizes = [10_000, 100_000] if bench.quick else [10_000, 100_000, 1_000_000]
    results = in_turn({rows: lambda _, rows=rows: measure_rows(bench, rows) for rows in sizes}, bench.turns(3))
    by_rows = {rows: medians(of) for rows, of in results.items()}
    bench.keep("turns", results)
    bench.keep("medians", by_rows)
    for unit, word, floor in (("seconds", "time", SECONDS_FLOOR), ("megabytes", "peak memory", MEGABYTES_FLOOR)):
        factor, stage, rows = worst_growth(by_rows, unit, floor)
        bench.figure(f"{word} of {TIMES} × the rows, worst stage", factor, "×", at_most(MOST),
                     f"{stage}, {rows // TIMES:,} to {rows:,} rows: {by_rows[rows // TIMES][stage][unit]:.2f} to {by_rows[rows][stage][unit]:.2f} {unit}")
    last, before = by_rows[sizes[-1]], by_rows[sizes[-2]]
    bench.figure("write_oof without its disk, the same", (last["write_oof"]["seconds"] - last[DISK]["seconds"])
                 / max(before["write_oof"]["seconds"] - before[DISK]["seconds"], SECONDS_FLOOR / 2), "×",
                 pleat=f"the file's bytes alone, written and synced: {before[DISK]['seconds']:.2f} to {last[DISK]['seconds']:.2f} seconds")
    bench.figure(f"open, shuffle and first batch, {sizes[-1]:,} rows", sum(last[stage]["seconds"] for stage in FIRST_BATCH), "s", at_most(2))
    bench.figure(f"{DRY_RUN}, {sizes[-1]:,} rows", last[DRY_RUN]["seconds"], "s", pleat=f"{sizes[0]:,} rows: {by_rows[sizes[0]][DRY_RUN]['seconds']:.2f} s")
    bench.note(f"{sizes[-1]:,} rows: " + ", ".join(f"{stage} {of['seconds']:.2f} s and {of['megabytes']:.0f} MB" for stage, of in last.items()
                                                   if stage != DRY_RUN))

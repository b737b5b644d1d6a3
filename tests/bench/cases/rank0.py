"""Rank 0's work at scale: greedy selection and pseudo-labels against NumPy, time and memory by the number of rows."""
import sys

from measure import BUILD, CORES, PEERS, in_turn, last_json, median, sh
from report import at_least, at_most

CANDIDATES, CLASSES = 20, 18


def ours(what, rows, candidates=CANDIDATES):
    return last_json(sh(BUILD / "tests/bench_rank0", what, rows, candidates, CLASSES, 1, cores=CORES[:2], env={"OMP_NUM_THREADS": "2"}))


def peer(what, rows, candidates=CANDIDATES):
    return last_json(sh(sys.executable, PEERS / "rank0.py", what, rows, candidates, CLASSES, 1, cores=CORES[:2], env={"OMP_NUM_THREADS": "2"}))


def against_numpy(bench, what, rows):
    results = in_turn({"pleat": lambda _: ours(what, rows), "numpy": lambda _: peer(what, rows)}, bench.turns(1))
    bench.keep(f"{what}, {rows} rows", results)
    assert {each["checksum"] for of in results.values() for each in of} == {results["pleat"][0]["checksum"]}, "other results"
    seconds = {name: median([each["seconds"] for each in of]) for name, of in results.items()}
    bench.figure(f"{what}, {rows:,} rows", seconds["numpy"] / seconds["pleat"], "×", at_least(5.0), f"{seconds['pleat']:.1f} s",
                 f"NumPy {seconds['numpy']:.1f} s")
    mine = results["pleat"][0]
    if what == "greedy":
        bench.figure("greedy, memory over the tables'", 1 + mine["extra_mb"] / mine["tables_mb"], "×", at_most(2.0),
                     f"{mine['extra_mb']:,.0f} MB beside {mine['tables_mb']:,.0f} MB of tables", "")


def growth(bench, what, rows, candidates):
    few, many = (median([ours(what, count, candidates)["seconds"] for _ in range(bench.turns(1))]) for count in rows)
    bench.keep(f"{what}, growth", {"rows": rows, "seconds": [few, many]})
    bench.figure(f"{what}, {rows[0]:,} to {rows[1]:,} rows, seconds a row", (many / rows[1]) / (few / rows[0]), "×", at_most(1.3),
                 f"{few:.2f} s and {many:.2f} s", "")


def run(bench):
    whole = 140_000 if bench.quick else 1_000_006  # whole persons of seven
    against_numpy(bench, "greedy", whole)
    against_numpy(bench, "labels", whole)
    for what in ("greedy", "labels"):
        growth(bench, what, (100_002, 420_000 if bench.quick else 3_000_004), 5 if what == "greedy" else CANDIDATES)

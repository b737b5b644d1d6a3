"""Photos of 384×512 to 64×64 crops by one thread, against Pillow and OpenCV in Python; then the whole of pleat prepare.

Per second of CPU time, files in memory: decoding, turning by EXIF and averaging over areas. Pillow and OpenCV decode at full size, as
most would call them; `reduced` is OpenCV as pleat goes about it, decoding at a half, a quarter or an eighth where that is enough.
"""
import csv

from crops import photos, prepare_photos
from measure import BUILD, CORES, PEERS, PLEAT, Stopwatch, in_turn, last_json, median, mpirun, python, sh
from report import at_least

SIZE = 64
COUNT = 500  # photos of a turn
ROWS = 40_000  # of the table that one and two ranks prepare


def pleat(images, count):
    return last_json(sh(BUILD / "tests/bench_photo", images, count, SIZE, cores=CORES[:1]))["photos_per_second"]


def peer(images, count, library):
    text = python(PEERS / "photo_decode.py", "--images", images, "--photos", count, "--size", SIZE, "--library", library, cores=CORES[:1])
    return last_json(text)["photos_per_second"]


def whole(bench, table, images):
    """Photos per second of two ranks, from launch to a finished crops file."""
    with Stopwatch() as watch:
        prepare_photos(table, images, SIZE, bench.folder() / "crops.h5")
    return bench.photos / watch.seconds


def many_rows(bench, table, rows):
    """The same photos under new ids until there are so many rows: startup must not decide what ranks gain."""
    with open(table, newline="") as file:
        photos_of = [row["path"] for row in csv.DictReader(file)]
    out = bench.folder() / "many.csv"
    out.write_text("id,path\n" + "".join(f"{i},{photos_of[i % len(photos_of)]}\n" for i in range(rows)))
    return out


def on_ranks(bench, table, images, ranks):
    """Seconds from launch to end of ranks that have a core each."""
    with Stopwatch() as watch:
        sh(*mpirun(ranks, PLEAT, "prepare", "--table", table, "--images", images, "--size", SIZE, "--out", bench.folder() / "crops.h5"),
           cores=CORES[:ranks])
    return watch.seconds


def run(bench):
    table, images = photos(bench)
    count = min(COUNT, bench.photos) // (2 if bench.quick else 1)
    results = in_turn({"pleat": lambda _: pleat(images, count), "Pillow": lambda _: peer(images, count, "pillow"),
                       "OpenCV": lambda _: peer(images, count, "cv2"), "OpenCV, reduced": lambda _: peer(images, count, "cv2_reduced")}, bench.turns(5))
    bench.keep("photos_per_second", results)
    rate = {name: median(of) for name, of in results.items()}
    for name, target in (("Pillow", at_least(2.0)), ("OpenCV", at_least(1.2)), ("OpenCV, reduced", None)):
        bench.figure(f"JPEG photos of 384×512 to {SIZE}×{SIZE}, one core", rate["pleat"] / rate[name], "×", target,
                     f"{rate['pleat']:,.0f} photos/s", f"{name} {rate[name]:,.0f} photos/s")
    wholes = [whole(bench, table, images) for _ in range(bench.turns(3))]
    bench.keep("whole", wholes)
    bench.note(f"pleat prepare of {bench.photos:,} photos on 2 ranks: {median(wholes):,.0f} photos/s, from launch to end")
    rows = ROWS // (10 if bench.quick else 1)
    table = many_rows(bench, table, rows)
    seconds = in_turn({"one": lambda _: on_ranks(bench, table, images, 1), "two": lambda _: on_ranks(bench, table, images, 2)}, bench.turns(3))
    bench.keep("seconds_on_ranks", seconds)
    one, two = median(seconds["one"]), median(seconds["two"])
    bench.figure(f"the same, {rows:,} rows on two ranks, from launch to end", one / two, "×", at_least(1.8), f"{rows / two:,.0f} photos/s",
                 f"one rank {rows / one:,.0f} photos/s")

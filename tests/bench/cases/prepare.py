"""Photos of 384×512 to 64×64 crops on one thread, against Pillow and OpenCV in Python; then the whole of pleat prepare.

Photos per CPU second with files in memory: decoding, EXIF orientation and area averaging. Pillow and OpenCV decode at
full size, the usual way. `reduced` is OpenCV used like pleat: it decodes at 1/2, 1/4 or 1/8 of the size if possible.
"""
import csv

from crops import photos, prepare_photos
from measure import BUILD, CORES, PEERS, PLEAT, Stopwatch, in_turn, last_json, median, mpirun, python, sh
from report import at_least

SIZE = 64
COUNT = 500  # photos per turn
ROWS = 40_000  # rows of the table that one and two ranks prepare


def pleat(images, count):
    return last_json(sh(BUILD / "tests/bench_photo", images, count, SIZE, cores=CORES[:1]))["photos_per_second"]


def peer(images, count, library):
    text = python(PEERS / "photo_decode.py", "--images", images, "--photos", count, "--size", SIZE, "--library", library, cores=CORES[:1])
    return last_json(text)["photos_per_second"]


def whole(bench, table, images):
    """Photos per second on two ranks, from launch to the finished crops file."""
    with Stopwatch() as watch:
        prepare_photos(table, images, SIZE, bench.folder() / "crops.h5")
    return bench.photos / watch.seconds


def many_rows(bench, table, rows):
    """A table that repeats the photos under new ids up to `rows` rows, enough that startup does not matter."""
    with open(table, newline="") as file:
        photos_of = [row["path"] for row in csv.DictReader(file)]
    out = bench.folder() / "many.csv"
    out.write_text("id,path\n" + "".join(f"{i},{photos_of[i % len(photos_of)]}\n" for i in range(rows)))
    return out


def on_ranks(bench, table, images, ranks):
    """Seconds from launch to end, with one core per rank."""
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

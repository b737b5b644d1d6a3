"""pleat prepare from outside: the same bytes for any number of ranks, readable by h5py; bad photos and tables."""
import json
import random
import re

import h5py
import numpy
import pytest
from PIL import Image
from support import runs

USAGE, DATA = 2, 3


def write_photos(folder, count=23):
    """Writes photos of random smooth content and odd sizes, and their table."""
    (folder / "photos").mkdir()
    rng = numpy.random.default_rng(5)
    lines = ["id,path,mask,note"]
    for i in range(count):
        small = rng.integers(0, 256, (4, 3, 3), numpy.uint8)
        photo = Image.fromarray(small).resize((40 + i, 60 + 2 * i), Image.BICUBIC)
        name = f"{i}.{'png' if i % 3 == 0 else 'jpg'}"
        photo.save(folder / "photos" / name)
        lines.append(f'p{i},{name},{"worn" if i % 2 else "none"},"a, ""quoted"" note"')
    (folder / "samples.csv").write_text("\n".join(lines) + "\n")
    return folder / "samples.csv", folder / "photos"


def test_any_number_of_ranks_writes_the_same_bytes_and_h5py_reads_them(tmp_path):
    table, photos = write_photos(tmp_path)
    files = []
    for ranks in (1, 2, 3):
        out = tmp_path / f"{ranks}.h5"
        done = runs.pleat("prepare", "--table", table, "--images", photos, "--out", out, "--size", "32x24", ranks=ranks)
        assert done.returncode == 0, done.stdout
        files.append(out.read_bytes())
    assert files[0] == files[1] == files[2]
    with h5py.File(tmp_path / "1.h5") as file:
        assert file["images"].shape == (23, 32, 24, 3) and file["valid"][:].all()
        assert [value.decode() for value in file["table/id"][:]] == [f"p{i}" for i in range(23)]
        assert file["table/note"][0].decode() == 'a, "quoted" note'
        # Pillow's box filter is the same area average, so only JPEG decoding and rounding differ.
        with Image.open(photos / "3.png") as photo:
            expected = numpy.asarray(photo.convert("RGB").resize((24, 32), Image.BOX), float)
        assert numpy.abs(file["images"][3] - expected).mean() < 2


@pytest.mark.parametrize("ranks", [0, 3])
def test_broken_photos_are_all_named_at_once_or_left_out_on_request(tmp_path, ranks):
    table, photos = write_photos(tmp_path)
    (photos / "4.jpg").write_bytes((photos / "4.jpg").read_bytes()[:300])
    (photos / "5.jpg").write_text("not a photo")
    (photos / "6.png").write_bytes(b"")
    (photos / "7.jpg").unlink()
    out = tmp_path / "crops.h5"
    done = runs.pleat("prepare", "--table", table, "--images", photos, "--out", out, ranks=ranks)
    assert done.returncode == DATA, done.stdout
    for name in ("4.jpg", "5.jpg", "6.png", "7.jpg", "--skip-bad"):
        assert name in done.stdout
    assert not list(tmp_path.glob("crops.h5*"))
    done = runs.pleat("prepare", "--table", table, "--images", photos, "--out", out, "--skip-bad", ranks=ranks)
    assert done.returncode == 0, done.stdout
    assert len((tmp_path / "crops.rejected.csv").read_text().splitlines()) == 5
    with h5py.File(out) as file:
        assert [i for i, valid in enumerate(file["valid"][:]) if not valid] == [4, 5, 6, 7]


@pytest.mark.parametrize("change, words", [
    (lambda t: t.replace("p3,", "p2,"), ["p2", "line 5"]),
    (lambda t: t.replace("id,path", "id,file"), ["path"]),
    (lambda t: t.replace("1.jpg", "../1.jpg"), ["../1.jpg", "line 3"]),
    (lambda t: t.replace("p1,1.jpg,worn", "p1,1.jpg"), ["line 3"]),
    (lambda t: t.replace('"a, ""quoted"" note"', "x").replace(",", ";"), ["semicolons"]),
    (lambda t: t.splitlines()[0] + "\n", ["no rows"]),
    (lambda t: t.replace("p0,", ",", 1), ["id", "line 2"]),
])
def test_a_bad_table_is_one_line(tmp_path, change, words):
    table, photos = write_photos(tmp_path)
    table.write_text(change(table.read_text()))
    done = runs.pleat("prepare", "--table", table, "--images", photos, "--out", tmp_path / "crops.h5")
    assert done.returncode == DATA and len(runs.errors(done)) == 1, done.stdout
    for word in words:
        assert word in runs.errors(done)[0]
    assert not list(tmp_path.glob("crops.h5*"))


def test_a_table_from_a_spreadsheet_is_accepted(tmp_path):
    table, photos = write_photos(tmp_path)
    table.write_bytes(b"\xef\xbb\xbf" + table.read_bytes().replace(b"\n", b"\r\n"))
    done = runs.pleat("prepare", "--table", table, "--images", photos, "--out", tmp_path / "crops.h5")
    assert done.returncode == 0, done.stdout
    with h5py.File(tmp_path / "crops.h5") as file:
        assert set(file["table"]) == {"id", "path", "mask", "note", "split"}


@pytest.mark.parametrize("flags, words", [
    (["--idx-images", "i", "--idx-labels", "l", "--out", "c.h5", "--size", 32], "drop --size"),
    (["--idx-images", "i", "--idx-labels", "l", "--out", "c.h5", "--skip-bad"], "drop --skip-bad"),
    (["--idx-images", "i", "--idx-labels", "l", "--out", "c.h5", "--same-text", "strict"], "drop --same-text"),
    (["--verify", "c.h5", "--crop", "center"], "drop --crop"),
    (["--verify", "c.h5", "--out", "d.h5"], "drop --out"),
])
def test_a_flag_that_would_be_ignored_is_refused(tmp_path, flags, words):
    done = runs.pleat("prepare", *flags, cwd=tmp_path)
    assert done.returncode == USAGE and words in done.stdout, done.stdout


def test_a_folder_with_too_long_a_name_is_a_data_error(tmp_path):
    table, _ = write_photos(tmp_path)
    done = runs.pleat("prepare", "--table", table, "--images", tmp_path / ("x" * 300), "--out", tmp_path / "crops.h5")
    assert done.returncode == DATA and "File name too long" in done.stdout, done.stdout


def test_nothing_that_is_not_ours_is_replaced_or_removed(tmp_path):
    table, photos = write_photos(tmp_path)
    text = table.read_text()
    for out, code in ((table, 2), (photos / "0.png", 3), (tmp_path, 3)):
        done = runs.pleat("prepare", "--table", table, "--images", photos, "--out", out)
        assert done.returncode == code and len(runs.errors(done)) == 1, done.stdout
    assert table.read_text() == text
    (tmp_path / "crops.rejected.csv").write_text("my own notes\n")
    assert runs.pleat("prepare", "--table", table, "--images", photos, "--out", tmp_path / "crops.h5").returncode == 0
    assert (tmp_path / "crops.rejected.csv").read_text() == "my own notes\n"


def test_verify_names_a_changed_pixel(tmp_path):
    table, photos = write_photos(tmp_path)
    out = tmp_path / "crops.h5"
    assert runs.pleat("prepare", "--table", table, "--images", photos, "--out", out, "--size", 16).returncode == 0
    assert runs.pleat("prepare", "--verify", out).returncode == 0
    with h5py.File(out) as file:
        offset = file["images"].id.get_offset()
    content = bytearray(out.read_bytes())
    row = random.Random(1).randrange(23)
    content[offset + row * 16 * 16 * 3 + 100] ^= 4
    out.write_bytes(content)
    done = runs.pleat("prepare", "--verify", out)
    assert done.returncode == DATA and f"p{row}" in done.stdout, done.stdout


def test_photos_that_are_there_twice_are_reported_and_kept(tmp_path):
    rng = numpy.random.default_rng(1)
    picture = Image.fromarray(rng.integers(0, 256, (6, 6, 3), numpy.uint8)).resize((96, 96), Image.BICUBIC)
    other = Image.fromarray(rng.integers(0, 256, (6, 6, 3), numpy.uint8)).resize((96, 96), Image.BICUBIC)
    picture.save(tmp_path / "a.png")
    picture.save(tmp_path / "b.png")
    picture.save(tmp_path / "c.jpg", quality=70)
    other.save(tmp_path / "d.png")
    (tmp_path / "t.csv").write_text("id,path,label,group,split\n1,a.png,x,g1,train\n2,b.png,y,g1,train\n3,c.jpg,x,g2,test\n4,d.png,y,g3,train\n")
    done = runs.pleat("prepare", "--table", tmp_path / "t.csv", "--images", tmp_path, "--out", tmp_path / "crops.h5", "--size", 32)
    assert done.returncode == 0, done.stdout
    assert "1 set of equal images with different values of label (ids '1', '2')" in done.stdout, done.stdout
    assert "1 set of nearly equal images in two splits (ids '1', '2', '3')" in done.stdout, done.stdout
    report = json.loads((tmp_path / "crops.report.json").read_text())
    assert report["rows"] == 4 and report["exact_duplicates"]["rows"] == 2 and report["near_duplicates"]["sets"] == 1
    assert report["splits"]["train"] == {"rows": 3, "without_picture": 0, "groups": 2, "classes": {"label": {"x": 1, "y": 2}}}
    assert "a label is probably wrong" in done.stdout and f"{tmp_path / 'crops.duplicates.csv'} has all sets" in done.stdout, done.stdout
    assert re.fullmatch(r"set,id,kind,distance\n1,1,equal,0.00\n1,2,equal,0.00\n1,3,near,\d.\d\d\n", (tmp_path / "crops.duplicates.csv").read_text())
    with Image.open(tmp_path / "crops.duplicates.png") as sheet:
        assert sheet.width > 3 * 96 and sheet.height < 2 * 96, "one line of three crops enlarged to 96"
    verified = runs.pleat("prepare", "--verify", tmp_path / "crops.h5")
    assert verified.returncode == 0 and "equal images" in verified.stdout and "in two splits" in verified.stdout, verified.stdout


def test_each_crops_file_has_its_own_report_and_lists(tmp_path):
    """Of two files in a folder, the second must not replace what the first found. A list goes once it is out of date."""
    table, photos = write_photos(tmp_path, count=6)
    one, two = tmp_path / "one.h5", tmp_path / "two.h5"
    text = table.read_text()
    table.write_text(text + "again,0.png,worn,\nbroken,gone.jpg,worn,\n")
    arguments = ("prepare", "--table", table, "--images", photos, "--size", 16, "--skip-bad", "--out")
    assert runs.pleat(*arguments, one).returncode == 0
    names = {path.name: path.read_bytes() for path in tmp_path.glob("one.*")}
    assert sorted(names) == ["one.duplicates.csv", "one.duplicates.png", "one.h5", "one.rejected.csv", "one.report.json"]
    table.write_text(text)
    assert runs.pleat(*arguments, two).returncode == 0
    assert {path.name: path.read_bytes() for path in tmp_path.glob("one.*")} == names
    assert sorted(path.name for path in tmp_path.glob("two.*")) == ["two.h5", "two.report.json"]
    assert runs.pleat(*arguments, one).returncode == 0
    assert sorted(path.name for path in tmp_path.glob("one.*")) == ["one.h5", "one.report.json"]


@pytest.mark.parametrize("name", ["report.json", "duplicates.csv", "duplicates.png", "rejected.csv"])
def test_a_file_of_the_users_in_the_place_of_a_report_or_list_stays(tmp_path, name):
    table, photos = write_photos(tmp_path, count=6)
    mine = tmp_path / f"crops.{name}"
    mine.write_text("my own notes\n")
    done = runs.pleat("prepare", "--table", table, "--images", photos, "--size", 16, "--skip-bad", "--out", tmp_path / "crops.h5")
    assert done.returncode == DATA and f"crops.{name} exists" in runs.refusal(done), done.stdout
    assert mine.read_text() == "my own notes\n" and not (tmp_path / "crops.h5").exists()


def test_copies_within_train_rows_are_a_warning_without_a_group_column(tmp_path):
    table, photos = write_photos(tmp_path, count=6)
    table.write_text(table.read_text() + "again,0.png,none,\n")
    done = runs.pleat("prepare", "--table", table, "--images", photos, "--size", 16, "--out", tmp_path / "crops.h5")
    assert done.returncode == 0, done.stdout
    assert re.search(r" W 1 set of equal images within the train rows \(ids 'p0', 'again'\): folds may have one on each side", done.stdout), done.stdout


@pytest.mark.parametrize("change, words", [
    (lambda path: path.upper(), "upper and lower case"),
    (lambda path: "a\\" + path, "an extra folder 'a'"),
    (lambda path: path.split(".")[0], "the ending .png"),
], ids=["case", "backslashes", "ending"])
def test_a_missing_photo_that_is_there_under_a_like_name_is_explained(tmp_path, change, words):
    table, photos = write_photos(tmp_path, count=4)
    rows = [line.split(",", 2) for line in table.read_text().splitlines()]
    table.write_text("\n".join(",".join([name, change(path) if path != "path" else path, rest]) for name, path, rest in rows) + "\n")
    done = runs.pleat("prepare", "--table", table, "--images", photos, "--size", 16, "--out", tmp_path / "crops.h5")
    assert done.returncode == DATA, done.stdout
    hint = done.stdout.splitlines()[-1]
    assert "is probably '0.png'" in hint and words in hint and "4 of 4 missing photos" in hint, done.stdout


@pytest.mark.parametrize("ranks", [0, 2])
def test_a_preview_shows_photos_above_their_crops(tmp_path, ranks):
    table, photos = write_photos(tmp_path, count=11)
    done = runs.pleat("prepare", "--table", table, "--images", photos, "--out", tmp_path / "crops.h5", "--size", 32,
                      "--crop", "center", "--preview", 9, ranks=ranks)
    assert done.returncode == 0 and "crops.preview.png" in done.stdout, done.stdout
    with Image.open(tmp_path / "crops.preview.png") as sheet:
        assert sheet.height == 2 * 12 + 2 * (160 + 6 + 96 + 6), "two lines of photos of 160 pixels above crops enlarged to 96"


def test_a_preview_of_idx_files_is_refused(tmp_path):
    done = runs.pleat("prepare", "--idx-images", tmp_path / "i", "--idx-labels", tmp_path / "l", "--out", tmp_path / "c.h5", "--preview", 4)
    assert done.returncode == USAGE and "drop --preview" in done.stdout, done.stdout

"""Real-world tables. A bad one is refused in one line with file, line, value and remedy, and leaves no files. Odd but
valid text is kept unchanged from the table to the predictions."""
import csv
import gzip
import io
import json
import os
import zipfile

import h5py
import pytest
from support import runs, tables
from support.tables import SHORT, prepare

HEADER = "id,path,label\n"
TABLE = HEADER + "a,1.png,x\nb,2.png,y\nc,3.png,x\n"
LONGEST = 4096  # bytes of a value
LONG = 1_000_000
ODD_LABEL = 'worn, "twice"\nover'
ODD_PHOTO = 'the "best", größte\nphoto - of all.png'


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return tables.write_photos(tmp_path_factory.mktemp("photos"), ODD_PHOTO)


def text_of(dataset):
    return [value.decode() for value in dataset[:]]


def spreadsheet():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("xl/worksheets/sheet1.xml", "<worksheet/>")
    return out.getvalue()


BAD = {  # name: (the file, words of the error)
    "empty-file": ("", ["samples.csv: is empty", "'id', 'path'"]),
    "header-only": (HEADER, ["samples.csv: the table has no rows", "expected some below the header"]),
    "blank-lines": ("\r\n\n\n", ["samples.csv: is empty"]),
    "nul-byte": (TABLE.replace("b,", "b\0,"), ["samples.csv line 3", "NUL byte", "plain UTF-8"]),
    "latin-1": (TABLE.replace("b,2.png,y", "b,2.png,gr\xfc\xdfe").encode("latin-1"), ["samples.csv line 3", "0xFC", "save the table as UTF-8"]),
    "utf-16": (TABLE.encode("utf-16"), ["samples.csv: is UTF-16", "save it as UTF-8"]),
    "utf-16-big-endian": (b"\xfe\xff" + TABLE.encode("utf-16-be"), ["samples.csv: is UTF-16", "save it as UTF-8"]),
    "utf-16-without-mark": (TABLE.encode("utf-16-le"), ["samples.csv line 1", "NUL byte", "plain UTF-8"]),
    "spreadsheet": (spreadsheet(), ["samples.csv: is a spreadsheet", "expected a CSV table"]),
    "old-spreadsheet": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500), ["samples.csv: is a spreadsheet", "expected a CSV table"]),
    "gzip": (gzip.compress(TABLE.encode()), ["samples.csv: is packed by gzip", "expected a CSV table"]),
    "semicolons": (TABLE.replace(",", ";"), ["samples.csv line 1", "id;path;label", "commas, not by semicolons"]),
    "tabs": (TABLE.replace(",", "\t"), ["samples.csv line 1", r"id\tpath\tlabel", "commas, not by tabs"]),
    "no-id-column": (TABLE.replace("id,", "name,"), ["samples.csv line 1", "column 'id' is missing", "'name', 'path', 'label'"]),
    "no-path-column": (TABLE.replace("path,", "file,"), ["samples.csv line 1", "column 'path' is missing", "'id', 'file', 'label'"]),
    "column-twice": (TABLE.replace("id,path,label", "id,path,path"), ["samples.csv line 1", "column 'path' occurs twice", "rename or drop"]),
    "column-without-name": (TABLE.replace("label", ""), ["samples.csv line 1", "column 3 has no name", "name it"]),
    "slash-in-column": (TABLE.replace("label", "label/mask"), ["samples.csv", "'label/mask'", "'/'", "rename it"]),
    "long-column-name": (TABLE.replace("label", "l" * LONG), ["samples.csv", "name is too long", "rename it"]),
    "too-many-columns": ("id,path," + ",".join(map(str, range(1023))) + "\na,1.png," + "," * 1022 + "\n", ["samples.csv", "1026 columns, at most 1024 are kept", "drop some"]),
    "long-header": ("x" * LONG + "\n", ["samples.csv line 1", "column 'id' is missing", "xxx…"]),
    "long-line": (TABLE.replace("b,2.png,y", "b,2.png," + "y" * LONG),
                  ["samples.csv line 3", "column 'label'", "1000000 bytes", "at most 4096", "shorten it or drop the column"]),
    "long-path": (TABLE.replace("2.png", "/" + "2" * LONG), ["samples.csv line 3", "absolute"]),
    "empty-id": (TABLE.replace("b,", ",", 1), ["samples.csv line 3", "id is empty"]),
    "same-id-twice": (TABLE.replace("c,", "a,"), ["samples.csv line 4", "id 'a'", "samples.csv line 2", "ids must differ"]),
    "same-odd-id-twice": (HEADER + '"two\nlines",1.png,x\n"two\nlines",2.png,y\n', ["samples.csv line 4", r"id 'two\nlines'", "samples.csv line 2"]),
    "unclosed-quote": (TABLE.replace("y\n", '"y\n'), ["samples.csv line 3", "never closed", "close it"]),
    "stray-quote": (TABLE.replace("2.png", '2 "b".png'), ["samples.csv line 3", "a quote stands inside a value", "double the inner one"]),
    "quote-left-open": (TABLE.replace("2.png", '"2.png').replace("3.png", '"3.png"'),
                        ["samples.csv line 4", "a quote is open since line 3"]),
    "short-row": (TABLE.replace("b,2.png,y", "b,2.png"), ["samples.csv line 3", "2 values", "3 columns", "fix the row"]),
    "long-row": (TABLE.replace("2.png", "2,png"), ["samples.csv line 3", "4 values", "3 columns", "a comma inside a value needs quotes"]),
    "unknown-split": (TABLE.replace("label", "split").replace("x", "train").replace("y", "validation"),
                      ["samples.csv line 3", "split 'validation'", "train, unlabelled, test"]),
    "capital-split": (TABLE.replace("label", "split").replace("x", "train").replace("y", "Test"), ["samples.csv line 3", "split 'Test'"]),
    "empty-path": (TABLE.replace("2.png", ""), ["samples.csv line 3", "path is empty", "drop the row"]),
    "absolute-path": (TABLE.replace("2.png", "/etc/passwd"), ["samples.csv line 3", "'/etc/passwd' is absolute", "relative to the image folder"]),
    "path-going-up": (TABLE.replace("2.png", "../2.png"), ["samples.csv line 3", "'../2.png' leaves the image folder", "relative to that folder"]),
    "path-going-up-inside": (TABLE.replace("2.png", "a/../../2.png"), ["samples.csv line 3", "leaves the image folder"]),
    "path-that-steers-a-terminal": (TABLE.replace("2.png", "/\x1b[2J2.png"), ["samples.csv line 3", r"'/\x1B[2J2.png' is absolute"]),
}


def bytes_of(content):
    return content if isinstance(content, bytes) else content.encode()


@pytest.mark.parametrize("name", BAD)
def test_a_bad_table_is_refused_in_one_line_and_leaves_nothing(photos, tmp_path, name):
    content, words = BAD[name]
    (tmp_path / "samples.csv").write_bytes(bytes_of(content))
    line = runs.refusal(prepare(tmp_path, photos))
    for word in words:
        assert word in line
    assert os.listdir(tmp_path) == ["samples.csv"]


@pytest.mark.parametrize("name", ["nul-byte", "long-line", "unknown-split"])
def test_many_ranks_refuse_a_bad_table_once(photos, tmp_path, name):
    content, words = BAD[name]
    (tmp_path / "samples.csv").write_bytes(bytes_of(content))
    line = runs.refusal(prepare(tmp_path, photos, ranks=2))
    for word in words:
        assert word in line
    assert os.listdir(tmp_path) == ["samples.csv"]


NO_FILES = {  # name: (function that makes it, words of the error)
    "not-there": (lambda path: None, ["No such file"]),
    "folder": (lambda path: path.mkdir(), ["it is a folder, expected a file"]),
    "pipe": (os.mkfifo, ["a pipe or a device, expected a file"]),
    "dead-link": (lambda path: path.symlink_to("moved away.csv"), ["a link to moved away.csv, which is not there"]),
    "link-loop": (lambda path: path.symlink_to("samples.csv"), ["leads back to itself"]),
}


@pytest.mark.parametrize("name", NO_FILES)
def test_what_is_no_readable_file_is_no_table(photos, tmp_path, name):
    make, words = NO_FILES[name]
    make(tmp_path / "samples.csv")
    before = os.listdir(tmp_path)
    line = runs.refusal(prepare(tmp_path, photos))
    for word in ["samples.csv", *words]:
        assert word in line
    assert os.listdir(tmp_path) == before


def test_a_table_that_may_not_be_read_is_no_table(photos, locked_out):
    (locked_out.folder / "samples.csv").write_text(TABLE)
    (locked_out.folder / "samples.csv").chmod(0)
    line = runs.refusal(prepare(locked_out.folder, photos, user=locked_out.user))
    for word in ["samples.csv", "Permission denied", "permissions"]:
        assert word in line
    assert os.listdir(locked_out.folder) == ["samples.csv"]


GOOD = {  # name: (the file, expected values of a column in crops.h5)
    "mark-and-crlf": ("\ufeff" + TABLE.replace("\n", "\r\n"), "label", ["x", "y", "x"]),
    "no-last-newline": (TABLE.rstrip(), "label", ["x", "y", "x"]),
    "blank-lines-between": (TABLE.replace("\n", "\n\n"), "id", ["a", "b", "c"]),
    "leading-zeros": (HEADER + "007,1.png,01\n7,2.png,1\n07,3.png,01\n", "id", ["007", "7", "07"]),
    "ids-that-differ-in-case": (HEADER + "a,1.png,x\nA,2.png,y\n", "id", ["a", "A"]),
    "blanks-around-ids": (HEADER + " a,1.png,x\na,2.png,y\na ,3.png,x\n", "id", [" a", "a", "a "]),
    "label-with-comma-and-newline": (HEADER + 'a,1.png,"worn, ""twice""\nover"\nb,2.png,y\n', "label", [ODD_LABEL, "y"]),
    "longest-value": (TABLE.replace("y", "y" * LONGEST), "label", ["x", "y" * LONGEST, "x"]),
    "long-line-of-many-values": (HEADER.strip() + "".join(f",c{i}" for i in range(260)) + "\na,1.png,x" + ("," + "v" * LONGEST) * 260
                                 + "\nb,2.png,y" + "," * 260 + "\n", "c259", ["v" * LONGEST, ""]),
    "odd-name-of-a-photo": (HEADER + 'a,"' + ODD_PHOTO.replace('"', '""') + '",x\n', "path", [ODD_PHOTO]),
    "label-like-a-formula": (TABLE.replace("y", "=1+1"), "label", ["x", "=1+1", "x"]),
}


@pytest.mark.parametrize("name", GOOD)
def test_an_odd_table_that_is_whole_is_taken_as_it_stands(photos, tmp_path, name):
    content, column, values = GOOD[name]
    (tmp_path / "samples.csv").write_bytes(bytes_of(content))
    done = prepare(tmp_path, photos)
    assert done.returncode == 0, done.stdout
    with h5py.File(tmp_path / "crops.h5") as file:
        assert text_of(file["table"][column]) == values and file["valid"][:].all()


def test_a_photo_under_two_ids_is_taken_and_reported(photos, tmp_path):
    (tmp_path / "samples.csv").write_text(TABLE.replace("3.png", "1.png"))
    done = prepare(tmp_path, photos)
    assert done.returncode == 0 and "equal images: 1 set of 2 rows" in done.stdout, done.stdout
    report = json.loads((tmp_path / "crops.report.json").read_text())
    assert report["exact_duplicates"]["examples"] == [["a", "c"]]


def test_values_that_steer_a_terminal_are_spelt_wherever_they_are_counted(photos, tmp_path):
    rows = [f"\x1b[{i}m,{i % 3 + 1}.png,\x1b[2J{i % 2},x" for i in range(40)]
    (tmp_path / "samples.csv").write_text('id,path,label,"\x1b[7m\nx"\n' + "\n".join(rows) + "\n")
    made = prepare(tmp_path, photos)
    verified = runs.pleat("prepare", "--verify", tmp_path / "crops.h5")
    for done in (made, verified):
        assert done.returncode == 0 and "\x1b" not in done.stdout, done.stdout
        assert r"\x1B[2J0: 20, \x1B[2J1: 20" in done.stdout and r"\x1B[7m\nx" in done.stdout, done.stdout
    assert r"many values, '\x1B[0m' first" in verified.stdout, verified.stdout


# --- odd text, from the table to the predictions ---

ODD_TEST_IDS = ["007", "7", "A", "a", " pad ", "pad", "new\nline", 'say "hi", twice']
ODD_GROUPS = ["Smith, J.", "Smith\nJ.", "smith, j.", " Smith, J."]


def write_odd_table(path):
    rows = [[f"row {i},\n{i}", f"{i % 3 + 1}.png", ODD_LABEL if i % 2 else " plain ", ODD_GROUPS[i % 4], "train"] for i in range(16)]
    rows += [[name, f"{i % 3 + 1}.png", " plain ", f"test {i}", "test"] for i, name in enumerate(ODD_TEST_IDS)]
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows([["id", "path", "label", "person, or so", "split"], *rows])
    return [row[0] for row in rows[:16]]


@pytest.fixture(scope="module")
def odd_run(photos, tmp_path_factory):
    """(folder, config, train ids) of a run whose table has commas, quotes, newlines and blanks everywhere."""
    folder = tmp_path_factory.mktemp("odd")
    ids = write_odd_table(folder / "samples.csv")
    done = prepare(folder, photos)
    assert done.returncode == 0, done.stdout
    targets = json.dumps([{"name": "label"}, {"name": "again", "column": "label", "classes": [ODD_LABEL, " plain "]}])
    data = json.dumps({"crops": str(folder / "crops.h5"), "group": "person, or so", "same_text": "strict"})
    config = runs.write_config(folder / "config.yaml", folder / "crops.h5", targets=targets, data=data, **SHORT)
    done = runs.pleat("train", config, "--run", folder / "run")
    assert done.returncode == 0, done.stdout
    return folder, config, ids


def rows_of(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_a_label_with_a_comma_and_a_newline_is_kept_to_the_end(odd_run):
    folder, _, ids = odd_run
    with h5py.File(folder / "run/round_0/oof.h5") as file:
        assert text_of(file["targets/label/classes"]) == [" plain ", ODD_LABEL]
        assert text_of(file["targets/again/classes"]) == [ODD_LABEL, " plain "]
        assert text_of(file["ids"]) == ids and set(text_of(file["groups"])) == set(ODD_GROUPS)
    assert [row["id"] for row in rows_of(folder / "run/folds.csv")] == ids
    predictions = rows_of(folder / "run/predictions.csv")
    assert {f"label:{ODD_LABEL}", "label: plain ", f"again:{ODD_LABEL}", "again: plain "} <= set(predictions[0])
    assert {row["label"] for row in predictions} <= {ODD_LABEL, " plain "}


def test_odd_ids_are_kept_to_the_end(odd_run, tmp_path):
    folder, _, ids = odd_run
    assert [row["id"] for row in rows_of(folder / "run/predictions.csv")] == ODD_TEST_IDS
    done = runs.pleat("predict", "--run", folder / "run", "--crops", folder / "crops.h5", "--out", tmp_path / "p.csv")
    assert done.returncode == 0, done.stdout
    assert [row["id"] for row in rows_of(tmp_path / "p.csv")] == ids + ODD_TEST_IDS


def test_a_run_with_odd_classes_goes_on_in_its_folder(odd_run):
    folder, config, _ = odd_run
    done = runs.pleat("train", config, "--run", folder / "run")
    assert done.returncode == 0 and "4 were done before" in done.stdout, done.stdout

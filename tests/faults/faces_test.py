"""Face crops, backgrounds and predictions straight from photos, from outside."""
import csv
import json
import pathlib
import shutil

import h5py
import numpy
import pytest
from PIL import Image, ImageFilter
from support import runs

USAGE, DATA, CLUSTER = 2, 3, 4
PERSONS = 6


def pleat(*arguments, **how):
    done = runs.pleat(*arguments, **how)
    assert done.returncode == 0, done.stdout
    return done


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    """Drawn faces without masks, which the cascade finds, and their table."""
    folder = tmp_path_factory.mktemp("faces")
    pleat("make-faces", "--out", folder / "drawn", "--persons", PERSONS)
    root = folder / "drawn/train/images"
    bare = sorted(root.glob("*/normal.jpg"))
    assert len(bare) == PERSONS
    lines = ["id,path,kind", *(f"p{i},{path.relative_to(root)},{'ab'[i % 2]}" for i, path in enumerate(bare))]
    (folder / "t.csv").write_text("\n".join(lines) + "\n")
    return folder / "t.csv", root


def prepare(faces, out, *flags, **how):
    table, root = faces
    return pleat("prepare", "--table", table, "--images", root, "--out", out, *flags, **how)


def images_of(crops):
    with h5py.File(crops) as file:
        return file["images"][:].astype(float), dict(file["provenance"].attrs)


def on_a_wider_canvas(root, folder):
    """The same photos with blurred surroundings on all sides, twice as wide."""
    for path in root.glob("*/normal.jpg"):
        photo = Image.open(path)
        canvas = photo.filter(ImageFilter.GaussianBlur(40)).resize((2 * photo.width, photo.height + 200))
        canvas.paste(photo, (photo.width // 2, 100))
        target = folder / path.relative_to(root)
        target.parent.mkdir(parents=True)
        canvas.save(target, quality=95)


def test_a_face_crop_follows_the_face_whatever_surrounds_it(faces, tmp_path):
    table, root = faces
    on_a_wider_canvas(root, tmp_path / "wide")
    differences = {}
    for crop in ("face", "center"):
        done = prepare(faces, tmp_path / "near.h5", "--crop", crop, "--size", 48)
        assert "no face was found" not in done.stdout, done.stdout
        prepare((table, tmp_path / "wide"), tmp_path / "far.h5", "--crop", crop, "--size", 48)
        near, made_with = images_of(tmp_path / "near.h5")
        far, _ = images_of(tmp_path / "far.h5")
        differences[crop] = numpy.abs(near - far).mean(axis=(1, 2, 3)).round(1)
        if crop == "face":
            assert made_with["face_margin"] == b"0.4" and made_with["detector"].startswith(b"haarcascade")
    assert (differences["face"] < differences["center"]).all(), differences  # the cascade's sizes vary by a fifth


def test_ranks_and_threads_change_no_byte_of_faces_without_background(faces, tmp_path):
    for ranks in (0, 2, 3):
        prepare(faces, tmp_path / f"{ranks}.h5", "--crop", "face", "--background", "remove", "--size", 32, ranks=ranks)
    assert (tmp_path / "0.h5").read_bytes() == (tmp_path / "2.h5").read_bytes() == (tmp_path / "3.h5").read_bytes()
    images, made_with = images_of(tmp_path / "0.h5")
    assert b"GrabCut" in made_with["background"]
    gray = (images == 128).all(axis=3).mean(axis=(1, 2))
    assert (gray > 0.02).all() and (gray < 0.8).all(), f"shares of the crops that were background: {gray}"


def test_photos_without_a_face_are_counted_and_cropped_in_the_middle(tmp_path):
    Image.new("RGB", (90, 60), (10, 200, 30)).save(tmp_path / "green.png")
    (tmp_path / "t.csv").write_text("id,path\n1,green.png\n")
    arguments = ("prepare", "--table", tmp_path / "t.csv", "--images", tmp_path, "--size", 100)
    done = pleat(*arguments, "--out", tmp_path / "c.h5", "--crop", "face", "--background", "remove")
    assert "no face was found in 1 of 1 photo" in done.stdout, done.stdout
    assert "enlarged 1 of 1 photo: a side is shorter than the crop's" in done.stdout, done.stdout
    photos = json.loads((tmp_path / "c.report.json").read_text())["photos"]
    assert photos["without_face"] == 1 and photos["smaller_than_crop"] == 1 and photos["formats"] == {"PNG": 1}
    assert photos["sizes"]["commonest"] == [{"width": 90, "height": 60, "photos": 1}]
    faces, _ = images_of(tmp_path / "c.h5")
    assert (faces == [10, 200, 30]).all()


def test_masks_hide_what_they_leave_black(tmp_path):
    Image.new("RGB", (40, 20), (200, 100, 50)).save(tmp_path / "a.jpg")
    (tmp_path / "t.csv").write_text("id,path\n1,a.jpg\n")
    (tmp_path / "masks").mkdir()
    arguments = ("prepare", "--table", tmp_path / "t.csv", "--images", tmp_path, "--out", tmp_path / "c.h5", "--size", 10,
                 "--background", "remove", "--masks", tmp_path / "masks")
    done = runs.pleat(*arguments)
    assert done.returncode == DATA and "masks/a.png: no such file" in done.stdout, done.stdout
    mask = Image.new("L", (40, 20), 0)
    mask.paste(255, (0, 0, 20, 20))
    mask.save(tmp_path / "masks/a.png")
    pleat(*arguments)
    (image,), _ = images_of(tmp_path / "c.h5")
    assert numpy.abs(image[:, :5] - [200, 100, 50]).max() < 4 and (image[:, 5:] == 128).all()


@pytest.mark.parametrize("flags, code, words", [
    (["--face-margin", 0.2], USAGE, ["--face-margin", "--crop face"]),
    (["--detector", "x.xml"], USAGE, ["--detector", "--crop face"]),
    (["--masks", "m"], USAGE, ["--masks", "--background remove"]),
    (["--crop", "face", "--detector", "nowhere.xml"], DATA, ["nowhere.xml"]),
    (["--crop", "face", "--detector", "t.csv"], DATA, ["t.csv", "expected a cascade (.xml) or YuNet's network (.onnx"]),
    (["--background", "remove", "--masks", "nowhere"], DATA, ["nowhere", "--masks"]),
    (["--crop", "face", "--face-margin", 9], USAGE, ["--face-margin"]),
    (["--crop", "face", "--face-margin", "nan"], USAGE, ["--face-margin", "from 0 to 5"]),
])
@pytest.mark.parametrize("ranks", [0, 2])
def test_a_wrong_flag_is_one_line(faces, tmp_path, flags, code, words, ranks):
    shutil.copy(faces[0], tmp_path / "t.csv")
    done = runs.pleat("prepare", "--table", "t.csv", "--images", faces[1], "--out", "c.h5", *flags, cwd=tmp_path, ranks=ranks)
    errors = [line for line in done.stdout.splitlines() if " E " in line]
    assert done.returncode == code and len(errors) == 1, done.stdout
    for word in words:
        assert word in errors[0]
    assert not (tmp_path / "c.h5").exists()


@pytest.fixture(scope="module")
def face_run(faces, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    prepare(faces, folder / "crops.h5", "--crop", "face", "--face-margin", 0.2, "--background", "remove", "--size", 32)
    config = runs.write_config(folder / "c.yaml", folder / "crops.h5", targets="[{name: kind}]", folds="{k: 3}",
                               train="{epochs: 1, batch: 4, precision: fp32}")
    pleat("train", config, "--run", folder / "run")
    return folder


def rows_of(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("ranks", [0, 2])
def test_photos_are_predicted_as_their_crops_are(faces, face_run, tmp_path, ranks):
    table, root = faces
    pleat("predict", "--run", face_run / "run", "--crops", face_run / "crops.h5", "--out", tmp_path / "crops.csv")
    done = pleat("predict", "--run", face_run / "run", "--table", table, "--images", root, "--out", tmp_path / "photos.csv", ranks=ranks)
    assert "predictions suffer" not in done.stdout, done.stdout
    by_crops, by_photos = rows_of(tmp_path / "crops.csv"), rows_of(tmp_path / "photos.csv")
    assert len(by_photos) == PERSONS and {row.pop("split") for row in by_photos} == {"test"}
    for row in by_crops:
        row.pop("split")
    assert by_crops == by_photos
    assert sorted(path.name for path in tmp_path.iterdir()) == ["crops.csv", "photos.csv"], "the crops between are gone"


def test_broken_photos_are_named_or_left_out_of_predictions(faces, face_run, tmp_path):
    table, root = faces
    images = shutil.copytree(root, tmp_path / "images")
    broken = sorted(images.glob("*/normal.jpg"))[2]
    broken.write_bytes(b"")
    arguments = ("predict", "--run", face_run / "run", "--table", table, "--images", images, "--out", tmp_path / "p.csv")
    done = runs.pleat(*arguments)
    assert done.returncode == DATA and "empty file" in done.stdout and "--skip-bad" in done.stdout, done.stdout
    assert f"{tmp_path / 'p.csv'} is not written" in done.stdout and ".crops.h5" not in done.stdout, done.stdout
    assert not list(tmp_path.glob("*.csv")) and not list(tmp_path.glob(".*"))
    done = pleat(*arguments, "--skip-bad")
    assert len(rows_of(tmp_path / "p.csv")) == PERSONS - 1 and len(rows_of(tmp_path / "p.rejected.csv")) == 1


def test_what_others_left_beside_the_predictions_stays(faces, face_run, tmp_path):
    """Both for failures and for success."""
    table, root = faces
    (tmp_path / "crops.rejected.csv").write_text("id,path,reason\n1,a.jpg,of pleat prepare\n")
    (tmp_path / ".p.csv.crops.h5").write_text("my own notes\n")
    arguments = ("--table", table, "--images", root, "--out", tmp_path / "p.csv")
    for run, code in ((tmp_path, DATA), (face_run / "run", DATA)):
        assert runs.pleat("predict", "--run", run, *arguments).returncode == code
        assert (tmp_path / ".p.csv.crops.h5").read_text() == "my own notes\n"
    (tmp_path / ".p.csv.crops.h5").unlink()
    pleat("predict", "--run", face_run / "run", *arguments)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["crops.rejected.csv", "p.csv"]


def test_another_detector_a_missing_device_and_a_limit_of_pixels_are_heeded(faces, face_run, tmp_path):
    table, root = faces
    arguments = ("predict", "--run", face_run / "run", "--table", table, "--images", root, "--out", tmp_path / "p.csv")
    done = runs.pleat(*arguments, "--max-pixels", 9)
    assert done.returncode == DATA and "pixels are too many, at most 9 are read" in done.stdout, done.stdout
    other = tmp_path / "other.xml"
    (cascade,) = pathlib.Path("/usr/share/opencv4/haarcascades").glob("haarcascade_frontalface_alt.xml")
    other.write_bytes(cascade.read_bytes())
    done = runs.pleat(*arguments, "--detector", other)
    assert done.returncode == USAGE and "haarcascade_frontalface_default.xml" in done.stdout and "other.xml" in done.stdout, done.stdout
    if not runs.sees_cuda():
        done = runs.pleat(*arguments, "--device", "cuda")
        assert done.returncode == CLUSTER and "crops:" not in done.stdout, done.stdout


@pytest.mark.parametrize("flags, words", [
    ([], "give either --crops, or --images, with or without --table"),
    (["--crops", "c.h5", "--table", "t.csv"], "give either --crops, or --images, with or without --table"),
    (["--table", "t.csv"], "--images is missing"),
    (["--crops", "c.h5", "--skip-bad"], "drop --skip-bad"),
    (["--crops", "c.h5", "--max-pixels", "9"], "drop --max-pixels"),
    (["--table", "t.csv", "--images", ".", "--masks", "m"], "drop --masks"),
    (["--crops", "c.h5", "--images", "."], "give either --crops, or --images, with or without --table"),
])
def test_what_is_to_be_predicted_is_said_in_one_way(face_run, tmp_path, flags, words):
    done = runs.pleat("predict", "--run", face_run / "run", "--out", "p.csv", *flags, cwd=tmp_path)
    assert done.returncode == USAGE and words in done.stdout, done.stdout


def test_a_run_of_idx_files_says_so(whole_run, faces, tmp_path):
    done = runs.pleat("predict", "--run", whole_run[0] / "run", "--table", faces[0], "--images", faces[1], "--out", tmp_path / "p.csv")
    assert done.returncode == DATA and "not from photos" in done.stdout, done.stdout

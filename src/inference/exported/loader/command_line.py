"""python ensemble.py: predictions for photos, as a CSV."""
import csv
import sys

from PIL import Image

from .ensemble import Ensemble


def main(folder, photos):
    """Prints the predictions. Returns the exit code, or a message as sys.exit takes it."""
    if not photos or photos[0].startswith("-"):
        return "usage: python ensemble.py photo.jpg ... > predictions.csv"
    try:
        predict(Ensemble(folder, "cpu"), photos)
    except (OSError, ValueError, NotImplementedError) as error:
        return f"ensemble.py: {error}"


def predict(ensemble, photos):
    out = csv.writer(sys.stdout, lineterminator="\n")
    for i, photo in enumerate(photos):
        with Image.open(photo) as image:
            probs, numbers = ensemble.predict_all([ensemble.crop(image)])
        columns, values = ["id", "split"], [photo, "test"]
        for name, classes in ensemble.classes.items():
            columns += [name, *(f"{name}:{each}" for each in classes)]
            values += [classes[probs[name][0].argmax()], *map("{:.6f}".format, probs[name][0])]
            if name in numbers:
                columns += [f"{name}.mean", f"{name}.deviation"]
                values += map("{:.6g}".format, numbers[name][0])
        if i == 0:
            out.writerow(columns)
        out.writerow(values)

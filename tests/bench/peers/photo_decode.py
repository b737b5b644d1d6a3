"""Photos to small images on one thread of Pillow or OpenCV, with files in memory. Prints JSON: photos per CPU second.

The whole photo, upright by EXIF, averaged over areas. Pillow: without draft mode (which would decode at a reduced
size), with the box filter. OpenCV: imdecode and INTER_AREA. `cv2_reduced` decodes at 1/2, 1/4 or 1/8 if at least 1.5
times the size remains.
"""
import argparse
import io
import json
import pathlib
import time

WARM_UP = 20  # photos


def pillow(size):
    from PIL import Image, ImageOps

    def decode(photo):
        with Image.open(io.BytesIO(photo)) as image:
            return ImageOps.exif_transpose(image).convert("RGB").resize((size, size), Image.Resampling.BOX)

    return decode


def cv2(size, reduced=False):
    import cv2
    import numpy

    cv2.setNumThreads(1)
    flags = {1: cv2.IMREAD_COLOR, 2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4, 8: cv2.IMREAD_REDUCED_COLOR_8}

    def reduction(photo):
        """Factor to decode at, from the size in the header. Reading only the header costs little."""
        from PIL import Image

        with Image.open(io.BytesIO(photo)) as image:
            spare = min(image.size) / (1.5 * size)
        return max(factor for factor in flags if factor <= max(1, spare))

    def decode(photo):
        image = cv2.imdecode(numpy.frombuffer(photo, numpy.uint8), flags[reduction(photo) if reduced else 1])
        return cv2.resize(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), (size, size), interpolation=cv2.INTER_AREA)

    return decode


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=pathlib.Path, required=True, help="folder of photos")
    parser.add_argument("--photos", type=int, default=500, help="how many, by name")
    parser.add_argument("--size", type=int, default=64, help="side of what comes out")
    parser.add_argument("--library", choices=("pillow", "cv2", "cv2_reduced"), default="pillow")
    options = parser.parse_args()
    decode = {"pillow": pillow, "cv2": cv2, "cv2_reduced": lambda size: cv2(size, True)}[options.library](options.size)
    photos = [path.read_bytes() for path in sorted(options.images.iterdir())[:options.photos]]
    for photo in photos[:WARM_UP]:
        decode(photo)
    start = time.process_time()
    for photo in photos:
        decode(photo)
    print(json.dumps({"photos_per_second": len(photos) / (time.process_time() - start), "photos": len(photos), "library": options.library}))


if __name__ == "__main__":
    main()

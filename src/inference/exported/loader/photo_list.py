"""Lists the photos of paths, folders and PIL images, and names them."""
import os

from PIL import Image

ENDINGS = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".heic", ".heif", ".avif")


def listed(photos):
    """Returns [(name, path or PIL image)]. A folder stands for the photos below it, in order of their names."""
    if isinstance(photos, (str, os.PathLike, Image.Image)):
        photos = [photos]
    found = []
    for i, photo in enumerate(photos):
        if not isinstance(photo, Image.Image) and os.path.isdir(photo):
            found += [(path, path) for path in photos_below(os.fspath(photo))]
        else:
            found.append((name_of(photo, i), photo))
    return found


def name_of(photo, number=0):
    if isinstance(photo, Image.Image):
        return getattr(photo, "filename", "") or f"image {number}"
    return os.fspath(photo)


def photos_below(folder):
    """Raises ValueError if there is none."""
    paths = []
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if is_ordinary(name))
        paths += [os.path.join(place, name) for name in files if is_ordinary(name) and name.lower().endswith(ENDINGS)]
    if not paths:
        raise ValueError(f"{folder}: no photos in this folder; they end in {', '.join(ENDINGS)}")
    return sorted(paths)


def is_ordinary(name):
    """Hidden files, and folders of network drives and of macOS, hold thumbnails and notes."""
    return name[0] not in ".@" and name != "__MACOSX"

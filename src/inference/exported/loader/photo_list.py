"""Lists the photos of paths, folders and PIL images, and names them."""
import os
import re
import stat

from PIL import Image

# The names of data_tools/tables/photo_names.cpp.
ENDINGS = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".tif", ".tiff", ".heic", ".heif", ".hif", ".avif", ".gif")
SYSTEM = {  # files and folders of network storage and operating systems, in lower case
    "@eadir", "#recycle", "#snapshot", "@recycle", "@recently-snapshot", "@snapshot", "@tmp", "@__thumb", "@sharebin", "~snapshot",
    "$recycle.bin", "recycler", "system volume information", "$extend", "thumbs.db", "ehthumbs.db", "ehthumbs_vista.db",
    "desktop.ini", "hiberfil.sys", "pagefile.sys", "swapfile.sys", "__macosx", "network trash folder", "temporary items",
    "desktop db", "desktop df", "icon\r", "lost+found", "aquota.user", "aquota.group", "picasa.ini", "zbthumbnail.info"}
SYSTEM_ENDS = ("@synoeastream", "@synoresource")
FOUND_BY_CHKDSK = re.compile(r"found\.[0-9]{3}")


def listed(photos):
    """Returns [(name, path or PIL image)]. A folder stands for the photos in and below it."""
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
    """Returns the paths that `pleat predict --images` lists, in its order. Raises ValueError if there is none, and for an
    unreadable folder, a dead link or a folder that links lead to twice."""
    paths = list(walk(folder, {}))
    if not paths:
        raise ValueError(f"{folder}: no photos in this folder; they end in {', '.join(ENDINGS)}")
    return paths


def walk(folder, visited):
    """Yields the photos, each folder's entries by name. visited: {real path: path} of the folders before this one."""
    require_new(folder, visited)
    try:
        names = sorted(os.listdir(folder), key=os.fsencode)
    except OSError as error:
        raise ValueError(f"cannot read the folder {folder} ({error.strerror}); make it readable") from None
    for name in names:
        path = os.path.join(folder, name)
        if is_system(name):
            continue
        try:
            is_folder = stat.S_ISDIR(os.stat(path).st_mode)
        except OSError as error:
            kind = "is a broken link" if os.path.islink(path) else "cannot be read"
            raise ValueError(f"{path} {kind} ({error.strerror}); repair it, or remove it") from None
        if is_folder:
            yield from walk(path, visited)
        elif lower_ascii(os.path.splitext(name)[1]) in ENDINGS:
            yield path


def require_new(folder, visited):
    """Links could make the walk endless, or list photos twice."""
    real = os.path.realpath(folder)
    root = next(iter(visited), "")
    known = visited.get(real) or (visited[root] if root.startswith(os.path.join(real, "")) else None)
    if known is not None:
        raise ValueError(f"{folder} is or contains the folder {known}, so its photos would be listed twice; remove one of the two")
    visited[real] = folder


def is_system(name):
    lower = lower_ascii(name)
    return name.startswith(".") or lower in SYSTEM or lower.endswith(SYSTEM_ENDS) or FOUND_BY_CHKDSK.fullmatch(lower) is not None


def lower_ascii(text):
    return "".join(letter.lower() if letter.isascii() else letter for letter in text)

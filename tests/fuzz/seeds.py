"""Makes small good files of every format that pleat reads, as seeds for mutation. A file's kind is its name up to the first '-' or '.'.
By hand, for a longer run:  PYTHONPATH=tests .venv/bin/python tests/fuzz/seeds.py BUILD/tests FOLDER  makes FOLDER/photo, FOLDER/table and so on.
"""
import gzip
import io
import json
import pathlib
import struct
import subprocess
import sys
import zipfile
import zlib

import h5py
import numpy
from PIL import Image
from support.photo_files import saved

WIDTH, HEIGHT = 40, 30


def scene(seed=0):
    rng = numpy.random.default_rng(seed)
    smooth = Image.fromarray(rng.integers(0, 256, (4, 5, 3), numpy.uint8)).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    return Image.fromarray((numpy.asarray(smooth, float) + rng.normal(0, 6, (HEIGHT, WIDTH, 3))).clip(0, 255).astype(numpy.uint8))


def with_alpha(image):
    image = image.convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    return image


def deep(image):
    """16-bit gray."""
    return Image.fromarray(numpy.asarray(image.convert("L")).astype(numpy.uint16) * 257)


def turned():
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


def interlaced_png():
    """Pillow writes none: gray, 8 bits, Adam7."""
    gray, rows = numpy.asarray(scene().convert("L")), b""
    for y, x, down, across in ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)):
        rows += b"".join(b"\0" + row.tobytes() for row in gray[y::down, x::across])
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 0, 0, 0, 1)) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def photos():
    photo, clear = scene(), with_alpha(scene())
    palette = photo.quantize(16)
    yield "jpeg-colour.jpg", saved(photo, "JPEG", quality=90, exif=turned())
    yield "jpeg-fine.jpg", saved(photo, "JPEG", quality=95, subsampling=0, restart_marker_blocks=2)
    yield "jpeg-gray.jpg", saved(photo.convert("L"), "JPEG")
    yield "jpeg-cmyk.jpg", saved(photo.convert("CMYK"), "JPEG", quality=60)
    yield "progressive-colour.jpg", saved(photo, "JPEG", quality=90, progressive=True, exif=turned())
    yield "progressive-gray.jpg", saved(photo.convert("L"), "JPEG", progressive=True)
    yield "png-colour.png", saved(photo, "PNG", exif=turned())
    yield "png-clear.png", saved(clear, "PNG")
    yield "png-palette.png", saved(palette, "PNG", transparency=3)
    yield "png-bits.png", saved(photo.convert("1"), "PNG")
    yield "png-deep.png", saved(deep(photo), "PNG")
    yield "png-interlaced.png", interlaced_png()
    yield "webp-lossy.webp", saved(photo, "WEBP", exif=turned())
    yield "webp-lossless.webp", saved(photo, "WEBP", lossless=True)
    yield "webp-clear.webp", saved(clear, "WEBP")
    yield "bmp-colour.bmp", saved(photo, "BMP")
    yield "bmp-clear.bmp", saved(clear, "BMP")
    yield "bmp-palette.bmp", saved(photo.quantize(200), "BMP")
    yield "bmp-bits.bmp", saved(photo.convert("1"), "BMP")
    for packing in ("raw", "packbits", "tiff_lzw", "tiff_adobe_deflate"):
        yield f"tiff-{packing}.tif", saved(photo, "TIFF", compression=packing, exif=turned())
    for mode, packing in (("RGB", "jpeg"), ("1", "group4"), ("CMYK", "zstd"), ("P", "tiff_lzw")):
        yield f"tiff-{mode}-{packing}.tif", saved(photo.convert(mode), "TIFF", compression=packing)
    yield "tiff-big.tif", saved(photo, "TIFF", big_tiff=True)
    yield "gif-palette.gif", saved(palette, "GIF", transparency=3)
    yield "gif-moving.gif", saved(palette, "GIF", save_all=True, append_images=[scene(1).quantize(8)])
    for ending, how in (("heic", {"format": "HEIF"}), ("avif", {"format": "AVIF", "speed": 10})):
        yield f"{ending}-turned.{ending}", saved(photo, quality=80, exif=turned().tobytes(), **how)
        yield f"{ending}-clear.{ending}", saved(clear, quality=80, **how)
    yield "tiff-predicted.tif", saved(photo, "TIFF", compression="tiff_lzw", tiffinfo={317: 2})
    yield "tiff-clear.tif", saved(clear, "TIFF")
    yield "tiff-deep.tif", saved(deep(photo), "TIFF", compression="tiff_lzw")


def tables():
    yield "csv-plain.csv", b"id,path,label\n1,a/1.jpg,cat\n2,a/2.jpg,dog\n3,b.jpg,\n"
    yield "csv-quotes.csv", '\ufeffid,path,"a ""note"", of length"\r\n1,"x,y.jpg","two\nlines"\r\n2,größe.jpg," "\r\n'.encode()
    rows = "".join(f"{i},folder/{i}.jpg,{i % 3},{i * 0.25},person {i // 2}\n" for i in range(40))
    yield "csv-long.csv", ("id,path,label,age,group\n" + rows).encode()


def idx_files():
    images, labels = struct.pack(">IIII", 0x803, 5, 6, 7) + bytes(range(210)), struct.pack(">II", 0x801, 9) + bytes(range(9))
    yield "plain-images", images
    yield "plain-labels", labels
    yield "gzip-images.gz", gzip.compress(images, mtime=0)
    yield "gzip-labels.gz", gzip.compress(labels, 0, mtime=0)


def safetensors_of(tensors, metadata=None, checked=False):
    """tensors: {name: (dtype, shape, bytes)}"""
    data, header = b"", {}
    for name, (dtype, shape, packed) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(packed)]}
        data += packed
    if checked:
        metadata = {**(metadata or {}), "crc32": f"{zlib.crc32(data):08x}"}
    text = json.dumps({**({"__metadata__": metadata} if metadata else {}), **header}).encode()
    return struct.pack("<Q", len(text)) + text + data


def safetensors_files():
    tensors = {"fc.weight": ("F32", [2, 3], bytes(24)), "fc.bias": ("F32", [2], bytes(8)), "step": ("I64", [], bytes(8)), "none": ("U8", [0, 4], b"")}
    yield "safetensors-plain", safetensors_of(tensors)
    yield "safetensors-checked", safetensors_of(tensors, {"arch": "resnet20"}, checked=True)
    yield "safetensors-empty", safetensors_of({})


def zips():
    for name, method in (("stored", zipfile.ZIP_STORED), ("deflated", zipfile.ZIP_DEFLATED)):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", method) as archive:
            for entry, contents in (("net/data.pkl", b"weights " * 40), ("net/version", b"3\n"), ("net/empty", b"")):
                archive.writestr(zipfile.ZipInfo(entry), contents, method)
            archive.comment = b"a comment"
        yield f"zip-{name}.zip", out.getvalue()


def weights_files():
    """A file of torch.save, in the format before 1.6 too, and the pickle in it alone."""
    import argparse
    import collections
    import torch
    network = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2), torch.nn.Linear(2, 3))
    state = network.state_dict()
    shared = torch.arange(24.0).reshape(2, 3, 4)
    views = {"turned": shared.permute(2, 0, 1), "row": shared[1, 2], "scalar": shared[0, 0, 0], "none": torch.zeros(0, 4),
             "last": state["0.weight"].contiguous(memory_format=torch.channels_last)}
    for kind in (torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool, torch.complex64):
        views[str(kind)] = torch.arange(6).to(kind)
    checkpoint = {"epoch": 3, "best": 0.5, "arch": "net", "seed": 2 ** 40, "done": True, "none": None, "shape": shared.shape,
                  "state_dict": dict(network.named_parameters()), "optimizer": torch.optim.Adam(network.parameters()).state_dict()}
    objects = {"args": argparse.Namespace(lr=0.1), "counts": collections.defaultdict(int, {"a": 1}), "queue": collections.deque([1, 2]),
               "rate": numpy.float64(0.5), "seed": 2 ** 70, "path": pathlib.PurePosixPath("a/b"), "ema": {"module": state, "updates": 3}}
    for name, value in (("state", state), ("views", views), ("checkpoint", checkpoint), ("objects", objects), ("empty", {})):
        out = io.BytesIO()
        torch.save(value, out)
        yield f"pth-{name}.pth", out.getvalue()
        old = io.BytesIO()
        torch.save(value, old, _use_new_zipfile_serialization=False)
        yield f"old-{name}.pth", old.getvalue()
        with zipfile.ZipFile(out) as archive:
            yield f"pickle-{name}.pkl", archive.read("archive/data.pkl")


def predictions():
    yield "csv-one.csv", b"id,fold,mask:a,mask:b\n1,0,0.25,0.75\n2,,1,0\n"
    rows = "".join(f"{i},{i % 3},{i / 40},{1 - i / 40},0.2,0.3,0.5\n" for i in range(40))
    yield "csv-two.csv", ("id,fold,mask:a,mask:b,age:x,age:y,age:z\n" + rows).encode()
    out = io.BytesIO()
    with h5py.File(out, "w") as file:
        file["ids"] = numpy.array([b"%d" % i for i in range(6)])
        file["folds"] = numpy.arange(6).reshape(1, 6) % 3
        for target, classes in (("mask", "ab"), ("age", "xyz")):
            file[f"targets/{target}/classes"] = numpy.array([name.encode() for name in classes])
            table = numpy.full((6, len(classes)), 1 / len(classes), "float32")
            file.create_dataset(f"targets/{target}/ensemble", data=table, compression="gzip" if target == "age" else None)
    yield "hdf5-two.h5", out.getvalue()


FILES = {"photo": photos, "table": tables, "idx": idx_files, "safetensors": safetensors_files, "zip": zips, "weights": weights_files,
         "predictions": predictions}
TARGETS = [*FILES, "crops"]


def make(target, programs, folder):
    """The seeds of one target; `programs` is where the test programs are."""
    folder.mkdir(parents=True, exist_ok=True)
    if target == "crops":
        for name, rows, columns in (("few", 3, 0), ("many", 40, 12)):
            subprocess.run([programs / "crops_seed", folder / f"crops-{name}.h5", str(rows), str(columns)], check=True)
    else:
        for name, contents in FILES[target]():
            (folder / name).write_bytes(contents)


if __name__ == "__main__":
    for each in TARGETS:
        make(each, pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]) / each)

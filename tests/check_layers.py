#!/usr/bin/env python3
"""Holds every #include "room/file.h" to the one-way rule: a room includes itself and the rooms that its CMake list DEPENDS on.

RULE is the promise of docs/architecture.md: which rooms a room may depend on at most, from the ground up. The CMake lists are
the link lines; a room whose list has no TORCH links no LibTorch (cmake/room.cmake refuses anything else). A room's subfolder
without a pleat_room of its own, such as cluster/cuda, is a module that is loaded by name and belongs to the room around it.
"""
import pathlib
import re
import sys

ROOMS = ["base", "data", "batches", "folds", "target", "jobs", "weight_formats", "kernels", "model", "cluster", "train", "ensemble",
         "run", "rounds", "inference", "merge", "sweep", "report"]
TOOLS = ["photos", "tables", "prepare", "inspect", "drawn_faces"]
WITHOUT_TORCH = {"base", "data", "folds", "jobs", "weight_formats", *TOOLS}
RULE = {
    "base": set(), "data": {"base"}, "batches": {"base", "data"}, "folds": {"base", "data"}, "target": {"base"}, "jobs": {"base"},
    "weight_formats": {"base"}, "kernels": {"base"}, "model": {"base", "weight_formats", "kernels"}, "cluster": {"base", "jobs"},
    "train": {"base", "data", "batches", "folds", "target", "kernels", "model", "cluster"},
    "ensemble": {"base", "data", "folds", "target"},
    "photos": {"base"}, "tables": {"base", "data", "photos"}, "prepare": {"base", "data", "photos", "tables"},
    "inspect": {"base", "data", "photos", "tables", "prepare"}, "drawn_faces": {"base", "photos", "tables"},
    "faces": {"base", "photos", "prepare"},
}
for room in ("run", "rounds", "inference"):
    RULE[room] = set(ROOMS[:ROOMS.index("run")])
RULE["rounds"] |= {"run"}
RULE["inference"] |= {"run"}
RULE["merge"] = set(ROOMS) - {"merge", "sweep", "report"}
RULE["sweep"] = set(ROOMS) - {"sweep", "report"}
RULE["report"] = set(ROOMS) - {"report"} | {"photos", "prepare", "inspect"}
RULE["commands"] = set(ROOMS) | set(TOOLS)

root = pathlib.Path(__file__).resolve().parent.parent


def folder_of(room):
    return root / ("data_tools" if room in TOOLS + ["faces"] else "src") / room


def room_of(include):
    """The room of an included path, or None for a file beside the includer."""
    parts = include.split("/")
    return None if len(parts) == 1 else parts[1] if parts[0] == "data_tools" else parts[0]


def check(room, folder):
    cmake = (folder / "CMakeLists.txt").read_text()
    found = re.search(r"pleat_room\((\w+)([^)]*)\)", cmake, re.S)
    depends, torch = set(RULE[room]), room not in WITHOUT_TORCH  # of a module, which has no pleat_room
    if found:
        words = re.search(r"DEPENDS\s+(.*?)(?:LIBRARIES|$)", found.group(2), re.S)
        depends, torch = set(words.group(1).split()) if words else set(), "TORCH" in found.group(2).split()
        if found.group(1) != room:
            yield f"{folder.name}/CMakeLists.txt: makes the room {found.group(1)}, expected {room}"
    for extra in sorted(depends - RULE[room]):
        yield f"{folder.name}/CMakeLists.txt: {room} may not depend on {extra}"
    if torch and room in WITHOUT_TORCH:
        yield f"{folder.name}/CMakeLists.txt: {room} is a room without LibTorch"
    for source in sorted(folder.rglob("*.[ch]*")):
        for number, line in enumerate(source.read_text().splitlines(), 1):
            include = re.match(r'#include "([a-z0-9_/]+)\.h"', line)
            below = room_of(include.group(1)) if include else None
            if below and below not in depends | {room}:
                yield f"{source.relative_to(root)}:{number}: {room} may not include {below}"


folders = [p for top in ("src", "data_tools") for p in sorted((root / top).iterdir()) if p.is_dir()]
faults = [f"{p.relative_to(root)}: a folder that is no room of check_layers.py" for p in folders if p.name not in RULE]
faults += [fault for p in folders if p.name in RULE for fault in check(p.name, p)]
if sys.argv[1:] == ["--table"]:
    print("| room | files | lines | largest file |\n| --- | --- | --- | --- |")
    for p in folders:
        sizes = sorted((len(f.read_text().splitlines()), str(f.relative_to(p))) for f in p.rglob("*") if f.suffix in (".h", ".cpp", ".py"))
        print(f"| `{p.relative_to(root)}` | {len(sizes)} | {sum(s for s, _ in sizes)} | {sizes[-1][1]} ({sizes[-1][0]}) |")
print("\n".join(faults) or f"{len(folders)} rooms, every include goes one way")
sys.exit(bool(faults))

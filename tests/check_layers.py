#!/usr/bin/env python3
"""Holds every #include "folder/file.h" to the one-way rule: a folder includes itself and what its CMake layer DEPENDS on.

A folder's own subfolders (modules that are loaded by name) belong to its layer.

The CMake lists are the rule (they are the link lines too), and RULE below is what docs/architecture.md promises: a layer
may not depend on more than that.
"""
import pathlib
import re
import sys

RULE = {
    "base": set(), "data": {"base"}, "folds": {"base", "data"}, "target": {"base"}, "model": {"base"}, "jobs": {"base"},
    "cluster": {"base", "jobs"}, "train": {"base", "data", "folds", "target", "model", "cluster"},
    "ensemble": {"base", "data", "folds", "target"}, "data_tools": {"base", "data"},
}
RULE["rounds"] = set(RULE) - {"data_tools"}
RULE["report"] = {"base", "ensemble", "rounds"}
RULE["commands"] = set(RULE)

root = pathlib.Path(__file__).resolve().parent.parent
faults = []
layers = [p for p in sorted((root / "src").iterdir()) if p.is_dir()] + [root / "data_tools"]
for layer in layers:
    cmake = (layer / "CMakeLists.txt").read_text()
    depends = re.search(r"pleat_layer\([^)]*?DEPENDS ([^)]*?)(?:LIBRARIES|\))", cmake, re.S)
    allowed = set(depends.group(1).split()) if depends else set()
    for extra in sorted(allowed - RULE[layer.name]):
        faults.append(f"{layer.name}/CMakeLists.txt: {layer.name} may not depend on {extra}")
    for source in sorted(layer.rglob("*.[ch]*")):
        for number, line in enumerate(source.read_text().splitlines(), 1):
            include = re.match(r'#include "([a-z_]+)/', line)
            if include and include.group(1) not in allowed | {layer.name}:
                faults.append(f"{source.relative_to(root)}:{number}: {layer.name} may not include {include.group(1)}")
print("\n".join(faults) or f"{len(layers)} layers, every include goes one way")
sys.exit(bool(faults))

"""Checks an object against the schema of a Kubernetes CustomResourceDefinition, as the API server does. An unknown field
is an error here; the server would drop it.
"""
import re

import yaml

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float)}


def read(path, version):
    """The schema of `version` in the CustomResourceDefinition at `path`."""
    with open(path, encoding="utf-8") as file:
        definition = yaml.load(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return next(entry["schema"]["openAPIV3Schema"] for entry in definition["spec"]["versions"] if entry["name"] == version)


def errors(value, schema, path=""):
    found = []
    if schema.get("x-kubernetes-int-or-string"):
        if type(value) not in (int, str):
            found.append(f"{path}: {value!r} is neither a number nor text")
    elif "type" in schema:
        wanted = TYPES[schema["type"]]
        if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
            return [f"{path}: {value!r} is not of type {schema['type']}"]
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{path}: {value!r} is not one of {schema['enum']}")
    if "pattern" in schema and isinstance(value, str) and not re.search(schema["pattern"], value):
        found.append(f"{path}: {value!r} does not match {schema['pattern']}")
    if schema.get("format") in ("int32", "int64") and isinstance(value, int):
        bits = int(schema["format"][3:])
        if not -(2 ** (bits - 1)) <= value < 2 ** (bits - 1):
            found.append(f"{path}: {value} does not fit in {bits} bits")
    if isinstance(value, dict) and not schema.get("x-kubernetes-preserve-unknown-fields"):
        found += [f"{path}.{name}: missing" for name in schema.get("required", []) if name not in value]
        for name, inner in value.items():
            below = schema.get("properties", {}).get(name, schema.get("additionalProperties"))
            open_object = "properties" not in schema and "additionalProperties" not in schema
            if isinstance(below, dict):
                found += errors(inner, below, f"{path}.{name}")
            elif not open_object and below is not True:
                found.append(f"{path}.{name}: unknown")
    if isinstance(value, list):
        for i, inner in enumerate(value):
            found += errors(inner, schema.get("items", {}), f"{path}[{i}]")
    return found

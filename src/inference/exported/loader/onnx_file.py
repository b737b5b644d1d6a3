"""Writes the ensemble as one ONNX file: from uint8 crops to the probabilities of each target."""
import contextlib
import io
import json
import os
import pathlib
import tempfile
import warnings

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, compose, helper
from torch import nn

from .prediction import Probabilities

OPSET = 17            # of ONNX 1.12, June 2022
MOST_BYTES = 1 << 30  # of weights inside the file; the format ends at 2 GiB
BATCHES = (1, 5)      # sizes of the batches of test crops
TEST_CROPS = sum(BATCHES)
CLOSE = 1e-4          # largest difference of onnxruntime from PyTorch: of probabilities, of outputs relative to the largest


class Blend(nn.Module):
    """The ensemble's result for the outputs of all networks: probabilities, then means and deviations."""
    def __init__(self, about):
        super().__init__()
        self.probabilities = Probabilities(about, torch.float32)

    def forward(self, *outputs):
        return in_order(*self.probabilities(outputs))


def in_order(probs, normals):
    return (*probs.values(), *(normal[:, i] for normal in normals.values() for i in (0, 1)))


def names_of(probs, normals):
    return [*probs, *(f"{name}.{part}" for name in normals for part in ("mean", "deviation"))]


def write_onnx(ensemble, path):
    """Writes `path`; weights of over 1 GiB go to `path`.data. Returns the largest difference of onnxruntime's results
    from PyTorch's. Raises ValueError if ONNX cannot express a network, onnxruntime computes something else, or `path` is
    a file of another kind."""
    path = pathlib.Path(path)
    data, replaces = path.with_name(path.name + ".data"), path.exists()
    require_replaceable(path, data)
    with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
        made = pathlib.Path(folder) / path.name
        save(whole_graph(ensemble), made)
        difference = compare(ensemble, made)
        has_data = (made.parent / data.name).exists()
        for file in sorted(made.parent.iterdir(), reverse=True):  # the weights first
            os.replace(file, path.parent / file.name)
        if replaces and not has_data:
            data.unlink(missing_ok=True)  # only now: until then the earlier model needs it
    return difference


def require_replaceable(path, data):
    if not path.parent.is_dir():
        raise ValueError(f"{path}: there is no folder {path.parent}")
    if path.exists() and not (path.is_file() and is_model(path)):
        raise ValueError(f"{path} exists and is no ONNX model; choose another name")
    if data.exists() and not path.exists():
        raise ValueError(f"{data} exists and belongs to no model; choose another name, or remove it")


def is_model(path):
    """True if a file begins like onnx.ModelProto: with a small ir_version, then another of its fields (onnx.proto)."""
    with open(path, "rb") as file:
        begin = file.read(3)
    return len(begin) == 3 and begin[0] == 0x08 and 0 < begin[1] < 0x80 and begin[2] & 7 in (0, 2) and begin[2] >> 3 in range(2, 9)


@torch.no_grad()
def whole_graph(ensemble):
    """Joins the graphs of the views, the networks and the blend."""
    crops, parts, outputs, tensors = some_crops(ensemble, 2), [], [], []
    names = names_of(*ensemble.predict_all(crops))
    given = "crops" if "crops" not in names else "crops of photos"
    for r, (run, views) in enumerate(zip(ensemble.about["runs"], ensemble.views)):
        seen, pixels, images = f"views of run {r}", views(crops), {}
        parts.append(part_graph(views, [crops], [given], [seen]))
        for member in (member for unit in run["units"] for member in unit["members"]):
            model = member["model"]
            if model not in images:
                images[model] = f"images of run {r} for {model}"
                parts.append(part_graph(ensemble.norms[model], [pixels], [seen], [images[model]]))
            outputs.append(f"outputs of {member['weights']}")
            network, shown = ensemble.networks[member["weights"]], ensemble.norms[model](pixels)
            parts.append(part_graph(network, [shown], [images[model]], outputs[-1:]))
            check_network(network, parts[-1], lambda crops: ensemble.norms[model](views(crops)), ensemble, member["weights"])
            tensors.append(network(shown))
    parts.append(part_graph(Blend(ensemble.about), tensors, outputs, names))
    return joined(parts, ensemble, given, names)


class OfImages(nn.Module):
    """A TorchScript network as one of images alone: the exporter stumbles over optional arguments."""
    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, images):
        return self.network(images)


def part_graph(module, inputs, names, outputs):
    """Returns the ONNX model of a module. Its inner names begin with its first output's."""
    file = io.BytesIO()
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")  # of the exporter for TorchScript: the other one does not take TorchScript files
        try:
            if isinstance(module, torch.jit.ScriptModule):
                module = torch.jit.script(OfImages(module)).eval()
            torch.onnx.export(module, tuple(inputs), file, dynamo=False, opset_version=OPSET, input_names=names,
                              output_names=outputs, dynamic_axes={name: {0: "N"} for name in (*names, *outputs)})
        except Exception as error:  # the exporter has many classes of its own
            why = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
            raise ValueError(f"ONNX (opset {OPSET}) cannot express the {outputs[0]}: {why[:300]}") from error
    model = onnx.load_model_from_string(file.getvalue())
    return compose.add_prefix(model, f"{outputs[0]}/", rename_inputs=False, rename_outputs=False, inplace=True)


def joined(parts, ensemble, given, names):
    how = ensemble.about["preprocessing"]
    shape = ["N", how["height"], how["width"], how["channels"]]
    made = {output.name: output for output in parts[-1].graph.output}
    graph = helper.make_graph(
        [node for part in parts for node in part.graph.node], "ensemble",
        [helper.make_tensor_value_info(given, TensorProto.UINT8, shape)], [made[name] for name in names],
        [tensor for part in parts for tensor in part.graph.initializer])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=parts[0].ir_version,
                              producer_name="pleat", doc_string="From crops, as ensemble.py makes them, to probabilities")
    helper.set_model_props(model, {key: json.dumps(value, ensure_ascii=False) for key, value in [
        ("classes", ensemble.classes), ("preprocessing", how), ("made_by", ensemble.about["made_by"])]})
    return model


def save(model, path):
    weights = sum(len(tensor.raw_data) for tensor in model.graph.initializer)
    onnx.save(model, path, save_as_external_data=weights > MOST_BYTES, location=path.name + ".data")
    onnx.checker.check_model(path, full_check=True)


def some_crops(ensemble, count):
    """Returns crops [count, H, W, C] of grain on smooth colours, the same each time."""
    height, width, channels = (ensemble.about["preprocessing"][side] for side in ("height", "width", "channels"))
    draw = torch.Generator().manual_seed(count)
    smooth = torch.rand(count, channels, 3, 3, generator=draw)
    smooth = nn.functional.interpolate(smooth, (height, width), mode="bilinear", align_corners=True)
    grain = torch.randn(count, channels, height, width, generator=draw) * 20
    return (smooth * 255 + grain).clamp(0, 255).byte().permute(0, 2, 3, 1).contiguous()


def run(session, *tensors):
    return session.run(None, {given.name: tensor.numpy() for given, tensor in zip(session.get_inputs(), tensors)})


def check_network(network, model, images_of, ensemble, name):
    """Compares the outputs for one crop, which the exporter did not see, and for several. images_of: of crops"""
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    for count in BATCHES:
        shown = images_of(some_crops(ensemble, count))
        ours, theirs = network(shown).float().numpy(), run(session, shown)[0]
        if ours.shape != theirs.shape or not np.abs(ours - theirs).max() <= CLOSE * max(1, np.abs(ours).max()):
            raise ValueError(f"onnxruntime computes other outputs than PyTorch for {name}; its network cannot be exported")


def compare(ensemble, path):
    """Returns the largest difference of probabilities, and of numbers relative to the largest."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    largest = 0.0
    for count in BATCHES:
        crops = some_crops(ensemble, count)
        probs, normals = ensemble.predict_all(crops)
        for ours, theirs in zip(in_order(probs, normals), run(session, crops)):
            largest = max(largest, float(np.abs(ours - theirs).max() / max(1, np.abs(ours).max())))
    if not largest <= CLOSE:
        raise ValueError(f"onnxruntime's results differ from PyTorch's by {largest:g}, at most {CLOSE:g} was expected")
    return largest

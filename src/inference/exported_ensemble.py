"""Loads the ensemble that `pleat export` wrote here. Needs torch, torchvision, safetensors, numpy and Pillow.

    ensemble = load("DIR")
    ensemble.predict(crops)                         # uint8 [N, H, W, C] -> {target: float64 [N, classes]}
    ensemble.predict([ensemble.crop(Image.open("photo.jpg"))])

    python DIR/ensemble.py photo.jpg ...            # prints a CSV in the format of `pleat predict`
"""
import csv
import hashlib
import io
import json
import pathlib
import sys
import warnings

import numpy as np
import safetensors.torch
import torch
import torch.nn.functional as F
import torchvision
from PIL import Image, ImageOps
from torch import nn

FORMAT, VERSION = "pleat ensemble", 3


def load(folder, device="cpu"):
    """Reads the folder. Raises ValueError for a changed file or another format version."""
    return Ensemble(pathlib.Path(folder), torch.device(device))


class Ensemble:
    def __init__(self, folder, device):
        self.folder, self.device = folder, device
        self.about = json.loads((folder / "ensemble.json").read_text(encoding="utf-8"))
        if self.about.get("format") != FORMAT or self.about.get("version") != VERSION:
            raise ValueError(f"{folder}/ensemble.json is not '{FORMAT}' {VERSION}; use the ensemble.py beside it")
        self.classes = {target["name"]: target["classes"] for target in self.about["targets"]}
        self.blends = {target["name"]: target["blend"] for target in self.about["targets"] if "blend" in target}
        self.networks = {member["weights"]: self._network(member)
                         for run in self.about["runs"] for unit in run["units"] for member in unit["members"]}

    def predict(self, images, batch=256):
        """Returns {target: probabilities [N, classes]} for uint8 crops [N, H, W, C], as returned by `crop`."""
        return self.predict_all(images, batch)[0]

    def predict_all(self, images, batch=256):
        """Returns predict's result, and {target: mean and standard deviation [N, 2]} of targets trained as a number."""
        images = torch.as_tensor(images if isinstance(images, torch.Tensor) else np.asarray(images))
        shape = tuple(self.about["preprocessing"][side] for side in ("height", "width", "channels"))
        if images.dtype != torch.uint8 or images.shape[1:] != shape:
            raise ValueError(f"images are {images.dtype} {tuple(images.shape)}; expected uint8, N of {shape}")
        parts = [self._predict_batch(part) for part in images.split(batch)]
        return tuple({name: np.concatenate([part[kind][name] for part in parts]) for name in parts[0][kind]}
                     for kind in (0, 1))

    def crop(self, image):
        """Turns a photo (PIL image) into a crop for `predict`, uint8 [H, W, C]."""
        how = self.about["preprocessing"]
        if how["crop"] not in ("none", "center") or how["background"] != "keep":
            raise NotImplementedError(
                f"crops of {how['source']} with crop {how['crop']} and background {how['background']} need "
                "`pleat prepare`; give predict() the images of its crops.h5")
        pixels, height, width = upright_rgb(image), how["height"], how["width"]
        if how["crop"] == "center":
            scale = min(pixels.shape[0] / height, pixels.shape[1] / width)
            pixels = pixels[middle(pixels.shape[0], height * scale), middle(pixels.shape[1], width * scale)]
        small = np.tensordot(axis_weights(pixels.shape[0], height), pixels.astype(np.float32), 1)
        small = np.tensordot(axis_weights(pixels.shape[1], width), small, (1, 1)).transpose(1, 0, 2)
        return np.floor(small + 0.5).clip(0, 255).astype(np.uint8)

    @torch.inference_mode()
    def _predict_batch(self, images):
        tables = {}  # by candidate, then by target: its members' probabilities, means and deviations
        for run in self.about["runs"]:
            for unit, member, outputs in self._outputs(run, images):
                parts = outputs.split([outputs_of(code) for code in member["codes"]], 1)
                for name, code, part in zip(unit["targets"], member["codes"], parts):
                    made = tables.setdefault(member["candidate"], {}).setdefault(name, [])
                    made.append((class_probabilities(code, part), *normal_of(code, part)))
        means = {candidate: {name: sum(probs for probs, *_ in made) / len(made) for name, made in by_target.items()}
                 for candidate, by_target in tables.items()}
        for run in self.about["runs"]:
            for candidate in {member["candidate"] for unit in run["units"] for member in unit["members"]}:
                self._derive(run["joint"], means[candidate])
        probs, normals = {}, {}
        for name, blend in self.blends.items():
            probs[name] = blended(blend, {candidate: by_target[name] for candidate, by_target in means.items()
                                          if name in by_target})
            used = [(blend["weights"][candidate], made.get(name, [(None, None, None)]))
                    for candidate, made in tables.items() if blend["weights"][candidate] > 0]
            members = [(weight / len(made), mean, deviation) for weight, made in used for _, mean, deviation in made]
            if all(mean is not None for _, mean, _ in members):
                normals[name] = members
        self._derive(self.about["runs"][0]["joint"], probs)
        return ({name: probs[name].numpy() for name in self.classes},
                {name: mixture(members).numpy() for name, members in normals.items()})

    def _outputs(self, run, images):
        """Yields each unit, member and its outputs, the mean over the views: float64 [N, outputs]."""
        views = run["views"]
        mean, std = (torch.tensor(run[each], dtype=torch.float64).view(1, -1, 1, 1) for each in ("mean", "std"))
        scale, black = (1 / (255 * std)).float().to(self.device), (-mean / std).float().to(self.device)
        pixels = images.to(self.device).permute(0, 3, 1, 2).float() * scale + black
        for unit in run["units"]:
            for member in unit["members"]:
                network = self.networks[member["weights"]]
                shown = [network(view).float() for view in views_of(pixels, black, views["flip"], views["shift"])]
                yield unit, member, (sum(shown) / len(shown)).double().cpu()

    def _derive(self, joint, probs):
        """Adds what is missing: the joint target as the product of its parts, or the parts as sums over it."""
        if not joint:
            return
        if joint["name"] not in probs:
            if not all(part in probs for part in joint["of"]):
                return
            product = torch.ones((1, 1), dtype=torch.float64)
            for part in joint["of"]:
                product = (product[:, :, None] * probs[part][:, None, :]).flatten(1)
            probs[joint["name"]] = product
        whole = probs[joint["name"]].unflatten(1, [len(self.classes[part]) for part in joint["of"]])
        for i, part in enumerate(joint["of"]):
            if part not in probs:
                probs[part] = whole.sum([1 + j for j in range(len(joint["of"])) if j != i])

    def _network(self, member):
        model = self.about["models"][member["model"]]
        weights = safetensors.torch.load(self._checked(member["weights"], member["sha256"]))
        if "script" in model:
            network = script_with(self._checked(model["script"], model["sha256"]), weights)
        else:
            outputs = sum(outputs_of(code) for code in member["codes"])
            network = make_network(model["name"], model["stem"], self.about["preprocessing"]["channels"], outputs)
            network.load_state_dict(weights, strict=True)
        return network.eval().to(self.device)

    def _checked(self, name, sha256):
        data = (self.folder / name).read_bytes()
        if hashlib.sha256(data).hexdigest() != sha256:
            raise ValueError(f"{self.folder / name} was changed after it was written; export the run again")
        return data


def make_network(name, stem, channels, outputs):
    """Returns torchvision's network of that name with the run's first layer. torchvision has no resnet20."""
    if name == "resnet20":
        return ResNet20(channels, outputs)
    network, small = torchvision.models.get_model(name, weights=None, num_classes=outputs), stem == "small"
    if name.startswith("resnet"):
        network.conv1 = nn.Conv2d(channels, 64, 3 if small else 7, 1 if small else 2, 1 if small else 3, bias=False)
        if small:
            network.maxpool = nn.Identity()
    else:
        width = network.features[0][0].out_channels
        network.features[0][0] = nn.Conv2d(channels, width, 3, 1 if small else 2, 1, bias=False)
    return network


def script_with(archive, weights):
    """Loads a TorchScript network with a fold's weights. Constants come from the archive."""
    told = {"pleat.json": ""}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript is deprecated
        network = torch.jit.load(io.BytesIO(archive), map_location="cpu", _extra_files=told)
    constants = json.loads(told["pleat.json"])["constants"] if told["pleat.json"] else []
    missing, unexpected = network.load_state_dict(weights, strict=False)
    if unexpected or set(missing) - set(constants):
        raise ValueError(f"the weights do not match the script: {unexpected + missing}; export the run again")
    return network


class Block(nn.Module):
    def __init__(self, before, width, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(before, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width)

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if y.shape != x.shape:  # He et al. 2015, option A: every second pixel; new channels are zero
            new = (y.shape[1] - x.shape[1]) // 2
            x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, new, y.shape[1] - x.shape[1] - new))
        return F.relu(x + y)


class ResNet20(nn.Module):
    """ResNet20 for CIFAR: He et al. 2015, section 4.2."""
    def __init__(self, channels, outputs):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(channels, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16)
        self.layer1 = nn.Sequential(Block(16, 16, 1), Block(16, 16, 1), Block(16, 16, 1))
        self.layer2 = nn.Sequential(Block(16, 32, 2), Block(32, 32, 1), Block(32, 32, 1))
        self.layer3 = nn.Sequential(Block(32, 64, 2), Block(64, 64, 1), Block(64, 64, 1))
        self.fc = nn.Linear(64, outputs)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        return self.fc(self.layer3(self.layer2(self.layer1(x))).mean((2, 3)))


def views_of(images, black, flip, shift):
    """Yields the images, the images moved by `shift` pixels each way, and mirrored copies. New pixels are black."""
    (count, channels, height, width), moves = images.shape, [(0, 0)]
    if shift:
        moves += [(-shift, 0), (shift, 0), (0, -shift), (0, shift)]
    for shown in [images, images.flip(3)] if flip else [images]:
        canvas = black.expand(count, channels, height + 2 * shift, width + 2 * shift).clone()
        canvas[:, :, shift:shift + height, shift:shift + width] = shown
        for right, down in moves:
            top, left = shift - down, shift - right
            yield canvas[:, :, top:top + height, left:left + width].contiguous()


def outputs_of(code):
    """Returns the number of network outputs for a target."""
    return {"classes": code.get("classes"), "bins": len(code.get("class_shares", [])), "number": 2}[code["taught_as"]]


def class_probabilities(code, outputs):
    """Turns a network's outputs for one target into probabilities [N, classes]."""
    temperature = code.get("temperature", 1)
    if code["taught_as"] == "classes":
        return (outputs / temperature).softmax(1)
    if code["taught_as"] == "bins":  # each bin's probability is divided among the classes
        probs = outputs.softmax(1) @ torch.tensor(code["class_shares"], dtype=torch.float64)
    else:  # a normal distribution: a class gets the probability between its edges
        mean, deviation = normal_of(code, outputs)
        below = (torch.erf((torch.tensor(code["edges"], dtype=torch.float64) - mean) / (deviation * 2 ** 0.5)) + 1) / 2
        probs = torch.diff(below, prepend=torch.zeros_like(mean), append=torch.ones_like(mean))
    return (probs.clamp_min(1e-12).log() / temperature).softmax(1)


def blended(blend, tables):
    """Turns the candidates' probabilities, {candidate: [N, classes]}, into the ensemble's."""
    if "stack" not in blend:
        return sum(blend["weights"][candidate] * table for candidate, table in tables.items()
                   if blend["weights"][candidate] > 0)
    stack = {key: torch.tensor(value, dtype=torch.float64) for key, value in blend["stack"].items()}
    logs = torch.cat([tables[candidate] for candidate in sorted(tables)], 1).clamp_min(stack["least_probability"]).log()
    return (logs @ stack["coefficients"].T + stack["intercepts"]).softmax(1)


def mixture(members):
    """Returns mean and standard deviation [N, 2] of a weighted mixture of normal distributions."""
    mean = sum(weight * each for weight, each, _ in members)
    variance = sum(weight * (deviation ** 2 + (each - mean) ** 2) for weight, each, deviation in members)
    return torch.cat([mean, variance.sqrt()], 1)


def normal_of(code, outputs):
    """Turns outputs (standardised mean, logarithm of deviation) into mean and standard deviation, each [N, 1]; None for
    a target that is not taught as a number."""
    if code["taught_as"] != "number":
        return None, None
    least, most = code["log_deviation"]
    middle, half = (least + most) / 2, (most - least) / 2
    bounded = torch.tanh((outputs[:, 1:2] - middle) / half) * half + middle
    return outputs[:, 0:1] * code["deviation"] + code["mean"], bounded.exp() * code["deviation"]


def upright_rgb(image):
    """Returns the image upright, in 8 bits, on white: uint8 [height, width, 3]."""
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16"):
        image = Image.fromarray((np.asarray(image) / 257 + 0.5).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.asarray(image.convert("RGB"))


def middle(size, wanted):
    """Returns the slice of the middle `wanted` pixels of one axis."""
    extent = min(max(int(wanted + 0.5), 1), size)
    return slice((size - extent) // 2, (size - extent) // 2 + extent)


def axis_weights(size, outputs):
    """Returns weights [outputs, size] that resize one axis: area averages, or linear interpolation to enlarge."""
    scale, inputs, output = size / outputs, np.arange(size), np.arange(outputs)[:, None]
    if scale < 1:
        return np.maximum(1 - abs(inputs - (output * scale + scale / 2 - 0.5).clip(0, size - 1)), 0).astype(np.float32)
    overlap = np.minimum(inputs + 1, (output + 1) * scale) - np.maximum(inputs, output * scale)
    return (overlap.clip(0) / scale).astype(np.float32)


def main(photos):
    if not photos or photos[0].startswith("-"):
        sys.exit("usage: python ensemble.py photo.jpg ... > predictions.csv")
    ensemble, out = load(pathlib.Path(__file__).resolve().parent), csv.writer(sys.stdout, lineterminator="\n")
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


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (OSError, ValueError, NotImplementedError) as error:
        sys.exit(f"ensemble.py: {error}")

"""The exported ensemble: its files, and its predictions."""
import hashlib
import json
from typing import NamedTuple

import numpy as np
import safetensors.torch
import torch

from .codes import outputs_of
from .devices import usable_device
from .networks import make_network, script_with
from .photo_kinds import BadPhoto
from .photo_list import listed, name_of
from .photos import crop_of, require_croppable
from .prediction import Normalisation, Probabilities, Views, members_of

FORMAT, VERSION = "pleat ensemble", 4


class PhotoPredictions(NamedTuple):
    names: list    # of the photos that were read: their paths; of a PIL image its file's, or "image" and its number
    probs: dict    # {target: probabilities [N, classes]}
    numbers: dict  # {target: mean and standard deviation [N, 2]} of targets trained as a number
    refused: dict  # {name: reason} of the photos that were left out


class Ensemble:
    """Raises ValueError for a damaged or changed file, and NoDevice for a device that cannot be used."""
    def __init__(self, folder, device="cpu", precision="fp32"):
        if precision not in ("fp32", "bf16"):
            raise ValueError(f"precision '{precision}' is not fp32 or bf16")
        self.folder, self.device, self.precision = folder, usable_device(device), precision
        self.about = read_about(folder)
        try:
            self._make_parts()
            members = [member for _, _, member in members_of(self.about)]
        except (KeyError, TypeError, AttributeError, IndexError) as error:
            raise damaged(folder, error) from error
        self.networks = {member["weights"]: self._network(member).eval().to(self.device) for member in members}

    def _make_parts(self):
        """Reads every key that predictions need."""
        self.classes = {target["name"]: target["classes"] for target in self.about["targets"]}
        self.views = [Views(run) for run in self.about["runs"]]
        self.norms = {name: Normalisation(model).to(self.device) for name, model in self.about["models"].items()}
        how = self.about["preprocessing"]
        self.shape = tuple(int(how[side]) for side in ("height", "width", "channels"))
        self.crop_settings = {key: how[key] for key in ("height", "width", "source", "crop", "background")}
        self.in_bf16 = [self.precision == "bf16" and run["precision"] == "bf16" for run in self.about["runs"]]
        self.probabilities = Probabilities(self.about)
        if any(members_of(self.about)):
            self.probabilities([torch.zeros(views, width_of(member))
                                for (_, _, member), views in zip(members_of(self.about), self.probabilities.views)])

    def predict(self, images, batch=256):
        """Returns {target: probabilities [N, classes]} for uint8 crops [N, H, W, C], as returned by `crop`."""
        return self.predict_all(images, batch)[0]

    @torch.inference_mode()
    def predict_all(self, images, batch=256):
        """Returns predict's result, and {target: mean and standard deviation [N, 2]} of targets trained as a number."""
        images = torch.as_tensor(images if isinstance(images, torch.Tensor) else np.asarray(images))
        if images.dtype != torch.uint8 or images.shape[1:] != self.shape:
            raise ValueError(f"images are {images.dtype} {tuple(images.shape)}; expected uint8, N of {self.shape}")
        parts = [self._predict(some) for some in images.split(max(batch // max(view.count for view in self.views), 1))]
        return tuple({name: np.concatenate([part[kind][name].numpy() for part in parts]) for name in parts[0][kind]}
                     for kind in (0, 1))

    def crop(self, photo):
        """Turns a photo (a path or a PIL image) into a crop for `predict`, uint8 [H, W, C]. Raises BadPhoto, a
        ValueError, for photos that `pleat prepare` refuses."""
        return self._named_crop(name_of(photo), photo)

    def predict_photos(self, photos, skip_bad=False, batch=256):
        """Returns PhotoPredictions for paths, folders and PIL images. Raises BadPhoto for the first photo that cannot be
        read; with skip_bad, ValueError only if none can."""
        require_croppable(self.crop_settings)
        every, crops, made, names, refused = listed(photos), [], [], [], {}
        for i, (name, photo) in enumerate(every):
            try:
                crops.append(self._named_crop(name, photo))
                names.append(name)
            except BadPhoto as error:
                if not skip_bad:
                    raise
                refused[name] = str(error)[len(name) + 2:]
            if crops and (len(crops) == batch or i + 1 == len(every)):
                made.append(self.predict_all(crops, batch))
                crops = []
        if not made:
            raise ValueError("; ".join([f"none of {len(every)} photos can be read",
                                        *(f"{name}: {reason}" for name, reason in list(refused.items())[:1])]))
        probs, numbers = ({name: np.concatenate([part[kind][name] for part in made]) for name in made[0][kind]} for kind in (0, 1))
        return PhotoPredictions(names, probs, numbers, refused)

    def _named_crop(self, name, photo):
        try:
            return crop_of(photo, self.crop_settings)
        except BadPhoto as error:
            raise BadPhoto(f"{name}: {error}") from None

    def _predict(self, images):
        outputs = []
        for run, views, in_bf16 in zip(self.about["runs"], self.views, self.in_bf16):
            pixels = views(images.to(self.device))
            with torch.autocast(self.device.type, torch.bfloat16, enabled=in_bf16):
                outputs += [self._outputs(member, pixels) for unit in run["units"] for member in unit["members"]]
        return self.probabilities(outputs)

    def _outputs(self, member, pixels):
        outputs = self.networks[member["weights"]](self.norms[member["model"]](pixels)).float().cpu()
        expected = (len(pixels), width_of(member))
        if outputs.shape != expected:
            raise ValueError(f"the network of {member['weights']} gives {tuple(outputs.shape)} for {len(pixels)} images, expected "
                             f"{expected}; script a network that takes any number of images, and train it again")
        return outputs

    def _network(self, member):
        model = self.about["models"][member["model"]]
        weights = safetensors.torch.load(self._checked(member["weights"], member["sha256"]))
        if "script" in model:
            return script_with(self._checked(model["script"], model["sha256"]), weights)
        network = make_network(model["name"], model["stem"], self.about["preprocessing"]["channels"], width_of(member))
        network.load_state_dict(weights, strict=True)
        return network

    def _checked(self, name, sha256):
        data = (self.folder / name).read_bytes()
        if hashlib.sha256(data).hexdigest() != sha256:
            raise ValueError(f"{self.folder / name} was changed after it was written; export the run again")
        return data


def width_of(member):
    """Returns the number of a network's outputs."""
    return sum(outputs_of(code) for code in member["codes"])


def damaged(folder, error):
    return ValueError(f"{folder}/ensemble.json is damaged ({type(error).__name__}: {error}); export the run again")


def read_about(folder):
    """Returns the content of ensemble.json."""
    path = folder / "ensemble.json"
    if not path.is_file():
        raise ValueError(f"{path} is missing; copy the whole export, or export the run again")
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
        form, version = about["format"], about["version"]
    except (ValueError, KeyError, TypeError) as error:
        raise damaged(folder, error) from None
    if form != FORMAT:
        raise ValueError(f"{path} has the format '{form}', expected '{FORMAT}'; give the folder of a pleat export")
    if version != VERSION:
        raise ValueError(f"{path} has format version {version}, expected {VERSION}; load it with the ensemble.py in that folder")
    return about

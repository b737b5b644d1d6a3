"""The exported ensemble: its files, and its predictions."""
import hashlib
import json

import numpy as np
import safetensors.torch
import torch

from .codes import outputs_of
from .networks import make_network, script_with
from .photos import crop_of
from .prediction import Probabilities, Views, members_of

FORMAT, VERSION = "pleat ensemble", 3


class Ensemble:
    def __init__(self, folder, device):
        self.folder, self.device = folder, torch.device(device)
        self.about = json.loads((folder / "ensemble.json").read_text(encoding="utf-8"))
        if self.about.get("format") != FORMAT or self.about.get("version") != VERSION:
            raise ValueError(f"{folder}/ensemble.json is not '{FORMAT}' {VERSION}; use the ensemble.py beside it")
        self.classes = {target["name"]: target["classes"] for target in self.about["targets"]}
        self.views = [Views(run).to(self.device) for run in self.about["runs"]]
        self.networks = {member["weights"]: self._network(member).eval().to(self.device)
                         for _, _, member in members_of(self.about)}
        self.probabilities = Probabilities(self.about)

    def predict(self, images, batch=256):
        """Returns {target: probabilities [N, classes]} for uint8 crops [N, H, W, C], as returned by `crop`."""
        return self.predict_all(images, batch)[0]

    @torch.inference_mode()
    def predict_all(self, images, batch=256):
        """Returns predict's result, and {target: mean and standard deviation [N, 2]} of targets trained as a number."""
        images = torch.as_tensor(images if isinstance(images, torch.Tensor) else np.asarray(images))
        shape = tuple(self.about["preprocessing"][side] for side in ("height", "width", "channels"))
        if images.dtype != torch.uint8 or images.shape[1:] != shape:
            raise ValueError(f"images are {images.dtype} {tuple(images.shape)}; expected uint8, N of {shape}")
        parts = [self._predict(some) for some in images.split(max(batch // max(view.count for view in self.views), 1))]
        return tuple({name: np.concatenate([part[kind][name].numpy() for part in parts]) for name in parts[0][kind]}
                     for kind in (0, 1))

    def crop(self, image):
        """Turns a photo (PIL image) into a crop for `predict`, uint8 [H, W, C]."""
        return crop_of(image, self.about["preprocessing"])

    def _predict(self, images):
        outputs = []
        for run, views in zip(self.about["runs"], self.views):
            shown = views(images.to(self.device))
            outputs += [self.networks[member["weights"]](shown).float().cpu() for unit in run["units"] for member in unit["members"]]
        return self.probabilities(outputs)

    def _network(self, member):
        model = self.about["models"][member["model"]]
        weights = safetensors.torch.load(self._checked(member["weights"], member["sha256"]))
        if "script" in model:
            return script_with(self._checked(model["script"], model["sha256"]), weights)
        outputs = sum(outputs_of(code) for code in member["codes"])
        network = make_network(model["name"], model["stem"], self.about["preprocessing"]["channels"], outputs)
        network.load_state_dict(weights, strict=True)
        return network

    def _checked(self, name, sha256):
        data = (self.folder / name).read_bytes()
        if hashlib.sha256(data).hexdigest() != sha256:
            raise ValueError(f"{self.folder / name} was changed after it was written; export the run again")
        return data

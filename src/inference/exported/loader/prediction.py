"""From crops to the ensemble's probabilities, in torch operations alone: PyTorch runs them, and ONNX can express them."""
import torch
from torch import nn
from torch.nn import functional as F

from .codes import blended, class_probabilities, mixture, normal_of, outputs_of


def members_of(about):
    """Returns (run, unit, member) for each network. about: ensemble.json."""
    return [(run, unit, member) for run in about["runs"] for unit in run["units"] for member in unit["members"]]


class Views(nn.Module):
    """The views of crops that the networks of a run see: uint8 [N, H, W, C] -> float32 [views * N, C, H, W], 0 to 255."""
    def __init__(self, run):
        super().__init__()
        self.flip, self.shift = run["views"]["flip"], int(run["views"]["shift"])
        self.count = (2 if self.flip else 1) * (5 if self.shift else 1)

    def forward(self, crops):
        return torch.cat(list(views_of(crops.permute(0, 3, 1, 2).float(), self.flip, self.shift)))


class Normalisation(nn.Module):
    """The input of a model's networks: pixels of 0 to 255 become (pixel / 255 - mean) / std."""
    def __init__(self, model):
        super().__init__()
        mean, std = (torch.tensor(model[each], dtype=torch.float64).view(1, -1, 1, 1) for each in ("mean", "std"))
        self.register_buffer("scale", (1 / (255 * std)).float())
        self.register_buffer("black", (-mean / std).float())

    def forward(self, pixels):
        return pixels * self.scale + self.black


def views_of(images, flip, shift):
    """Yields the images, the images moved by `shift` pixels each way, and mirrored copies. New pixels are 0, black."""
    height, width = images.shape[2:]
    moves = [(0, 0)] + ([(-shift, 0), (shift, 0), (0, -shift), (0, shift)] if shift else [])
    for shown in [images, images.flip(3)] if flip else [images]:
        canvas = F.pad(shown, (shift,) * 4) if shift else shown
        for right, down in moves:
            yield canvas[:, :, shift - down:shift - down + height, shift - right:shift - right + width]


class Probabilities(nn.Module):
    """From the outputs of all networks, [views * N, outputs] in the order of members_of, to the ensemble's result."""
    def __init__(self, about, dtype=torch.float64):
        super().__init__()
        self.about, self.dtype = about, dtype
        self.classes = {target["name"]: target["classes"] for target in about["targets"]}
        self.blends = {target["name"]: target["blend"] for target in about["targets"] if "blend" in target}
        self.views = [Views(run).count for run, _, _ in members_of(about)]

    def forward(self, outputs):
        """Returns {target: probabilities [N, classes]}, and {target: mean and standard deviation [N, 2]} of targets
        trained as a number."""
        tables = self._by_candidate(outputs)
        means = {candidate: {name: sum(probs for probs, *_ in made) / len(made) for name, made in by_target.items()}
                 for candidate, by_target in tables.items()}
        for run, _, member in members_of(self.about):
            self._derive(run["joint"], means[member["candidate"]])
        probs, normals = {}, {}
        for name, blend in self.blends.items():
            probs[name] = blended(blend, {candidate: by_target[name] for candidate, by_target in means.items()
                                          if name in by_target})
            used = [(blend["weights"][candidate], made.get(name, [(None, None, None)]))
                    for candidate, made in tables.items() if blend["weights"][candidate] > 0]
            members = [(weight / len(made), mean, deviation) for weight, made in used for _, mean, deviation in made]
            if all(mean is not None for _, mean, _ in members):
                normals[name] = mixture(members)
        self._derive(self.about["runs"][0]["joint"], probs)
        return {name: probs[name] for name in self.classes}, normals

    def _by_candidate(self, outputs):
        """Returns {candidate: {target: its members' probabilities, means and deviations}}."""
        tables = {}
        for (_, unit, member), views, shown in zip(members_of(self.about), self.views, outputs):
            mean = shown.unflatten(0, (views, -1)).mean(0) if views > 1 else shown
            parts = mean.to(self.dtype).split([outputs_of(code) for code in member["codes"]], 1)
            for name, code, part in zip(unit["targets"], member["codes"], parts):
                made = tables.setdefault(member["candidate"], {}).setdefault(name, [])
                made.append((class_probabilities(code, part), *normal_of(code, part)))
        return tables

    def _derive(self, joint, probs):
        """Adds what is missing: the joint target as the product of its parts, or the parts as sums over it."""
        if not joint:
            return
        if joint["name"] not in probs:
            if not all(part in probs for part in joint["of"]):
                return
            product = probs[joint["of"][0]]
            for part in joint["of"][1:]:
                product = (product[:, :, None] * probs[part][:, None, :]).flatten(1)
            probs[joint["name"]] = product
        whole = probs[joint["name"]].unflatten(1, [len(self.classes[part]) for part in joint["of"]])
        for i, part in enumerate(joint["of"]):
            if part not in probs:
                probs[part] = whole.sum([1 + j for j in range(len(joint["of"])) if j != i])

"""The networks, as torchvision or a TorchScript file describes them."""
import io
import json
import warnings

import torch
import torchvision
from torch import nn
from torch.nn import functional as F


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

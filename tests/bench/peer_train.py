"""A good, simple PyTorch loop: crops in memory, one process, autocast, fused AdamW.

usage: peer_train.py CROPS MODEL PRECISION THREADS BATCH ROWS EPOCHS CHANNELS_LAST   prints the seconds of each epoch, as JSON
"""
import json
import sys
import time

import h5py
import numpy
import torch
import torchvision
from torch import nn


class Block(nn.Module):
    """CIFAR ResNet block of He et al. 2015 with the parameter-free shortcut (A)."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.stride, self.extra = stride, outputs - inputs

    def forward(self, x):
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        if self.stride > 1 or self.extra:
            x = nn.functional.pad(x[:, :, ::self.stride, ::self.stride], (0, 0, 0, 0, self.extra // 2, self.extra - self.extra // 2))
        return torch.relu(x + y)


def resnet20(channels, classes):
    layers = [nn.Conv2d(channels, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    width = 16
    for outputs, stride in ((16, 1), (32, 2), (64, 2)):
        for i in range(3):
            layers.append(Block(width, outputs, stride if i == 0 else 1))
            width = outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, classes))


def resnet18(channels, classes):
    net = torchvision.models.resnet18(num_classes=classes)
    if channels != 3:
        net.conv1 = nn.Conv2d(channels, 64, 7, 2, 3, bias=False)
    return net


def augment(images, pad):
    """Flip and pad-crop: drawn for each image, applied to the whole batch at once."""
    n, _, h, w = images.shape
    flip = torch.rand(n) < 0.5
    images = torch.where(flip[:, None, None, None], images.flip(3), images)
    padded = nn.functional.pad(images, (pad,) * 4)
    dy, dx = torch.randint(0, 2 * pad + 1, (2, n))
    rows = dy[:, None] + torch.arange(h)
    columns = dx[:, None] + torch.arange(w)
    return padded[torch.arange(n)[:, None, None], :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def main():
    path, model, precision, threads, batch, rows, epochs, channels_last = sys.argv[1:]
    torch.set_num_threads(int(threads))
    torch.manual_seed(1)
    batch, rows = int(batch), int(rows)
    with h5py.File(path) as file:
        pixels = torch.from_numpy(file["images"][:rows]).permute(0, 3, 1, 2).contiguous()
        labels = torch.from_numpy(file["table/label"][:rows].astype(numpy.int64))
    mean, std = (pixels.float() / 255).mean((0, 2, 3)), (pixels.float() / 255).std((0, 2, 3))
    net = {"resnet18": resnet18, "resnet20": resnet20}[model](pixels.shape[1], int(labels.max()) + 1)
    layout = torch.channels_last if int(channels_last) else torch.contiguous_format
    net = net.to(memory_format=layout).train()
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3, fused=True)
    loss_of = nn.CrossEntropyLoss()
    seconds = []
    for _ in range(int(epochs)):
        start = time.perf_counter()
        for index in torch.randperm(rows).split(batch):
            images = (augment(pixels[index].float() / 255, 2) - mean[:, None, None]) / std[:, None, None]
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
                logits = net(images.to(memory_format=layout))
            loss = loss_of(logits.float(), labels[index])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        seconds.append(time.perf_counter() - start)
    print(json.dumps(seconds))


main()

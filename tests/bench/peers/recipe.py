"""The peers' recipe, the same as pleat's (docs/config.md): AdamW without decay on biases and BatchNorm, one-cycle
schedule with cosines, batches of nearly equal size, optional label smoothing.
"""
import math
import pathlib

import torch
import torchvision
from torch import nn


class EvenBatches:
    """Batches of all rows, in a new order for each iteration. Sizes differ by at most one.

    The order has its own generator, so that other random draws cannot make data-parallel processes diverge.
    """

    def __init__(self, rows, batch, seed):
        self.rows, self.steps = rows, math.ceil(len(rows) / batch)
        self.random = torch.Generator().manual_seed(seed)

    def __len__(self):
        return self.steps

    def __iter__(self):
        order = torch.randperm(len(self.rows), generator=self.random)
        return iter(torch.tensor_split(self.rows[order], self.steps))


def bf16_is_fast():
    """True if this CPU multiplies bf16 in hardware. In software bf16 is far slower than fp32."""
    flags = pathlib.Path("/proc/cpuinfo").read_text()
    return "avx512_bf16" in flags or "amx_bf16" in flags


def make_network(name, classes):
    """torchvision's network with its own random weights. ResNet convolutions use Kaiming fan-out, as in pleat."""
    return torchvision.models.get_model(name, weights=None, num_classes=classes)


def make_optimizer(network, lr, weight_decay):
    """Fused AdamW without decay on biases and BatchNorm."""
    groups = [{"params": [p for p in network.parameters() if p.dim() > 1], "weight_decay": weight_decay},
              {"params": [p for p in network.parameters() if p.dim() <= 1], "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=lr, fused=True)


def learning_rate(lr, warmup, step, steps):
    """Rates of torch's OneCycleLR with its defaults. Also for a warm-up of one step, where torch divides by zero."""

    def cosine(start, end, part):
        return end + (start - end) / 2 * (1 + math.cos(math.pi * part))

    if steps == 1:
        return lr
    top = warmup * steps - 1
    if 0 < top and step <= top:
        return cosine(lr / 25, lr, step / top)
    return cosine(lr, lr / 25e4, (step - top) / (steps - 1 - top))


def forward_logits(network, images, bf16):
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        logits = network(images)
    return logits.float()


def train_step(network, images, labels, loss_of, optimizer, bf16):
    """Trains one step. Returns the loss before it."""
    loss = loss_of(forward_logits(network, images, bf16), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.detach()


class Trainer:
    """Trains one network for `steps` steps.

    `wrap` wraps the network for training steps (torch.compile, DistributedDataParallel). Predictions use the network.
    """

    def __init__(self, options, classes, steps, bf16=False, layout=torch.contiguous_format, wrap=lambda network: network):
        torch.manual_seed(options.seed)
        self.network = make_network(options.model, classes).to(memory_format=layout)
        self.stepped = wrap(self.network)
        self.bf16 = bf16
        self.loss_of = nn.CrossEntropyLoss(label_smoothing=options.label_smoothing)
        self.optimizer = make_optimizer(self.network, options.lr, options.weight_decay)
        self.rates = iter([learning_rate(options.lr, options.warmup, step, steps) for step in range(steps)])

    def epoch(self, batches, watch):
        """Trains on each batch. Returns the mean loss over the images and the number of images."""
        self.network.train()
        loss, count = torch.zeros(()), 0
        for images, labels in batches:
            rate = next(self.rates)
            for group in self.optimizer.param_groups:
                group["lr"] = rate
            loss += len(labels) * train_step(self.stepped, images, labels, self.loss_of, self.optimizer, self.bf16)
            count += len(labels)
            watch.step_done()
        return float(loss) / count, count

    @torch.inference_mode()
    def predict(self, batches):
        """Probabilities [N, C] float32 of the batches' images, in their order."""
        self.network.eval()
        return torch.cat([forward_logits(self.network, images, self.bf16).softmax(1) for images, _ in batches])

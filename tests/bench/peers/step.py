"""The training step alone, on random images: forward, loss, backward, fused AdamW. Prints JSON: images per second of
each repeat, and operations per image."""
import argparse
import json
import pathlib
import statistics
import time

import recipe
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


def load_script(path):
    """Loads TorchScript without the profiling executor, which recompiles in the first steps and gains nothing."""
    torch._C._jit_set_profiling_executor(False)
    torch._C._jit_set_profiling_mode(False)
    return torch.jit.load(path)


def make_network(name, classes):
    """Makes the network timm:NAME, torchvision:NAME, or NAME of torchvision."""
    library, _, short = name.rpartition(":")
    if library == "timm":
        import timm
        return timm.create_model(short, num_classes=classes)
    return recipe.make_network(short, classes)


def operations_per_image(network, images, labels):
    """Billions of operations of forward and backward, by the network's definition. A multiply-add is two operations."""
    with FlopCounterMode(display=False) as counter:
        nn.functional.cross_entropy(network(images), labels).backward()
    return counter.get_total_flops() / len(images) / 1e9


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="resnet18", help="a network of torchvision (resnet18, mobilenet_v2, …) or of timm (timm:efficientnet_b0, …)")
    parser.add_argument("--script", type=pathlib.Path, help="a TorchScript file instead")
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--precision", choices=("bf16", "fp32"), default="bf16" if recipe.bf16_is_fast() else "fp32")
    parser.add_argument("--channels-last", type=int, choices=(0, 1), default=1)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--warm-up", type=int, default=5, help="steps before the first repeat")
    parser.add_argument("--steps", type=int, default=10, help="steps of a repeat")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    layout = torch.channels_last if options.channels_last else torch.contiguous_format
    network = load_script(options.script) if options.script else make_network(options.model, options.classes)
    network = network.to(memory_format=layout).train()
    stepped = torch.compile(network) if options.compile else network
    images = torch.randn(options.batch, 3, options.size, options.size).to(memory_format=layout)
    labels = torch.arange(options.batch) % options.classes
    operations = operations_per_image(network, images[:4], labels[:4])
    optimizer = recipe.make_optimizer(network, 1e-3, 0.01)

    def seconds_of(steps):
        start = time.perf_counter()
        for _ in range(steps):
            recipe.train_step(stepped, images, labels, nn.functional.cross_entropy, optimizer, options.precision == "bf16")
        return time.perf_counter() - start

    seconds_of(options.warm_up)
    rates = [options.steps * options.batch / seconds_of(options.steps) for _ in range(options.repeats)]
    print(json.dumps({**vars(options), "script": options.script and str(options.script), "images_per_second": rates, "median": statistics.median(rates),
                      "gflop_per_image": operations}))


if __name__ == "__main__":
    main()

"""The training step alone, with one thread: pleat against PyTorch, for each network.

Random images, bf16 if the CPU has it. PyTorch uses channels_last and fused AdamW. For networks that pleat trains from
TorchScript, PyTorch runs both the script and the Python network, and the faster one counts. `library` is pleat without
its convolution plan. For pleat's own networks the case also gives the share of the machine's peak for matrix products:
operations per image (convolutions and products) × images per second / peak.
"""
import dataclasses

import machine
from measure import BUILD, CORES, PEERS, ROOT, Skipped, in_turn, last_json, median, python, sh
from report import Target, at_least

BATCH, THREADS, CLASSES, WARM_UP = 64, 1, 10, 3
EXPORT = ROOT / "launch/export_model.py"


@dataclasses.dataclass
class Network:
    name: str  # one of pleat's networks, or library:name of a network exported to TorchScript
    size: int
    target: Target
    steps: int  # measured steps
    precision: str = ""  # empty: bf16 if the CPU has it

    @property
    def scripted(self):
        return ":" in self.name


NETWORKS = [
    Network("resnet18", 64, at_least(1.8), 15), Network("resnet18", 32, at_least(2.0), 25), Network("resnet18", 128, at_least(1.2), 7),
    Network("resnet18", 64, at_least(1.0), 7, "fp32"),
    Network("torchvision:resnet50", 64, at_least(1.0), 7), Network("torchvision:mobilenet_v2", 64, at_least(1.0), 9),
    Network("timm:efficientnet_b0", 64, at_least(2.5), 9), Network("timm:efficientnet_b4", 64, at_least(2.5), 4),
]
QUICK = ("resnet18", "timm:efficientnet_b0")


def export(bench, network):
    """Exports the network to TorchScript, for pleat and a peer."""
    if not EXPORT.exists():
        raise Skipped(f"{network.name}: {EXPORT.relative_to(ROOT)} is not there")
    out = bench.scratch / f"{network.name.partition(':')[2]}_{network.size}.pt"
    python(EXPORT, network.name, "--classes", CLASSES, "--size", network.size, "--out", out)
    return out


def precision_of(network):
    return network.precision or machine.precision()


def pleat_step(network, model, steps, way):
    text = sh(BUILD / "tests/bench_step", model, network.size, BATCH, THREADS, precision_of(network), way, steps, cores=CORES[:1])
    return last_json(text)["images_per_second"]


def peer_step(network, steps, *what):
    """Result of a peer with the median over single steps, like bench_step's."""
    text = python(PEERS / "step.py", *what, "--size", network.size, "--classes", CLASSES, "--batch", BATCH, "--threads", THREADS,
                  "--precision", precision_of(network), "--warm-up", WARM_UP, "--steps", 1, "--repeats", steps, cores=CORES[:1])
    return last_json(text)


def peak(precision):
    """Billions of operations per second of matrix products."""
    return last_json(python(PEERS / "gemm.py", "--precision", precision, "--threads", THREADS, cores=CORES[:1]))["best"]


def measure_network(bench, network):
    steps = 3 if bench.quick else network.steps
    model = export(bench, network) if network.scripted else network.name
    runners = {"pleat": lambda _: pleat_step(network, model, steps, "fast"), "library": lambda _: pleat_step(network, model, steps, "library"),
               "eager": lambda _: peer_step(network, steps, "--model", network.name)["median"]}
    if network.scripted:
        runners["script"] = lambda _: peer_step(network, steps, "--script", model)["median"]
    else:
        runners["peak"] = lambda _: peak(precision_of(network))
    results = in_turn(runners, bench.turns(3))
    bench.keep(f"{network.name} {network.size}", results)
    rate = {name: median(of) for name, of in results.items()}
    peer = max(("eager", "script"), key=lambda name: rate.get(name, 0))
    bench.figure(f"{network.name} {network.size}×{network.size}, {precision_of(network)}, batch {BATCH}", rate["pleat"] / rate[peer], "×", network.target,
                 f"{rate['pleat']:.1f} images/s (library {rate['library']:.1f})", f"PyTorch, {peer}, {rate[peer]:.1f} images/s")
    if "peak" in rate:
        report_share(bench, network, rate["pleat"], rate["peak"])


def report_share(bench, network, rate, best):
    reached = rate * peer_step(network, 1, "--model", network.name)["gflop_per_image"]
    bench.figure(f"{network.name} {network.size}×{network.size}, {precision_of(network)}: share of the peak at matrix products", reached / best, "×",
                 pleat=f"{reached:.0f} GFLOP/s", peer=f"matrix products {best:.0f} GFLOP/s")


def run(bench):
    for network in NETWORKS:
        if bench.quick and (network.name not in QUICK or network.size > 64):
            continue
        try:
            measure_network(bench, network)
        except Skipped as lack:
            bench.note(f"not measured: {lack}")

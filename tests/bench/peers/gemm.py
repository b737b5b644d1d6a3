"""The machine's peak for matrix products, the main work of training. Prints JSON: billions of operations per second."""
import argparse
import json
import time

import torch

SIDES = (256, 512, 1024, 2048)


def best_rate(side, dtype, repeats):
    """Billions of operations per second of the fastest product. A multiply-add is two operations."""
    a, b = torch.randn(side, side).to(dtype), torch.randn(side, side).to(dtype)
    out = torch.empty(side, side, dtype=dtype)
    torch.mm(a, b, out=out)
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        torch.mm(a, b, out=out)
        seconds.append(time.perf_counter() - start)
    return 2 * side**3 / min(seconds) / 1e9


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--precision", choices=("bf16", "fp32"), default="bf16")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=10)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    dtype = torch.bfloat16 if options.precision == "bf16" else torch.float32
    rates = {side: best_rate(side, dtype, options.repeats) for side in SIDES}
    print(json.dumps({**vars(options), "gflops": rates, "best": max(rates.values())}))


if __name__ == "__main__":
    main()

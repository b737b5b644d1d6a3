"""The CUDA devices of this machine. As a program: if there are none, prints the reason in one line and returns 1."""
import os
import sys

import torch


def count():
    return torch.cuda.device_count()


def lack():
    """One line with the reason why LibTorch can use no CUDA device here; empty if it can."""
    if torch.cuda.is_available():
        return ""
    try:
        torch.cuda.init()
        reason = "it sees none"
    except (AssertionError, RuntimeError) as error:
        reason = str(error).partition(". ")[0]
    return f"no CUDA device that LibTorch can use: {reason}"


def visible(number):
    """Value of CUDA_VISIBLE_DEVICES for only the first `number` devices visible to this process."""
    given = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    names = given.split(",") if given else [str(index) for index in range(number)]
    return ",".join(names[:number])


if __name__ == "__main__":
    if lack():
        print(lack())
        sys.exit(1)

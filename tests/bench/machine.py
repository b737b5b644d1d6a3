"""Describes the machine: timings mean nothing without it."""
import datetime
import importlib.metadata
import os
import pathlib
import platform

import measure

FLAGS = ("avx512_bf16", "amx_bf16")


def cpu_line(name):
    """Value of the first line in /proc/cpuinfo with this name."""
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.partition(":")[0].strip() == name:
            return line.partition(":")[2].strip()
    return ""


def flags():
    """CPU flags for bf16 multiplication in hardware."""
    return [flag for flag in FLAGS if flag in cpu_line("flags").split()]


def has_amx():
    return "amx_bf16" in flags()


def precision():
    """The precision that pleat's `auto` chooses on this CPU."""
    return "bf16" if flags() else "fp32"


def describe():
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {"cpu": cpu_line("model name") or platform.machine(), "cores": len(measure.CORES), "flags": flags(), "memory_gb": round(memory / 2**30, 1),
            "torch": importlib.metadata.version("torch"), "python": platform.python_version(), "kernel": platform.release(),
            "pleat": measure.sh(measure.PLEAT, "--version").strip().splitlines()[0],
            "date": datetime.date.today().isoformat(), "load_before": f"{os.getloadavg()[0]:.1f}"}

"""What this machine computes with, and at which precision it is fast."""

from __future__ import annotations

import os
import platform
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, Literal

# Every shape of a batch costs oneDNN a compiled kernel. By default it keeps 1,024 with their packed
# weights, 300 MB more on a large pool; with 16 a training compiles anew in each step what it had
# (recipes/LOG.md). It reads this at its first use.
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "256")

#: How the threads of torch wait for each other, for the environment of a process that has not
#: loaded torch yet. Threads that spin as long as they like take the processor from all others, ten
#: times slower; threads that sleep at once take as long to wake up as small products take.
WAITING = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "3000"}

Device = Literal["cuda", "mps", "cpu"]
Precision = Literal["bf16", "fp32"]


@cache
def device() -> Device:
    """The kind of device that models run on: a CUDA or Apple GPU where there is one."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if torch.backends.mps.is_available():
        return "mps"
    return "cpu"


@cache
def precision() -> Precision:
    """The fastest precision that is safe here.

    bf16 where the device multiplies in it natively: CUDA from compute capability 8.0, CPUs with
    AMX or AVX-512 bf16 units. Elsewhere bf16 is emulated and slower than fp32.
    """
    import torch

    if device() == "cuda":
        return "bf16" if torch.cuda.get_device_capability() >= (8, 0) else "fp32"
    if device() == "cpu" and any(cpu_has(unit) for unit in ("amx_bf16", "avx512_bf16")):
        return "bf16"
    return "fp32"


def cpu_has(unit: str) -> bool:
    """Whether the processor lists an instruction set, by its name in /proc/cpuinfo."""
    return unit in _cpuinfo("flags").split()


def threads() -> int:
    """How many threads torch computes with in this process."""
    import torch

    return torch.get_num_threads()


def describe() -> dict[str, Any]:
    """The machine in a few plain words, for model cards and benchmark files."""
    import torch

    name = torch.cuda.get_device_name() if device() == "cuda" else _cpu_name()
    return {
        "device": device(),
        "name": name,
        "precision": precision(),
        "threads": threads(),
        "torch": str(torch.__version__),
    }


def peak_memory() -> int:
    """The most bytes that were resident in this process so far.

    On Linux not by `ru_maxrss`, which begins with the size of the process that started this one.
    """
    with suppress(OSError):
        lines = Path("/proc/self/status").read_text("utf-8").splitlines()
        for line in lines:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used if sys.platform == "darwin" else used * 1024


def _cpu_name() -> str:
    return _cpuinfo("model name") or platform.processor() or platform.machine()


@cache
def _cpuinfo(field: str) -> str:
    """What Linux says about the first processor; elsewhere nothing."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        return ""
    named = (line.partition(":") for line in lines)
    return next((value.strip() for name, _, value in named if name.strip() == field), "")

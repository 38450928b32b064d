"""What this machine computes at most, and how much a network asks of it."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

from alnlp import hardware
from alnlp.hardware import Precision

Shape = tuple[int, ...]
_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
#: Of square matrices; larger ones leave the caches and are slower.
_SIZES, _SIZES_CUDA = (1024, 2048), (4096, 8192)
_SECONDS_A_SIZE = 0.3
#: Token counts from which the cost of any other is told: it is quadratic in the length.
_LENGTHS = (8, 16, 32)


def _attention(query: Shape, key: Shape, value: Shape, *_: object, **__: object) -> int:
    return int(sdpa_flop_count(query, key, value))  # type: ignore[no-untyped-call]


#: Attention has a kernel of its own on CPUs, which the counter does not know.
_MORE = {torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: _attention}


def peak(precision: Precision) -> float:
    """The best rate of a matrix product here, in floating-point operations a second."""
    device = hardware.device()
    best = 0.0
    for size in _SIZES_CUDA if device == "cuda" else _SIZES:
        left, right = (
            torch.randn(size, size, device=device, dtype=_DTYPES[precision]) for _ in range(2)
        )
        _timed(lambda left=left, right=right: left @ right)  # type: ignore[misc]
        ends = time.perf_counter() + _SECONDS_A_SIZE
        while True:
            seconds = _timed(lambda left=left, right=right: left @ right)  # type: ignore[misc]
            best = max(best, 2.0 * size**3 / seconds)
            if time.perf_counter() > ends:
                break
    return best


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    if hardware.device() == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - began


def operations(step: Callable[[int], object], lengths: NDArray[np.int64]) -> NDArray[np.float64]:
    """The floating-point operations of a network on each text (N,): matrix products, attention.

    Args:
        step: runs it on one text of so many tokens.
        lengths: (N,) tokens of each text; padding is no work that anybody wants.
    """
    counts = []
    for length in _LENGTHS:
        with FlopCounterMode(display=False, custom_mapping=_MORE) as counter:
            step(length)
        counts.append(counter.get_total_flops())
    cost = np.polynomial.Polynomial.fit(_LENGTHS, counts, 2, domain=[])
    result: NDArray[np.float64] = cost(lengths.astype(np.float64))
    return result

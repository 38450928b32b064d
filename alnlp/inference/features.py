"""Embeddings of a pretrained network, made once for each pool and network and kept on disk."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from alnlp.errors import ModelError
from alnlp.inference.engine import Model, score
from alnlp.inference.tokens import TokenStore
from alnlp.progress import Progress, Step

#: Rows that reach the disk together: what an interrupted pass loses at most.
_ROWS_AT_ONCE = 2048


class Frozen(Model, Protocol):
    """A model whose embeddings never change (`alnlp.models.frozen.Probe` is one)."""

    @property
    def width(self) -> int:
        """D, the width of an embedding."""
        ...


def embeddings(
    path: Path, model: Frozen, tokens: TokenStore, progress: Progress | None = None
) -> NDArray[np.float16]:
    """The embeddings (N, D) of all texts of a token store, mapped from a file.

    Only those not in the file yet are made. Safe to interrupt: what was half-written is made again.

    Args:
        path: the file; its name has to change with the network.
        model: a network that does not change.
        tokens: of N texts, made by the model's tokenizer; rows never change once added.
        progress: told about rows done.

    Raises:
        ModelError: the disk refused.
    """
    width = model.width
    row_bytes = width * np.dtype(np.float16).itemsize
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):
            path.touch()
            done = path.stat().st_size // row_bytes
            os.truncate(path, done * row_bytes)
            if done < len(tokens):
                _append(path, model, tokens, done, progress)
    except OSError as error:
        raise ModelError(f"embeddings: cannot be kept in {path}: {error}") from error
    if not len(tokens):  # an empty file cannot be mapped
        return np.empty((0, width), np.float16)
    return np.memmap(path, dtype=np.float16, mode="r", shape=(len(tokens), width))


def _append(
    path: Path, model: Frozen, tokens: TokenStore, done: int, progress: Progress | None
) -> None:
    total = len(tokens)
    with path.open("ab") as file:
        for start in range(done, total, _ROWS_AT_ONCE):
            rows = np.arange(start, min(start + _ROWS_AT_ONCE, total))

            def tick(step: Step, start: int = start) -> None:
                if progress:
                    progress(Step("embed", start + step.done, total, "texts"))

            file.write(score(model, tokens, rows, progress=tick).embeddings.tobytes())
            file.flush()
            os.fsync(file.fileno())

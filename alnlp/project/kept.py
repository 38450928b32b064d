"""Signals of a pool on disk: arrays by name, and the pool rows that they speak of."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alnlp.errors import ProjectError


class KeptSignals:
    """A folder that may hold signals.

    Attributes:
        folder: where they lie.
    """

    folder: Path

    @property
    def reader(self) -> str:
        """Who says what is kept here; another name as soon as it is something else."""
        raise NotImplementedError

    @cached_property
    def is_scored(self) -> bool:
        """Whether it holds signals for the pool."""
        return (self.folder / "rows.npy").exists()

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """(M,) ascending pool rows that were scored."""
        return self._array("rows")

    @cached_property
    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """What the model said of the M rows, by name, memory-mapped."""
        names = sorted(path.stem for path in self.folder.glob("[!.]*.npy"))
        return {name: self._array(name) for name in names}

    def open_signals(self) -> None:
        """Map the arrays now: what is mapped stays readable when the round is pruned."""
        if self.is_scored:
            self.rows, self.arrays  # noqa: B018 - for their caches

    def _array(self, name: str) -> NDArray[Any]:
        try:
            path = self.folder / f"{name}.npy"
            array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
            if not array.size:  # an empty file cannot stay mapped
                array = np.load(path, allow_pickle=False)
        except FileNotFoundError:
            raise
        except (OSError, ValueError, EOFError) as error:
            raise damaged(self.folder, error) from error
        return array

    def positions(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where each pool row stands in the arrays; -1 where it was not scored."""
        if not self.is_scored:
            return np.full(len(rows), -1, dtype=np.int64)
        return places(self.rows, rows)


def places(known: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each of some rows stands among ascending known ones; -1 where it is not there."""
    if not len(known):
        return np.full(len(rows), -1, dtype=np.int64)
    found = np.minimum(np.searchsorted(known, rows), len(known) - 1)
    return np.where(known[found] == rows, found, -1)


def damaged(folder: Path, error: Exception) -> ProjectError:
    """The error for a round that cannot be read."""
    what = " ".join(str(error).split())
    return ProjectError(
        f"{folder}: a damaged round ({what}); remove this folder to go on with the round before"
    )


def save_signals(folder: Path, rows: NDArray[np.int64], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write the signals of M scored rows; `rows.npy` comes last, since it says they are there."""
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array, allow_pickle=False)
    temporary = folder / ".rows.npy"
    np.save(temporary, rows, allow_pickle=False)
    temporary.replace(folder / "rows.npy")

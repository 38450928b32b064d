"""What the pretrained network says of a pool, before anything has been learnt."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alnlp.errors import ProjectError
from alnlp.models import split, weights
from alnlp.project.kept import KeptSignals, save_signals
from alnlp.project.settings import Settings

_INFO, _OLD = "cold.json", ".old-"
#: How often to look again where the files are being replaced.
_TRIES = 20
#: The embeddings of words that are kept along.
NEEDS = frozenset({"label_embeddings", "query_embeddings"})


@dataclass(frozen=True)
class ColdStart(KeptSignals):
    """Signals of the pretrained network.

    Attributes:
        folder: where they lie.
    """

    folder: Path

    @property
    def reader(self) -> str:
        """Who says what is kept here, and since when."""
        since = (self.folder / "rows.npy").stat().st_mtime_ns
        return f"the pretrained network, {since}"

    @staticmethod
    def of(project: Path, settings: Settings) -> ColdStart | None:
        """Those that were kept for these settings, if there are any."""
        folder = project / "cache" / "cold"
        for _ in range(_TRIES):
            try:
                made_for = json.loads((folder / _INFO).read_text(encoding="utf-8"))
                found = ColdStart(folder)
                found.open_signals()
                if len(found.rows) == len(found.arrays["embeddings"]):
                    return found if made_for == _key(settings) else None
            except (OSError, ValueError, KeyError, ProjectError):
                if not any(folder.parent.glob(f"{_OLD}*")) and not folder.exists():
                    return None
                # In this moment another process puts newer ones in their place.
        return None

    @staticmethod
    def write(
        project: Path,
        settings: Settings,
        rows: NDArray[np.int64],
        arrays: Mapping[str, NDArray[Any]],
    ) -> ColdStart:
        """Keep signals of M pool rows in place of older ones."""
        folder = project / "cache" / "cold"
        temporary = folder.with_name(f".writing-{os.getpid()}")
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        save_signals(temporary, rows, arrays)
        (temporary / _INFO).write_text(json.dumps(_key(settings)), encoding="utf-8")
        old = folder.with_name(f"{_OLD}{os.getpid()}")
        if folder.exists():
            folder.rename(old)
        temporary.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
        return ColdStart(folder)


def _key(settings: Settings) -> dict[str, Any]:
    return {"model": settings.model, "weights": weights(split(settings.model)[1])}

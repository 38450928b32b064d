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

from alnlp.project.kept import KeptSignals, save_signals
from alnlp.project.settings import Settings

_INFO = "cold.json"
#: The embeddings of words that are kept along.
NEEDS = frozenset({"label_embeddings", "query_embeddings"})


@dataclass(frozen=True)
class ColdStart(KeptSignals):
    """Signals of the pretrained network.

    Attributes:
        folder: where they lie.
    """

    folder: Path

    @staticmethod
    def of(project: Path, settings: Settings) -> ColdStart | None:
        """Those that were kept for these settings, if there are any."""
        folder = project / "cache" / "cold"
        try:
            made_for = json.loads((folder / _INFO).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return ColdStart(folder) if made_for == _key(settings) else None

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
        shutil.rmtree(folder, ignore_errors=True)
        temporary.rename(folder)
        return ColdStart(folder)


def _key(settings: Settings) -> dict[str, Any]:
    return {"model": settings.model, "queries": list(settings.queries)}

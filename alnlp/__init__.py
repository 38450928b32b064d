"""alnlp: active learning for text, from the first label to the trained model.

`Project` is the whole of it: `create`, `ask`, `tell`, `train`, `predict`, `export`. `simulate` is a
loop over those methods with an oracle in place of the person.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alnlp.errors import (
        AlnlpError,
        Cancelled,
        DataError,
        MissingExtra,
        ModelError,
        ProjectError,
        StoreError,
        StrategyError,
    )
    from alnlp.project import Batch, Project, Round
    from alnlp.simulation import Simulation, simulate

_HOMES = {
    "alnlp.errors": (
        "AlnlpError",
        "Cancelled",
        "DataError",
        "MissingExtra",
        "ModelError",
        "ProjectError",
        "StoreError",
        "StrategyError",
    ),
    "alnlp.project": ("Batch", "Project", "Round"),
    "alnlp.simulation": ("Simulation", "simulate"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [  # noqa: RUF022 - in the order in which a reader meets them
    "Project",
    "Batch",
    "Round",
    "simulate",
    "Simulation",
    "AlnlpError",
    "Cancelled",
    "DataError",
    "MissingExtra",
    "ModelError",
    "ProjectError",
    "StoreError",
    "StrategyError",
]

try:
    __version__ = version("alnlp")
except PackageNotFoundError:  # a source tree that was not installed
    __version__ = "0"


def __getattr__(name: str) -> Any:
    # Imported on first use, so that `import alnlp` and `alnlp --help` stay quick.
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'alnlp' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]

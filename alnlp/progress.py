"""How far a long action has come, told to whoever called it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """One report from a long action.

    Attributes:
        phase: what is being done: "import", "tokenise", "probe", "train", "evaluate" or "score".
        done: how many units are finished, 0 to total.
        total: how many units the phase has; None where nobody knows.
        unit: what is counted, in the plural ("texts", "steps").
    """

    phase: str
    done: int
    total: int | None
    unit: str


#: Called from time to time; it may raise `alnlp.errors.Cancelled`, which ends the action cleanly.
Progress = Callable[[Step], None]

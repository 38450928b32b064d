"""What a person decides about a project once, and may change later."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from alnlp.errors import ProjectError


@dataclass(frozen=True)
class Settings:
    """The settings of a project, kept in its store.

    Attributes:
        model: a name of the model catalogue, a hub id, or a local folder.
        strategy: a name of the strategy catalogue.
        batch_size: examples in a batch; a retraining is due after as many answers.
        seed: of every random draw and every training.
        guidelines: what annotators are told, as plain text.
        lease_hours: how long an example stays reserved for an annotator who does not answer.
        keep_rounds: the newest rounds whose weights stay on disk; metrics stay for ever.
    """

    model: str = "minilm"
    strategy: str = "margin"
    batch_size: int = 20
    seed: int = 0
    guidelines: str = ""
    lease_hours: float = 24.0
    keep_rounds: int = 2

    def __post_init__(self) -> None:
        for name, least in (("batch_size", 1), ("seed", 0), ("lease_hours", 0), ("keep_rounds", 1)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or value < least:
                raise ProjectError(f"{name}: got {value!r}, expected a number of at least {least}")

    @staticmethod
    def of(values: dict[str, Any]) -> Settings:
        """Settings from a dict; unknown names are refused with the list of known ones."""
        known = [field.name for field in fields(Settings)]
        for name in values:
            if name not in known:
                raise ProjectError(f"settings: got {name!r}, expected one of {', '.join(known)}")
        return Settings(**values)

    def to_dict(self) -> dict[str, Any]:
        """The settings as JSON-able values."""
        return asdict(self)

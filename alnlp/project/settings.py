"""What a person decides about a project once, and may change later."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from alnlp.errors import ProjectError

_WHOLE_NUMBERS = (
    ("batch_size", 1, 10_000),
    ("seed", 0, 2**32 - 1),
    ("keep_rounds", 1, 10_000),
    ("score_limit", 100, 10**9),
)


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
        queries: words or texts that people search the pool by, for the strategy "seeded".
        keep_rounds: the newest rounds whose weights stay on disk; metrics stay for ever.
        score_limit: texts that a round reads at most, for a batch within seconds from a pool of
            millions: those that the round before was unsure of, and others drawn at random.
        audit_share: of all examples handed out, how many are drawn at random and held out of
            training to measure the model by; 0 for none.
        blind_share: of all examples handed out, on how many, drawn at random, the model's
            suggestion is withheld, to measure how far suggestions sway the answers; 0 to 1.
    """

    model: str = "auto"
    strategy: str = "margin"
    batch_size: int = 20
    seed: int = 0
    guidelines: str = ""
    lease_hours: float = 24.0
    keep_rounds: int = 2
    queries: tuple[str, ...] = ()
    score_limit: int = 20_000
    audit_share: float = 0.0
    blind_share: float = 0.0

    def __post_init__(self) -> None:
        queries: Any = self.queries
        if isinstance(queries, str) or not all(isinstance(q, str) and q.strip() for q in queries):
            raise ProjectError(f"queries: got {queries!r}, expected a list of texts, none empty")
        object.__setattr__(self, "queries", tuple(queries))  # JSON gives lists
        for name, least, most in _WHOLE_NUMBERS:
            value = getattr(self, name)
            if type(value) is not int or not least <= value <= most:
                raise ProjectError(
                    f"{name}: got {value!r}, expected a whole number from {least} to {most}"
                )
        hours = self.lease_hours
        if (
            isinstance(hours, bool)
            or not isinstance(hours, int | float)
            or not 0.1 <= hours <= 8760
        ):
            raise ProjectError(f"lease_hours: got {hours!r}, expected 0.1 to 8760 hours")
        for name, top in (("audit_share", 0.5), ("blind_share", 1)):
            share = getattr(self, name)
            number = isinstance(share, int | float) and not isinstance(share, bool)
            if not (number and 0 <= share <= top):
                raise ProjectError(f"{name}: got {share!r}, expected 0 to {top}")
        for name in ("model", "strategy", "guidelines"):
            value = getattr(self, name)
            if not isinstance(value, str) or not (value.strip() or name == "guidelines"):
                raise ProjectError(f"{name}: got {value!r}, expected a text that is not empty")

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
        return {**asdict(self), "queries": list(self.queries)}

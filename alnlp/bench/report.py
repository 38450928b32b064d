"""What a benchmark found, as JSON and as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Report:
    """The figures of one benchmark, all of them measured in one run.

    Attributes:
        about: what was measured on what, by name.
        rows: the figures; all rows have the same names, None where a figure has no meaning.
        notes: how to read them.
    """

    about: dict[str, Any]
    rows: Sequence[dict[str, Any]]
    notes: Sequence[str] = ()

    def to_json(self) -> dict[str, Any]:
        """The report as JSON-able values."""
        return {"about": self.about, "rows": list(self.rows), "notes": list(self.notes)}

    def table(self) -> str:
        """The figures as a Markdown table, the rest around it."""
        about = ", ".join(f"{name} {value}" for name, value in self.about.items())
        names = list(self.rows[0])
        cells = [[_shown(row[name]) for name in names] for row in self.rows]
        widths = [max(len(text) for text in column) for column in zip(names, *cells, strict=True)]
        lines = ["| " + " | ".join(map(str.ljust, line, widths)) + " |" for line in (names, *cells)]
        lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
        return "\n".join([about, "", *lines, *([""] if self.notes else []), *self.notes])


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 100 else f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value)

"""What an import did, for a person and for the project's files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from alnlp.data.rows import Rejected
from alnlp.errors import DataError

_SHOWN = 5


@dataclass(frozen=True)
class ImportReport:
    """The outcome of one import.

    Attributes:
        source: the name of the file or data set.
        text_column: the column the texts came from.
        label_column: the column the labels came from, None for none.
        read: rows read, usable or not.
        added: rows that are new in the pool.
        folded: usable rows whose exact text was there already; the first one stays, with the first
            label that the import has for it.
        conflicts: folded rows with another label than the one kept.
        near_duplicates: added rows that have a near-duplicate in the pool.
        labelled: added rows with a label.
        label_counts: added rows per label, sorted by name.
        rejected: rows that cannot be used.
        rejections: the first 1,000 of them.
        rejected_file: the name of the file, in the pool's folder, with all of them; None for none.
        repaired: rows with mistakes that allow one reading only, which was taken.
        repairs: what was repaired, by line; the first 1,000 of them.
    """

    source: str
    text_column: str
    label_column: str | None
    read: int
    added: int
    folded: int
    conflicts: int
    near_duplicates: int
    labelled: int
    label_counts: Mapping[str, int] = field(default_factory=dict)
    rejected: int = 0
    rejections: tuple[Rejected, ...] = ()
    rejected_file: str | None = None
    repaired: int = 0
    repairs: tuple[str, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the labels found, sorted."""
        return tuple(self.label_counts)

    def summary(self) -> list[str]:
        """Plain lines for a person."""
        lines = [
            f"{self.source}: read {self.read:,} rows, added {self.added:,} examples",
            f"text from column {self.text_column!r}, "
            + (f"labels from {self.label_column!r}" if self.label_column else "no label column"),
        ]
        if self.labelled:
            lines.append(f"{self.labelled:,} with a label, {len(self.labels)} different labels")
        if self.folded:
            lines.append(f"{self.folded:,} exact duplicates folded into the first of each")
        if self.conflicts:
            lines.append(f"{self.conflicts:,} of these had another label than the first one found")
        if self.near_duplicates:
            lines.append(f"{self.near_duplicates:,} have a near-duplicate in the pool")
        if self.repaired:
            lines.append(f"{self.repaired:,} rows were repaired:")
            lines += [f"  {what}" for what in self.repairs[:_SHOWN]]
        if self.repaired > _SHOWN:
            lines.append(f"  and {self.repaired - _SHOWN:,} more")
        if self.rejected:
            lines.append(f"{self.rejected:,} rows cannot be used:")
            lines += [f"  line {bad.line}: {bad.reason}" for bad in self.rejections[:_SHOWN]]
        if self.rejected > _SHOWN:
            lines.append(f"  and {self.rejected - _SHOWN:,} more, all in {self.rejected_file}")
        return lines

    def to_json(self) -> str:
        """The report as a JSON object."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> ImportReport:
        """The report that `to_json` wrote.

        Raises:
            DataError: it is no such report.
        """
        try:
            values: dict[str, Any] = json.loads(text)
            rejections = tuple(Rejected(**bad) for bad in values.pop("rejections"))
            repairs = tuple(values.pop("repairs", ()))
            return cls(**values, rejections=rejections, repairs=repairs)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise DataError(f"import report: not one that this program wrote ({error})") from error

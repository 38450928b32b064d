"""One text and its stable name."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


def example_id(text: str) -> str:
    """The stable id of a text: 16 hexadecimal digits (64 bits) of the BLAKE2b hash of its UTF-8.

    It depends on the content alone, so annotations find their text again whatever the order, the
    file or the machine.
    """
    return hashlib.blake2b(text.encode("utf-8"), digest_size=8).hexdigest()


@dataclass(frozen=True)
class Example:
    """One text of the pool.

    Attributes:
        id: `example_id(text)`.
        text: exactly as imported.
        meta: the other columns of its row, for display and export; never used for training.
    """

    id: str
    text: str
    meta: Mapping[str, Any] = field(default_factory=dict)

"""Every word that the workbench shows, one file for each language: translate `en.json` alone.

`{holes}` are filled with values; pairs of texts are [for one, for many]. What comes from `alnlp` is
English: a translation has its words for it under "said", by the English sentence. What it has no
words for, such as what a failure says, stays English.
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

ENGLISH = "en"


def _read() -> dict[str, dict[str, dict[str, Any]]]:
    found = sorted(files(__name__).iterdir(), key=lambda file: file.name)
    return {
        file.name.removesuffix(".json"): json.loads(file.read_text("utf-8"))
        for file in found
        if file.name.endswith(".json")
    }


#: language -> screen -> name -> text
TEXTS = _read()


def language(accepted: str) -> str:
    """The language to show to somebody: the one they like best of those there are.

    Args:
        accepted: the header Accept-Language of a request, such as "de-CH,de;q=0.9,en;q=0.8".
    """
    liked = [_liking(part) for part in accepted.split(",")]
    known = [(q, name) for q, name in liked if q > 0 and name in TEXTS]
    return max(known, key=lambda one: one[0], default=(1.0, ENGLISH))[1]


def _liking(part: str) -> tuple[float, str]:
    """How much one language of a list is liked, 0 to 1, and its short name."""
    name, _, weight = part.replace(" ", "").lower().partition(";q=")
    try:
        q = float(weight or 1)
    except ValueError:
        q = 0.0
    return q, name.partition("-")[0]

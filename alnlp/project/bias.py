"""Suggestion bias: how much more often people give the answer that a model suggests to them.

On a random share of the examples the suggestion is withheld, but kept with the answer. What people
answer there is what they think by themselves; where the suggestion was shown they agree with it at
least as often, and the difference is what seeing it does. Berzak and others, "Anchoring and
Agreement in Syntactic Annotations", EMNLP 2016, find such an effect in treebanks.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from statistics import median
from typing import Any

from alnlp.metrics import intervals
from alnlp.metrics.intervals import Estimate
from alnlp.project.browsing import accepted
from alnlp.store import Event, Ledger


def is_blind(uid: str, example_id: str, share: float) -> bool:
    """Whether the suggestion is withheld: by lot, but always the same for an example of a project.

    Args:
        uid: of the project.
        example_id: the example.
        share: of all examples, 0 to 1; a larger one withholds more, and those of a smaller one.
    """
    drawn = blake2b(f"{uid}/{example_id}".encode(), digest_size=8).digest()
    return int.from_bytes(drawn) < share * 2**64


def report(ledger: Ledger) -> dict[str, Any]:
    """How often people's answers are what was suggested, with the suggestion shown and withheld.

    Counted are answers to examples for which there was a draw, by the newest of each annotator.

    Returns:
        JSON-able: "shown" and "hidden", each with "n" answers, how many were "accepted", the share
        "acceptance" with its interval of 95% ({"value", "low", "high"}) and the median "seconds"
        that an answer took, these None where nothing is known; and "difference", by how much the
        acceptance of what was shown is higher, with its interval, None unless there are both.
    """
    drawn = [event for by in ledger.answers().values() for event in by.values()]
    drawn = [event for event in drawn if event.blind is not None and event.suggestion is not None]
    shown = [event for event in drawn if not event.blind]
    hidden = [event for event in drawn if event.blind]
    seen, unseen = _rate(shown), _rate(hidden)
    more = intervals.of_unpaired(seen, unseen) if seen and unseen else None
    return {
        "shown": _side(shown, seen),
        "hidden": _side(hidden, unseen),
        "difference": more and more.to_json(),
    }


def _rate(events: Sequence[Event]) -> Estimate | None:
    return intervals.of_rate(sum(map(accepted, events)), len(events)) if events else None


def _side(events: Sequence[Event], rate: Estimate | None) -> dict[str, Any]:
    timed = [event.seconds for event in events if event.seconds is not None]
    return {
        "n": len(events),
        "accepted": sum(map(accepted, events)),
        "acceptance": rate and rate.to_json(),
        "seconds": median(timed) if timed else None,
    }

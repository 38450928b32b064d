"""Handing out: what an annotator holds, filled up by the strategy and by the audit sample."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from alnlp.project import audit, browsing
from alnlp.project.candidates import Known
from alnlp.project.creating import IMPORTED
from alnlp.project.selection import Amount, Choice, choose
from alnlp.project.settings import Settings
from alnlp.store import Lease, LeaseRequest, Ledger
from alnlp.strategies import Strategy

if TYPE_CHECKING:
    from alnlp.project.state import State

Rows = NDArray[np.int64]


def open_leases(state: State, annotator: str) -> list[Lease]:
    """What the annotator was given and has to answer still; the rest is given back.

    What they found by a search and wanted to be asked about comes first, the newest search
    before earlier ones.

    Given back is what somebody has answered meanwhile, and what is a near-duplicate of a lease
    that is newer, such as one that an undo has brought back.
    """
    mine = state.store.leases(annotator)
    with state.refreshed() as ledger:
        answered = ledger.labels()
        unanswered = [lease for lease in mine if lease.example_id not in answered]
        rows = state.pool.rows([lease.example_id for lease in unanswered])
        newest = dict(zip(state.pool.groups[rows].tolist(), unanswered, strict=True))
    kept = [lease for lease in unanswered if lease in newest.values()]
    if len(kept) < len(mine):
        state.store.release(annotator, keep=[lease.example_id for lease in kept])
    searched = [lease for lease in kept if lease.strategy == browsing.SEARCH]
    searched.sort(key=lambda lease: lease.created_at, reverse=True)
    return searched + [lease for lease in kept if lease.strategy != browsing.SEARCH]


def hand_out(
    state: State,
    amount: Amount,
    annotator: str,
    strategy: str | Strategy | None,
    keep: Collection[str] | None = None,
) -> tuple[list[Lease], int, str | None]:
    """What the annotator holds, filled up by the strategy; how many are fresh; a notice.

    With `keep`, ids, the rest of what they hold is given back first. While one annotator is served
    all others wait, so that nobody is given meanwhile what this one still has in sight.
    """
    ttl = state.settings.lease_hours * 3600
    notice = None
    with state.asking:
        if keep is not None:
            state.store.release(annotator, keep)
        mine = open_leases(state, annotator)
        held = len(mine[: amount.texts])
        while amount.texts is None or len(mine) < amount.texts:
            choice = _choose(state, mine, amount, annotator, strategy)
            notice = choice.notice or notice
            if not len(choice.rows):
                break
            requests = [
                LeaseRequest(state.pool.ids[row], choice.why, choice.strategy)
                for row in choice.rows.tolist()
            ]
            granted = state.store.lease(requests, annotator, uuid.uuid4().hex, ttl)
            # Another process may have been faster with some of them: then ask for the rest.
            mine = open_leases(state, annotator)
            if amount.tokens is not None and len(granted) == len(requests):
                break  # a budget is hardly ever used up to the last word
        state.store.renew(annotator, ttl)
        handed = mine[: amount.texts]
        return handed, len(handed) - held, notice if handed else _nothing_left(state, annotator)


def _nothing_left(state: State, annotator: str) -> str:
    """Why an annotator is handed nothing, in a sentence."""
    leases = state.store.leases()
    with state.refreshed() as ledger:
        answered = ledger.labels().keys()
        skipped = ledger.skipped(annotator) - answered
    holders = [x.annotator for x in leases if x.example_id not in answered | skipped]
    rest = [f"{len(holders)} reserved by {', '.join(sorted({*holders}))}"] if holders else []
    rest += [f"{len(skipped)} skipped by {annotator}"] if skipped else []
    every = "example that is not in the test set" if len(state.held_out) else "example"
    return f"every {every} is answered" + (f", but for {' and '.join(rest)}" if rest else "")


def _choose(
    state: State,
    mine: Sequence[Lease],
    amount: Amount,
    annotator: str,
    strategy: str | Strategy | None,
) -> Choice:
    """What the strategy takes for this annotator, besides what `mine` holds already."""
    # Leases are read before answers: an answer ends its lease, so what is answered in between
    # is seen at least once.
    leased = [lease.example_id for lease in state.store.leases()]
    settings, newest, kept = state.settings, state.newest_round, state.kept()
    with state.refreshed() as ledger:
        pool, reserved, drawn = state.pool, state.reserved(ledger), state.drawn(ledger)
        labels = ledger.labels()
        waiting = pool.rows([example for example in leased if example not in labels])
        known = _known(state, ledger, settings, np.setdiff1d(waiting, reserved))
        answered = [*labels, *ledger.skipped(annotator), *leased]
        entropy = [settings.seed, newest.number if newest else 0, ledger.seq, len(leased)]
        taken = np.concatenate([pool.rows(answered), state.held_out])
        said = {*labels, *ledger.all_skipped()} - _unasked(ledger)
        asked = pool.rows(said.union(leased))
    rng = np.random.default_rng(entropy)
    held = pool.rows([lease.example_id for lease in mine])
    free = audit.apart(pool, reserved[~np.isin(reserved, taken)], held)
    left = amount.left(pool, held)
    more = left if amount.tokens is None else audit.texts_in(pool, free, left)
    for_audit = free[: audit.due(settings.audit_share, asked, drawn, more)]
    if amount.tokens is not None and len(held):  # only a batch of one may exceed the budget
        words = np.cumsum([len(pool.words(row)) for row in for_audit.tolist()])
        for_audit = for_audit[words <= left]
    # A choice may take seconds, so nobody has to wait for it.
    chosen = choose(
        pool,
        state.task,
        kept,
        known,
        strategy=settings.strategy if strategy is None else strategy,
        amount=amount,
        taken=np.concatenate([taken, reserved]),
        mine=np.concatenate([held, for_audit]),
        rng=rng,
    )
    if chosen.exhausted:
        for_audit = free[: more if len(held) else max(more, 1)]  # one may exceed the budget
    if not len(for_audit):
        return chosen
    state.draw(for_audit)
    return replace(chosen, rows=rng.permutation(np.concatenate([chosen.rows, for_audit])))


def _known(state: State, ledger: Ledger, settings: Settings, pending: Rows) -> Known:
    """What strategies may know beside what a model says; `pending` is handed out."""
    answers = state.taught(ledger)
    rows = dict(zip(answers, state.pool.rows(list(answers)).tolist(), strict=True))
    given = ledger.answers()

    def seconds() -> dict[int, float]:
        return {
            row: float(np.median(timed))
            for example, row in rows.items()
            if (timed := [event.seconds for event in given[example].values() if event.seconds])
        }

    said = {rows[i]: answer for i, answer in answers.items()}
    return Known(said, seconds, settings.queries, pending)


def _unasked(ledger: Ledger) -> set[str]:
    """The ids of the examples that were answered by a file or in one go alone."""
    return {
        example
        for example, given in ledger.answers().items()
        if all(by == IMPORTED or event.bulk is not None for by, event in given.items())
    }

"""Finding examples: by words, by meaning, by likeness; and asking about what was found."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from alnlp.data import Pool
from alnlp.data.terms import Term, folded, hits, parse
from alnlp.errors import DamagedError, ProjectError
from alnlp.models import split
from alnlp.project import browsing, handing
from alnlp.project.browsing import SEARCH, Found, Which
from alnlp.project.cold import ColdStart
from alnlp.project.selection import Batch
from alnlp.project.state import State
from alnlp.store import LeaseRequest
from alnlp.store.wordindex import WordIndex

if TYPE_CHECKING:
    from alnlp.models.frozen import Probe

Rows = NDArray[np.int64]
Vector = NDArray[np.float32]
By = Literal["words", "meaning"]

#: So many of the closest examples are given; beyond, an order means little.
MOST = 1000
_AT_ONCE = 2048
#: What a rejected example counts against a wanted one.
_AGAINST = 0.5


class Finding:
    """The part of a project that finds examples; see `Project`."""

    _state: State

    def search(
        self,
        query: str = "",
        *,
        by: By = "words",
        like: Sequence[str] = (),
        unlike: Sequence[str] = (),
        embedding: Vector | None = None,
        which: Which = "all",
        label: str | None = None,
        limit: int = 50,
        offset: int = 0,
    ) -> tuple[list[Found], int]:
        """Examples that a query or other examples describe, and how many there are in all.

        By words they come in pool order: a text must contain every word of the query, in any
        order, or what goes on from it ("refund" finds "refunds"), and every "phrase in quotes" as
        it stands; case and accents do not matter. By meaning the closest come first, at most
        `MOST`, by the cosine of embeddings; that takes `prepare`, and sees what it has read.

        Args:
            query: words and phrases, or for "meaning" anything; all examples where it is empty.
            by: "words" or "meaning".
            like: ids of examples to find others like, for which "meaning" is needed as well.
            unlike: ids of examples to stay away from.
            embedding: (D,) of the query, where another process has made it, see `embed`.
            which: "all", "answered", "unanswered" or "flagged".
            label: only examples whose answer carries this label.
            limit: at most so many.
            offset: after so many.

        Raises:
            ProjectError: `by` or `which` is unknown, or by meaning no text that it takes was read.
        """
        for name, value, known in (("by", by, get_args(By)), ("which", which, get_args(Which))):
            if value not in known:
                raise ProjectError(f"{name}: got {value!r}, expected one of {', '.join(known)}")
        state = self._state
        terms = parse(query)
        if (by == "meaning" and query.strip()) or like:
            cold = self._read()
            wanted = _wanted(state, cold, query, like, unlike, embedding)
            with state.refreshed() as ledger:
                rows = browsing.passing(state.pool, state.task, ledger, which, label)
                rows = rows[~np.isin(rows, state.pool.rows([*like, *unlike]))]
            rows = closest(cold, rows, wanted)
        else:
            found = self._with_words(query, terms)
            with state.refreshed() as ledger:
                rows = browsing.passing(state.pool, state.task, ledger, which, label)
            rows = rows if found is None else rows[_marked(found, rows)]
        with state.refreshed() as ledger:
            items = state.found(ledger, rows[offset : offset + limit])
        return [replace(item, hits=hits(item.example.text, terms)) for item in items], len(rows)

    def found(self, example_ids: Sequence[str]) -> list[Found]:
        """All that is known about some examples."""
        with self._state.refreshed() as ledger:
            return self._state.found(ledger, self._state.pool.rows(list(example_ids)))

    @property
    def unread(self) -> int:
        """How many examples a search by meaning cannot see, since `prepare` has not read them."""
        cold = ColdStart.of(self._state.folder, self._state.settings)
        return len(self._state.pool) - (len(cold.rows) if cold else 0)

    def ask_about(
        self, example_ids: Sequence[str], *, annotator: str = "me", why: str = "you searched for it"
    ) -> Batch:
        """Hand out these examples to an annotator before any others; `ask` gives them first.

        Left out is what is answered, handed out to somebody else, a near-duplicate of another one,
        or must not be chosen since models are measured by it.

        Args:
            example_ids: the examples, in the order in which to ask.
            annotator: for whom.
            why: told beside each example.

        Returns:
            What will be asked, with a notice if that is not all.
        """
        state = self._state
        wanted = list(dict.fromkeys(example_ids))
        with state.refreshed() as ledger:
            pool, rows = state.pool, state.pool.rows(wanted)
            apart = np.concatenate([state.held_out, state.reserved(ledger)])
            rows = rows[~np.isin(rows, np.union1d(apart, pool.rows(list(ledger.labels()))))]
            _, first = np.unique(pool.groups[rows], return_index=True)
            ids = [pool.ids[row] for row in rows[np.sort(first)].tolist()]
        mine = {lease.example_id for lease in state.store.leases(annotator)}
        state.store.release(annotator, keep=mine.difference(ids))  # to be handed out anew, in front
        requests = [LeaseRequest(example_id, why, SEARCH) for example_id in ids]
        ttl = state.settings.lease_hours * 3600
        leases = state.store.lease(requests, annotator, uuid.uuid4().hex, ttl)
        left = len(wanted) - len(leases)
        notice = f"{left} of {len(wanted)} cannot be asked for" if left else None
        return Batch(tuple(state.asked(leases)), notice)

    def asked_about(self, annotator: str = "me") -> list[str]:
        """The ids of what `ask_about` has handed out to an annotator and has no answer yet."""
        leases = handing.open_leases(self._state, annotator)
        return [lease.example_id for lease in leases if lease.strategy == SEARCH]

    def _with_words(self, query: str, terms: Sequence[Term]) -> Rows | None:
        """The ascending rows with every term; None where there is nothing to look for."""
        if not query.strip():
            return None
        with self._state.refreshed():
            pool = self._state.pool
        if not terms:  # signs alone, such as an emoji, are looked for as they are
            texts = enumerate(pool.texts())
            return np.array([row for row, text in texts if query.strip() in text], np.int64)
        file = self._state.folder / "cache" / "words.sqlite"
        try:
            return _look_up(file, pool, terms)
        except DamagedError:  # it is made of the texts alone
            return _look_up(file, pool, terms)

    def _read(self) -> ColdStart:
        cold = ColdStart.of(self._state.folder, self._state.settings)
        if cold is None:
            raise ProjectError(
                "search by meaning: no text has been read yet; call prepare() first, which reads "
                "all of them once"
            )
        return cold


def embed(model: str, text: str) -> Vector:
    """(D,) of a text, by the pretrained network of a project's model; see `Project.prepare`.

    Raises:
        ModelError: the network cannot be loaded.
    """
    from alnlp.project import learning

    made = learning.text_embeddings(_network(split(model)[1]), [text])
    return np.asarray(made[0], np.float32)


@lru_cache(maxsize=1)
def _network(checkpoint: str) -> Probe:
    from alnlp.models.frozen import encoder

    return encoder(checkpoint)


def _look_up(file: Path, pool: Pool, terms: Sequence[Term]) -> Rows:
    """The ascending rows with every term, by the index in a file, which a damaged one loses."""
    with closing(WordIndex.open(file)) as index:
        try:
            index.extend(
                len(pool), lambda a, b: (folded(text) for text in pool.texts(np.arange(a, b)))
            )
            rows = index.matching([(term.words, term.prefix) for term in terms])
        except DamagedError:
            index.throw_away()
            raise
    return rows[rows < len(pool)]


def _marked(found: Rows, rows: Rows) -> NDArray[np.bool_]:
    """Which of some rows were found: in linear time, since both may be millions."""
    there = np.zeros(1 + max(found.max(initial=0), rows.max(initial=0)), bool)
    there[found] = True
    marks: NDArray[np.bool_] = there[rows]
    return marks


def _wanted(
    state: State,
    cold: ColdStart,
    query: str,
    like: Sequence[str],
    unlike: Sequence[str],
    embedding: Vector | None,
) -> Vector:
    """(D,) what to be close to: the query and the mean of the examples, less that of the others.

    Rocchio, "Relevance Feedback in Information Retrieval", 1971.
    """
    parts = []
    if query.strip():
        parts.append(embed(state.settings.model, query) if embedding is None else embedding)
    with state.refreshed():
        liked, others = (_embeddings(state, cold, ids) for ids in (like, unlike))
    if len(liked):
        parts.append(unit(liked).mean(axis=0))
    if not parts:
        raise ProjectError(
            "like: none of these examples has been read yet; call prepare() first, which reads "
            "all texts once"
        )
    wanted = unit(np.stack(parts)).mean(axis=0)
    if len(others):
        wanted = wanted - _AGAINST * unit(others).mean(axis=0)
    return np.asarray(wanted, np.float32)


def _embeddings(state: State, cold: ColdStart, ids: Sequence[str]) -> Vector:
    places = cold.positions(state.pool.rows(list(ids)))
    return np.asarray(cold.arrays["embeddings"][places[places >= 0]], np.float32)


def closest(cold: ColdStart, rows: Rows, wanted: Vector, most: int = MOST) -> Rows:
    """Those of some ascending rows that point most in a direction (D,), the closest first.

    Of rows as close, the first comes first; rows that have not been read are left out.
    """
    places = cold.positions(rows)
    rows, places = rows[places >= 0], places[places >= 0]
    scores = cosines(cold.arrays["embeddings"], places, wanted)
    if len(rows) > most:
        bound = np.partition(scores, -most)[-most]
        among = scores >= bound
        rows, scores = rows[among], scores[among]
    return rows[np.argsort(-scores, kind="stable")[:most]]


def cosines(embeddings: NDArray[Any], places: Rows, wanted: Vector) -> Vector:
    """(M,) cosines of a direction (D,) and M of N embeddings (N, D), of which a few are read at
    once so that a pool need not fit into memory.
    """
    scores = np.empty(len(places), np.float32)
    direction = unit(wanted[None])[0]
    everything = len(places) == len(embeddings)
    for start in range(0, len(places), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        known = np.asarray(embeddings[part if everything else places[part]], np.float32)
        lengths = np.sqrt(np.einsum("nd,nd->n", known, known))
        scores[part] = (known @ direction) / np.maximum(lengths, np.finfo(np.float32).tiny)
    return scores


def unit(vectors: Vector) -> Vector:
    """(N, D) vectors at length 1; those of length 0 stay so."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, np.finfo(np.float32).tiny), np.float32)

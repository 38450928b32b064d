"""One pass of a tagger over many texts: entities, uncertainty and embeddings of each.

The pool streams through in chunks; of the tags of a chunk's words only what is said of its texts is
kept, so that memory does not grow with words times tags.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from alnlp.batch import Batch
from alnlp.data.words import Words, words_of
from alnlp.hardware import Precision
from alnlp.inference.decoding import best_paths
from alnlp.inference.layout import Plan, plans
from alnlp.inference.passes import each
from alnlp.inference.token_scores import NAMES, path_probabilities, text_scores
from alnlp.inference.tokens import TokenStore
from alnlp.progress import Progress, Step
from alnlp.signals import file_name
from alnlp.tags import entities

Rows = NDArray[np.int64]
Fetch = Callable[[Rows], tuple[list[str], list[Words]]]

#: Texts fetched at once, and the words that make a chunk of as many texts as it takes.
_TEXTS_AT_ONCE = 250
_WORDS_AT_ONCE = 50_000

SPAN = np.dtype([("start", "i4"), ("end", "i4"), ("label", "i2"), ("confidence", "f4")])

#: A text has an unsure part worth showing by itself if it is long and most of it is certain.
_LONG, _SURE, _AROUND = 40, 0.9, 2


class Window(Protocol):
    """A stretch of a text as a network reads it (`alnlp.models.alignment.Window` is one)."""

    @property
    def text(self) -> int:
        """The index of the text."""
        ...

    @property
    def ids(self) -> list[int]:
        """Token ids, special tokens included."""
        ...

    @property
    def words(self) -> range:
        """The words that this window answers for; each word is in one window's."""
        ...

    @property
    def first(self) -> list[int]:
        """For each of these words, the place of its first subword in `ids`."""
        ...


class TokenScorer(Protocol):
    """A network in evaluation mode.

    Attributes:
        pad_token_id: fills short rows.
        outputs: T, the number of tags.
        width: D, the width of an embedding.
        shares_rows: as of `engine.Scorer`.
    """

    pad_token_id: int
    outputs: int
    width: int
    shares_rows: bool

    def step(self, batch: Batch, places: Tensor) -> tuple[Tensor, Tensor]:
        """Log-probabilities (W, T) at places in the flattened ids, and embeddings (n, D)."""
        ...


class TagModel(Protocol):
    """What is asked of a trained tagger (`alnlp.models.tagger.Tagger` is one)."""

    def windows(self, texts: Sequence[str], words: Sequence[Words]) -> Sequence[Window]:
        """The texts as the network reads them."""
        ...

    def scorer(self, precision: Precision | None = None) -> TokenScorer:
        """The network at a precision; by default the machine's best."""
        ...


@dataclass(frozen=True)
class ScoredSpans:
    """What a tagger says about N texts.

    Attributes:
        scores: by the names of `token_scores.NAMES`, each float32 (N,), higher = label sooner.
        words: how many words each text has, int32 (N,).
        embeddings: float16 (N, D).
        spans: the entities of all texts, one text after the other, of type SPAN (S,); the
            confidence is the lowest probability, among the words of the entity, of its label.
        span_ends: where each text ends in `spans`, int64 (N,).
        unsure: [start, end] of the stretches of long texts that are worth a look while the rest is
            not, int32 (U, 2).
        unsure_ends: where each text ends in `unsure`, int64 (N,).
    """

    scores: dict[str, NDArray[np.float32]]
    words: NDArray[np.int32]
    embeddings: NDArray[np.float16]
    spans: NDArray[np.void]
    span_ends: NDArray[np.int64]
    unsure: NDArray[np.int32]
    unsure_ends: NDArray[np.int64]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All arrays by name, to be kept in files; see `signals.file_name` for those of scores."""
        return {
            **{file_name(name): values for name, values in self.scores.items()},
            "words": self.words,
            "embeddings": self.embeddings,
            "spans": self.spans,
            "spans_ends": self.span_ends,
            "unsure": self.unsure,
            "unsure_ends": self.unsure_ends,
        }


def score_spans(
    model: TagModel,
    texts: Fetch,
    rows: Rows | Sequence[int],
    *,
    budget_tokens: int | None = None,
    precision: Precision | None = None,
    progress: Progress | None = None,
) -> ScoredSpans:
    """Score N rows of a pool; the results are in the order of `rows`.

    Args:
        model: a trained tagger.
        texts: gives the texts of some rows and the words of each; called for a few rows at a time.
        rows: which texts; any order, repeats allowed.
        budget_tokens: the most tokens in a batch, filling included; a longer window is alone. By
            default what is fast here.
        precision: "bf16" or "fp32"; by default what is fast on this machine.
        progress: told about texts done; an exception from it ends the pass.
    """
    rows = np.asarray(rows, dtype=np.int64)
    scorer = model.scorer(precision)
    parts: list[ScoredSpans] = []
    embeddings = np.empty((len(rows), scorer.width), np.float16)
    done = 0
    for given, words in _chunks(texts, rows):
        windows = model.windows(given, words)
        place = slice(done, done + len(given))
        found, embeddings[place] = _read(
            scorer, windows, words, budget_tokens, _share(progress, done, len(given), len(rows))
        )
        parts.append(_summary(found, embeddings[place], words))
        done += len(given)
    return _joined(parts, embeddings)


def predict_spans(
    model: TagModel,
    texts: Sequence[str],
    words: Sequence[Words] | None = None,
    *,
    precision: Precision | None = None,
    progress: Progress | None = None,
) -> ScoredSpans:
    """Score N texts that are in no pool; their words are by default those of `words_of`."""

    def fetch(rows: Rows) -> tuple[list[str], list[Words]]:
        chosen = [texts[row] for row in rows.tolist()]
        if words is None:
            return chosen, [words_of(text) for text in chosen]
        return chosen, [words[row] for row in rows.tolist()]

    return score_spans(model, fetch, range(len(texts)), precision=precision, progress=progress)


def _chunks(texts: Fetch, rows: Rows) -> Iterator[tuple[list[str], list[Words]]]:
    """The texts and words of all rows, in order, in chunks of a bounded number of words."""
    given: list[str] = []
    words: list[Words] = []
    size = 0
    for at in range(0, len(rows), _TEXTS_AT_ONCE):
        for text, places in zip(*texts(rows[at : at + _TEXTS_AT_ONCE]), strict=True):
            given.append(text)
            words.append(places)
            size += len(places)
            if size >= _WORDS_AT_ONCE:
                yield given, words
                given, words, size = [], [], 0
    if given:
        yield given, words


def _share(progress: Progress | None, done: int, size: int, total: int) -> Callable[[float], None]:
    """Tells of a share of so many texts besides those done before."""

    def tick(share: float) -> None:
        if progress:
            progress(Step("score", done + int(share * size), total, "texts"))

    return tick


def _read(
    scorer: TokenScorer,
    windows: Sequence[Window],
    words: Sequence[Words],
    budget_tokens: int | None,
    tick: Callable[[float], None],
) -> tuple[NDArray[np.float32], NDArray[np.float16]]:
    """Log-probabilities (W, T) of all words' tags in order, and embeddings (N, D) of the texts.

    A text's embedding is the mean over the tokens of its
    windows.
    """
    lengths = np.array([len(window.ids) for window in windows], np.int64)
    tokens = TokenStore(
        np.concatenate([np.asarray(window.ids, np.int32) for window in windows]), np.cumsum(lengths)
    )
    sizes = [len(window.words) for window in windows]
    ends = np.cumsum(sizes)  # windows answer for all words, one after the other
    found = np.empty((int(ends[-1]), scorer.outputs), np.float32)
    sums = np.zeros((len(words), scorer.width), np.float32)
    owners = np.array([window.text for window in windows])
    done = 0
    every = np.arange(len(windows))

    def read(plan: Plan) -> tuple[Rows, Tensor, Tensor]:
        places = [
            start + first
            for at, start in zip(plan.texts.tolist(), plan.starts.tolist(), strict=True)
            for first in windows[at].first
        ]
        batch = plan.batch(tokens, every, scorer.pad_token_id)
        return plan.texts, *scorer.step(batch, torch.tensor(places, dtype=torch.int64))

    planned = plans(lengths, budget_tokens, shared=scorer.shares_rows)
    for chosen, given, embedded in each(read, planned, together=scorer.shares_rows):
        where = [np.arange(ends[at] - sizes[at], ends[at]) for at in chosen.tolist()]
        found[np.concatenate(where)] = given.numpy()
        np.add.at(sums, owners[chosen], embedded.numpy() * lengths[chosen, None])
        done += len(chosen)
        tick(done / len(windows))
    totals = np.bincount(owners, weights=lengths, minlength=len(words))
    return found, (sums / totals[:, None]).astype(np.float16)


def _summary(
    log_probabilities: NDArray[np.float32], embeddings: NDArray[np.float16], words: Sequence[Words]
) -> ScoredSpans:
    """What is kept of the texts of a chunk."""
    sizes = np.array([len(places) for places in words], np.int64)
    ends = np.cumsum(sizes)
    edges = np.array([edge for places in words for edge in places], np.int32).reshape(-1, 2)
    paths = best_paths(log_probabilities, ends)
    certainty = np.exp(path_probabilities(log_probabilities, paths))
    found = entities(paths.tags[0])
    spans = np.empty(len(found), SPAN)
    if len(found):
        first, behind, labels = found.T
        spans["start"], spans["end"] = edges[first, 0], edges[behind - 1, 1]
        spans["label"] = labels
        inside = paths.tags[0] > 0  # entities stand side by side among the words inside of them
        starts = np.cumsum(inside)[first] - 1
        held = _label_probabilities(log_probabilities[inside], paths.tags[0][inside])
        spans["confidence"] = np.minimum.reduceat(held, starts)
    unsure = [
        _unsure(certainty[end - size : end], edges[end - size : end])
        for size, end in zip(sizes.tolist(), ends.tolist(), strict=True)
    ]
    return ScoredSpans(
        scores=text_scores(log_probabilities, ends, paths),
        words=sizes.astype(np.int32),
        embeddings=embeddings,
        spans=spans,
        span_ends=np.searchsorted(found[:, 0], ends).astype(np.int64),
        unsure=np.concatenate(unsure),
        unsure_ends=np.cumsum([len(part) for part in unsure]),
    )


def _label_probabilities(
    log_probabilities: NDArray[np.float32], tags: NDArray[np.int16]
) -> NDArray[np.float32]:
    """How likely words carry the label of their tags, be it as its first word or a further one."""
    first = ((tags - 1) // 2 * 2 + 1).astype(np.intp)[:, None]
    both = np.take_along_axis(log_probabilities, np.concatenate([first, first + 1], axis=1), axis=1)
    probabilities: NDArray[np.float32] = np.exp(both).sum(axis=1)
    return np.minimum(probabilities, 1.0)


def _unsure(certainty: NDArray[np.floating], edges: NDArray[np.int32]) -> NDArray[np.int32]:
    """The uncertain stretches (U, 2) of a text: its uncertain words and those around them.

    None where the text is short or uncertain for the greater part: then it is read as a whole.
    """
    nothing = np.empty((0, 2), np.int32)
    if len(edges) < _LONG:
        return nothing
    spread = np.ones(2 * _AROUND + 1)
    unsure = np.convolve(certainty < _SURE, spread)[_AROUND:-_AROUND] > 0.5
    if 2 * unsure.sum() >= len(edges):
        return nothing
    change = np.diff(unsure.astype(np.int8), prepend=0, append=0)
    first, behind = np.flatnonzero(change == 1), np.flatnonzero(change == -1)
    return np.stack([edges[first, 0], edges[behind - 1, 1]], axis=1)


def _joined(parts: Sequence[ScoredSpans], embeddings: NDArray[np.float16]) -> ScoredSpans:
    """The summaries of all chunks as one; the embeddings of all are there already."""
    if not parts:
        return ScoredSpans(
            {name: np.empty(0, np.float32) for name in NAMES},
            np.empty(0, np.int32),
            embeddings,
            np.empty(0, SPAN),
            np.empty(0, np.int64),
            np.empty((0, 2), np.int32),
            np.empty(0, np.int64),
        )

    def flat(name: str) -> NDArray[Any]:
        return np.concatenate([getattr(part, name) for part in parts])

    def shifted(name: str, ends: str) -> NDArray[np.int64]:
        before = np.cumsum([0, *(len(getattr(part, name)) for part in parts[:-1])])
        return np.concatenate(
            [getattr(part, ends) + at for part, at in zip(parts, before, strict=True)]
        )

    return ScoredSpans(
        scores={name: np.concatenate([part.scores[name] for part in parts]) for name in NAMES},
        words=flat("words"),
        embeddings=embeddings,
        spans=flat("spans"),
        span_ends=shifted("spans", "span_ends"),
        unsure=flat("unsure"),
        unsure_ends=shifted("unsure", "unsure_ends"),
    )

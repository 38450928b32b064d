"""Which answers of a project are doubted, by the other answers: labels, near-duplicates, marks."""

from __future__ import annotations

import heapq
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray

from alnlp import suspicion
from alnlp.data.phrases import Oddity, odd_marks
from alnlp.data.spans import Span, SpanAnswer, answer_of, longest_apart, overlapping, spans_of
from alnlp.data.wording import contradicting, likeness, shared
from alnlp.data.words import Words
from alnlp.project.readout import Prediction
from alnlp.tasks import Answer, Task

Kind = Literal["label", "contradiction", "disagreement", "span"]
Pair = tuple[int, int]

#: From which probability on an answer is listed as a likely error. On errors planted in TREC-6
#: two of three listed are errors then, and four of five errors are listed.
LIKELY = 0.25
#: How sure a model has to be of a mark that a person did not make.
SURE = 0.9


@dataclass(frozen=True)
class Known:
    """The answers that are looked at.

    Attributes:
        task: with the labels of this moment.
        texts: N texts.
        answers: the N answers that count.
        groups: (N,) near-duplicate groups.
        words: for ner, where the words of each text stand; empty otherwise.
    """

    task: Task
    texts: Sequence[str]
    answers: Sequence[Answer]
    groups: NDArray[np.int64]
    words: Sequence[Words] = ()


@dataclass(frozen=True)
class Doubt:
    """An answer that is probably wrong.

    Attributes:
        kind: what speaks against it.
        place: index of the example among those known.
        proposed: what to answer instead.
        score: how probably it is wrong, 0 to 1.
        reason: in one sentence.
        others: indices of the examples that speak against it, the most alike first.
    """

    kind: Kind
    place: int
    proposed: Answer
    score: float
    reason: str
    others: tuple[int, ...] = ()


@dataclass(frozen=True)
class Judged:
    """What the other answers say of each one, for tasks of labels.

    Attributes:
        wrong: (N,) how probably the answer is wrong.
        probabilities: (N, K) of each label.
        doubts: of the answers that are likely wrong.
    """

    wrong: NDArray[np.float64]
    probabilities: NDArray[np.float64]
    doubts: Sequence[Doubt]


def judged(
    known: Known,
    embeddings: NDArray[np.floating] | None,
    honest: NDArray[np.float64] | None,
) -> Judged:
    """What the other answers say of each one of N, for tasks of labels.

    Args:
        known: at least one answer.
        embeddings: (N, D) of the texts, see `suspicion.features`.
        honest: (N, K), see `suspicion.doubtful_classes`.
    """
    task = known.task
    given = task.encode(known.answers)
    seen = suspicion.features(known.texts, embeddings)
    if not task.multilabel:
        wrong, said = suspicion.doubtful_classes(seen, given, len(task.labels), honest)
        found = [_class_doubt(known, i, wrong[i], said[i]) for i in _likely(wrong)]
        return Judged(wrong, said, found)
    each, said = suspicion.doubtful_labels(seen, given, honest)
    wrong = each.max(axis=1, initial=0)
    found = [_labels_doubt(known, i, each[i], said[i]) for i in _likely(wrong)]
    return Judged(wrong, said, found)


def _likely(wrong: NDArray[np.float64]) -> list[int]:
    return [int(i) for i in np.flatnonzero(wrong > LIKELY)]


def _class_doubt(known: Known, place: int, wrong: float, said: NDArray[np.float64]) -> Doubt:
    labels, given = known.task.labels, str(known.answers[place])
    order = sorted(range(len(labels)), key=lambda k: -said[k])
    best = next(k for k in order if labels[k] != given)
    mine = said[labels.index(given)]
    reason = (
        f"The other answers speak for {labels[best]} ({said[best]:.0%}) rather than {given} "
        f"({mine:.0%})."
    )
    return Doubt("label", place, labels[best], float(wrong), reason)


def _labels_doubt(
    known: Known, place: int, wrong: NDArray[np.float64], said: NDArray[np.float64]
) -> Doubt:
    labels, given = known.task.labels, set(known.task.names(known.answers[place]))
    doubted = [k for k in np.argsort(-wrong).tolist() if wrong[k] > LIKELY]
    proposed = sorted(given.symmetric_difference(labels[k] for k in doubted))
    first = labels[doubted[0]]
    speak = "against" if first in given else "for"
    reason = f"The other answers speak {speak} {first} ({said[doubted[0]]:.0%})."
    return Doubt("label", place, proposed, float(wrong[doubted[0]]), reason)


# Near-duplicates ----------------------------------------------------------------------------------


def contradictions(known: Known) -> list[Pair]:
    """Pairs of near-duplicates, by index, whose answers cannot both be right."""
    keys = [_key(known, i) for i in range(len(known.texts))]
    pairs = {*contradicting(known.texts, keys), *_within_groups(known.groups, keys)}
    if known.task.spans:
        # A mark that reaches beyond what both share says nothing of the other text.
        pairs = {
            (a, b)
            for a, b in pairs
            if all(transferred(known, *pair) is not None for pair in ((a, b), (b, a)))
        }
    return sorted(pairs)


def _key(known: Known, place: int) -> str:
    """The same for answers that say the same."""
    answer = known.answers[place]
    if not isinstance(answer, dict):
        return json.dumps(answer)
    text = known.texts[place]
    marks = [(text[s.start : s.end].casefold(), s.label) for s in spans_of(answer)]
    return json.dumps(sorted(marks))


def _within_groups(groups: NDArray[np.int64], keys: Sequence[str]) -> Iterator[Pair]:
    """Each with one member of its group for every other answer that is given there."""
    members: dict[int, list[int]] = defaultdict(list)
    for place, group in enumerate(groups.tolist()):
        members[group].append(place)
    for places in members.values():
        first = {keys[place]: place for place in reversed(places)}
        for place in places if len(first) > 1 else ():
            for key, other in first.items():
                if key != keys[place]:
                    yield min(place, other), max(place, other)


def stars(pairs: Iterable[Pair], wrong: NDArray[np.float64]) -> Iterator[tuple[int, list[int]]]:
    """Each pair once, gathered around the places that most others contradict.

    Of places with as many pairs, the centre is the one that is more probably wrong.
    """
    beside: dict[int, set[int]] = defaultdict(set)
    for a, b in pairs:
        beside[a].add(b)
        beside[b].add(a)
    heap = [(-len(near), -wrong[place], place) for place, near in beside.items()]
    heapq.heapify(heap)
    while heap:
        size, doubt, place = heapq.heappop(heap)
        near = beside[place]
        if near and len(near) == -size:
            for other in near:
                beside[other].discard(place)
            beside[place] = set()
            yield place, sorted(near)
        elif near:  # some of its pairs went with another centre
            heapq.heappush(heap, (-len(near), doubt, place))


def contradiction(known: Known, place: int, others: Sequence[int]) -> Doubt:
    """The doubt about an answer that near-duplicates contradict."""
    like = {other: likeness(known.texts[place], known.texts[other]) for other in others}
    nearest = sorted(others, key=lambda other: -like[other])
    score = max(0.8, like[nearest[0]])  # what counts as near-duplicate by letters may have fewer
    proposed: Answer
    if known.task.spans:
        marks = transferred(known, place, nearest[0])
        proposed = marks or known.answers[place]
        reason = "A text with the same words but for a few is marked otherwise."
    else:
        count = Counter(_key(known, other) for other in nearest)
        most = count.most_common(1)[0][0]
        proposed = next(known.answers[i] for i in nearest if _key(known, i) == most)
        named = ", ".join(known.task.names(proposed)) or "none of the labels"
        n = count[most]
        texts = "A text that differs" if n == 1 else f"{n} texts that differ"
        reason = f"{texts} by a few words {'is' if n == 1 else 'are'} answered {named}."
    return Doubt("contradiction", place, proposed, score, reason, tuple(nearest))


def transferred(known: Known, place: int, other: int) -> SpanAnswer | None:
    """The marks of another text put on the words that both share; None if they are there already.

    Marks on words that the other text lacks stay. Nothing is put where only a part was looked at.
    """
    mine, theirs = (cast(SpanAnswer, known.answers[i]) for i in (place, other))
    if "confirmed" in mine or "confirmed" in theirs:
        return None
    there = shared(known.texts[place], known.texts[other])
    back = {where: here for here, where in there.items()}
    own = [
        span for span in spans_of(mine)
        if any(w not in there for w in _inside(known.words[place], span))
    ]  # fmt: skip
    brought = []
    for span in spans_of(theirs):
        inside = _inside(known.words[other], span)
        if inside and all(word in back for word in inside):
            brought.append(Span(back[inside[0]][0], back[inside[-1]][1], span.label))
    spans = [*own, *brought]
    if not known.task.overlaps:
        spans = longest_apart(spans)
    made = answer_of(spans)
    return None if made == answer_of(spans_of(mine)) else made


def _inside(words: Words, span: Span) -> list[tuple[int, int]]:
    return [(start, end) for start, end in words if span.start < end and start < span.end]


# Marks --------------------------------------------------------------------------------------------


def span_doubts(known: Known, said: Sequence[Prediction | None]) -> list[Doubt]:
    """Texts with a phrase marked otherwise than elsewhere, or than a model is sure of.

    Args:
        known: N answers.
        said: what a model that has not learnt from an answer says of its text, None without one.
    """
    answers = cast(Sequence[SpanAnswer], known.answers)
    odd: dict[int, list[Oddity]] = defaultdict(list)
    for found in odd_marks(known.texts, known.words, answers):
        odd[found.row].append(found)
    doubts = [_odd_doubt(known, place, found) for place, found in odd.items()]
    for place, prediction in enumerate(said):
        if prediction is not None and place not in odd:
            doubts += _model_doubt(known, place, prediction)
    return doubts


def _odd_doubt(known: Known, place: int, found: Sequence[Oddity]) -> Doubt:
    first = max(found, key=lambda odd: odd.score)
    answer = cast(SpanAnswer, known.answers[place])
    fresh = [Span(odd.start, odd.end, odd.usual) for odd in found if odd.usual is not None]
    gone = {(odd.start, odd.end) for odd in found}
    usual = "is left unmarked" if first.usual is None else f"is marked {first.usual}"
    reason = (
        f"“{known.texts[place][first.start : first.end]}” {usual} in {first.agreed} of "
        f"{first.seen} places."
    )
    return Doubt("span", place, _put(known, answer, fresh, gone), first.score, reason)


def _model_doubt(known: Known, place: int, said: Prediction) -> Iterator[Doubt]:
    answer = cast(SpanAnswer, known.answers[place])
    given, seen = set(spans_of(answer)), answer.get("confirmed")
    sure = [
        (sureness, span)
        for span, sureness in zip(
            spans_of(cast(SpanAnswer, said.answer)), said.span_confidences, strict=True
        )
        if sureness >= SURE
        and span not in given
        and (seen is None or any(a <= span.start and span.end <= b for a, b in seen))
    ]
    if sure:
        score, span = max(sure)
        text = known.texts[place][span.start : span.end]
        reason = f"The model is {score:.0%} sure that “{text}” is {span.label}."
        proposed = _put(known, answer, [span for _, span in sure], set())
        yield Doubt("span", place, proposed, score, reason)


def _put(
    known: Known, answer: SpanAnswer, fresh: Sequence[Span], gone: set[tuple[int, int]]
) -> SpanAnswer:
    """An answer with some spans more, and without those in their way or at given places."""
    kept = [span for span in spans_of(answer) if (span.start, span.end) not in gone]
    if not known.task.overlaps:
        kept = [span for span in kept if not any(overlapping([span, new]) for new in fresh)]
        fresh = longest_apart(fresh)
    return answer_of([*kept, *fresh], answer.get("confirmed"))

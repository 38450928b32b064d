"""spaCy's DocBin files (.spacy), through the extra "spacy"."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from alnlp.data.ner.losses import Losses, SpanRow
from alnlp.data.ner.schemes import one_layer, word_spans
from alnlp.data.rows import Record, Records
from alnlp.data.spans import spans_of
from alnlp.data.words import Words, words_of
from alnlp.errors import DataError, MissingExtra

#: The key of what is ours in doc.user_data and, for spans that overlap, in doc.spans.
OWN = "alnlp"


def read_docbin(data: bytes, name: str) -> Records:
    """The documents of a DocBin; one that nobody has annotated has no spans.

    Entities come from `doc.ents` and from all groups of `doc.spans`.

    Raises:
        DataError: it is no DocBin.
        MissingExtra: spaCy is not installed.
    """
    tokens, vocab = _spacy()
    try:
        docs = tokens.DocBin().from_bytes(data)
        total = len(docs)
    except Exception as error:  # zlib, msgpack and numpy errors have no common base
        raise DataError(
            f"{name}: not a DocBin file of spaCy that can be read "
            f"({' '.join(f'{type(error).__name__}: {error}'.split())[:150]}); write it again"
        ) from error
    return Records(_records(docs, vocab, name), ("text", "spans", "words"), total, "text", "spans")


def _records(docs: Any, vocab: Any, name: str) -> Iterator[Record]:
    number = 0
    try:
        for number, doc in enumerate(docs.get_docs(vocab), 1):
            yield Record(number, _cells(doc))
    except (ValueError, KeyError, IndexError, TypeError) as error:
        what = " ".join(str(error).split())[:150]
        raise DataError(f"{name}: damaged after document {number}: {what}") from error


def _cells(doc: Any) -> dict[str, Any]:
    own = _own(doc)
    words: Words = [(t.idx, t.idx + len(t)) for t in doc if t.text.strip()]
    cells: dict[str, Any] = {"text": doc.text, "words": list(map(list, words)), "spans": None}
    if own:
        cells["words"] = own.get("words")
    if own or doc.has_annotation("ENT_IOB") or doc.spans:
        found = [*doc.ents, *(span for group in doc.spans.values() for span in group)]
        marked = {(span.start_char, span.end_char, span.label_) for span in found}
        answer: dict[str, Any] = {"spans": sorted(map(list, marked))}
        if (confirmed := _confirmed(doc, own)) is not None:
            answer["confirmed"] = confirmed
        cells["spans"] = answer
    return {**cells, **{key: own[key] for key in ("id", "annotators", "meta") if own.get(key)}}


def _own(doc: Any) -> dict[str, Any]:
    """What we have written beside the document; empty where it is not ours."""
    try:
        own = json.loads(doc.user_data.get(OWN, ""))
    except (TypeError, ValueError):
        return {}
    return own if isinstance(own, dict) else {}


def _confirmed(doc: Any, own: dict[str, Any]) -> list[list[int]] | None:
    """The stretches whose tokens carry an entity tag; None where all do."""
    if own:
        confirmed: list[list[int]] | None = own.get("confirmed")
        return confirmed
    known = [token.ent_iob != 0 for token in doc]
    if all(known) or not any(known):  # none: only groups of spans, which say nothing of the rest
        return None
    stretches: list[list[int]] = []
    for i, token in enumerate(doc):
        if known[i] and i and known[i - 1]:
            stretches[-1][1] = token.idx + len(token)
        elif known[i]:
            stretches.append([token.idx, token.idx + len(token)])
    return stretches


def write_docbin(rows: Iterable[SpanRow], path: Path, losses: Losses) -> None:
    """Writes a DocBin: words as tokens, spans as entities, and all of them as the group "alnlp"
    where they overlap.

    Raises:
        MissingExtra: spaCy is not installed.
    """
    tokens, vocab = _spacy()
    docs = tokens.DocBin(store_user_data=True)
    for row in rows:
        docs.add(_doc(tokens, vocab, row, losses))
    docs.to_disk(path)


def _doc(tokens: Any, vocab: Any, row: SpanRow, losses: Losses) -> Any:
    pieces, spaces = _pieces(row.text, row.words or words_of(row.text))
    texts = [row.text[start:end] for start, end in pieces]
    doc = tokens.Doc(vocab, words=texts, spaces=spaces)
    spans = spans_of(row.answer)
    kept, lost = one_layer(spans, pieces)
    losses.spans(row.id, [loss for loss in lost if loss.what != "overlap"])
    wide = sorted(set(word_spans(spans, pieces).values()))
    confirmed = row.answer.get("confirmed")
    missing = []
    if confirmed is not None:
        confirmed = [*confirmed, *([pieces[s.start][0], pieces[s.end - 1][1]] for s in wide)]
        known = [any(s <= start and end <= e for s, e in confirmed) for start, end in pieces]
        missing = [tokens.Span(doc, i, i + 1) for i, is_known in enumerate(known) if not is_known]
    doc.set_ents([tokens.Span(doc, *span) for span in kept], missing=missing)
    if any(loss.what == "overlap" for loss in lost):
        doc.spans[OWN] = [tokens.Span(doc, *span) for span in wide]
    own = {"id": row.id, "annotators": row.annotators, "words": row.words, "meta": row.meta}
    # as JSON, for the store of spaCy turns lists into tuples and takes no large numbers
    doc.user_data[OWN] = json.dumps({**own, "confirmed": confirmed}, ensure_ascii=False)
    return doc


def _pieces(text: str, words: Words) -> tuple[Words, list[bool]]:
    """spaCy's tokens: the words and, as tokens too, whatever is between them but single blanks;
    and whether a single blank follows each."""
    pieces: Words = []
    spaces: list[bool] = []
    edges = [(0, 0), *words, (len(text), len(text))]
    for i, ((_, end), (start, behind)) in enumerate(pairwise(edges)):
        if pieces and text[end : end + 1] == " " and end < start:
            spaces[-1] = True
            end += 1
        if end < start:
            pieces.append((end, start))
            spaces.append(False)
        if i < len(words):
            pieces.append((start, behind))
            spaces.append(False)
    return pieces, spaces


def _spacy() -> tuple[Any, Any]:
    try:
        from spacy import tokens
        from spacy.vocab import Vocab
    except ImportError as error:
        raise MissingExtra("spaCy", "spacy") from error
    return tokens, Vocab()

"""The one place where words meet subwords: each word is tokenised by itself and never lost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from alnlp.data.words import Words
from alnlp.models.windows import split

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_CACHED_WORDS = 200_000
#: Of a longer word, such as a line of letters without a blank, the rest is not read.
_CHARACTERS = 1_000
#: How byte-level BPE and SentencePiece write a blank.
_BLANKS = ("Ġ", "▁")


@dataclass(frozen=True)
class Window:
    """A stretch of a text as a network reads it.

    Attributes:
        text: the index of the text among those given.
        ids: token ids, special tokens included.
        words: the words of the text that this window answers for.
        first: for each of these, the place of its first subword in `ids`.
        sizes: for each of these, how many subwords it has.
    """

    text: int
    ids: list[int]
    words: range
    first: list[int]
    sizes: list[int]


class Aligner:
    """Turns texts and their words into windows of token ids.

    Args:
        tokenizer: of the network that reads the windows.
        max_length: the most tokens in a window, special tokens included.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, max_length: int) -> None:
        self._tokenizer = tokenizer
        self._before, self._behind = _special_tokens(tokenizer)
        self._room = max_length - len(self._before) - len(self._behind)
        self._known: dict[str, list[int]] = {}

    def windows(self, texts: Sequence[str], words: Sequence[Words]) -> list[Window]:
        """The windows of all texts, in order; together they answer for each word exactly once."""
        keys = [_keys(text, places) for text, places in zip(texts, words, strict=True)]
        self._learn(keys)
        return [window for row, found in enumerate(keys) for window in self._split(row, found)]

    def _split(self, row: int, keys: Sequence[str]) -> Iterable[Window]:
        subwords = [self._known[key] for key in keys]
        sizes = [len(ids) for ids in subwords]
        for read, answered in split(sizes, self._room):
            ids, first = list(self._before), []
            for word in read:
                first.append(len(ids))
                ids += subwords[word]
            own = slice(answered.start - read.start, answered.stop - read.start)
            yield Window(
                row,
                ids + self._behind,
                answered,
                first[own],
                sizes[answered.start : answered.stop],
            )

    def _learn(self, keys: Iterable[Iterable[str]]) -> None:
        if len(self._known) > _CACHED_WORDS:
            self._known.clear()
        # A dict keeps the order and the first of each, a set would not keep the order.
        new = [
            key for key in dict.fromkeys(k for row in keys for k in row) if key not in self._known
        ]
        if not new:
            return
        found = self._tokenizer(new, add_special_tokens=False)["input_ids"]
        blanks = {self._tokenizer.convert_tokens_to_ids(blank) for blank in _BLANKS}
        unknown = self._tokenizer.unk_token_id
        nothing = self._tokenizer.pad_token_id if unknown is None else unknown
        for key, ids in zip(new, found, strict=True):
            # A piece that is a mere blank says nothing about the word and would carry its label.
            rest = ids[1:] if len(ids) > 1 and ids[0] in blanks - {unknown} else ids
            self._known[key] = list(rest[: self._room]) or [nothing]


def _keys(text: str, words: Words) -> list[str]:
    """Each word as the tokenizer gets it: with a blank in front where there is one in the text."""
    return [
        (" " if start and text[start - 1].isspace() else "")
        + text[start : min(end, start + _CHARACTERS)]
        for start, end in words
    ]


def _special_tokens(tokenizer: PreTrainedTokenizerBase) -> tuple[list[int], list[int]]:
    """What the tokenizer puts before and behind every text."""
    bare = tokenizer("a", add_special_tokens=False)["input_ids"]
    full = tokenizer("a")["input_ids"]
    at = next(at for at in range(len(full)) if full[at : at + len(bare)] == bare)
    return list(full[:at]), list(full[at + len(bare) :])

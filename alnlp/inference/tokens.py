"""Texts as token ids, made once for each pool and tokenizer and kept on disk."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from alnlp.errors import ModelError
from alnlp.progress import Progress, Step

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_IDS, _ENDS = "ids.i32", "ends.i64"
_ID_BYTES, _END_BYTES = 4, 8


@dataclass(frozen=True)
class TokenStore:
    """The token ids of N texts in one flat array, in memory or mapped from disk.

    Attributes:
        ids: all token ids, special tokens included, one text after the other; int32 (T,).
        ends: where each text ends in `ids`; int64 (N,).
    """

    ids: NDArray[np.int32]
    ends: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, row: int) -> NDArray[np.int32]:
        """The token ids of one text."""
        return self.ids[self._starts(np.array([row]))[0] : self.ends[row]]

    def lengths(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """How many tokens each of the rows has."""
        return self.ends[rows] - self._starts(rows)

    def _starts(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.where(rows > 0, self.ends[rows - 1], 0)

    @classmethod
    def of(
        cls, texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, max_length: int
    ) -> TokenStore:
        """The tokens of some texts, in memory."""
        ids, lengths = _tokenise(texts, tokenizer, max_length)
        return cls(ids, np.cumsum(lengths, dtype=np.int64))

    @classmethod
    def update(
        cls,
        folder: Path,
        tokenizer: PreTrainedTokenizerBase,
        max_length: int,
        texts_from: Callable[[int], Iterable[Sequence[str]]],
        n_rows: int,
        progress: Progress | None = None,
    ) -> TokenStore:
        """The tokens of a pool's first `n_rows` texts; only those not on disk yet are made.

        Safe to interrupt at any moment: what was half-written is made again by the next call.

        Args:
            folder: where tokens are kept; each tokenizer and `max_length` has a folder inside.
            tokenizer: of the model that will read the tokens.
            max_length: longer texts are cut to so many tokens.
            texts_from: gives the texts from a row number on, in batches.
            n_rows: the number of rows in the pool. Rows never change once added.
            progress: told about rows done.

        Raises:
            ModelError: `texts_from` gave fewer texts than `n_rows`, or the disk refused.
        """
        home = Path(folder) / fingerprint(tokenizer, max_length)
        try:
            home.mkdir(parents=True, exist_ok=True)
            with FileLock(home / "lock"):
                done = _trim(home)
                if done < n_rows:
                    _append(home, done, tokenizer, max_length, texts_from, n_rows, progress)
        except OSError as error:
            raise ModelError(f"tokens: cannot be kept in {home}: {error}") from error
        return cls._open(home, n_rows)

    @classmethod
    def _open(cls, home: Path, n_rows: int) -> TokenStore:
        if n_rows == 0:  # an empty file cannot be mapped
            return cls(np.empty(0, np.int32), np.empty(0, np.int64))
        return cls(
            np.memmap(home / _IDS, dtype=np.int32, mode="r"),
            np.memmap(home / _ENDS, dtype=np.int64, mode="r")[:n_rows],
        )


@lru_cache(maxsize=8)  # a vocabulary takes a while to write out
def fingerprint(tokenizer: PreTrainedTokenizerBase, max_length: int) -> str:
    """A name for what the tokenizer does to a text: equal tokenizers have equal names."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:  # a tokenizer written in Python
        state = {"class": type(tokenizer).__name__, "vocabulary": tokenizer.get_vocab()}
    else:
        state = json.loads(backend.to_str())
        # These two remember the last call, not the tokenizer.
        state.update(truncation=None, padding=None)
    content = json.dumps([state, max_length], sort_keys=True).encode()
    return hashlib.blake2b(content, digest_size=8).hexdigest()


def _tokenise(
    texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, max_length: int
) -> tuple[NDArray[np.int32], list[int]]:
    if not texts:
        return np.empty(0, np.int32), []
    rows = tokenizer(list(texts), truncation=True, max_length=max_length)["input_ids"]
    return np.concatenate([np.asarray(row, np.int32) for row in rows]), [len(row) for row in rows]


def _trim(home: Path) -> int:
    """Cut off what an interrupted writer left behind the last whole row; gives the rows kept."""
    ids, ends = home / _IDS, home / _ENDS
    for path in (ids, ends):
        path.touch()
    kept = np.fromfile(ends, dtype=np.int64, count=ends.stat().st_size // _END_BYTES)
    whole = (np.diff(kept, prepend=0) > 0) & (kept <= ids.stat().st_size // _ID_BYTES)
    rows = len(kept) if whole.all() else int(whole.argmin())
    os.truncate(ends, rows * _END_BYTES)
    os.truncate(ids, int(kept[rows - 1]) * _ID_BYTES if rows else 0)
    return rows


def _append(
    home: Path,
    done: int,
    tokenizer: PreTrainedTokenizerBase,
    max_length: int,
    texts_from: Callable[[int], Iterable[Sequence[str]]],
    n_rows: int,
    progress: Progress | None,
) -> None:
    with (home / _IDS).open("ab") as ids_file, (home / _ENDS).open("ab") as ends_file:
        end = ids_file.tell() // _ID_BYTES
        for batch in texts_from(done):
            ids, lengths = _tokenise(batch[: n_rows - done], tokenizer, max_length)
            ends = end + np.cumsum(lengths, dtype=np.int64)
            # The ids are on disk before any end points behind them.
            for file, array in ((ids_file, ids), (ends_file, ends)):
                file.write(array.tobytes())
                file.flush()
                os.fsync(file.fileno())
            done, end = done + len(lengths), end + len(ids)
            if progress:
                progress(Step("tokenise", done, n_rows, "texts"))
            if done >= n_rows:
                return
    raise ModelError(f"tokens: got {done} texts from the pool, expected {n_rows}; reopen the pool")

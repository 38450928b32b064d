"""Texts laid out for a network: one in a row, or several, so that nothing is computed for filling.

Rows with several texts are of a few lengths only, multiples of what the kernels of attention work
on at once, and each token sees its own text alone.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from alnlp import hardware
from alnlp.batch import Batch
from alnlp.inference.tokens import TokenStore

Rows = NDArray[np.int64]

#: Tokens in one batch: on a processor as many as stay in its caches (recipes/LOG.md).
_SHARED_TOKENS, _PADDED_TOKENS, _GPU_TOKENS = 2048, 4096, 65_536
#: The lengths of shared rows, each with the longest text that goes into it. Longer rows are filled
#: better and cost more in attention; texts beyond all of them have rows of their own length.
_SHARED = ((64, 24), (128, 128), (256, 256), (512, 512))


@dataclass(frozen=True)
class Plan:
    """Which texts make a batch, and where they go.

    Attributes:
        texts: places of n texts, (n,).
        starts: where each begins in the flattened rows, (n,).
        shape: rows, and tokens in a row.
    """

    texts: Rows
    starts: Rows
    shape: tuple[int, int]

    def batch(self, tokens: TokenStore, rows: Rows, pad_token_id: int) -> Batch:
        """The batch of this plan, made for the lengths of these rows of a token store."""
        chosen = rows[self.texts]
        lengths = tokens.lengths(chosen)
        owners = np.repeat(np.arange(len(chosen)), lengths)
        positions = np.arange(len(owners)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        places = np.repeat(self.starts, lengths) + positions

        def laid(filling: int, values: NDArray[np.integer]) -> Tensor:
            flat = np.full(self.shape[0] * self.shape[1], filling, np.int64)
            flat[places] = values
            return torch.from_numpy(flat.reshape(self.shape))

        ids = np.concatenate([tokens[row] for row in chosen.tolist()])
        return Batch(
            laid(pad_token_id, ids),
            laid(-1, owners),
            laid(0, positions),
            torch.from_numpy(self.starts),
        )


def plans(lengths: Rows, budget_tokens: int | None, *, shared: bool) -> list[Plan]:
    """Batches of N texts, each text in one of them and each within the budget once filled up.

    They come in a fixed random order, so that the time left can be told from the texts done.

    Args:
        lengths: tokens of each text, (N,).
        budget_tokens: the most tokens in a batch, filling included; a longer text is alone. By
            default what is fast here.
        shared: whether texts may share rows.
    """
    if budget_tokens is None:
        here = _SHARED_TOKENS if shared else _PADDED_TOKENS
        budget_tokens = here if hardware.device() == "cpu" else _GPU_TOKENS
    made = list(_packed(lengths, budget_tokens) if shared else _padded(lengths, budget_tokens))
    return [made[place] for place in np.random.default_rng(0).permutation(len(made))]


def _padded(lengths: Rows, budget_tokens: int) -> list[Plan]:
    """A row for each text; texts of like length share a batch."""
    order = np.argsort(-lengths, kind="stable")
    made, at = [], 0
    while at < len(order):
        longest = max(1, int(lengths[order[at]]))
        texts = order[at : at + max(1, budget_tokens // longest)]
        made.append(Plan(texts, np.arange(len(texts)) * longest, (len(texts), longest)))
        at += len(texts)
    return made


def _packed(lengths: Rows, budget_tokens: int) -> list[Plan]:
    """Rows of a few lengths, each with as many texts as fit."""
    order = np.argsort(-lengths, kind="stable")
    made, shortest = [], 0
    for size, longest in _SHARED:
        inside = order[(lengths[order] > shortest) & (lengths[order] <= longest)]
        rows = _fitted(inside, lengths[inside], size)
        several = max(1, budget_tokens // size)
        made += [
            _plan(rows[at : at + several], lengths, size) for at in range(0, len(rows), several)
        ]
        shortest = longest
    beyond = order[lengths[order] > shortest]
    own = _padded(lengths[beyond], budget_tokens)
    return made + [Plan(beyond[plan.texts], plan.starts, plan.shape) for plan in own]


def _fitted(texts: Rows, lengths: Rows, size: int) -> list[list[int]]:
    """Texts, longest first, put into rows: each into the one that it fills best."""
    rows: list[list[int]] = []
    free: list[tuple[int, int]] = []  # tokens left and index of the rows not full, in order
    for text, length in zip(texts.tolist(), lengths.tolist(), strict=True):
        at = bisect_left(free, (length, -1))
        left, row = free.pop(at) if at < len(free) else (size, len(rows))
        if row == len(rows):
            rows.append([])
        rows[row].append(text)
        insort(free, (left - length, row))
    return rows


def _plan(rows: Sequence[Sequence[int]], lengths: Rows, size: int) -> Plan:
    starts = [
        row * size + begin
        for row, texts in enumerate(rows)
        for begin in (np.cumsum(lengths[list(texts)]) - lengths[list(texts)]).tolist()
    ]
    texts = np.array([text for row in rows for text in row], np.int64)
    return Plan(texts, np.array(starts, np.int64), (len(rows), size))

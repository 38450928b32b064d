"""One pass of a model over many texts: probabilities and embeddings, in the order of the rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from alnlp.hardware import Precision
from alnlp.inference.tokens import TokenStore
from alnlp.progress import Progress, Step

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

#: Padded tokens in one batch. Bigger batches fall out of a processor's cache (see recipes/LOG.md).
BUDGET_TOKENS = 4096


class Scorer(Protocol):
    """A network in evaluation mode.

    Attributes:
        pad_token_id: fills short rows.
        outputs: K, the number of labels.
        width: D, the width of an embedding.
    """

    pad_token_id: int
    outputs: int
    width: int

    def step(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Probabilities (B, K) and embeddings (B, D) of token ids and mask (B, L)."""
        ...


class Model(Protocol):
    """What is asked of a trained model (`alnlp.models.protocol.TextModel` is one)."""

    tokenizer: PreTrainedTokenizerBase
    max_length: int

    def scorer(self, precision: Precision | None = None, *, dropout: bool = False) -> Scorer:
        """The network at a precision, by default the machine's best; dropout may be left on."""
        ...


@dataclass(frozen=True)
class Scored:
    """What a model says about n texts.

    Attributes:
        probabilities: float32 (n, K).
        embeddings: float16 (n, D).
    """

    probabilities: NDArray[np.float32]
    embeddings: NDArray[np.float16]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All arrays by name, to be kept in files."""
        return {"probabilities": self.probabilities, "embeddings": self.embeddings}


def score(
    model: Model,
    tokens: TokenStore,
    rows: NDArray[np.int64] | Sequence[int],
    *,
    budget_tokens: int = BUDGET_TOKENS,
    precision: Precision | None = None,
    dropout: bool = False,
    progress: Progress | None = None,
) -> Scored:
    """Score the given rows of a token store; the results are in the order of `rows`.

    Texts of like length share a batch, so little time goes into padding.

    Args:
        model: a trained model.
        tokens: made by the model's tokenizer at its `max_length`.
        rows: which texts, n of them; any order, repeats allowed.
        budget_tokens: the most padded tokens in a batch; a longer text is a batch of its own.
        precision: "bf16" or "fp32"; by default what is fast on this machine.
        dropout: whether dropout is left on, so that each pass is a draw from the posterior.
        progress: told about texts done; an exception from it ends the pass.
    """
    rows = np.asarray(rows, dtype=np.int64)
    scorer = model.scorer(precision, dropout=dropout)
    probabilities = np.empty((len(rows), scorer.outputs), np.float32)
    embeddings = np.empty((len(rows), scorer.width), np.float16)
    done = 0
    for places in batches(tokens.lengths(rows), budget_tokens):
        ids, mask = tokens.padded(rows[places], scorer.pad_token_id)
        given, embedded = scorer.step(torch.from_numpy(ids), torch.from_numpy(mask))
        probabilities[places] = given.numpy()
        embeddings[places] = embedded.numpy()
        done += len(places)
        if progress:
            progress(Step("score", done, len(rows), "texts"))
    return Scored(probabilities, embeddings)


def predict_texts(
    model: Model,
    texts: Sequence[str],
    *,
    precision: Precision | None = None,
    progress: Progress | None = None,
) -> Scored:
    """Score n texts that are in no pool; `model.task.decode` makes answers of the probabilities."""
    tokens = TokenStore.of(texts, model.tokenizer, model.max_length)
    return score(model, tokens, np.arange(len(texts)), precision=precision, progress=progress)


def batches(lengths: NDArray[np.int64], budget_tokens: int) -> Iterator[NDArray[np.int64]]:
    """Places 0..n-1 in groups of like length, each within the budget once padded."""
    order = np.argsort(-lengths, kind="stable")
    groups: list[NDArray[np.int64]] = []
    start = 0
    while start < len(order):
        longest = max(1, int(lengths[order[start]]))
        size = max(1, budget_tokens // longest)
        groups.append(order[start : start + size])
        start += size
    # In a fixed random order, so that the time left can be told from the texts done.
    for place in np.random.default_rng(0).permutation(len(groups)):
        yield groups[place]

"""One pass of a model over many texts: probabilities and embeddings, in the order of the rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from alnlp.batch import Batch
from alnlp.hardware import Precision
from alnlp.inference.layout import Plan, plans
from alnlp.inference.passes import each
from alnlp.inference.tokens import TokenStore
from alnlp.progress import Progress, Step

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class Scorer(Protocol):
    """A network in evaluation mode.

    Attributes:
        pad_token_id: fills short rows.
        outputs: K, the number of labels.
        width: D, the width of an embedding.
        shares_rows: whether it reads batches whose rows hold several texts, and several batches at
            a time, each in a thread of its own.
    """

    pad_token_id: int
    outputs: int
    width: int
    shares_rows: bool

    def step(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Probabilities (n, K) and embeddings (n, D) of n texts."""
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
    budget_tokens: int | None = None,
    precision: Precision | None = None,
    dropout: bool = False,
    progress: Progress | None = None,
) -> Scored:
    """Score the given rows of a token store; the results are in the order of `rows`.

    Texts share rows, or those of like length a batch, so little time goes into filling.

    Args:
        model: a trained model.
        tokens: made by the model's tokenizer at its `max_length`.
        rows: which texts, n of them; any order, repeats allowed.
        budget_tokens: the most tokens in a batch, filling included; a longer text is alone. By
            default what is fast here.
        precision: "bf16" or "fp32"; by default what is fast on this machine.
        dropout: whether dropout is left on, so that each pass is a draw from the posterior.
        progress: told about texts done; an exception from it ends the pass.
    """
    rows = np.asarray(rows, dtype=np.int64)
    scorer = model.scorer(precision, dropout=dropout)
    probabilities = np.empty((len(rows), scorer.outputs), np.float32)
    embeddings = np.empty((len(rows), scorer.width), np.float16)
    done = 0

    def read(plan: Plan) -> tuple[Plan, Tensor, Tensor]:
        return plan, *scorer.step(plan.batch(tokens, rows, scorer.pad_token_id))

    planned = plans(tokens.lengths(rows), budget_tokens, shared=scorer.shares_rows)
    for plan, given, embedded in each(read, planned, together=scorer.shares_rows):
        probabilities[plan.texts] = given.numpy()
        embeddings[plan.texts] = embedded.numpy()
        done += len(plan.texts)
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

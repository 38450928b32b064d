"""A first guess at the classification head: logistic regression on the frozen network.

Fine-tuning from a random head distorts good pretrained features in its first steps; starting from
a linear probe does not (LP-FT: Kumar et al. 2022, https://arxiv.org/abs/2202.10054).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn

FloatArray = NDArray[np.floating]


def head_of(network: nn.Module, outputs: int) -> nn.Linear:
    """The last linear layer with so many outputs: the one that gives the logits."""
    return [
        module
        for module in network.modules()
        if isinstance(module, nn.Linear) and module.out_features == outputs
    ][-1]


@torch.no_grad()
def head_inputs(
    network: nn.Module,
    head: nn.Linear,
    batches: Iterable[dict[str, Tensor]],
    tick: Callable[[int], None],
) -> FloatArray:
    """What the head sees of all batches in evaluation mode, (N, D); `tick` counts the batches."""
    seen: list[FloatArray] = []

    def keep(_module: nn.Module, args: tuple[Any, ...]) -> None:
        seen.append(args[0].float().cpu().numpy())

    network.train(False)
    with head.register_forward_pre_hook(keep):
        for count, batch in enumerate(batches, start=1):
            network(**{name: tensor.to(head.weight.device) for name, tensor in batch.items()})
            tick(count)
    return np.concatenate(seen)


@torch.no_grad()
def start_head(
    head: nn.Linear, inputs: FloatArray, targets: NDArray[np.int64], *, strength: float
) -> None:
    """Set the head to a logistic regression.

    Among several classes those without examples start at zero. Where all answers are alike, as of
    a label that nobody has given yet, there is nothing to regress on: they are what is expected.

    Args:
        head: changed in place.
        inputs: what the head sees, (N, D).
        targets: class indices (N,), or 0/1 of shape (N, K).
        strength: the inverse of the regularisation, `C` in scikit-learn.
    """
    weight, bias = np.zeros(head.weight.shape), np.zeros(head.bias.shape)
    if targets.ndim == 2:
        for k, column in enumerate(targets.T):
            given = int(column.sum())
            if 0 < given < len(column):
                weight[k], bias[k] = (part[0] for part in _regress(inputs, column, strength))
            else:
                bias[k] = _odds(given, len(column))
    elif len(seen := np.unique(targets)) == 1:
        bias[seen] = _odds(len(targets), len(targets))
    else:
        rows, offsets = _regress(inputs, targets, strength)
        if len(seen) == 2:  # scikit-learn gives one row for two classes
            rows, offsets = (np.concatenate([-part, part]) / 2 for part in (rows, offsets))
        weight[seen], bias[seen] = rows, offsets
    head.weight.copy_(torch.from_numpy(weight))
    head.bias.copy_(torch.from_numpy(bias))


def _odds(given: int, n: int) -> float:
    """The logarithm of the odds that an answer is yes, of n among which so many are."""
    return float(np.log((given + 0.5) / (n - given + 0.5)))


def _regress(
    inputs: FloatArray, targets: NDArray[np.int64], strength: float
) -> tuple[FloatArray, FloatArray]:
    fitted = LogisticRegression(C=strength, max_iter=1000, class_weight="balanced")
    with warnings.catch_warnings():
        # Few labels are what this is for, so many classes among them are no sign of a mistake.
        warnings.filterwarnings("ignore", message="The number of unique classes")
        fitted.fit(inputs, targets)
    return fitted.coef_, fitted.intercept_

"""Mean pooling for sentence encoders, inside a standard architecture.

Sentence encoders such as MiniLM put the meaning of a text into the mean of its token states, while
the sequence classifiers of `transformers` read the first token only, which such encoders never
trained. One more encoder layer closes the gap: its attention starts uniform, so that the first
token's output starts as the mean of all tokens, and everything in it can be fine-tuned. The saved
model stays a plain BERT that any program loads.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.utils.hub import cached_file

#: Architectures whose layers are built of the parts that `average` sets.
MEAN_POOLED = ("bert", "roberta", "xlm-roberta", "camembert")
#: Architectures whose heads read the first token, and whose layers are built like BERT's.
LAYERED = (*MEAN_POOLED, "electra")
#: How much the mean outweighs the layer's own input, which the residual connection adds.
_MEAN_WEIGHT = 8.0
#: Small enough for the pooler's tanh to be nearly linear on normalised states.
_POOLER_WEIGHT = 0.5


def pools_by_mean(checkpoint: str, config: PreTrainedConfig) -> bool:
    """Whether a checkpoint (folder or hub id) is a sentence encoder that `average` can serve."""
    if config.model_type not in MEAN_POOLED:
        return False
    path = cached_file(
        checkpoint,
        "1_Pooling/config.json",
        _raise_exceptions_for_missing_entries=False,
        _raise_exceptions_for_connection_errors=False,
    )
    if path is None:
        return False
    pooling = json.loads(Path(path).read_text("utf-8"))
    # Newer versions of sentence-transformers name the mode, older ones have a switch for each.
    return pooling.get("pooling_mode") == "mean" or bool(pooling.get("pooling_mode_mean_tokens"))


@torch.no_grad()
def average(network: PreTrainedModel) -> None:
    """Set the last layer and the pooler so that the head sees the mean of its input tokens."""
    encoder: Any = network.base_model
    layer = encoder.encoder.layer[-1]
    # Zero queries see all tokens alike. The keys stay random: with both at zero neither would
    # ever get a gradient; the same holds for the feed-forward pair.
    _set(layer.attention.self.query, 0.0)
    _set(layer.attention.self.value, 1.0)
    _set(layer.attention.output.dense, _MEAN_WEIGHT)
    _set(layer.output.dense, 0.0)
    # RoBERTa's classifier has a pooler of its own.
    pooler: Any = getattr(encoder, "pooler", None) or network.classifier
    _set(pooler.dense, _POOLER_WEIGHT)


@contextmanager
def first_token_alone(network: PreTrainedModel) -> Iterator[None]:
    """The same classifier, whose last layer computes no token that nobody reads.

    Its head reads the first token, so of the others that layer needs keys and values alone. What
    else the network gives, such as the states of the last layer, is of the first token only.
    """
    layers = getattr(getattr(network.base_model, "encoder", None), "layer", None)
    reads_first = type(network).__name__.endswith("ForSequenceClassification")
    if not (reads_first and layers and network.config.model_type in LAYERED):
        yield
        return
    output = layers[-1].attention.output
    with output.register_forward_pre_hook(lambda _module, given: tuple(x[:, :1] for x in given)):
        yield


def _set(linear: nn.Linear, diagonal: float) -> None:
    linear.weight.copy_(diagonal * torch.eye(*linear.weight.shape))
    linear.bias.zero_()

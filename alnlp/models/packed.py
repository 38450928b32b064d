"""The encoder of BERT and its like on processors, for rows that several texts share.

What `transformers` computes, with fewer and faster steps: queries, keys and values in one product,
weights laid out for the processor beforehand, activation and residual inside the products, and in
the last layer only the tokens that somebody reads. See recipes/LOG.md for what each of them gains.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel

from alnlp.batch import Batch
from alnlp.models.pooling import LAYERED

#: Activations that the products know, by the names of `transformers`.
_ACTIVATIONS = {"gelu": ("gelu", "none"), "gelu_new": ("gelu", "tanh"), "relu": ("relu", "")}
#: Where RoBERTa counts positions from: behind that of its padding.
_COUNT_FROM_PADDING = ("roberta", "xlm-roberta", "camembert")


def packs(network: PreTrainedModel) -> bool:
    """Whether `Reader` computes what this network computes, and can do so here."""
    return (
        network.device.type == "cpu"
        and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
        and hasattr(torch.ops.mkldnn, "_linear_pointwise")
        and (network.dtype != torch.bfloat16 or torch.ops.mkldnn._is_mkldnn_bf16_supported())
        and network.config.model_type in LAYERED
        and network.config.hidden_act in _ACTIVATIONS
    )


class Reader:
    """What the head of a network sees and says; the network is one for which `packs` is true.

    Args:
        network: in evaluation mode, its weights in the precision to compute in; left as it is.
        head: its last layer.
        tokens: how many are usually read at once.
    """

    def __init__(self, network: PreTrainedModel, head: nn.Linear, tokens: int) -> None:
        model: Any = network
        self._encoder, self._head = _Encoder(network, tokens), head
        self._whole_texts = type(network).__name__.endswith("ForSequenceClassification")
        self._before_head: nn.Module = nn.Identity()
        if self._whole_texts:
            pooler = getattr(network.base_model, "pooler", None)
            self._before_head = pooler or copy.deepcopy(model.classifier)
            if not pooler:
                self._before_head.out_proj = nn.Identity()

    def __call__(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Logits (R, T) and what the head makes them of (R, D): of texts, or of all tokens."""
        read = batch.starts if self._whole_texts else torch.arange(batch.ids.numel())
        states = self._encoder.states(batch.ids, batch.owners, batch.positions, read)
        if self._whole_texts:
            states = self._before_head(states.unsqueeze(1))  # as if each text had one token
        return self._head(states), states


class _Encoder:
    """The encoder of a network."""

    def __init__(self, network: PreTrainedModel, tokens: int) -> None:
        config, base = network.config, network.base_model
        self._embed: Any = base.embeddings
        self._project: Any = getattr(base, "embeddings_project", nn.Identity())  # of ELECTRA
        counts = config.model_type in _COUNT_FROM_PADDING
        self._first_position = config.pad_token_id + 1 if counts else 0
        activation = _ACTIVATIONS[config.hidden_act]
        encoder: Any = base.encoder
        heads = config.num_attention_heads
        self._layers = [_Layer(layer, heads, activation, tokens) for layer in encoder.layer]
        self._dtype = network.dtype

    def states(self, ids: Tensor, owners: Tensor, positions: Tensor, read: Tensor) -> Tensor:
        """The last states (R, D) of some tokens.

        Args:
            ids: token ids (B, L).
            owners: which text each token belongs to, (B, L).
            positions: of each token in its text, (B, L).
            read: of the R tokens, as indices into the flattened ids.
        """
        states = self._embed(input_ids=ids, position_ids=positions + self._first_position)
        states = self._project(states).flatten(0, 1)
        owners = owners.view(len(ids), 1, -1)
        within = self._seen(owners.transpose(1, 2), owners)
        for layer in self._layers[:-1]:
            states = layer(states, within)
        few = _Few.of(read, ids.shape)
        asking = owners.flatten()[few.places].unsqueeze(2)
        return self._layers[-1].read(states, few, self._seen(asking, owners))

    def _seen(self, asking: Tensor, owners: Tensor) -> Tensor:
        """What attention adds: nothing within a text, minus infinity between texts."""
        other = (asking != owners).unsqueeze(1)
        return torch.zeros(other.shape, dtype=self._dtype).masked_fill_(other, -torch.inf)


class _Few:
    """The tokens that are read, sorted into their rows.

    Attributes:
        places: in each row, the tokens that are read, as indices into the flattened ids (B, M);
            the row's first token where it has fewer than M.
        back: where each of the R tokens is in `places`, flattened, (R,).
    """

    def __init__(self, places: Tensor, back: Tensor) -> None:
        self.places, self.back = places, back

    @classmethod
    def of(cls, read: Tensor, shape: torch.Size) -> _Few:
        rows = read // shape[1]
        order = torch.argsort(rows, stable=True)
        counts = torch.bincount(rows, minlength=shape[0])
        before = torch.cumsum(counts, 0) - counts
        rank = torch.empty_like(read)
        rank[order] = torch.arange(len(read)) - before[rows[order]]
        most = int(counts.max())
        places = (torch.arange(shape[0]) * shape[1]).unsqueeze(1).repeat(1, most)
        back = rows * most + rank
        places.view(-1)[back] = read
        return cls(places, back)


class _Layer:
    """One layer, on flattened tokens (T, D)."""

    def __init__(self, layer: Any, heads: int, activation: tuple[str, str], tokens: int) -> None:
        inside = layer.attention.self
        self._asked = _Product(tokens, inside.query, inside.key, inside.value)
        self._mixed = _Product(tokens, layer.attention.output.dense)
        self._norm = layer.attention.output.LayerNorm
        self._up = _Product(tokens, layer.intermediate.dense)
        self._down = _Product(tokens, layer.output.dense)
        self._last_norm = layer.output.LayerNorm
        self._heads, self._activation = heads, activation

    def __call__(self, states: Tensor, within: Tensor) -> Tensor:
        """All tokens' states after this layer; `within` (B, 1, L, L) is added to the scores."""
        query, key, value = self._split(states, len(within))
        return self._rest(self._attended(query, key, value, within), states)

    def read(self, states: Tensor, few: _Few, within: Tensor) -> Tensor:
        """The states of those tokens that are read; `within` is (B, 1, M, L)."""
        query, key, value = self._split(states, len(within))
        rows = torch.arange(len(within)).unsqueeze(1)
        query = query.transpose(1, 2)[rows, few.places % key.shape[2]].transpose(1, 2)
        mixed = self._attended(query, key, value, within)[few.back]
        return self._rest(mixed, states[few.places.flatten()[few.back]])

    def _split(self, states: Tensor, rows: int) -> tuple[Tensor, ...]:
        """Queries, keys and values, each (B, heads, L, D / heads)."""
        together = self._asked(states).view(
            rows, -1, 3, self._heads, states.shape[1] // self._heads
        )
        return together.permute(2, 0, 3, 1, 4).unbind()

    def _attended(self, query: Tensor, key: Tensor, value: Tensor, within: Tensor) -> Tensor:
        found = functional.scaled_dot_product_attention(query, key, value, attn_mask=within)
        return found.transpose(1, 2).flatten(2).flatten(0, 1)

    def _rest(self, mixed: Tensor, states: Tensor) -> Tensor:
        states = self._norm(self._mixed.plus(mixed, states))
        inner = self._up(states, *self._activation)
        normed: Tensor = self._last_norm(self._down.plus(inner, states))
        return normed


class _Product:
    """Linear layers side by side, their weights laid out for so many rows at once."""

    def __init__(self, rows: int, *layers: nn.Linear) -> None:
        weight = torch.cat([layer.weight.detach() for layer in layers])
        self._weight = torch.ops.mkldnn._reorder_linear_weight(weight.contiguous(), rows)
        self._bias = torch.cat([layer.bias.detach() for layer in layers])

    def __call__(self, inputs: Tensor, activation: str = "none", how: str = "") -> Tensor:
        result: Tensor = torch.ops.mkldnn._linear_pointwise(
            inputs, self._weight, self._bias, activation, [], how
        )
        return result

    def plus(self, inputs: Tensor, other: Tensor) -> Tensor:
        """The product plus another tensor."""
        result: Tensor = torch.ops.mkldnn._linear_pointwise.binary(
            inputs, other, self._weight, self._bias, "add"
        )
        return result

"""A trained network as an instrument: token ids in, probabilities and embeddings out."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from alnlp.hardware import Precision
from alnlp.models.loading import output_names
from alnlp.models.pooling import first_token_alone
from alnlp.models.probe import head_of
from alnlp.tasks import Task

#: The usual rate of the BERT family.
DROPOUT = 0.1


class _Instrument:
    """A network in evaluation mode.

    Args:
        network: left as it is; for bf16 it is copied, since casting the weights once makes a pass
            twice as fast as autocast.
        task: the question the network was trained for.
        pad_token_id: fills short rows.
        precision: of everything but the head.
        dropout: whether dropout is left on.
    """

    def __init__(
        self,
        network: PreTrainedModel,
        task: Task,
        *,
        pad_token_id: int,
        precision: Precision,
        dropout: bool = False,
    ) -> None:
        self.pad_token_id = pad_token_id
        self.outputs = len(output_names(task))
        self.width = head_of(network, self.outputs).in_features
        self._multilabel = task.multilabel
        if precision == "bf16" or dropout:
            network = copy.deepcopy(network).train(dropout)
        if precision == "bf16":
            nn.Module.to(network, torch.bfloat16)
            # Logits in 8 bits would make ties of the margins that strategies rank by.
            head = head_of(network, self.outputs).float()
            head.register_forward_pre_hook(lambda _module, args: (args[0].float(),))
        if dropout and not any(m.p for m in network.modules() if isinstance(m, nn.Dropout)):
            # Without any dropout of its own all passes would be alike.
            head = head_of(network, self.outputs)
            head.register_forward_pre_hook(
                lambda _module, args: (nn.functional.dropout(args[0], DROPOUT),)
            )
        self._network = network

    def _read(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Logits, and what the head makes them of: (B, D) or (B, L, D), float32."""
        seen: list[Tensor] = []

        def keep(_module: nn.Module, args: Any) -> None:
            seen.append(args[0].float())

        head = head_of(self._network, self.outputs)
        with head.register_forward_pre_hook(keep), first_token_alone(self._network):
            logits = self._network(input_ids=ids, attention_mask=mask).logits.float()
        return logits, seen[0]

    def _moved(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        return tuple(tensor.to(self._network.device) for tensor in tensors)


class NetworkScorer(_Instrument):
    """A sequence classifier of `transformers` in evaluation mode (see `protocol.Scorer`)."""

    @torch.inference_mode()
    def step(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Probabilities (B, K) and embeddings (B, D), float32, of token ids and mask (B, L).

        An embedding is what the head sees, so that the gradients of the head are known from it.
        """
        logits, embeddings = self._read(*self._moved(ids, mask))
        probabilities = logits.sigmoid() if self._multilabel else logits.softmax(dim=-1)
        return probabilities.cpu(), embeddings.cpu()


class TokenScorer(_Instrument):
    """A token classifier of `transformers` in evaluation mode."""

    @torch.inference_mode()
    def step(self, ids: Tensor, mask: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
        """Log-probabilities (W, T) of the tags at some tokens and embeddings (B, D), float32.

        An embedding is the mean over the unmasked tokens of what the head sees.

        Args:
            ids: token ids (B, L).
            mask: 0/1 of shape (B, L).
            places: of W tokens, as indices into the flattened ids.
        """
        ids, mask = self._moved(ids, mask)
        logits, seen = self._read(ids, mask)
        weights = mask.unsqueeze(-1)
        embeddings = (seen * weights).sum(dim=1) / weights.sum(dim=1)
        chosen = logits.flatten(0, 1)[places.to(logits.device)]
        return chosen.log_softmax(dim=-1).cpu(), embeddings.cpu()

"""A trained network as an instrument: token ids in, probabilities and embeddings out."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from alnlp.hardware import Precision
from alnlp.models.loading import output_names
from alnlp.models.probe import head_of
from alnlp.tasks import Task


class _Instrument:
    """A network in evaluation mode.

    Args:
        network: left as it is; for bf16 it is copied, since casting the weights once makes a pass
            twice as fast as autocast.
        task: the question the network was trained for.
        pad_token_id: fills short rows.
        precision: of everything but the head.
    """

    def __init__(
        self, network: PreTrainedModel, task: Task, *, pad_token_id: int, precision: Precision
    ) -> None:
        self.pad_token_id = pad_token_id
        self.outputs = len(output_names(task))
        self.width = int(network.config.hidden_size)
        self._multilabel = task.multilabel
        if precision == "bf16":
            network = copy.deepcopy(network)
            nn.Module.to(network, torch.bfloat16)
            # Logits in 8 bits would make ties of the margins that strategies rank by.
            head = head_of(network, self.outputs).float()
            head.register_forward_pre_hook(lambda _module, args: (args[0].float(),))
        self._network = network

    def _read(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Logits, and the mean of the encoder's last hidden states over the unmasked tokens."""
        states: list[Tensor] = []

        def keep(_module: nn.Module, _args: Any, output: Any) -> None:
            states.append(output[0])

        ids, mask = ids.to(self._network.device), mask.to(self._network.device)
        with self._network.base_model.register_forward_hook(keep):
            logits = self._network(input_ids=ids, attention_mask=mask).logits.float()
        weights = mask.unsqueeze(-1)
        embeddings = (states[0].float() * weights).sum(dim=1) / weights.sum(dim=1)
        return logits, embeddings.cpu()


class NetworkScorer(_Instrument):
    """A sequence classifier of `transformers` in evaluation mode (see `protocol.Scorer`)."""

    @torch.inference_mode()
    def step(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Probabilities (B, K) and embeddings (B, D), float32, of token ids and mask (B, L).

        An embedding is the mean of the encoder's last hidden states over the unmasked tokens.
        """
        logits, embeddings = self._read(ids, mask)
        probabilities = logits.sigmoid() if self._multilabel else logits.softmax(dim=-1)
        return probabilities.cpu(), embeddings


class TokenScorer(_Instrument):
    """A token classifier of `transformers` in evaluation mode."""

    @torch.inference_mode()
    def step(self, ids: Tensor, mask: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
        """Log-probabilities (W, T) of the tags at some tokens and embeddings (B, D), float32.

        Args:
            ids: token ids (B, L).
            mask: 0/1 of shape (B, L).
            places: of W tokens, as indices into the flattened ids.
        """
        logits, embeddings = self._read(ids, mask)
        chosen = logits.flatten(0, 1)[places.to(logits.device)]
        return chosen.log_softmax(dim=-1).cpu(), embeddings

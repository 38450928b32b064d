"""A trained network as an instrument: token ids in, probabilities and embeddings out."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from alnlp.batch import Batch
from alnlp.hardware import Precision
from alnlp.models.loading import output_names
from alnlp.models.packed import Reader, packs
from alnlp.models.pooling import first_token_alone
from alnlp.models.probe import head_of
from alnlp.tasks import Task

#: The usual rate of the BERT family.
DROPOUT = 0.1
#: About what a batch holds; weights are laid out for it.
_TOKENS = 2048


class _Instrument:
    """A network in evaluation mode.

    Args:
        network: left as it is; for bf16 it is copied, since casting the weights once makes a pass
            twice as fast as autocast.
        task: the question the network was trained for.
        pad_token_id: fills short rows.
        precision: of everything but the head.
        dropout: whether dropout is left on, with the same units dropped in all texts.

    Attributes:
        shares_rows: whether it reads batches whose rows hold several texts, and several batches at
            a time, each in a thread of its own.
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
            network = copy.deepcopy(network).train(False)
        if precision == "bf16":
            nn.Module.to(network, torch.bfloat16)
            # Logits in 8 bits would make ties of the margins that strategies rank by.
            head = head_of(network, self.outputs).float()
            head.register_forward_pre_hook(lambda _module, args: (args[0].float(),))
        if dropout and not _draw_dropout(network):
            # Without any dropout of its own all passes would be alike.
            drawn = _Drawn(DROPOUT)
            head = head_of(network, self.outputs)
            head.register_forward_pre_hook(lambda _module, args: (drawn(args[0]),))
        head = head_of(network, self.outputs)
        self.shares_rows = not dropout and packs(network)
        self._read: Reader | _Plain = (
            Reader(network, head, _TOKENS) if self.shares_rows else _Plain(network, head)
        )


class _Drawn(nn.Module):
    """Dropout that drops the same units in all texts: one draw of a model from the posterior.

    Were they others for each text, each would be told by a model of its own, and nothing could be
    said of several texts together, as BatchBALD does.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self._rate = rate
        self._kept: Tensor | None = None

    def forward(self, seen: Tensor) -> Tensor:
        if seen.dim() > 3:  # attention: its last dimension is places in a text, not units
            return seen
        if self._kept is None:
            units = torch.ones(seen.shape[-1])
            self._kept = nn.functional.dropout(units, self._rate).to(seen)
        return seen * self._kept


def _draw_dropout(network: nn.Module) -> bool:
    """Put a draw in the place of each dropout of a network; whether there was any."""
    found = [
        (parent, name, child.p)
        for parent in network.modules()
        for name, child in parent.named_children()
        if isinstance(child, nn.Dropout) and child.p
    ]
    for parent, name, rate in found:
        setattr(parent, name, _Drawn(rate))
    return bool(found)


class _Plain:
    """What the network itself says, where each row of a batch is one text."""

    def __init__(self, network: PreTrainedModel, head: nn.Linear) -> None:
        self._network, self._head = network, head

    def __call__(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """As `packed.Reader`."""
        seen: list[Tensor] = []

        def keep(_module: nn.Module, args: Any) -> None:
            seen.append(args[0].flatten(0, -2))

        device = self._network.device
        with self._head.register_forward_pre_hook(keep), first_token_alone(self._network):
            logits = self._network(
                input_ids=batch.ids.to(device), attention_mask=batch.mask.to(device)
            ).logits
        return logits.flatten(0, -2), seen[0]


class NetworkScorer(_Instrument):
    """A sequence classifier of `transformers` in evaluation mode (see `protocol.Scorer`)."""

    @torch.inference_mode()
    def step(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Probabilities (n, K) and embeddings (n, D), float32, of n texts.

        An embedding is what the head sees, so that the gradients of the head are known from it.
        """
        logits, embeddings = (found.float() for found in self._read(batch))
        probabilities = logits.sigmoid() if self._multilabel else logits.softmax(dim=-1)
        return probabilities.cpu(), embeddings.cpu()


class TokenScorer(_Instrument):
    """A token classifier of `transformers` in evaluation mode."""

    @torch.inference_mode()
    def step(self, batch: Batch, places: Tensor) -> tuple[Tensor, Tensor]:
        """Log-probabilities (W, T) of the tags at some tokens and embeddings (n, D), float32.

        An embedding is the mean over a text's tokens of what the head sees.

        Args:
            batch: of n texts.
            places: of W tokens, as indices into the flattened ids.
        """
        logits, seen = (found.float() for found in self._read(batch))
        owners = batch.owners.flatten().to(seen.device)
        inside, texts = owners >= 0, len(batch.starts)
        sums = seen.new_zeros(texts, seen.shape[1]).index_add_(0, owners[inside], seen[inside])
        sizes = torch.bincount(owners[inside], minlength=texts)
        chosen = logits[places.to(seen.device)]
        return chosen.log_softmax(dim=-1).cpu(), (sums / sizes.unsqueeze(1)).cpu()

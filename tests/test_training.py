"""Training a classifier: the start of the head, the loss, poor data, repeating, cancelling."""

import gzip
import json
import math
import random
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import classifying
import numpy as np
import pytest
import tiny
import torch
from classifying import ANSWERS, QUICK, TASK, TEXTS, probabilities
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from alnlp import metrics
from alnlp.errors import Cancelled, DataError, ModelError
from alnlp.inference.engine import predict_texts
from alnlp.models.finetuned import FineTuned, TrainConfig
from alnlp.models.loading import load_network
from alnlp.models.pooling import first_token_alone
from alnlp.models.probe import head_of, start_head
from alnlp.models.protocol import TextModel
from alnlp.models.training import AlikeInLength, balanced_loss, pad
from alnlp.progress import Step
from alnlp.tasks import Task

checkpoint, trained = classifying.checkpoint, classifying.trained
sentence_encoder = classifying.sentence_encoder

# Less work for the same


@pytest.mark.parametrize("family", tiny.FAMILIES)
@pytest.mark.parametrize("mean_pooling", [False, True])
def test_the_first_token_alone_is_enough(family: str, mean_pooling: bool, tmp_path: Path) -> None:
    """Logits and gradients are those of the whole network."""
    folder = tiny.checkpoint(tmp_path, TEXTS, family, mean_pooling=mean_pooling)
    network = load_network(str(folder), TASK).train(False)
    model = FineTuned(TASK, str(folder))
    batch = pad(model._token_ids(TEXTS), model.tokenizer.pad_token_id)
    seen = []
    for context in (nullcontext(), first_token_alone(network)):
        network.zero_grad()
        with context:
            logits = network(**batch).logits
        logits.square().sum().backward()
        grads = [p.grad.flatten() for p in network.parameters() if p.grad is not None]
        seen.append((logits.detach(), torch.cat(grads)))
    (whole, whole_grads), (lean, lean_grads) = seen
    torch.testing.assert_close(lean, whole)
    torch.testing.assert_close(lean_grads, whole_grads, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(network(**batch).logits.detach(), whole)  # the hook is gone


@given(
    lengths=st.lists(st.integers(1, 60), min_size=1, max_size=150),
    size=st.integers(1, 20),
    seed=st.integers(0, 9),
)
def test_batches_of_like_length_hold_every_text_once(
    lengths: list[int], size: int, seed: int
) -> None:
    torch.manual_seed(seed)
    order = list(AlikeInLength(lengths, size))
    assert sorted(order) == list(range(len(lengths)))
    whole = len(lengths) // size * size
    assert len(AlikeInLength(lengths, size)) == len(lengths)
    for start in range(0, whole, size):
        batch = [lengths[at] for at in order[start : start + size]]
        assert batch == sorted(batch)


@pytest.mark.parametrize(
    ("examples", "length", "steps"),
    [
        (20, 10.0, 80),  # short texts: all of the fewest steps
        (20, 45.0, 62),  # 45,000 tokens are 62.5 batches of 16 texts of 45
        (20, 250.0, 56),  # long ones: no fewer than that
        (1000, 50.0, 315),  # five times through all of them
    ],
)
def test_steps_by_number_and_length_of_the_texts(examples: int, length: float, steps: int) -> None:
    assert TrainConfig().steps(examples, length) == steps


def test_batches_of_like_length_have_little_padding() -> None:
    torch.manual_seed(0)
    lengths = np.random.default_rng(0).integers(5, 120, 480)

    def padded(order: list[int]) -> int:
        return sum(16 * max(lengths[order[at : at + 16]]) for at in range(0, 480, 16))

    alike = padded(list(AlikeInLength(lengths.tolist(), 16)))
    assert alike < 0.85 * padded(torch.randperm(480).tolist())
    assert alike < 1.25 * lengths.sum()


# The start of the head


def rows_and_classes(classes: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(classes)
    targets = rng.integers(0, classes, 60) * 2  # the odd classes have no example
    return rng.normal(size=(60, 8)) + targets[:, None] * np.eye(8)[targets % 8], targets


@pytest.mark.parametrize("classes", [2, 3, 4])
def test_head_starts_as_the_logistic_regression(classes: int) -> None:
    from sklearn.linear_model import LogisticRegression

    inputs, targets = rows_and_classes(classes)
    head = nn.Linear(8, 2 * classes)
    start_head(head, inputs, targets, strength=1.0)
    logits = head(torch.as_tensor(inputs, dtype=torch.float32)).detach()[:, ::2]
    slow = LogisticRegression(max_iter=1000, class_weight="balanced").fit(inputs, targets)
    np.testing.assert_allclose(logits.softmax(-1), slow.predict_proba(inputs), atol=1e-4)


def test_head_of_several_labels_is_one_regression_each() -> None:
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(40, 5))
    targets = np.stack([inputs[:, 0] > 0, inputs[:, 1] > 1, np.zeros(40)], axis=1).astype(np.int64)
    head = nn.Linear(5, 3)
    start_head(head, inputs, targets, strength=1.0)
    found = head(torch.as_tensor(inputs, dtype=torch.float32)).sigmoid().detach()
    for k in (0, 1):
        slow = LogisticRegression(class_weight="balanced").fit(inputs, targets[:, k])
        np.testing.assert_allclose(found[:, k], slow.predict_proba(inputs)[:, 1], atol=1e-4)
    # Nobody has given the third label: it is not suggested.
    np.testing.assert_allclose(found[:, 2], 0.5 / 41, atol=1e-6)


@pytest.mark.parametrize("only", [0, 2])
def test_a_class_that_is_all_there_is_so_far_is_expected(only: int) -> None:
    head = nn.Linear(5, 3)
    start_head(head, np.ones((9, 5)), np.full(9, only), strength=1.0)
    assert head(torch.ones(1, 5)).argmax() == only


@pytest.mark.parametrize("family", ["bert", "roberta"])
def test_sentence_encoders_start_with_the_mean_of_the_tokens(family: str, tmp_path: Path) -> None:
    plain = str(tiny.checkpoint(tmp_path / "plain", TEXTS, family))
    encoder = str(tiny.checkpoint(tmp_path / "encoder", TEXTS, family, mean_pooling=True))
    tokenizer = FineTuned(TASK, plain).tokenizer
    inputs = pad(tokenizer(TEXTS)["input_ids"], tokenizer.pad_token_id)
    network = load_network(encoder, TASK)
    assert network.config.num_hidden_layers == 3
    seen: list[torch.Tensor] = []
    head = head_of(network, 3)
    head.register_forward_pre_hook(lambda _module, args: seen.append(args[0]))
    with torch.no_grad():
        network(**inputs)
        states = load_network(plain, TASK).base_model(**inputs)[0]
    mask = inputs["attention_mask"].unsqueeze(-1)
    mean = (states * mask).sum(1) / mask.sum(1)
    expected = functional.layer_norm(8 * mean + states[:, 0], (32,))
    np.testing.assert_allclose(seen[0], (expected / 2).tanh(), atol=1e-3)


def test_every_weight_of_the_averaging_layer_can_learn(sentence_encoder: str) -> None:
    model = FineTuned(TASK, sentence_encoder, QUICK)
    before = dict(
        load_network(sentence_encoder, TASK).base_model.encoder.layer[-1].named_parameters()
    )  # type: ignore[union-attr, index]
    model.fit(TEXTS, ANSWERS, seed=0)
    for name, weight in model.network.base_model.encoder.layer[-1].named_parameters():  # type: ignore[union-attr, index]
        if name != "attention.self.key.bias":  # softmax does not see it
            assert not torch.equal(weight, before[name]), name


# Training


@given(st.lists(st.integers(0, 4), min_size=1, max_size=40))
@settings(deadline=None)
def test_balanced_loss_agrees_with_a_loop(classes: list[int]) -> None:
    targets = np.array(classes)
    logits = torch.randn(len(classes), 5, generator=torch.Generator().manual_seed(0))
    average = len(classes) / len(set(classes))
    total = weights = 0.0
    for row, k in enumerate(classes):
        weight = min(max(average / classes.count(k), 1 / 3), 3)
        total -= weight * math.log(logits[row].softmax(-1)[k])
        weights += weight
    loss = balanced_loss(targets, 5, 3.0)(_Output(logits), torch.as_tensor(targets))
    assert float(loss) == pytest.approx(total / weights, rel=1e-4)


class _Output:
    def __init__(self, logits: torch.Tensor) -> None:
        self.logits = logits


def test_balanced_loss_of_several_labels_weighs_rare_positives() -> None:
    targets = np.array([[1, 1, 0]] + [[1, 0, 0]] * 8)
    zero = _Output(torch.zeros(1, 3))
    loss = balanced_loss(targets, 3, 2.0)
    positive = [float(loss(zero, torch.eye(3)[k : k + 1])) for k in range(3)]
    rest, single = 2 * math.log(2), math.log(2)
    # 8 negatives to 1 positive give the root of 8, cut to 2; never positive is cut to 2 as well
    expected = [(rest + single) / 3, (rest + 2 * single) / 3, (rest + 2 * single) / 3]
    assert positive == pytest.approx(expected)


def test_it_learns(checkpoint: str) -> None:
    model = FineTuned(TASK, checkpoint, TrainConfig(min_steps=40, learning_rate=1e-3))
    report = model.fit(TEXTS, ANSWERS, seed=0)
    assert TASK.decode(probabilities(model)) == ANSWERS
    assert (report.examples, report.steps, report.seed) == (len(TEXTS), 40, 0)
    assert report.loss < 1.0
    assert json.loads(json.dumps(report.to_json()))["configuration"]["min_steps"] == 40


def test_model_keeps_the_protocol(trained: FineTuned) -> None:
    model: TextModel = trained
    assert model.task == TASK


def test_same_seed_same_model_and_each_fit_starts_anew(checkpoint: str) -> None:
    model = FineTuned(TASK, checkpoint, QUICK)
    model.fit(TEXTS, ANSWERS, seed=1)
    first = probabilities(model)
    model.fit(TEXTS, ANSWERS[::-1], seed=2)
    assert not np.allclose(probabilities(model), first, atol=1e-3)
    model.fit(TEXTS, ANSWERS, seed=1)
    assert np.array_equal(probabilities(model), first)


def test_word_embeddings_stay_as_pretrained(trained: FineTuned, checkpoint: str) -> None:
    pretrained = load_network(checkpoint, TASK).get_input_embeddings().weight
    assert torch.equal(trained.network.get_input_embeddings().weight, pretrained)


@pytest.mark.parametrize(
    ("texts", "answers"),
    [
        (["only one text"], ["refund"]),
        (["one", "two", "three"], ["fault"] * 3),
        (["one", "two"], ["fault", "refund"]),
        (["same"] * 17, ["fault"] * 16 + ["refund"]),
        (["x" * 100_000, "\u202eright to left e\u0301", "🙂"], ["fault", "refund", "delivery"]),
    ],
)
def test_poor_first_batches_are_survived(
    checkpoint: str, texts: list[str], answers: list[str]
) -> None:
    model = FineTuned(TASK, checkpoint, QUICK)
    model.fit(texts, list(answers), seed=0)
    found = probabilities(model)
    assert found.shape == (len(TEXTS), 3)
    assert np.isfinite(found).all()


def test_many_classes_with_few_examples(checkpoint: str) -> None:
    task = Task("classification", tuple(f"label {k}" for k in range(77)))
    model = FineTuned(task, checkpoint, QUICK)
    model.fit(TEXTS, [f"label {4 * k}" for k in range(len(TEXTS))], seed=0)
    assert probabilities(model).shape == (len(TEXTS), 77)


@pytest.mark.parametrize(
    "answers",
    [[["refund"], ["refund", "fault"], []] * 6, [[]] * 18, [["delivery"]] * 18],
    ids=["mixed", "none", "all"],
)
def test_several_labels(checkpoint: str, answers: list[list[str]]) -> None:
    task = Task("multilabel", TASK.labels)
    model = FineTuned(task, checkpoint, TrainConfig(min_steps=150, learning_rate=1e-3))
    model.fit(TEXTS, answers, seed=0)
    assert task.decode(probabilities(model)) == [sorted(answer) for answer in answers]
    assert model.network.config.problem_type == "multi_label_classification"


def test_a_single_label(checkpoint: str) -> None:
    model = FineTuned(Task("classification", ("refund",)), checkpoint, QUICK)
    model.fit(TEXTS[:2], ["refund", "refund"], seed=0)
    assert (probabilities(model) == 1).all()


def test_cancelled_training_leaves_the_model_as_it_was(checkpoint: str) -> None:
    model = FineTuned(TASK, checkpoint, TrainConfig(min_steps=5))
    steps: list[Step] = []
    model.fit(TEXTS, ANSWERS, seed=0, progress=steps.append)
    before = probabilities(model)
    assert [(step.phase, step.done, step.total) for step in steps if step.phase == "train"] == [
        ("train", done, 10) for done in range(1, 11)
    ]
    assert steps[0] == Step("probe", len(TEXTS), len(TEXTS), "texts")

    def stop(step: Step) -> None:
        if step.phase == "train" and step.done == 3:
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        model.fit(TEXTS, ANSWERS[::-1], seed=1, progress=stop)
    assert model.seed == 0
    assert np.array_equal(probabilities(model), before)


@pytest.mark.parametrize(
    ("texts", "answers", "message"),
    [
        ([], [], "0 texts and 0 answers"),
        (["one"], [], "1 texts and 0 answers"),
        (["one"], ["unknown"], "'unknown'"),
    ],
)
def test_unusable_training_data_is_explained(
    trained: FineTuned, texts: list[str], answers: list[str], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        trained.fit(texts, list(answers), seed=0)


def test_untrained_and_unlabelled_models_are_explained(checkpoint: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="not trained yet"):
        FineTuned(TASK, checkpoint).scorer()
    with pytest.raises(ModelError, match="not trained yet"):
        FineTuned(TASK, checkpoint).save(tmp_path / "model")
    assert not (tmp_path / "model").exists()
    with pytest.raises(ModelError, match="without labels"):
        FineTuned(Task("classification"), checkpoint)


@pytest.mark.parametrize(
    "setting", [{"learning_rate": 0}, {"batch_size": 0}, {"warmup": 1}, {"max_length": 3}]
)
def test_bad_settings_name_the_field(setting: dict[str, Any]) -> None:
    with pytest.raises(
        ModelError, match=f"{next(iter(setting))}: got {next(iter(setting.values()))}"
    ):
        TrainConfig(**setting)


def test_length_is_bounded_by_settings_and_network(checkpoint: str) -> None:
    assert FineTuned(TASK, checkpoint).max_length == 62
    assert FineTuned(TASK, checkpoint, TrainConfig(max_length=9)).max_length == 9


@pytest.mark.slow
def test_minilm_learns_trec_from_a_hundred_labels(data_folder: Path) -> None:
    def read(split: str) -> list[dict[str, str]]:
        with gzip.open(
            data_folder / "trec6" / f"{split}.jsonl.gz", "rt", encoding="utf-8"
        ) as lines:
            return [json.loads(line) for line in lines]

    train, test = read("train"), read("test")
    random.Random(0).shuffle(train)
    task = Task("classification", tuple(sorted({row["label"] for row in train})))
    model = FineTuned(task)
    model.fit([row["text"] for row in train[:100]], [row["label"] for row in train[:100]], seed=0)
    found = task.decode(predict_texts(model, [row["text"] for row in test]).probabilities)
    assert metrics.compute(task, [row["label"] for row in test], found)["accuracy"] > 0.84

"""Scoring: tokens kept on disk, batches, and results equal to a slow one-by-one loop."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest
import tiny
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alnlp.errors import Cancelled, ModelError
from alnlp.inference.engine import predict_texts, score
from alnlp.inference.tokens import TokenStore, fingerprint
from alnlp.models.finetuned import FineTuned, TrainConfig
from alnlp.progress import Step
from alnlp.tasks import Task

TEXTS = [f"message {i} " + "where is my parcel and my refund " * (i % 7) for i in range(40)]
MAX_LENGTH = 24


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> FineTuned:
    folder = tiny.checkpoint(tmp_path_factory.mktemp("tiny"), TEXTS)
    config = TrainConfig(min_steps=2, max_length=MAX_LENGTH)
    model = FineTuned(Task("classification", ("odd", "even", "never")), str(folder), config)
    model.fit(TEXTS[:8], ["odd", "even"] * 4, seed=0)
    return model


@pytest.fixture(scope="module")
def tokens(model: FineTuned) -> TokenStore:
    return TokenStore.of(TEXTS, model.tokenizer, model.max_length)


class Pool:
    """Texts in batches, remembering from which rows it was asked to start."""

    def __init__(self, texts: Sequence[str], batch: int = 7) -> None:
        self.texts, self.batch, self.starts = texts, batch, list[int]()

    def __call__(self, start: int) -> Iterable[Sequence[str]]:
        self.starts.append(start)
        for at in range(start, len(self.texts), self.batch):
            yield self.texts[at : at + self.batch]


Update = Callable[..., TokenStore]


@pytest.fixture
def update(model: FineTuned, tmp_path: Path) -> Update:
    def run(pool: Pool, n_rows: int, **options: object) -> TokenStore:
        return TokenStore.update(
            tmp_path, model.tokenizer, MAX_LENGTH, pool, n_rows, **options  # type: ignore[arg-type]
        )  # fmt: skip

    return run


def assert_tokens(store: TokenStore, model: FineTuned, n_rows: int) -> None:
    assert len(store) == n_rows
    for row in range(n_rows):
        expected = model.tokenizer(TEXTS[row], truncation=True, max_length=MAX_LENGTH)["input_ids"]
        assert store[row].tolist() == expected


def test_tokens_are_those_of_the_tokenizer(update: Update, model: FineTuned) -> None:
    assert_tokens(update(Pool(TEXTS), len(TEXTS)), model, len(TEXTS))


def test_only_new_rows_are_tokenised(update: Update, model: FineTuned) -> None:
    pool = Pool(TEXTS)
    update(pool, 10)
    assert_tokens(update(pool, len(TEXTS)), model, len(TEXTS))
    update(pool, len(TEXTS))
    assert pool.starts == [0, 10]
    assert len(update(pool, 5)) == 5


def test_empty_pool(update: Update) -> None:
    assert len(update(Pool([]), 0)) == 0


def test_pool_with_too_few_texts_is_an_error(update: Update) -> None:
    with pytest.raises(ModelError, match="got 3 texts from the pool, expected 4"):
        update(Pool(TEXTS[:3]), 4)


def test_cancelled_tokenising_goes_on_where_it_stopped(update: Update, model: FineTuned) -> None:
    def stop(step: Step) -> None:
        if step.done >= 14:
            raise Cancelled("stop")

    pool = Pool(TEXTS)
    with pytest.raises(Cancelled):
        update(pool, len(TEXTS), progress=stop)
    assert_tokens(update(pool, len(TEXTS)), model, len(TEXTS))
    assert pool.starts == [0, 14]


@given(cut_ids=st.integers(0, 3000), cut_ends=st.integers(0, 330), zeros=st.integers(0, 20))
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_torn_files_are_made_whole(
    update: Update, model: FineTuned, tmp_path: Path, cut_ids: int, cut_ends: int, zeros: int
) -> None:
    update(Pool(TEXTS), len(TEXTS))
    home = tmp_path / fingerprint(model.tokenizer, MAX_LENGTH)
    for name, size in (("ids.i32", cut_ids), ("ends.i64", cut_ends)):
        content = (home / name).read_bytes()[:size]
        # A crash of the machine may leave a file longer than what was written into it.
        (home / name).write_bytes(content + bytes(zeros if name == "ends.i64" else 0))
    assert_tokens(update(Pool(TEXTS), len(TEXTS)), model, len(TEXTS))


def test_fingerprint_is_of_the_tokenizer_alone(model: FineTuned, tmp_path: Path) -> None:
    before = fingerprint(model.tokenizer, 24)
    model.tokenizer(TEXTS, truncation=True, max_length=5, padding=True)
    assert fingerprint(model.tokenizer, 24) == before
    assert fingerprint(model.tokenizer, 25) != before
    other = FineTuned(model.task, str(tiny.checkpoint(tmp_path, ["quite other words"])))
    assert fingerprint(other.tokenizer, 24) != before


def one_by_one(model: FineTuned, rows: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """The slow and obvious way, in fp32 and without padding."""
    probabilities, embeddings = [], []
    for row in rows:
        inputs = model.tokenizer(
            TEXTS[row], truncation=True, max_length=MAX_LENGTH, return_tensors="pt"
        )
        with torch.no_grad():
            logits = model.network(**inputs).logits
            pooled = model.network.bert(**inputs).pooler_output  # what BERT's head sees
        probabilities.append(logits[0].softmax(-1).numpy())
        embeddings.append(pooled[0].numpy())
    return np.stack(probabilities), np.stack(embeddings)


@pytest.mark.parametrize("budget", [1, 60, 100_000])
def test_score_agrees_with_a_loop(model: FineTuned, tokens: TokenStore, budget: int) -> None:
    rows = np.random.default_rng(budget).integers(0, len(TEXTS), 25)  # any order, with repeats
    probabilities, embeddings = one_by_one(model, rows)
    scored = score(model, tokens, rows, budget_tokens=budget, precision="fp32")
    assert (scored.probabilities.dtype, scored.embeddings.dtype) == (np.float32, np.float16)
    np.testing.assert_allclose(scored.probabilities, probabilities, atol=1e-5)
    np.testing.assert_allclose(scored.embeddings, embeddings, atol=2e-3)


def test_score_follows_the_order_of_the_rows(model: FineTuned, tokens: TokenStore) -> None:
    rows = np.arange(len(TEXTS))
    shuffled = np.random.default_rng(1).permutation(rows)
    straight = score(model, tokens, rows, precision="fp32").probabilities
    mixed = score(model, tokens, shuffled, precision="fp32").probabilities
    np.testing.assert_allclose(mixed, straight[shuffled], atol=1e-5)
    assert len(np.unique(straight.round(4), axis=0)) > 5  # or the order could not be told


@pytest.mark.parametrize("rows", [[], [3]])
def test_score_of_few_rows(model: FineTuned, tokens: TokenStore, rows: list[int]) -> None:
    scored = score(model, tokens, rows)
    assert scored.probabilities.shape == (len(rows), 3)
    assert scored.embeddings.shape == (len(rows), 32)


def test_bf16_is_close_to_fp32(model: FineTuned, tokens: TokenStore) -> None:
    rows = np.arange(len(TEXTS))
    exact = score(model, tokens, rows, precision="fp32")
    coarse = score(model, tokens, rows, precision="bf16")
    np.testing.assert_allclose(coarse.probabilities, exact.probabilities, atol=0.02)
    np.testing.assert_allclose(coarse.probabilities.sum(axis=1), 1, atol=1e-5)
    again = score(model, tokens, rows, precision="fp32")  # the bf16 pass left the weights alone
    assert np.array_equal(again.probabilities, exact.probabilities)


def test_score_reports_progress_and_can_be_stopped(model: FineTuned, tokens: TokenStore) -> None:
    steps: list[Step] = []
    score(model, tokens, range(len(TEXTS)), budget_tokens=50, progress=steps.append)
    done = [step.done for step in steps]
    assert done == sorted(set(done))
    assert (done[-1], {step.total for step in steps}) == (len(TEXTS), {len(TEXTS)})

    def stop(step: Step) -> None:
        raise Cancelled("stop")

    with pytest.raises(Cancelled):
        score(model, tokens, range(len(TEXTS)), progress=stop)


def test_predict_texts_takes_the_same_path(model: FineTuned, tokens: TokenStore) -> None:
    scored = predict_texts(model, TEXTS, precision="fp32")
    expected = score(model, tokens, range(len(TEXTS)), precision="fp32")
    assert np.array_equal(scored.probabilities, expected.probabilities)
    assert len(predict_texts(model, []).probabilities) == 0
    assert len(predict_texts(model, ["", "x" * 100_000]).probabilities) == 2

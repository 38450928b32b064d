"""Batches: every text once, within the budget, each row laid out as a loop would do it."""

import threading

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from alnlp.inference.layout import plans
from alnlp.inference.passes import each
from alnlp.inference.tokens import TokenStore

lengths_of_texts = st.lists(st.integers(1, 700), max_size=60)


def store_of(lengths: list[int]) -> TokenStore:
    ids = [row * 1000 + place for row, length in enumerate(lengths) for place in range(length)]
    return TokenStore(np.array(ids, np.int32), np.cumsum(lengths, dtype=np.int64))


@given(lengths_of_texts, st.integers(1, 5000), st.booleans())
def test_each_text_is_in_one_batch_within_the_budget(
    lengths: list[int], budget: int, shared: bool
) -> None:
    found = plans(np.array(lengths, np.int64), budget, shared=shared)
    texts = [text for plan in found for text in plan.texts.tolist()]
    assert sorted(texts) == list(range(len(lengths)))
    for plan in found:
        assert plan.shape[0] == 1 or plan.shape[0] * plan.shape[1] <= budget
        assert shared or len(plan.texts) == plan.shape[0]


@given(lengths_of_texts.filter(bool), st.booleans(), st.data())
def test_batches_agree_with_a_loop(lengths: list[int], shared: bool, data: st.DataObject) -> None:
    tokens = store_of(lengths)
    indices = st.integers(0, len(lengths) - 1)
    rows = np.array(data.draw(st.lists(indices, min_size=1)))  # any order, with repeats
    for plan in plans(tokens.lengths(rows), 1024, shared=shared):
        batch = plan.batch(tokens, rows, -7)
        flat = {name: getattr(batch, name).flatten() for name in ("ids", "owners", "positions")}
        assert batch.ids.shape == plan.shape
        read = np.zeros(batch.ids.numel(), bool)
        for at, (text, start) in enumerate(zip(plan.texts, batch.starts.tolist(), strict=True)):
            place = slice(start, start + lengths[rows[text]])
            assert start // plan.shape[1] == (place.stop - 1) // plan.shape[1]  # in one row
            assert not read[place].any()
            read[place] = True
            assert flat["ids"][place].tolist() == tokens[rows[text]].tolist()
            assert set(flat["owners"][place].tolist()) == {at}
            assert flat["positions"][place].tolist() == list(range(lengths[rows[text]]))
        assert (flat["ids"].numpy()[~read] == -7).all()
        assert (flat["owners"].numpy()[~read] == -1).all()
        assert batch.mask.flatten().bool().tolist() == read.tolist()


def test_shared_rows_are_nearly_full() -> None:
    lengths = np.random.default_rng(0).integers(20, 90, 2000)
    found = plans(lengths, None, shared=True)
    assert lengths.sum() / sum(plan.shape[0] * plan.shape[1] for plan in found) > 0.95


def test_side_by_side_gives_all_results_and_leaves_the_threads_as_they_were(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("alnlp.hardware.threads", lambda: 3)
    before = torch.get_num_threads()
    found = set(each(lambda item: (item**2, torch.get_num_threads()), range(20), together=True))
    assert found == {(item**2, 1) for item in range(20)}
    assert torch.get_num_threads() == before
    assert list(each(abs, range(3), together=False)) == [0, 1, 2]
    assert list(each(abs, [], together=True)) == []


def test_a_failure_side_by_side_is_raised_and_ends_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("alnlp.hardware.threads", lambda: 2)
    done, before = [], threading.active_count()

    def work(item: int) -> int:
        done.append(item)
        if item == 3:
            raise ValueError("no")
        return item

    with pytest.raises(ValueError, match="no"):
        list(each(work, range(200_000), together=True))
    assert len(done) < 200_000
    assert threading.active_count() == before

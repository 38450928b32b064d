"""Near-duplicates: what counts as one, and groups equal to comparing all pairs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alnlp.data.duplicates import _normalised, alike, near_duplicate_groups


def groups_of(texts: list[str], batch: int = 1000) -> np.ndarray:
    batches = [texts[i : i + batch] for i in range(0, len(texts), batch)]
    return near_duplicate_groups(batches, lambda rows: [texts[row] for row in rows])


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("Where is my new card, it never arrived?", "Where is my new crad it never arrived", True),
        ("Who is Duke Ellington ?", "WHO IS DUKE ELINGTON", True),
        ("My top-up didn't go through", "My top up didn't go through!!", True),
        ("我喜欢这个产品", "我喜欢这个产品！", True),
        ("What is the capital of Peru ?", "What is the capital of Mali ?", False),
        ("What is the capital of Mongolia ?", "What is the capital of Slovenia ?", False),
        ("How do I top up my card?", "How do I lock my card?", False),
        ("我喜欢这个产品", "我讨厌这个产品", False),
        ("yes", "yet", False),
        ("👍", "👎", False),
        ("!!!", "???", False),
    ],
)
def test_what_counts_as_a_near_duplicate(left: str, right: str, expected: bool) -> None:
    assert alike(*_normalised([left, right])) is expected
    grouped = groups_of([left, "something else entirely", right]).tolist()
    assert grouped == [0, 1, 0 if expected else 2]


def all_pairs_groups(texts: list[str]) -> np.ndarray:
    """The slow, obvious reference."""
    plain = _normalised(texts)
    groups = np.arange(len(texts))
    for i in range(len(texts)):
        for j in range(i):
            if alike(plain[i], plain[j]):
                low, high = sorted((groups[i], groups[j]))
                groups[groups == high] = low
    return groups


def test_groups_agree_with_comparing_all_pairs() -> None:
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice(list("abcdefghij"), rng.integers(2, 8))) for _ in range(80)]
    texts: list[str] = []
    for _ in range(250):
        if texts and rng.random() < 0.4:
            old = texts[rng.integers(len(texts))]
            place = int(rng.integers(len(old)))
            texts.append(old[:place] + "z" + old[place + 1 :])
        else:
            texts.append(" ".join(rng.choice(words, rng.integers(5, 30))))
    slow = all_pairs_groups(texts)
    assert len(np.unique(slow)) < 200
    fast = groups_of(texts, batch=37)
    assert (fast == slow).mean() > 0.99
    assert all(slow[fast == group].min() == slow[fast == group].max() for group in fast)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(max_size=30), max_size=30))
def test_groups_are_named_by_their_smallest_row(texts: list[str]) -> None:
    groups = groups_of(texts, batch=7)
    assert groups.dtype == np.int64
    assert groups.shape == (len(texts),)
    assert (groups <= np.arange(len(texts))).all()
    assert (groups[groups] == groups).all()
    same: dict[str, int] = {}
    for text, group in zip(texts, groups, strict=True):
        assert same.setdefault(text, group) == group

"""Doubted labels, texts a few words apart, odd marks: against slow references and by hand."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from alnlp import suspicion
from alnlp.data.phrases import odd_marks
from alnlp.data.spans import Span, answer_of
from alnlp.data.wording import contradicting, differing, likeness, shared
from alnlp.data.words import words_of
from alnlp.suspicion import Features, Reading

WORDS = "red green blue one two three four five six seven".split()  # noqa: SIM905


def drawn_features(rng: np.random.Generator, n: int, v: int, d: int) -> Features:
    embeddings = rng.normal(size=(n, d)).astype(np.float32)
    return Features(csr_matrix(rng.random((n, v)) * (rng.random((n, v)) < 0.5)), embeddings)


@given(st.integers(0, 10_000), st.integers(2, 12), st.integers(1, 4), st.integers(0, 3))
@settings(max_examples=25)
def test_what_is_left_out_is_what_a_regression_without_it_says(seed, n, v, d):
    rng = np.random.default_rng(seed)
    seen = drawn_features(rng, n, v, d)
    targets = rng.normal(size=(n, 2))
    found = suspicion.left_out(seen, targets, ridge=0.7)
    x = np.hstack([np.ones((n, 1)), seen.terms.toarray(), seen.embeddings])
    for i in range(n):
        others = np.arange(n) != i
        a, b = x[others], targets[others]
        weights = np.linalg.solve(a.T @ a + 0.7 * np.eye(x.shape[1]), a.T @ b)
        assert found[i] == pytest.approx(x[i] @ weights, abs=1e-6)


def test_many_texts_are_read_in_blocks(monkeypatch):
    seen = drawn_features(np.random.default_rng(0), 23, 4, 2)
    targets = np.random.default_rng(1).normal(size=(23, 3))
    whole = suspicion.left_out(seen, targets)
    monkeypatch.setattr(suspicion, "_BLOCK", 5)
    assert suspicion.left_out(seen, targets) == pytest.approx(whole)


def test_how_probably_a_label_is_wrong_by_hand():
    reading = Reading(np.array([[0.01, 0.99], [0.5, 0.5]]), slips=0.1)
    wrong = reading.wrong(np.array([0, 0]), np.array([0.5, 0.5]))
    # A slip was right after all as often as the answer is.
    assert wrong == pytest.approx([0.05 * 0.99 / (0.009 + 0.05), 0.05 * 0.5 / (0.45 + 0.05)])


def test_the_share_of_slips_is_found():
    rng = np.random.default_rng(0)
    right = rng.integers(3, size=4000)
    said = np.eye(3)[right] + rng.normal(scale=0.25, size=(4000, 3))
    slipped = rng.random(4000) < 0.12
    answers = np.where(slipped, rng.integers(3, size=4000), right)
    reading = suspicion.read(said, answers, np.full(3, 1 / 3))
    assert reading.slips == pytest.approx(0.12, abs=0.03)
    wrong = reading.wrong(answers, np.full(3, 1 / 3))
    assert wrong[answers != right].mean() > 0.8 > 0.1 > wrong[answers == right].mean()


def planted(n: int, classes: int, rng: np.random.Generator) -> tuple[list[str], np.ndarray]:
    """Texts of which half of the words tell the class."""
    right = np.arange(n) % classes
    telling = [[f"word{k}x{i}" for i in range(8)] for k in range(classes)]
    common = [f"common{i}" for i in range(30)]
    texts = [
        " ".join([*rng.choice(telling[k], 4, replace=False), *rng.choice(common, 4)])
        for k in right.tolist()
    ]
    return texts, right


def test_flipped_labels_are_found_and_the_right_ones_proposed():
    rng = np.random.default_rng(0)
    texts, right = planted(300, 3, rng)
    answers = right.copy()
    flipped = rng.choice(300, 15, replace=False)
    answers[flipped] = (answers[flipped] + 1) % 3
    wrong, said = suspicion.doubtful_classes(suspicion.features(texts), answers, 4)
    assert set(np.flatnonzero(wrong > 0.25).tolist()) == set(flipped.tolist())
    assert (said.argmax(axis=1)[flipped] == right[flipped]).all()
    assert said.sum(axis=1) == pytest.approx(np.ones(300))


def test_an_embedding_says_what_words_do_not():
    rng = np.random.default_rng(0)
    right = np.arange(200) % 2
    texts = [f"unique{i} words{i}" for i in range(200)]
    embeddings = rng.normal(size=(200, 8)) + 6 * right[:, None]
    embeddings[7] = 0  # of this text none is known
    answers = right.copy()
    answers[[20, 31]] = 1 - answers[[20, 31]]
    seen = suspicion.features(texts, embeddings)
    assert np.linalg.norm(seen.embeddings, axis=1)[[7, 8]] == pytest.approx([0, 1], abs=1e-5)
    wrong, _ = suspicion.doubtful_classes(seen, answers, 2)
    assert set(np.argsort(-wrong)[:2].tolist()) == {20, 31}


def test_what_a_model_said_beforehand_counts():
    texts, right = planted(60, 2, np.random.default_rng(0))
    seen = suspicion.features(texts)
    honest = np.full((60, 2), np.nan)
    honest[0] = [0.001, 0.999]
    alone, _ = suspicion.doubtful_classes(seen, right, 2)
    both, said = suspicion.doubtful_classes(seen, right, 2, honest)
    assert both[0] > alone[0]
    assert both[1:] == pytest.approx(alone[1:])
    assert said[0, 1] > 0.45


@pytest.mark.parametrize("answers", [[0] * 12, [0] * 8 + [1] * 4, [0]])
def test_too_few_answers_doubt_nothing(answers):
    texts = [f"text {i}" for i in range(len(answers))]
    wrong, said = suspicion.doubtful_classes(suspicion.features(texts), np.array(answers), 2)
    assert not wrong.any()
    assert said.shape == (len(answers), 2)


def test_each_label_of_a_set_is_a_question_of_its_own():
    rng = np.random.default_rng(0)
    texts, right = planted(300, 3, rng)
    given = np.eye(4, dtype=np.int64)[right]
    given[5, right[5]] = 0  # one is missing
    given[6, (right[6] + 1) % 3] = 1  # one too many
    wrong, holds = suspicion.doubtful_labels(suspicion.features(texts), given)
    assert np.argwhere(wrong > 0.5).tolist() == [[5, right[5]], [6, (right[6] + 1) % 3]]
    assert holds[5, right[5]] > 0.5 > holds[6, (right[6] + 1) % 3]
    assert not wrong[:, 3].any()  # a label that nobody gave


# Texts a few words apart


def apart(left: str, right: str) -> int:
    a, b = (sorted(words.casefold().split()) for words in (left, right))
    common = sum(min(a.count(word), b.count(word)) for word in set(a))
    return max(len(a), len(b)) - common


@given(
    st.lists(st.lists(st.sampled_from(WORDS), max_size=18).map(" ".join), max_size=9),
    st.randoms(use_true_random=False),
)
def test_contradicting_texts_are_those_that_a_comparison_of_all_pairs_finds(texts, random):
    answers = [random.choice("ab") for _ in texts]
    expected = [
        (i, j)
        for i, j in combinations(range(len(texts)), 2)
        if answers[i] != answers[j]
        and (longest := max(len(texts[i].split()), len(texts[j].split()))) > 0
        and apart(texts[i], texts[j]) <= min(longest // 5, 3)
    ]
    assert contradicting(texts, answers) == expected


def test_case_and_signs_are_no_difference():
    texts = ["Great movie!", "great MOVIE ...", "great film", "!!!", "???"]
    assert contradicting(texts, list("abcde")) == [(0, 1)]
    assert likeness(texts[0], texts[1]) == 1
    assert likeness(texts[0], texts[2]) == 0.5


def test_differing_words_are_marked_in_code_points():
    left, right = "🌧 It rained all day in Ulm", "🌧 it snowed and rained in Ulm"
    here, there = differing(left, right)
    assert [left[a:b] for a, b in here] == ["all day"]
    assert [right[a:b] for a, b in there] == ["snowed and"]
    assert differing("the same", "The Same") == ([], [])
    assert differing("", "two words") == ([], [(0, 9)])


texts_of_words = st.lists(st.sampled_from([*WORDS, "😀", ",", "été"]), max_size=12).map(" ".join)


@given(texts_of_words, texts_of_words)
def test_without_the_differing_words_two_texts_are_the_same(left, right):
    def rest(text, stretches):
        outside = [w for w in words_of(text) if not any(a <= w[0] < b for a, b in stretches)]
        return [text[a:b] for a, b in outside]

    here, there = differing(left, right)
    assert rest(left, here) == rest(right, there)
    assert [left[a:b] for a, b in shared(left, right)] == rest(left, here)


# Marks


def marks(text: str, **labels: str):
    spans = [
        Span(text.index(words), text.index(words) + len(words), k) for k, words in labels.items()
    ]
    return answer_of(spans)


def odd(texts, answers):
    return odd_marks(texts, [words_of(text) for text in texts], answers)


def test_a_phrase_that_is_marked_nearly_everywhere():
    texts = [
        "I met Ana Lind",
        "ana lind called",
        "Is Ana Lind here",
        "Ana Lind is",
        "by Ana Lindgren",
    ]
    answers = [marks(text, PER=text[text.lower().index("ana") :][:8]) for text in texts[:3]]
    (found,) = odd(texts, [*answers, answer_of([]), answer_of([])])
    assert (found.row, found.start, found.end) == (3, 0, 8)
    assert (found.given, found.usual, found.agreed, found.seen) == (None, "PER", 3, 4)
    assert found.score == pytest.approx(4 / 6)
    # Another label is as odd as none.
    (found,) = odd(texts, [*answers, marks(texts[3], ORG="Ana Lind"), answer_of([])])
    assert (found.given, found.usual) == ("ORG", "PER")


def test_a_phrase_that_is_marked_once_only():
    texts = [f"in May {year}" for year in (2001, 2002, 2003, 2004)]
    (found,) = odd(texts, [marks(texts[0], PER="May"), *[answer_of([])] * 3])
    assert (found.row, found.given, found.usual) == (0, "PER", None)


def test_places_inside_other_marks_or_not_looked_at_do_not_count():
    texts = ["Paris", "Paris", "Paris", "Paris Match", "Paris"]
    answers = [marks("Paris", LOC="Paris")] * 3 + [marks("Paris Match", ORG="Paris Match")]
    assert odd(texts, [*answers, answer_of([], [])]) == []
    assert len(odd(texts, [*answers, answer_of([])])) == 1
    assert odd(texts[:2], [answers[0], answer_of([])]) == []  # seen too seldom

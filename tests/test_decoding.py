"""Decoding and scores of texts: equal to what slow and obvious loops say."""

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alnlp.inference import decoding
from alnlp.inference.decoding import best_paths
from alnlp.inference.token_scores import NAMES, Segments, path_probabilities, text_scores
from alnlp.tags import entities, tag_names


def is_valid(path: tuple[int, ...]) -> bool:
    names = tag_names(("A", "B", "C", "D"))
    before = "O"
    for tag in path:
        name = names[tag]
        if name[0] == "I" and (before == "O" or before[2:] != name[2:]):
            return False
        before = name
    return True


def brute_force(logs: np.ndarray) -> list[tuple[float, tuple[int, ...]]]:
    """All valid paths with their log-probabilities, the best first."""
    words, tags = logs.shape
    paths = [path for path in product(range(tags), repeat=words) if is_valid(path)]
    return sorted(
        ((float(sum(logs[word, tag] for word, tag in enumerate(path))), path) for path in paths),
        reverse=True,
    )


def distributions(lengths: list[int], labels: int, seed: int, sharp: float) -> np.ndarray:
    rng = np.random.default_rng(seed)
    logits = sharp * rng.normal(size=(sum(lengths), 1 + 2 * labels))
    logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return logits.astype(np.float32)


TEXTS = st.lists(st.integers(0, 5), max_size=6)


@given(TEXTS, st.integers(1, 2), st.integers(0, 10**6), st.sampled_from([0.3, 2.0, 30.0]))
@settings(deadline=None)
def test_two_best_paths_are_those_of_all(
    lengths: list[int], labels: int, seed: int, sharp: float
) -> None:
    logs = distributions(lengths, labels, seed, sharp)
    ends = np.cumsum(lengths, dtype=np.int64)
    paths = best_paths(logs, ends)
    assert paths.tags.shape == (2, sum(lengths))
    for text, (length, end) in enumerate(zip(lengths, ends.tolist(), strict=True)):
        own = slice(end - length, end)
        if not length:
            assert paths.log_probabilities[:, text].tolist() == [0.0, -math.inf]
            continue
        expected = brute_force(logs[own])
        for rank in range(2):
            path = tuple(paths.tags[rank, own].tolist())
            assert is_valid(path)
            total = sum(float(logs[own][word, tag]) for word, tag in enumerate(path))
            assert total == pytest.approx(expected[rank][0], rel=1e-6, abs=1e-6)
            assert paths.log_probabilities[rank, text] == pytest.approx(total, rel=1e-6, abs=1e-6)
        assert tuple(paths.tags[0, own]) != tuple(paths.tags[1, own])


@given(st.lists(st.integers(0, 200), max_size=8), st.integers(1, 30), st.integers(0, 10**6))
@settings(deadline=None, max_examples=30)
def test_long_texts_and_many_labels_decode_to_valid_tags(
    lengths: list[int], labels: int, seed: int
) -> None:
    logs = distributions(lengths, labels, seed, 3.0)
    ends = np.cumsum(lengths, dtype=np.int64)
    paths = best_paths(logs, ends)
    for length, end in zip(lengths, ends.tolist(), strict=True):
        for rank in range(2):
            before = 0
            for tag in paths.tags[rank, end - length : end].tolist():
                assert tag % 2 or tag == 0 or before in (tag, tag - 1)
                before = tag
    greedy = logs.argmax(axis=1)
    for length, end in zip(lengths, ends.tolist(), strict=True):
        own = slice(end - length, end)
        if all(t % 2 or not t or b in (t, t - 1) for b, t in zip([0, *greedy[own]], greedy[own])):  # noqa: B905
            assert np.array_equal(paths.tags[0, own], greedy[own])


def test_texts_in_small_blocks_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    lengths = [7, 0, 3, 20, 3, 1]
    logs, ends = distributions(lengths, 3, 0, 1.0), np.cumsum(lengths)
    whole = best_paths(logs, ends)
    monkeypatch.setattr(decoding, "_WORDS_AT_ONCE", 5)
    apart = best_paths(logs, ends)
    assert np.array_equal(whole.tags, apart.tags)
    assert np.array_equal(whole.log_probabilities, apart.log_probabilities)


def test_impossible_tags_are_survived() -> None:
    """A network that is entirely sure, as far as float32 can tell."""
    logs = np.full((3, 3), -np.inf, np.float32)
    logs[:, 2] = 0.0  # all inside, which is no valid sequence
    logs[0, 0] = logs[1, 1] = -200.0
    paths = best_paths(logs, np.array([3]))
    assert paths.tags[0].tolist() == [0, 1, 2]
    scores = text_scores(logs, np.array([3]), paths)
    assert all(np.isfinite(values).all() and (values >= 0).all() for values in scores.values())


def test_entities_of_tags() -> None:
    found = entities(np.array([1, 2, 1, 0, 3, 4, 4, 1, 0, 3]))
    assert found.tolist() == [[0, 2, 0], [2, 3, 0], [4, 7, 1], [7, 8, 0], [9, 10, 1]]
    assert entities(np.array([], np.int16)).shape == (0, 3)


# Scores of texts


def word_score(name: str, p: list[float]) -> float:
    if name == "least_confidence":
        return 1 - max(p)
    if name == "margin":
        first, second = sorted(p)[-1], sorted(p)[-2]
        return 1 - (first - second)
    return -sum(x * math.log(x) for x in p if x > 0)


def reduced(how: str, values: list[float], inside: list[bool]) -> float:
    if not values:
        return 0.0
    match how:
        case "mean":
            return sum(values) / len(values)
        case "max":
            return max(values)
        case "min":
            return min(values)
        case "sum":
            return sum(values)
        case "top3":
            highest = sorted(values)[-3:]
            return sum(highest) / len(highest)
        case "entities":
            return sum(value for value, own in zip(values, inside, strict=True) if own)
    raise AssertionError(how)


@given(TEXTS, st.integers(1, 2), st.integers(0, 10**6), st.sampled_from([0.3, 3.0]))
@settings(deadline=None)
def test_scores_agree_with_a_loop(lengths: list[int], labels: int, seed: int, sharp: float) -> None:
    logs = distributions(lengths, labels, seed, sharp)
    ends = np.cumsum(lengths, dtype=np.int64)
    found = text_scores(logs, ends, best_paths(logs, ends))
    assert tuple(found) == NAMES
    for text, (length, end) in enumerate(zip(lengths, ends.tolist(), strict=True)):
        own = logs[end - length : end]
        probabilities = np.exp(own.astype(np.float64)).tolist()
        (best, path), (second, _) = (brute_force(own) if length else [(0.0, ()), (-math.inf, ())])[
            :2
        ]
        for name in NAMES:
            match name.split(":"):
                case [score, how]:
                    values = [word_score(score, p) for p in probabilities]
                    expected = reduced(how, values, [tag > 0 for tag in path])
                case ["mnlp"]:
                    expected = -best / length if length else 0.0
                case ["sequence_margin"]:
                    expected = 1 - (math.exp(best) - math.exp(second))
                case ["lowest_token"]:
                    chosen = [p[tag] for p, tag in zip(probabilities, path, strict=True)]
                    expected = 1 - min(chosen, default=1.0)
            assert found[name].dtype == np.float32
            assert found[name][text] == pytest.approx(max(0.0, expected), abs=2e-5), name


def test_texts_without_words_score_nothing() -> None:
    ends = np.zeros(3, np.int64)
    logs = np.empty((0, 3), np.float32)
    for values in text_scores(logs, ends, best_paths(logs, ends)).values():
        assert values.tolist() == [0.0] * 3
    nothing = np.empty(0, np.int64)
    for values in text_scores(logs, nothing, best_paths(logs, nothing)).values():
        assert values.shape == (0,)


def test_segments_without_any_text() -> None:
    assert Segments(np.empty(0, np.int64)).top(np.empty(0)).shape == (0,)


def test_path_probabilities_are_those_of_the_path() -> None:
    logs = distributions([4], 1, 0, 1.0)
    paths = best_paths(logs, np.array([4]))
    found = path_probabilities(logs, paths)
    assert found.tolist() == [logs[word, tag] for word, tag in enumerate(paths.tags[0].tolist())]


def test_mnlp_and_sequence_margin_by_hand() -> None:
    # O, B, I of one label. O I is no reading, so that B I = 0.25 * 0.8 = 0.2 is the best; the next
    # are O O and O B, 0.5 * 0.1 = 0.05.
    logs = np.log([[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]])
    ends = np.array([2])
    found = text_scores(logs, ends, best_paths(logs, ends))
    assert found["mnlp"][0] == pytest.approx(-math.log(0.2) / 2)
    assert found["sequence_margin"][0] == pytest.approx(1 - (0.2 - 0.05))
    assert found["lowest_token"][0] == pytest.approx(1 - 0.25)

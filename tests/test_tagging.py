"""Tagging a pool: equal to reading text by text, whatever the batches, windows and chunks."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from alnlp.data.spans import Span, answer_of
from alnlp.data.words import Words, words_of
from alnlp.errors import Cancelled
from alnlp.inference import tagging
from alnlp.inference.decoding import best_paths
from alnlp.inference.tagging import SPAN, ScoredSpans, file_name, predict_spans, score_spans
from alnlp.inference.token_scores import NAMES
from alnlp.models.alignment import Aligner
from alnlp.models.tagger import Tagger, TaggerConfig
from alnlp.progress import Step
from alnlp.tags import entities
from alnlp.tasks import Task

NAMES_OF_PEOPLE = ["anna", "bob"]
VOCABULARY = [*NAMES_OF_PEOPLE, "paris", "parcel", "where", "is", "my", "lives", "in", "12.5", "."]
MAX_LENGTH = 24


def text_of(seed: int) -> str:
    rng = np.random.default_rng(seed)
    return " ".join(rng.choice(VOCABULARY, rng.integers(0, 60)))


TEXTS = [text_of(seed) for seed in range(40)]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Tagger:
    checkpoint = tiny.checkpoint(tmp_path_factory.mktemp("tiny"), TEXTS)
    config = TaggerConfig(min_steps=100, learning_rate=2e-3, max_length=MAX_LENGTH)
    model = Tagger(Task("ner", ("person", "place")), str(checkpoint), config)
    answers = [
        answer_of(
            Span(*place, "person")
            for place in words_of(text)
            if text[slice(*place)] in NAMES_OF_PEOPLE
        )
        for text in TEXTS
    ]
    model.fit(TEXTS, answers, seed=0)
    return model


@pytest.fixture(scope="module")
def wide(model: Tagger) -> Tagger:
    """The same model with a wider window."""
    made = copy.copy(model)
    made._aligner = Aligner(model.tokenizer, 62)
    return made


def fetch(rows: np.ndarray) -> tuple[list[str], list[Words]]:
    texts = [TEXTS[row] for row in rows.tolist()]
    return texts, [words_of(text) for text in texts]


def assert_same(found: ScoredSpans, expected: ScoredSpans, places: Any = slice(None)) -> None:
    """Equal, the expected taken at some places."""
    for name in NAMES:
        np.testing.assert_allclose(found.scores[name], expected.scores[name][places], atol=1e-4)
    assert found.words.tolist() == expected.words[places].tolist()
    np.testing.assert_allclose(found.embeddings, expected.embeddings[places], atol=4e-3)
    chosen = np.arange(len(expected.words))[places].tolist()
    for flat, ends in (("spans", "span_ends"), ("unsure", "unsure_ends")):
        for at, place in enumerate(chosen):
            mine, theirs = (
                getattr(given, flat)[
                    getattr(given, ends)[k - 1] if k else 0 : getattr(given, ends)[k]
                ]
                for given, k in ((found, at), (expected, place))
            )
            if flat == "spans":
                np.testing.assert_allclose(mine["confidence"], theirs["confidence"], atol=1e-4)
                mine, theirs = mine[["start", "end", "label"]], theirs[["start", "end", "label"]]
            assert mine.tolist() == theirs.tolist()


def word_logs(model: Tagger, text: str) -> tuple[np.ndarray, np.ndarray]:
    """The slow and obvious way: each window by itself, in fp32, without padding."""
    places = words_of(text)
    logs = np.full((len(places), 5), np.nan, np.float32)
    states = []
    for window in model.windows([text], [places]):
        ids = torch.tensor([window.ids])
        with torch.no_grad():
            output = model.network(
                input_ids=ids, attention_mask=torch.ones_like(ids), output_hidden_states=True
            )
        states.append(output.hidden_states[-1][0].numpy())
        for word, first in zip(window.words, window.first, strict=True):
            logs[word] = output.logits[0, first].log_softmax(-1).numpy()
    return logs, np.concatenate(states).mean(axis=0)


@pytest.mark.parametrize("budget", [1, 60, 100_000])
def test_scores_agree_with_a_loop(model: Tagger, budget: int) -> None:
    rows = np.random.default_rng(budget).integers(0, len(TEXTS), 25)  # any order, with repeats
    found = score_spans(model, fetch, rows, budget_tokens=budget, precision="fp32")
    for place, row in enumerate(rows.tolist()):
        logs, embedding = word_logs(model, TEXTS[row])
        ends = np.array([len(logs)])
        paths = best_paths(logs, ends)
        certainty = [np.exp(logs[i, tag]) for i, tag in enumerate(paths.tags[0].tolist())]
        edges = words_of(TEXTS[row])
        held = np.exp(logs[:, 1:]).reshape(len(logs), 2, 2).sum(axis=2)  # B and I of each label
        expected = [
            (edges[first][0], edges[behind - 1][1], label, held[first:behind, label].min())
            for first, behind, label in entities(paths.tags[0]).tolist()
        ]
        at = found.span_ends[place - 1] if place else 0
        spans = found.spans[at : found.span_ends[place]]
        assert spans[["start", "end", "label"]].tolist() == [tuple(e[:3]) for e in expected]
        np.testing.assert_allclose(spans["confidence"], [e[3] for e in expected], atol=1e-4)
        assert found.words[place] == len(edges)
        np.testing.assert_allclose(found.embeddings[place], embedding, atol=4e-3)
        assert found.scores["lowest_token"][place] == pytest.approx(
            1 - min(certainty, default=1.0), abs=1e-4
        )
    assert len(found.spans)  # or nothing was compared


@given(st.lists(st.sampled_from(VOCABULARY), max_size=8))
@settings(deadline=None, max_examples=25)
def test_stitched_windows_equal_the_whole_on_short_texts(
    model: Tagger, wide: Tagger, words: list[str]
) -> None:
    text = " ".join(words)
    assert len(model.windows([text], [words_of(text)])) == 1
    assert_same(
        predict_spans(model, [text], precision="fp32"),
        predict_spans(wide, [text], precision="fp32"),
    )


def test_long_texts_are_read_to_their_end(model: Tagger) -> None:
    text = " ".join(TEXTS) * 12
    assert len(text) > 25_000
    found = predict_spans(model, [text, "anna"], precision="fp32")
    assert found.words.tolist() == [len(words_of(text)), 1]
    assert found.spans["end"].max() > len(text) - 200


def test_chunks_do_not_matter(model: Tagger, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.random.default_rng(1).permutation(len(TEXTS))
    whole = score_spans(model, fetch, np.arange(len(TEXTS)), precision="fp32")
    monkeypatch.setattr(tagging, "_TEXTS_AT_ONCE", 3)
    monkeypatch.setattr(tagging, "_WORDS_AT_ONCE", 70)
    asked: list[int] = []

    def watched(wanted: np.ndarray) -> tuple[list[str], list[Words]]:
        asked.append(len(wanted))
        return fetch(wanted)

    assert_same(score_spans(model, watched, rows, precision="fp32"), whole, rows)
    assert asked == [3] * 13 + [1]
    assert len(np.unique(whole.scores["mnlp"].round(4))) > 5  # or the order could not be told


@pytest.mark.parametrize("rows", [[], [3], [0, 0]])
def test_few_rows(model: Tagger, rows: list[int]) -> None:
    found = score_spans(model, fetch, rows)
    assert tuple(found.scores) == NAMES
    assert all(values.shape == (len(rows),) for values in found.scores.values())
    assert (found.embeddings.shape, found.spans.dtype) == ((len(rows), 32), SPAN)


def test_texts_without_words(model: Tagger) -> None:
    for texts in ([""], ["", " \n", "anna", ""]):
        found = predict_spans(model, texts)
        empty = [not text.strip() for text in texts]
        assert all((values[empty] == 0).all() for values in found.scores.values())
        assert np.isfinite(found.embeddings).all()


def test_bf16_is_close_to_fp32(model: Tagger) -> None:
    exact = predict_spans(model, TEXTS, precision="fp32").scores["mnlp"]
    coarse = predict_spans(model, TEXTS, precision="bf16").scores["mnlp"]
    np.testing.assert_allclose(coarse, exact, atol=0.03)
    again = predict_spans(model, TEXTS, precision="fp32").scores["mnlp"]
    assert np.array_equal(again, exact)  # the bf16 pass left the weights alone


def test_progress_counts_texts_and_can_stop(model: Tagger) -> None:
    steps: list[Step] = []
    score_spans(model, fetch, range(len(TEXTS)), budget_tokens=50, progress=steps.append)
    done = [step.done for step in steps]
    assert done == sorted(done)
    assert done[-1] == len(TEXTS)
    assert {(step.phase, step.total, step.unit) for step in steps} == {("score", 40, "texts")}

    def stop(step: Step) -> None:
        raise Cancelled("stop")

    with pytest.raises(Cancelled):
        score_spans(model, fetch, range(len(TEXTS)), progress=stop)


def test_arrays_can_be_kept_in_files(model: Tagger, tmp_path: Path) -> None:
    found = predict_spans(model, TEXTS)
    for name, array in found.arrays().items():
        assert name.replace("-", "").replace("_", "").isalnum()
        np.save(tmp_path / f"{name}.npy", array, allow_pickle=False)
        read = np.load(tmp_path / f"{name}.npy", mmap_mode="r", allow_pickle=False)
        assert np.array_equal(read, array)
    assert set(map(file_name, NAMES)) < set(found.arrays())


# What is worth a look in long texts


@given(st.lists(st.sampled_from([0.99, 0.99, 0.99, 0.95, 0.5]), max_size=120))
def test_unsure_stretches_agree_with_a_loop(certainty: list[float]) -> None:
    edges = np.array([(3 * i, 3 * i + 2) for i in range(len(certainty))], np.int32).reshape(-1, 2)
    found = tagging._unsure(np.array(certainty), edges)
    wanted = {
        near
        for word, sure in enumerate(certainty)
        if sure < 0.9
        for near in range(max(0, word - 2), min(len(certainty), word + 3))
    }
    if len(certainty) < 40 or 2 * len(wanted) >= len(certainty):
        assert found.tolist() == []
        return
    stretches: list[list[int]] = []
    for word in sorted(wanted):
        if stretches and stretches[-1][1] == 3 * (word - 1) + 2:
            stretches[-1][1] = 3 * word + 2
        else:
            stretches.append([3 * word, 3 * word + 2])
    assert found.tolist() == stretches

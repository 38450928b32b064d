"""The tagger: what it trains on, that it learns, saving, and use by plain transformers."""

import gzip
import json
import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
import torch
import yaml
from plain import transformers_said

from alnlp import metrics
from alnlp.data.spans import Span, SpanAnswer, answer_of
from alnlp.data.words import Words, joined, words_of
from alnlp.errors import Cancelled, DataError, ModelError
from alnlp.inference.tagging import ScoredSpans, predict_spans
from alnlp.models import tagger as tagger_module
from alnlp.models.card import model_card
from alnlp.models.protocol import FitReport
from alnlp.models.tagger import Tagger, TaggerConfig
from alnlp.models.training import stack, token_loss
from alnlp.progress import Step
from alnlp.tags import UNKNOWN, entities, tag_names
from alnlp.tasks import Task

TASK = Task("ner", ("person", "place"))
MARKED = [
    "[person Anna Bell] lives in [place Paris]",
    "nobody lives here",
    "[person Bob] went to [place New York] with [person Anna]",
    "[place Paris] and [place New York] are far apart",
    "the parcel went to [place Rome]",
]
QUICK = TaggerConfig(min_steps=3, epochs=1)


def read(marked: str) -> tuple[str, SpanAnswer]:
    """A text and its spans from "[label words] words"."""
    text, spans = "", []
    for part in marked.replace("]", "[").split("["):
        label, _, words = part.partition(" ")
        if label in TASK.labels:
            spans.append(Span(len(text), len(text) + len(words), label))
            part = words
        text += part
    return text, answer_of(spans)


TEXTS, ANSWERS = map(list, zip(*map(read, MARKED), strict=True))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny.checkpoint(tmp_path_factory.mktemp("bert"), TEXTS * 3))


@pytest.fixture(scope="module")
def trained(checkpoint: str) -> Tagger:
    model = Tagger(TASK, checkpoint, TaggerConfig(min_steps=400, learning_rate=7e-3))
    model.fit(TEXTS, ANSWERS, seed=0)
    return model


def scored(model: Tagger, texts: list[str] = TEXTS) -> ScoredSpans:
    return predict_spans(model, texts, precision="fp32")


def answers(model: Tagger, found: ScoredSpans) -> list[SpanAnswer]:
    starts = [0, *found.span_ends.tolist()]
    return [
        answer_of(
            Span(int(span["start"]), int(span["end"]), model.task.labels[span["label"]])
            for span in found.spans[start:end]
        )
        for start, end in pairwise(starts)
    ]


# Training


def test_it_learns(trained: Tagger) -> None:
    assert answers(trained, scored(trained)) == ANSWERS


def test_report_says_what_was_done(checkpoint: str) -> None:
    steps: list[Step] = []
    report = Tagger(TASK, checkpoint, QUICK).fit(TEXTS, ANSWERS, seed=7, progress=steps.append)
    assert (report.examples, report.steps, report.seed, report.left_out) == (5, 3, 7, 0)
    assert json.loads(json.dumps(report.to_json()))["configuration"]["min_steps"] == 3
    assert [step.done for step in steps if step.phase == "train"] == [1, 2, 3]


@pytest.fixture
def taught(checkpoint: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What a training would learn from: the tokens and names of the tags of each window."""

    def look(text: str, answer: SpanAnswer, **settings: Any) -> list[list[tuple[str, str]]]:
        model = Tagger(TASK, checkpoint, TaggerConfig(**settings))
        seen = []

        def finetune(network: Any, ids: Any, targets: Any, *_: Any, **__: Any) -> tuple[int, float]:
            names = {**network.config.id2label, UNKNOWN: "?"}
            for window, tags in zip(ids, targets, strict=True):
                tokens = model.tokenizer.convert_ids_to_tokens(window)
                seen.append([(t, names[k]) for t, k in zip(tokens, tags.tolist(), strict=True)])
            return 1, 0.0

        monkeypatch.setattr(tagger_module, "finetune", finetune)
        report = model.fit([text], [answer], seed=0)
        seen.append([("left out", str(report.left_out))])
        return seen

    return look


def test_first_subword_carries_the_tag(taught: Any) -> None:
    text, answer = read("[person parisis] is not")
    window, (left_out,) = taught(text, answer)
    assert window[0] == ("[CLS]", "?")
    assert all(tag == "?" for token, tag in window if token.startswith("##"))
    assert [tag for token, tag in window if tag != "?"] == ["B-person", "O", "O"]
    assert left_out == ("left out", "0")


def test_all_subwords_may_carry_it(taught: Any) -> None:
    text, answer = read("[person parisis bob] is")
    window, _ = taught(text, answer, label_all_subwords=True)
    tags = [tag for token, tag in window if token not in ("[CLS]", "[SEP]")]
    inside = [tag for tag in tags if tag != "O"]
    assert len(inside) > 2
    assert inside == ["B-person"] + ["I-person"] * (len(inside) - 1)
    assert tags == inside + ["O"] * (len(tags) - len(inside))


def test_what_nobody_confirmed_is_masked(taught: Any) -> None:
    text, answer = read(MARKED[2])
    answer["confirmed"] = [[0, 11]]
    answer["spans"] = answer["spans"][:1]
    window, _ = taught(text, answer)
    assert [tag for _, tag in window if tag != "?"] == ["B-person", "O", "O"]


def test_windows_that_nobody_has_looked_at_are_not_read(taught: Any) -> None:
    text = "anna lives in paris " * 50
    answer = answer_of([Span(0, 4, "person")], confirmed=[[0, 10]])
    *windows, _ = taught(text, answer, max_length=16)
    assert len(windows) == 1
    everything = answer_of([Span(0, 4, "person")])
    *windows, _ = taught(text, everything, max_length=16)
    known = [tag for window in windows for _, tag in window if tag != "?"]
    assert known == ["B-person"] + ["O"] * 199  # each word is learnt once, overlap or not


def test_of_spans_in_the_same_word_the_longest_is_learnt(taught: Any) -> None:
    text = "Anna Bell lives in Paris"
    spans = [Span(0, 6, "person"), Span(7, 9, "place"), Span(19, 22, "place")]
    window, (left_out,) = taught(text, answer_of(spans, confirmed=[[0, 24]]))
    tags = [tag for _, tag in window if tag != "?"]
    assert tags == ["B-person", "I-person", "O", "O", "B-place"]  # half a word is the whole word
    assert left_out == ("left out", "1")


def test_overlaps_are_allowed_where_the_task_allows_them(checkpoint: str) -> None:
    spans = answer_of([Span(0, 9, "person"), Span(5, 9, "place")])
    task = Task("ner", TASK.labels, overlaps=True)
    report = Tagger(task, checkpoint, QUICK).fit(["Anna Bell lives"], [spans], seed=0)
    assert report.left_out == 1


def test_own_words_are_learnt_from(checkpoint: str) -> None:
    model = Tagger(TASK, checkpoint, QUICK)
    words = [[(0, 2), (2, 9)]]
    model.fit(["Anna Bell"], [answer_of([Span(2, 9, "person")])], words=words, seed=0)
    found = predict_spans(model, ["Anna Bell"], words)
    assert found.words.tolist() == [2]


def test_loss_passes_over_what_is_unknown() -> None:
    class Output:
        logits = torch.randn(2, 4, 3, generator=torch.Generator().manual_seed(0))

    targets = [np.array([UNKNOWN, 1, 2, UNKNOWN]), np.array([0, UNKNOWN])]
    labels = stack(targets)
    assert labels.tolist() == [[UNKNOWN, 1, 2, UNKNOWN], [0, UNKNOWN, UNKNOWN, UNKNOWN]]
    logs = Output.logits.log_softmax(-1)
    expected = -(2 * logs[0, 1, 1] + 2 * logs[0, 2, 2] + logs[1, 0, 0]) / 5
    loss = token_loss(3, 2.0)
    assert float(loss(Output(), labels)) == pytest.approx(float(expected), rel=1e-5)
    assert float(loss(Output(), torch.full((2, 4), UNKNOWN))) == 0.0


@pytest.mark.parametrize(
    "marked",
    [
        ["[person Anna]"],
        ["nobody", "nothing here"],
        ["[person Anna] and [person Bob]"] * 20,
        [""],
        ["", "[place Paris]"],
        ["[person " + "x" * 100_000 + "]"],
        ["[person Anna] " + "went to Paris and back " * 1_100],
        ["[place 東京]に行く", "ذهبت [person سارة] إلى [place باريس]", "[person 🙂👩‍👩‍👧] e\u0301"],
    ],
    ids=["one", "none", "same", "empty", "one-empty", "long-word", "long-text", "scripts"],
)
def test_poor_first_batches_are_survived(checkpoint: str, marked: list[str]) -> None:
    texts, given = zip(*map(read, marked), strict=True)
    model = Tagger(TASK, checkpoint, QUICK)
    model.fit(list(texts), list(given), seed=0)
    found = scored(model, [*texts, *TEXTS])
    assert found.words.tolist() == [len(words_of(text)) for text in [*texts, *TEXTS]]
    assert all(np.isfinite(values).all() for values in found.scores.values())
    assert np.isfinite(found.embeddings).all()


def test_many_types(checkpoint: str) -> None:
    task = Task("ner", tuple(f"type {k}" for k in range(30)))
    model = Tagger(task, checkpoint, QUICK)
    model.fit(TEXTS, [answer_of([Span(0, 4, f"type {k}")]) for k in range(5)], seed=0)
    assert model.network.config.num_labels == 61
    assert scored(model).words.sum() > 0


def test_same_seed_same_model_and_each_fit_starts_anew(checkpoint: str) -> None:
    model = Tagger(TASK, checkpoint, QUICK)
    model.fit(TEXTS, ANSWERS, seed=1)
    first = scored(model).scores["mnlp"]
    model.fit(TEXTS[:2], ANSWERS[:2], seed=2)
    assert not np.allclose(scored(model).scores["mnlp"], first, atol=1e-4)
    model.fit(TEXTS, ANSWERS, seed=1)
    assert np.array_equal(scored(model).scores["mnlp"], first)


def test_cancelled_training_leaves_the_model_as_it_was(trained: Tagger) -> None:
    before = scored(trained).scores["mnlp"]

    def stop(step: Step) -> None:
        raise Cancelled("stop")

    with pytest.raises(Cancelled):
        trained.fit(TEXTS[::-1], ANSWERS[::-1], seed=1, progress=stop)
    assert trained.seed == 0
    assert np.array_equal(scored(trained).scores["mnlp"], before)


@pytest.mark.parametrize(
    ("texts", "given", "message"),
    [
        ([], [], "0 texts, 0 answers"),
        (["one"], [], "1 texts, 0 answers"),
        (["one"], [{"spans": [{"start": 0, "end": 3, "label": "thing"}]}], "'thing'"),
        (["one"], [{"spans": [{"start": 0, "end": 4, "label": "place"}]}], "end 4"),
    ],
)
def test_unusable_training_data_is_explained(
    trained: Tagger, texts: list[str], given: list[Any], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        trained.fit(texts, given, seed=0)


def test_untrained_and_unlabelled_models_are_explained(checkpoint: str) -> None:
    with pytest.raises(ModelError, match="not trained yet"):
        Tagger(TASK, checkpoint).scorer()
    with pytest.raises(ModelError, match="without labels"):
        Tagger(Task("ner"), checkpoint)


def test_bad_settings_name_the_field() -> None:
    with pytest.raises(ModelError, match="entity_weight: got 0"):
        TaggerConfig(entity_weight=0)
    with pytest.raises(ModelError, match="batch_size: got 0"):
        TaggerConfig(batch_size=0)


@pytest.mark.slow
def test_minilm_learns_diseases_from_sixty_sentences(data_folder: Path) -> None:
    def sentences(split: str, n: int) -> tuple[list[str], list[Words], list[SpanAnswer]]:
        path = data_folder / "ncbi_disease" / f"{split}.jsonl.gz"
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            rows = random.Random(0).sample([json.loads(line) for line in lines], n)
        texts, words = map(list, zip(*(joined(row["tokens"]) for row in rows), strict=True))
        names = {name: k for k, name in enumerate(tag_names(("Disease",)))}
        spans = []
        for row, places in zip(rows, words, strict=True):
            found = entities(np.array([names[tag] for tag in row["ner_tags"]])).tolist()
            spans.append([Span(places[i][0], places[j - 1][1], "Disease") for i, j, _ in found])
        return texts, words, [answer_of(own) for own in spans]

    texts, words, gold = sentences("train", 60)
    model = Tagger(Task("ner", ("Disease",)))
    model.fit(texts, gold, words=words, seed=0)
    texts, words, gold = sentences("test", 150)
    found = answers(model, predict_spans(model, texts, words))
    assert metrics.compute(model.task, gold, found, words)["span_f1"] > 0.3


# Saving


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_any_family_trains_and_comes_back_from_disk(family: str, tmp_path: Path) -> None:
    folder = tiny.checkpoint(tmp_path / "pretrained", TEXTS, family)
    task = Task("ner", TASK.labels, overlaps=True)
    model = Tagger(task, str(folder), QUICK)
    model.fit(TEXTS, ANSWERS, seed=3)
    model.save(tmp_path / "saved")
    loaded = Tagger.load(tmp_path / "saved")
    assert (loaded.task, loaded.config, loaded.seed) == (task, QUICK, 3)
    assert (loaded.checkpoint, loaded.max_length) == (str(folder), model.max_length)
    for name, values in scored(model).scores.items():
        np.testing.assert_allclose(scored(loaded).scores[name], values, atol=1e-5)


def test_sentence_encoders_get_no_layer_for_the_mean(tmp_path: Path) -> None:
    folder = tiny.checkpoint(tmp_path, TEXTS, mean_pooling=True)
    model = Tagger(TASK, str(folder), QUICK)
    model.fit(TEXTS, ANSWERS, seed=0)
    assert model.network.config.num_hidden_layers == 2


def test_folder_of_another_kind_of_model_is_explained(trained: Tagger, tmp_path: Path) -> None:
    trained.save(tmp_path)
    manifest = json.loads((tmp_path / "alnlp.json").read_text())
    manifest["task"]["labels"].reverse()
    (tmp_path / "alnlp.json").write_text(json.dumps(manifest))
    with pytest.raises(ModelError, match="name different labels"):
        Tagger.load(tmp_path)


PLAIN = """
tag = pipeline("token-classification", model=folder, aggregation_strategy="first", stride=16)
found = tag(texts)
print(json.dumps([[[s["start"], s["end"], s["entity_group"]] for s in spans] for spans in found]))
"""


@pytest.mark.slow
def test_plain_transformers_finds_the_same_entities(trained: Tagger, tmp_path: Path) -> None:
    trained.save(tmp_path)
    texts = [*TEXTS, "Anna went to New York " * 30]
    said = transformers_said(PLAIN, tmp_path, texts)
    found = [answer_of(Span(*span) for span in spans) for spans in said]
    assert found[:-1] == answers(trained, scored(trained))
    assert len(found[-1]["spans"]) > 30  # the stride reads long texts to their end
    assert json.loads((tmp_path / "config.json").read_text())["id2label"] == {
        "0": "O", "1": "B-person", "2": "I-person", "3": "B-place", "4": "I-place",
    }  # fmt: skip


def test_card_says_how_to_find_entities() -> None:
    report = FitReport(18, 100, 12.3, 0.5, 7, "fp32", {"learning_rate": 1e-4})
    text = model_card(
        TASK, "minilm", report, label_counts={"person": 6}, metrics={"f1": 0.5},
        metrics_on="5 test texts", hardware={},
    )  # fmt: skip
    assert yaml.safe_load(text.split("---\n")[1])["pipeline_tag"] == "token-classification"
    for expected in ("Named entities: 2 labels", 'aggregation_strategy="first"', "| person | 6 |"):
        assert expected in text

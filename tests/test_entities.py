"""Named entities through the project object, from import to export, with a tiny model."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alnlp import simulate
from alnlp.data.spans import Span, answer_of, spans_of
from alnlp.errors import AlnlpError, DataError, ProjectError
from alnlp.project import Project
from alnlp.store import NewEvent

PEOPLE = ["Ana Ruiz", "Ben Ode", "Carla", "Dmitri Petrov", "Elif", "Farid Aziz", "Greta", "Hugo"]
PLACES = ["Oslo", "Lima", "New Delhi", "Quito", "Accra"]


def row(i: int) -> dict[str, Any]:
    """A sentence about a person and a place; every fourth has neither."""
    if i % 4 == 3:
        return {"text": f"nothing new about case {i * 7919} so far", "spans": []}
    who, where = PEOPLE[i % len(PEOPLE)], PLACES[i % len(PLACES)]
    text = f"case {i * 7919} says {who} went to {where} today"
    spans = [(who, "PERSON"), (where, "PLACE")]
    return {
        "text": text,
        "spans": [
            {"start": text.index(words), "end": text.index(words) + len(words), "label": label}
            for words, label in spans
        ],
    }


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def entity_project(tmp_path: Path, make_project: Callable[..., Project]) -> Callable[..., Project]:
    """Makes ner projects of 40 sentences, 8 more to measure on."""

    def make(name: str = "project", **options: Any) -> Project:
        data = write(tmp_path / "data.jsonl", [row(i) for i in range(40)])
        test = write(tmp_path / "test.jsonl", [row(i) for i in range(40, 48)])
        given = {"data": data, "test": test, "task": "ner", "answers": False, **options}
        return make_project(name, **given)

    return make


def gold(project: Project, example_id: str) -> Any:
    return project.pool.gold(project.pool.row(example_id))


def test_labels_come_from_the_data(entity_project: Callable[..., Project]) -> None:
    project = entity_project()
    assert project.task.labels == ("PERSON", "PLACE")
    assert project.settings.strategy == "mnlp"
    assert project.status()["labelled"] == 0


def test_a_round_marks_entities(entity_project: Callable[..., Project]) -> None:
    project = entity_project()
    batch = project.ask(10)
    assert all(example.words for example in batch)
    project.tell({example.id: gold(project, example.id) for example in batch})
    made = project.train()
    assert made.metrics["span_f1"] >= 0
    assert made.spent["tokens"] == sum(len(example.words) for example in batch)
    assert set(made.per_label) == {"PERSON", "PLACE"}
    suggested = project.ask(5)
    assert {example.strategy for example in suggested} == {"mnlp"}
    for example in suggested:
        said = example.prediction
        assert said is not None
        assert 0 <= said.confidence <= 1
        assert isinstance(said.answer, dict)
        assert len(said.span_confidences) == len(said.answer["spans"])
        project.task.check(said.answer, example.text)
    (predicted,) = project.predict(["Ana Ruiz went to Oslo"])
    assert isinstance(predicted.answer, dict)


def test_what_is_told_must_fit(entity_project: Callable[..., Project]) -> None:
    project = entity_project()
    (example,) = project.ask(1)
    refused = {
        "outside": [[0, len(example.text) + 1, "PERSON"]],
        "empty": [[3, 3, "PERSON"]],
        "blank": [[4, 5, "PERSON"]],
        "unknown": [[0, 4, "ANIMAL"]],
        "overlap": [[0, 6, "PERSON"], [5, 8, "PLACE"]],
        "apart": {"spans": [[0, 4, "PERSON"]], "confirmed": [[5, 9]]},
        "nothing confirmed": {"spans": [], "confirmed": []},
    }
    for answer in refused.values():
        with pytest.raises(DataError) as error:
            project.tell({example.id: answer})  # type: ignore[dict-item]
        assert "\n" not in str(error.value)
    assert project.status()["labelled"] == 0
    project.tell({example.id: []})  # type: ignore[dict-item]
    assert project.status()["labelled"] == 1


def test_overlaps_where_the_task_says_so(entity_project: Callable[..., Project]) -> None:
    project = entity_project(overlaps=True)
    (example,) = project.ask(1)
    both = answer_of([Span(0, 6, "PERSON"), Span(5, 8, "PLACE")])
    project.tell({example.id: both})
    assert project.found([example.id])[0].answers["me"].answer == both
    project.train()
    assert Project.open(project.folder).task.overlaps


def test_only_the_confirmed_part_is_counted(entity_project: Callable[..., Project]) -> None:
    project = entity_project()
    (example,) = project.ask(1)
    start, end = example.words[2][0], example.words[4][1]
    project.tell({example.id: answer_of([], confirmed=[[start, end]])})
    assert project.train().spent["tokens"] == 3


def test_a_budget_in_words(entity_project: Callable[..., Project]) -> None:
    project = entity_project()
    batch = project.ask(tokens=30)
    assert 0 < sum(len(example.words) for example in batch) <= 30
    assert {e.id for e in project.ask(tokens=30)} == {e.id for e in batch}
    for n, tokens in [(5, 30), (None, 0), (None, 2.5)]:
        with pytest.raises(ProjectError):
            project.ask(n, tokens=tokens)  # type: ignore[arg-type]


@pytest.mark.parametrize("strategy", ["random", "mnlp"])
def test_a_budget_holds_for_what_no_round_has_scored(
    entity_project: Callable[..., Project], tmp_path: Path, strategy: str
) -> None:
    project = entity_project()
    rest = project.ask(40)
    project.tell({example.id: gold(project, example.id) for example in rest})
    project.train()
    long = [{"text": f"{i} " + "word " * 30 + str(i * 7919)} for i in range(9)]
    project.add(write(tmp_path / "more.jsonl", long))
    batch = project.ask(tokens=70, strategy=strategy)
    assert len(batch) == 2
    assert sum(len(example.words) for example in batch) <= 70


def test_what_was_kept_of_a_suggestion_counts(entity_project: Callable[..., Project]) -> None:
    project = entity_project()
    one, two = project.ask(2)
    suggested = answer_of([Span(0, 4, "PERSON"), Span(5, 7, "PLACE")])
    part = answer_of([Span(0, 4, "PERSON")], confirmed=[[0, 4]])
    for example, answer in [(one, part), (two, answer_of([Span(0, 4, "PLACE")]))]:
        project.record(
            [
                NewEvent(
                    example_id=example.id,
                    annotator="me",
                    kind="label",
                    answer=answer,
                    suggestion=suggested,
                )
            ]
        )
    assert project.status()["agreement"] == {"share": 0.5, "n": 2}


@pytest.mark.parametrize("strategy", ["random", "mnlp", "entropy:entities", "margin:max"])
def test_a_curve(entity_project: Callable[..., Project], strategy: str) -> None:
    project = entity_project(strategy=strategy)
    result = simulate(project, rounds=1, batch_size=5, initial=5)
    tokens = [point.metrics["tokens"] for point in result.rounds]
    assert 0 < tokens[0] < tokens[1]
    assert "span_f1" in result.rounds[0].metrics


def test_tokens_keep_their_bounds(tmp_path: Path, make_project: Callable[..., Project]) -> None:
    rows = [
        {"tokens": ["Mr.", "O'Neil", "is", "in", "St.-Malo", f"({i})"],
         "ner_tags": ["O", "B-PERSON", "O", "O", "B-PLACE", "O"]}
        for i in range(12)
    ]  # fmt: skip
    project = make_project(data=write(tmp_path / "t.jsonl", rows), task="ner", answers=True)
    example = project.pool[0]
    words = [example.text[start:end] for start, end in project.pool.words(0)]
    assert words == rows[0]["tokens"]
    (span, other) = spans_of(project.found([example.id])[0].answers["import"].answer)  # type: ignore[arg-type]
    assert example.text[span.start : span.end] == "O'Neil"
    assert example.text[other.start : other.end] == "St.-Malo"


@pytest.mark.parametrize("name", ["a.jsonl", "a.conll", "a.csv", "a.spacy"])
def test_answers_come_back(
    entity_project: Callable[..., Project], tmp_path: Path, name: str
) -> None:
    project = entity_project()
    batch = project.ask(12)
    project.tell({example.id: gold(project, example.id) for example in batch})
    written = project.export(tmp_path / name)
    other = entity_project("other")
    report = other.add(written)
    assert (report.added, report.rejected) == (0, 0)
    for example in batch:
        assert other.found([example.id])[0].answers["import"].answer == gold(project, example.id)


def test_mistakes_end_in_one_line(tmp_path: Path, make_project: Callable[..., Project]) -> None:
    bad = [{"text": "a b", "spans": [[0, 9, "X"]]}, {"tokens": ["a"], "ner_tags": ["B-X", "O"]}]
    for rows in ([bad[0]], [bad[1]]):
        with pytest.raises(AlnlpError) as error:
            make_project(data=write(tmp_path / "bad.jsonl", rows), task="ner")
        assert "\n" not in str(error.value)
        assert "line 1" in str(error.value)


@pytest.mark.parametrize(
    "strategy",
    ["least_confidence:max", "typiclust", "density", "cost_aware", "seeded", "margin_seals"],
)
def test_strategies_for_entities_are_served(
    entity_project: Callable[..., Project], strategy: str
) -> None:
    project = entity_project(queries=["Paris"])
    batch = project.ask(6, strategy="random")
    project.tell({example.id: gold(project, example.id) for example in batch})
    project.train(strategy=strategy)
    assert {example.strategy for example in project.ask(4, strategy=strategy)} == {strategy}


def test_entities_that_came_or_went_are_kept_over_the_rounds(
    entity_project: Callable[..., Project],
) -> None:
    project = entity_project(strategy="label_flip")
    said: list[dict[str, set[tuple[int, int, str]]]] = []
    for _ in range(3):
        batch = project.ask(6, strategy="random")
        project.tell({example.id: gold(project, example.id) for example in batch})
        made = project.train()
        rows = made.rows.tolist()
        ids = [project.pool.ids[row] for row in rows]
        found = project.predict(project.pool.texts(made.rows))
        answers = [one.answer["spans"] for one in found]
        said.append(
            {
                name: {(span["start"], span["end"], span["label"]) for span in spans}
                for name, spans in zip(ids, answers, strict=True)
            }
        )
    kept = made.arrays["history"]
    assert kept.shape == (3, len(rows), 1)
    assert not kept[0].any()
    for number in (1, 2):
        expected = [len(said[number - 1][name] ^ said[number][name]) for name in ids]
        assert kept[number, :, 0].tolist() == expected
    assert kept.any(), "nothing changed, so nothing was tested"
    assert {example.strategy for example in project.ask(3)} == {"label_flip"}

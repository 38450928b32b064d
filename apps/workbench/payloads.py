"""What the JSON routes take and give."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from alnlp.data.words import Words
from alnlp.models import public_name
from alnlp.project import Answered, AskedExample, Found, Prediction, Project, Round
from alnlp.store import Event, EventKind, NewEvent
from alnlp.strategies import STRATEGIES

Name = Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")


AnswerIn = str | list[str] | dict[str, Any] | None  # the task says which of them it takes


class Ask(BaseModel):
    """What a browser says when it wants more examples."""

    annotator: str = Name
    n: int = Field(20, ge=1, le=200)
    keep: list[str] = []
    rerank: bool = False


class Search(BaseModel):
    """What somebody looks for; ids of examples are joined by commas."""

    query: str = Field("", max_length=500)
    by: Literal["words", "meaning"] = "words"
    like: str = Field("", max_length=2000)
    unlike: str = Field("", max_length=2000)
    which: Literal["all", "answered", "unanswered", "flagged"] = "all"
    label: str | None = None
    limit: int = Field(50, ge=1, le=500)
    offset: int = Field(0, ge=0, le=10**9)


class AskAbout(BaseModel):
    """Examples that somebody found and wants to be asked about, and what to say beside each."""

    annotator: str = Name
    example_ids: list[str] = Field(max_length=1000)
    why: str = Field(min_length=1, max_length=500)


class EventIn(BaseModel):
    """One action of an annotator, as the browser made it."""

    uid: str = Field(min_length=1, max_length=64)
    kind: EventKind
    example_id: str = Field(min_length=1, max_length=64)
    answer: AnswerIn = None
    comment: str | None = Field(None, max_length=10_000)
    target: str | None = Field(None, max_length=64)
    suggestion: AnswerIn = None
    confidence: float | None = Field(None, ge=0, le=1)
    strategy: str | None = Field(None, max_length=200)
    round: int | None = Field(None, ge=0, le=10**9)
    seconds: float | None = Field(None, ge=0)
    blind: bool | None = None
    bulk: str | None = Field(None, max_length=64)

    def by(self, annotator: str) -> NewEvent:
        """The event for the store."""
        return NewEvent(annotator=annotator, **self.model_dump())


class Events(BaseModel):
    """A bundle of actions, oldest first; each is read on its own, since one may be unusable."""

    annotator: str = Name
    project: str | None = Field(None, max_length=64)
    events: list[dict[str, Any]] = Field(max_length=1000)


class NewGuidelines(BaseModel):
    """What the annotators are to be told from now on."""

    guidelines: str = Field(max_length=100_000)


class NewLabel(BaseModel):
    """A label to add to the label set."""

    name: str = Name


def asked(example: AskedExample) -> dict[str, Any]:
    """An example of a batch, with what is said beside it."""
    return {
        "id": example.id,
        "text": example.text,
        "strategy": example.strategy,
        "why": example.why,
        "suggestion": _suggestion(example.shown),
        "confidence": example.confidence,
        "round": example.round,
        "batch": example.batch,
        "closest": _closest(example),
        "words": example.words,
        "unsure": example.shown.unsure if example.shown else [],
        "blind": example.blind,
        "withheld": _withheld(example),
    }


def remarks(item: Found, annotator: str) -> dict[str, Any]:
    """What was noted about an example: anybody's flag, this annotator's comment."""
    return {"flagged": item.flagged, "comment": item.comments.get(annotator)}


def answered(item: Answered, words: Words, noted: dict[str, Any]) -> dict[str, Any]:
    """An earlier answer with its example, in the shape that the browser's queue keeps."""
    event = item.event
    return {
        "uid": event.uid,
        "kind": event.kind,
        "answer": event.answer,
        "bulk": event.bulk,
        "together": item.together,
        "example": {
            "id": item.example.id,
            "text": item.example.text,
            "strategy": event.strategy,
            "why": "",
            "suggestion": None if event.blind else event.suggestion,
            "confidence": None if event.blind else event.confidence,
            "blind": event.blind,
            "withheld": {"suggestion": event.suggestion, "confidence": event.confidence}
            if event.blind
            else None,
            "round": event.round,
            "words": words,
            "unsure": [],
            **noted,
        },
    }


def found(item: Found, words: Words) -> dict[str, Any]:
    """An example with all that is known about it; `words` are those that marks snap to."""
    return {
        "id": item.example.id,
        "text": item.example.text,
        "meta": {str(name): _plain(value) for name, value in item.example.meta.items()},
        "answers": [_answer(by, event) for by, event in item.answers.items()],
        "prediction": prediction(item.prediction if item.answers or not item.blind else None),
        "flagged": item.flagged,
        "comments": dict(item.comments),
        "words": words,
        "hits": list(item.hits),
    }


def prediction(said: Prediction | None) -> dict[str, Any] | None:
    """What the newest model says of an example."""
    return None if said is None else {"answer": _suggestion(said), "confidence": said.confidence}


def finished(made: Round) -> dict[str, Any]:
    """A round for the table and the curve."""
    return {
        "number": made.number,
        "created_at": made.created_at,
        "labels": made.labels,
        "metrics": rates(made.metrics),
        "audit": made.audit,
        "spent": made.spent,
        "agreement": made.agreement,
        "seconds": made.seconds,
        "model": public_name(made.model),
        "reason": made.reason,
        "strategy": made.strategy,
        "seed": made.seed,
    }


def state(project: Project, status: dict[str, Any]) -> dict[str, Any]:
    """All that a screen needs when it opens a project."""
    task, settings = project.task, project.settings
    return {
        "name": project.name,
        "uid": project.uid,
        "task": task.to_json() | {"multilabel": task.multilabel},
        "guidelines": settings.guidelines,
        "formats": project.formats,
        "status": status,
    }


def rates(metrics: dict[str, float]) -> dict[str, float]:
    """The metrics that a curve can show, from 0 to 1, without those that count."""
    return {name: value for name, value in metrics.items() if isinstance(value, float)}


def _suggestion(said: Prediction | None) -> Any:
    """The answer that a model proposes; its spans say how sure the model is of each."""
    if said is None or not isinstance(said.answer, dict):
        return said.answer if said else None
    sure = zip(said.answer["spans"], said.span_confidences, strict=True)
    return {"spans": [{**span, "confidence": confidence} for span, confidence in sure]}


def _withheld(example: AskedExample) -> dict[str, Any] | None:
    """What is not to be shown, for the record of the answer."""
    said = example.prediction if example.blind else None
    return said and {"suggestion": _suggestion(said), "confidence": said.confidence}


def _closest(example: AskedExample) -> list[tuple[str, float]] | None:
    """The two most probable labels, where a model chose the example and one answer is due."""
    said = example.shown
    strategy = STRATEGIES.get(example.strategy)  # a text has no words to reduce, so no suffix
    if said is None or not isinstance(said.answer, str) or not (strategy and strategy.needs_model):
        return None
    return sorted(said.probabilities.items(), key=lambda pair: -pair[1])[:2]


def _answer(annotator: str, event: Event) -> dict[str, Any]:
    return {"annotator": annotator, "answer": event.answer, "at": event.created_at}


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else str(value)

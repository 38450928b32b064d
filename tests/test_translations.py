"""What alnlp says in English has words in every other language of the workbench."""

import re
from collections.abc import Iterator
from pathlib import Path

import browsing
import numpy as np
import pytest
from playwright.sync_api import expect
from workbench import IdleTrainer

from alnlp import forecast
from alnlp.data import ImportReport
from alnlp.data.rows import text_problem
from alnlp.errors import ProjectError
from alnlp.forecast import Measured
from alnlp.models import choosing
from alnlp.project import answering, doubts, suspects
from alnlp.project.doubts import Known
from alnlp.project.readout import Prediction
from alnlp.stopping import History, advise
from alnlp.strategies import STRATEGIES
from alnlp.tasks import Task
from alnlp_apps.workbench import new_project
from alnlp_apps.workbench.texts import ENGLISH, TEXTS
from alnlp_apps.workbench.workspace import Workspace

browser, visit, served = browsing.browser, browsing.visit, browsing.served
workspace = browsing.workspace
OTHERS = pytest.mark.parametrize("language", sorted(TEXTS.keys() - {ENGLISH}))
THREE = Task("classification", ("a", "b", "c"))
ENTITIES = Task("ner", ("PER", "LOC"))


def holes(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


def has_words(said: dict[str, str], sentence: str) -> bool:
    """As said.js looks them up."""
    patterns = (
        "".join(".+" if at % 2 else re.escape(part) for at, part in enumerate(parts))
        for parts in (re.split(r"\{(\w+)\}", english) for english in said)
    )
    return any(re.fullmatch(pattern, sentence, re.DOTALL) for pattern in patterns)


def sentences() -> Iterator[str]:
    yield from (strategy.why for strategy in STRATEGIES.values())
    yield from (
        answering.BROUGHT_BACK,
        suspects.WORDS_ALONE,
        suspects.TOO_FEW,
        "2 of 5 cannot be asked for",
    )
    yield from doubted()
    for n in range(3):
        why = forecast.why_not([Measured(10 * (k + 1), 0.5, 0.4, 0.6) for k in range(n)])
        yield from (why, f"{why} Rounds before with another model do not count.")
    for task, answers in ((THREE, 50), (ENTITIES, 50), (Task("multilabel", LABELS), 30)):
        yield choosing.choose(task, answers, lambda _: (1.0, 12.0)).reason
    yield choosing.choose(THREE, 50, lambda _: (900.0, 900.0)).reason
    yield from advised()
    yield from created()


LABELS = tuple(f"label {k}" for k in range(30))


def advised() -> Iterator[str]:
    """What the criteria say of rounds that agree, change, and find nothing."""
    rng = np.random.default_rng(0)
    same = np.tile(rng.integers(0, 3, 60), (8, 1))
    for predictions in (
        same,
        rng.integers(0, 3, (8, 60)),
        np.zeros((8, 60), np.int64),
        np.full((8, 60), -1),
        same[:2],
        same[:, :0],
        same[:, :9],
    ):
        yield from (one.reason for one in advise(History(predictions=predictions)))
    for mean, end in ((0.5, 0.5), (1e-4, 0), (1e-4, -0.5)):
        known = History(
            uncertainties=np.full(60, mean), curve=np.linspace(0, end, 12), predictions=same
        )
        yield from (one.reason for one in advise(known))
    last = History(uncertainties=np.empty(0), curve=np.ones(2), predictions=same[:, :0])
    yield from (one.reason for one in advise(last))
    alike = History(uncertainties=np.zeros(60), predictions=np.zeros((8, 60), np.int64))
    yield from (one.reason for one in advise(alike))


def created() -> Iterator[str]:
    """What is said of a project that has been made, or could not be."""
    full = ImportReport("a: b.csv", "text", "label", 60_000, 5, 4, 3, 2, 5, {"a": 3, "b": 2}, 1)
    bare = ImportReport("a.csv", "text", None, 9, 9, 0, 0, 0, 0)
    yield from new_project._report(full, [bare])["lines"]
    yield from (text_problem(text) for text in (None, 7, " ", "\0", "\ud800"))
    yield "number of cells: 3, expected 2"
    yield from (new_project._NO_FILE, new_project._NO_LABELS)
    yield new_project._UNEXPECTED.format(kind="OSError")
    folder = Path(__file__).parent
    for name in ("../escape", folder.name):
        with pytest.raises(ProjectError) as refused:
            Workspace(folder.parent, IdleTrainer()).new_folder(name)
        yield str(refused.value)


def doubted() -> Iterator[str]:
    """What is said of wrong labels, contradictions and odd marks."""
    texts = ["late parcel"] * 3 + ["money back please"] * 3
    labels = Known(THREE, texts, ["a", "a", "b", "b", "c", "c"], np.array([0, 0, 0, 1, 1, 1]))
    yield doubts._class_doubt(labels, 0, 0.9, np.array([0.1, 0.7, 0.2])).reason
    sets = Known(Task("multilabel", ("a", "b")), texts[:2], [["a"], []], np.array([0, 0]))
    yield doubts._labels_doubt(sets, 0, np.array([0.9, 0.1]), np.array([0.1, 0.2])).reason
    yield doubts._labels_doubt(sets, 1, np.array([0.1, 0.9]), np.array([0.1, 0.8])).reason
    for known, place, others in (
        (labels, 2, [0]),
        (labels, 2, [0, 1]),
        (labels, 3, [4, 0]),
        (sets, 0, [1]),
        (sets, 1, [0]),
        (Known(sets.task, texts[:3], [["a"], [], []], np.zeros(3, np.int64)), 0, [1, 2]),
    ):
        yield doubts.contradiction(known, place, others).reason
    mark = {"spans": [{"start": 0, "end": 4, "label": "PER"}]}
    words = [[(0, 4), (5, 9)]] * 9
    marked = Known(ENTITIES, ["Anna says"] * 9, [*[mark] * 8, {"spans": []}], np.arange(9), words)
    sure = Prediction(mark, 0.95, span_confidences=(0.95,))
    yield from (one.reason for one in doubts.span_doubts(marked, [None] * 9))
    unmarked = Known(ENTITIES, ["Anna says"], [{"spans": []}], np.zeros(1, np.int64), words[:1])
    yield from (one.reason for one in doubts.span_doubts(unmarked, [sure]))
    yield doubts.contradiction(marked, 8, [0]).reason


@OTHERS
def test_all_that_alnlp_says_has_words(language: str) -> None:
    said = TEXTS[language]["said"]
    missing = {sentence for sentence in sentences() if not has_words(said, sentence)}
    assert missing == set()


@OTHERS
def test_no_words_for_what_nobody_says(language: str) -> None:
    spoken = list(sentences())
    unused = [
        english
        for english in TEXTS[language]["said"]
        if not any(has_words({english: ""}, sentence) for sentence in spoken)
    ]
    # What takes a project of its own: a batch that was chosen otherwise, people who disagree.
    own = re.compile("batch|examples: drawn|people gave|Every text|is (marked|left)")
    assert [one for one in unused if not own.search(one)] == []


@OTHERS
def test_translations_fill_the_holes_there_are(language: str) -> None:
    for english, words in TEXTS[language]["said"].items():
        assert holes(words) <= holes(english)


@pytest.mark.browser
def test_the_browser_puts_it_into_the_language(workspace, visit, served) -> None:
    with served(workspace, trainer=IdleTrainer()) as base:
        page = visit(base, "inbox", locale="de-DE")
        page.locator(".al-why").wait_for()
        expect(page.locator(".al-why [lang=en]")).to_have_count(0)

        def told(sentence: str) -> str | None:
            code = "async (one) => (await import('/alnlp/static/said.js')).translated(one)"
            said = page.evaluate(code, sentence)
            return said and said.replace("\xa0", " ")

        assert told("drawn at random") == "zufällig gezogen"
        reason = "The other answers speak for 12.5 (93%) rather than a $& (b) (0%)."
        assert (
            told(reason) == "Die anderen Antworten sprechen für 12.5 (93 %) statt a $& (b) (0 %)."
        )
        change = "The newest model changed 2.5% of the predictions."
        assert told(change) == "Das neueste Modell hat 2,5 % der Vorhersagen geändert."
        read = "messages: 1.csv: read 60,000 rows, added 1,234 examples"
        assert told(read) == "messages: 1.csv: 60.000 Zeilen gelesen, 1.234 Beispiele aufgenommen"
        assert told("something else") is None

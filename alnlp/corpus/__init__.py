"""The built-in corpus: a support inbox, written for this project and under its licence.

850 messages to label and 160 held out to measure on, from customers of a made-up shop for coffee
gear. The same messages come twice: `intents*.jsonl` with one of six intents each, and
`entities*.jsonl` with spans of five entity types. Near-duplicates are never split over the two
parts.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from alnlp.errors import ProjectError
from alnlp.project import Project
from alnlp.tasks import Kind

FOLDER = Path(__file__).parent
INTENTS, INTENTS_TEST = FOLDER / "intents.jsonl", FOLDER / "intents_test.jsonl"
ENTITIES, ENTITIES_TEST = FOLDER / "entities.jsonl", FOLDER / "entities_test.jsonl"

_INTENT_GUIDELINES = """\
Which one thing does the customer mainly want?

delivery: where it is, late, lost, wrong address, courier, tracking, customs
refund: send something back, money back, cancel an order, exchange
billing: invoice, tax, charged twice, payment failed, card, discount code
account: log-in, password, e-mail or name change, newsletter, change or pause a subscription
fault: the thing or the app does not work, leaks, is noisy; repair and how to fix it
question: before buying or in general: advice, stock, opening hours, beans, bulk orders

Two topics in one message: label the one that would have to be answered first.
Skip what is no message from a customer."""


_ENTITY_GUIDELINES = """\
Mark every mention, exactly its characters, without the words and signs around it.

ORDER: number of an order, parcel, invoice or machine, with its # or letters; not the word "order"
PRODUCT: a product, bean or app by its name, misspelt too; not just "grinder" or "machine"
DATE: dates, weekdays and times that mean a day: 3 May, last tuesday, two weeks ago
MONEY: amounts with their currency
PERSON: names of people, signatures too

A message without any of them is an answer as well: press Enter.
Skip what is no message from a customer."""

_DEMOS: dict[str, dict[str, Any]] = {
    "classification": {
        "data": INTENTS,
        "test": INTENTS_TEST,
        "guidelines": _INTENT_GUIDELINES,
    },
    "ner": {
        "data": ENTITIES,
        "test": ENTITIES_TEST,
        "guidelines": _ENTITY_GUIDELINES,
        "batch_size": 10,
    },
}


def create_demo(folder: Path, task: str) -> Project:
    """A new project on the built-in corpus.

    Raises:
        ProjectError: the corpus does not serve the task, or the folder is taken.
    """
    if task not in _DEMOS:
        raise ProjectError(f"demo: got task {task!r}, expected one of {', '.join(_DEMOS)}")
    return Project.create(folder, task=cast(Kind, task), answers=False, **_DEMOS[task])

"""Commands that list what there is."""

from __future__ import annotations

import inspect
import re
from collections import defaultdict
from collections.abc import Callable
from types import FunctionType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alnlp.cli.options import AsJson, app, print_json

if TYPE_CHECKING:
    from alnlp.strategies import StrategySpec

_INDENT = " " * 28


@app.command()
def strategies(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Explain this one alone.")
    ] = None,
    task: Annotated[
        str | None, typer.Option(help="Only what serves classification, multilabel or ner.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """The catalogue of strategies, or one of them explained."""
    from alnlp.strategies import STRATEGIES, default, find, named
    from alnlp.tasks import KINDS, Task

    if task is not None:
        Task(task)  # type: ignore[arg-type]  # refuses what is no task
    if name is None:
        chosen = {n: spec for n, spec in STRATEGIES.items() if task in (None, *spec.tasks)}
    else:
        chosen = {name.partition(":")[0]: named(name)}
        if task is not None:
            find(name, task)
    entries = [
        {
            "name": known,
            "tasks": list(spec.tasks),
            "default_for": [kind for kind in KINDS if default(kind) == known],
            "summary": spec.summary,
            "source": spec.source,
            "variants": {
                kind: list(several)
                for kind, several in spec.variants.items()
                if task in (None, kind)
            },
            "description": _description(spec),
        }
        for known, spec in chosen.items()
    ]
    _catalogue(entries, as_json)
    if as_json:
        return
    if name is None:
        typer.echo(
            "A variant is written behind the name, the first is the default; for example "
            "entropy:entities sums the entropies of the words that look like entities. "
            "`alnlp strategies NAME` explains one and names its paper."
        )
    else:
        typer.echo(f"\n{entries[0]['description']}")


@app.command()
def models(as_json: AsJson = False) -> None:
    """The catalogue of models."""
    from alnlp.models import MODELS

    _catalogue(
        [
            {"name": name, "tasks": list(m.tasks), "summary": m.summary, "source": m.source}
            for name, m in MODELS.items()
        ],
        as_json,
    )


def _catalogue(entries: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print_json(entries)
        return
    for entry in entries:
        usual = ", ".join(entry.get("default_for", ()))
        mark = f" (default for {usual})" if usual else ""
        typer.echo(f"{entry['name']:<{len(_INDENT)}}{entry['summary']}{mark}")
        typer.echo(f"{_INDENT}({', '.join(entry['tasks'])}; {entry['source']})")
        if entry.get("variants"):
            typer.echo(f"{_INDENT}{_variants(entry['name'], entry['variants'])}")


def _variants(name: str, variants: dict[str, list[str]]) -> str:
    """The variants in a line, such as "margin:mean, :max for multilabel"."""
    tasks = defaultdict(list)
    for task, several in variants.items():
        tasks[f"{name}:{', :'.join(several)}"].append(task)
    return "; ".join(f"{written} for {', '.join(of)}" for written, of in tasks.items())


def _description(spec: StrategySpec) -> str:
    """The docstring of an entry's function, and those with the titles of papers that it lacks.

    A score is often written in one function and read in another, so these are sought among the
    functions that it refers to, the nearest first.
    """
    from alnlp.inference.token_scores import text_scores

    papers = spec.source.split("; ")
    first = [re.search(r"[\w-]+(?= et al\.| and | \d{4})", paper) for paper in papers]
    authors = {found[0] for found in first if found}
    functions: list[Callable[..., Any]] = [spec.score or spec.select]
    said: list[str] = []
    for function in functions:  # which grows meanwhile
        text = (inspect.getdoc(function) or "").partition("\n\nArgs:")[0]
        named = {one for one in authors if re.search(rf'\b{one}\b[^"]{{,80}}"', text)}
        if named or (text and not said):
            said.append(text)
        authors -= named
        if not authors:
            break
        used = inspect.getclosurevars(function)
        functions += [
            other
            for other in (*used.nonlocals.values(), *used.globals.values())
            if isinstance(other, FunctionType)
            and other.__module__.startswith("alnlp.")
            and other not in functions
        ]
        if not said and function is functions[-1]:
            functions.append(text_scores)  # where the scores of tag sequences are made
    return "\n\n".join(said)

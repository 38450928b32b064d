"""Commands that list what there is."""

from __future__ import annotations

from collections import defaultdict
from typing import Annotated, Any

import typer

from alnlp.cli.options import AsJson, app, print_json

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
            "description": spec.description,
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

"""Commands that list what there is."""

from __future__ import annotations

from typing import Any

import typer

from alnlp.cli.options import AsJson, app, print_json


@app.command()
def strategies(as_json: AsJson = False) -> None:
    """The catalogue of strategies."""
    from alnlp.strategies import STRATEGIES

    _catalogue(
        [
            {
                "name": name,
                "tasks": list(s.tasks),
                "summary": s.summary,
                "source": s.source,
                "variants": {task: list(several) for task, several in s.variants.items()},
            }
            for name, s in STRATEGIES.items()
        ],
        as_json,
    )
    if not as_json:
        typer.echo(
            "A variant is written behind the name, the first is the default; for example "
            "entropy:entities sums the entropies of the words that look like entities."
        )


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
        typer.echo(f"{entry['name']:<28}{entry['summary']}")
        typer.echo(f"{'':<28}({', '.join(entry['tasks'])}; {entry['source']})")

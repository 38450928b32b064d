"""The command that lists suspicious answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from alnlp.cli.options import AsJson, Folder, app, print_json
from alnlp.console import progress_bars
from alnlp.errors import MissingExtra, ModelError

if TYPE_CHECKING:
    from alnlp.project import Suspect
    from alnlp.tasks import Answer


@app.command()
def suspects(
    folder: Folder,
    limit: Annotated[int, typer.Option(help="List at most so many.", min=1)] = 50,
    as_json: AsJson = False,
) -> None:
    """The answers that are probably wrong, the most probable ones first.

    Reads the texts by the pretrained network where that has not been done yet.
    """
    from alnlp.project import Project

    project = Project.open(folder)
    found = project.suspects(limit)
    if found.by_words:
        try:
            with progress_bars() as progress:
                project.prepare(progress=progress)
        except (MissingExtra, ModelError) as error:  # what their words alone tell is told
            typer.echo(f"note: {error}", err=True)
        found = project.suspects(limit)
    if as_json:
        values = [_values(one) for one in found]
        print_json({"total": found.total, "notice": found.notice, "suspects": values})
        return
    for one in found:
        given, proposed = (_in_words(answer) for answer in (one.given, one.proposed))
        typer.echo(f"{one.example.id}  {given} -> {proposed}  {one.reason}")
        typer.echo(f"    {' '.join(one.example.text.split())[:200]}")
    if found.notice:
        typer.echo(found.notice)
    typer.echo(f"{len(found)} of {found.total} suspicious answers")


def _values(one: Suspect) -> dict[str, Any]:
    others = [
        {"id": other.example.id, "text": other.example.text, "given": other.given}
        for other in one.others
    ]
    return {
        "kind": one.kind,
        "id": one.example.id,
        "text": one.example.text,
        "answers": dict(one.answers),
        "given": one.given,
        "proposed": one.proposed,
        "score": one.score,
        "reason": one.reason,
        "others": others,
    }


def _in_words(answer: Answer) -> str:
    if isinstance(answer, dict):
        marks = (f"{span['start']}-{span['end']} {span['label']}" for span in answer["spans"])
        return ", ".join(marks) or "nothing marked"
    return answer if isinstance(answer, str) else ", ".join(answer) or "no label"

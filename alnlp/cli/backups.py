"""Commands that keep a project: make a backup, bring one back."""

from __future__ import annotations

from typing import Annotated

import typer

from alnlp.cli.options import Folder, app


@app.command()
def backup(folder: Folder) -> None:
    """Make a backup now; the workbench makes one a day.

    It holds all answers, the settings and what is known about the rounds, not the texts and not the
    models. What the last day, seven days and four weeks brought is kept, in DIR/backups.
    """
    from alnlp.project import backups

    typer.echo(f"written: {backups.back_up(folder.resolve())}")


@app.command()
def restore(
    folder: Folder,
    name: Annotated[
        str | None,
        typer.Argument(metavar="[BACKUP]", help="A file in DIR/backups, or any other; the newest."),
    ] = None,
) -> None:
    """Bring back a backup of the answers and settings, and keep the present ones beside it."""
    from alnlp.project import backups

    restored, rounds = backups.restore(folder.resolve(), name)
    typer.echo(f"restored: {restored.backup}, with {_answers(restored.answers)}")
    if restored.aside is not None:
        newer = "damaged" if restored.newer is None else f"with {_answers(restored.newer)} more"
        typer.echo(f"set aside: {restored.aside}, {newer}")
    for one in rounds:
        typer.echo(f"set aside: {one}, a model that has learnt what the backup does not hold")


def _answers(n: int) -> str:
    return "1 answer" if n == 1 else f"{n} answers"

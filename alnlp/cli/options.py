"""The application, and what several commands share: options, and how results are printed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from alnlp.errors import ProjectError

app = typer.Typer(
    name="alnlp",
    help="Active learning for text: label in the browser while a model fine-tunes.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The project's folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
TaskOption = Annotated[str, typer.Option(help="classification, multilabel or ner.")]
ModelOption = Annotated[str, typer.Option(help="A name from `alnlp models`, a hub id or a folder.")]
StrategyOption = Annotated[
    str | None,
    typer.Option(help="A name from `alnlp strategies`; by default what serves the task best."),
]
HostOption = Annotated[str, typer.Option(help="Address to listen on.")]
PortOption = Annotated[int | None, typer.Option(help="Port; a free one from 7860 on by default.")]
PasswordOption = Annotated[
    str | None,
    typer.Option(
        envvar="ALNLP_PASSWORD",
        help="Demanded from everyone; needed to listen on other addresses than this machine's.",
    ),
]
TextColumn = Annotated[str | None, typer.Option(help="Column of the texts; guessed.")]
LabelColumn = Annotated[str | None, typer.Option(help="Column of the labels; guessed.")]
Encoding = Annotated[str, typer.Option(help="Encoding of text files.")]


def given(**options: Any) -> dict[str, Any]:
    """The options that were given at all."""
    return {name: value for name, value in options.items() if value is not None}


def print_json(value: Any, indent: int | None = 1) -> None:
    """Print a value as JSON, by default over several lines."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=indent))


def check_writable(path: Path | None) -> None:
    """Refuse a file that could not be written after all the work."""
    if path is not None and (path.is_dir() or not path.absolute().parent.is_dir()):
        raise ProjectError(f"{path}: cannot be written; its folder must exist, and it be a file")

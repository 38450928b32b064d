"""The command line: each command is a few lines over the project object."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from alnlp import __version__, hardware
from alnlp.cli.options import app
from alnlp.console import notes
from alnlp.errors import AlnlpError, Cancelled

# They add their commands, in the order in which --help shows them.
from alnlp.cli import projects, reviewing, backups, experiments, benchmarks, catalogues  # noqa: F401  # isort: skip


def main() -> None:
    """Run the command line; a mistake of the user ends in one line and exit status 2."""
    for name, value in hardware.WAITING.items():  # said before torch is loaded
        os.environ.setdefault(name, value)
    try:
        app()
    except Cancelled as error:
        notes.print(f"{error}", markup=False)
        sys.exit(130)
    except AlnlpError as error:
        notes.print(f"error: {error}", markup=False, soft_wrap=True)
        sys.exit(2)
    except BrokenPipeError:  # the reader of our output, `head` say, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        what = error.strerror or str(error)
        notes.print(f"error: {error.filename or 'file'}: {what}", markup=False, soft_wrap=True)
        sys.exit(2)


@app.callback(invoke_without_command=True)
def _version(version: Annotated[bool, typer.Option("--version", is_eager=True)] = False) -> None:
    if version:
        typer.echo(f"alnlp {__version__}")
        raise typer.Exit

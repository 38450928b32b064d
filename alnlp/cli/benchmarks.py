"""Commands that measure: `alnlp bench score|round|scale`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alnlp.cli.options import ModelOption, TaskOption, app, check_writable
from alnlp.console import progress_bars
from alnlp.errors import ProjectError

if TYPE_CHECKING:
    from alnlp.bench import Report

bench = typer.Typer(
    help="How fast is it here: beside the usual way, and beside what this machine can do at most.",
    no_args_is_help=True,
)
app.add_typer(bench, name="bench")

Data = Annotated[str, typer.Option(help="A file with labels.")]
Seed = Annotated[int, typer.Option(min=0, help="Of all draws and trainings.")]
JsonFile = Annotated[Path | None, typer.Option("--json", help="Write the figures.")]


@bench.command()
def score(
    data: Data,
    task: TaskOption = "classification",
    model: ModelOption = "minilm",
    limit: Annotated[int, typer.Option(min=10, help="How many texts.")] = 2000,
    seed: Seed = 0,
    json_file: JsonFile = None,
) -> None:
    """Texts a second, against transformers.pipeline and the machine's peak."""
    from alnlp.bench.scoring import score as run

    check_writable(json_file)
    with progress_bars() as progress:
        report = run(data, task=task, model=model, limit=limit, seed=seed, progress=progress)  # type: ignore[arg-type]
    _say(report, json_file)


@bench.command("round")
def round_(
    data: Data,
    task: TaskOption = "classification",
    model: ModelOption = "auto",
    labels: Annotated[int, typer.Option(min=1, help="Answers before the first round.")] = 100,
    pool: Annotated[int, typer.Option(min=1, help="Texts of the file, drawn at random.")] = 1500,
    rounds: Annotated[int, typer.Option(min=1, help="How many.")] = 3,
    seed: Seed = 0,
    json_file: JsonFile = None,
) -> None:
    """Seconds from a batch's last answer to the next batch, by phase."""
    from alnlp.bench.rounds import round_ as run

    check_writable(json_file)
    with progress_bars() as progress:
        report = run(
            data, task=task, model=model, labels=labels, pool=pool, rounds=rounds, seed=seed,  # type: ignore[arg-type]
            progress=progress,
        )  # fmt: skip
    _say(report, json_file)


@bench.command()
def scale(
    sizes: Annotated[str, typer.Option(help="Sentences in each pool, joined by commas.")] = (
        "10000,100000,1000000"
    ),
    model: ModelOption = "minilm",
    seed: Seed = 0,
    json_file: JsonFile = None,
) -> None:
    """Large pools of generated sentences: import, open, score, ask, memory."""
    from alnlp.bench.scale import scale as run

    check_writable(json_file)
    parts = [part.strip().replace("_", "") for part in sizes.split(",")]
    if not all(part.isdecimal() and int(part) >= 100 for part in parts):
        raise ProjectError(
            f"--sizes: got {sizes!r}, expected numbers of at least 100, such as 10000,100000"
        )
    with progress_bars() as progress:
        report = run([int(part) for part in parts], model=model, seed=seed, progress=progress)
    _say(report, json_file)


def _say(report: Report, json_file: Path | None) -> None:
    typer.echo(report.table())
    if json_file is not None:
        json_file.write_text(json.dumps(report.to_json(), indent=1) + "\n", encoding="utf-8")

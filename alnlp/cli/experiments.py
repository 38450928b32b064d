"""Commands that try things out: simulations and streams."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from alnlp.cli.options import (
    Folder,
    LabelColumn,
    ModelOption,
    StrategyOption,
    TaskOption,
    TextColumn,
    app,
    check_writable,
    given,
    print_json,
)
from alnlp.console import Arriving, notes, progress_bars
from alnlp.errors import ProjectError


@app.command()
def simulate(
    data: Annotated[str, typer.Argument(metavar="TRAIN", help="Fully labelled examples.")],
    test: Annotated[str, typer.Option(help="Held-out data with labels.")],
    task: TaskOption = "classification",
    model: ModelOption = "auto",
    strategy: StrategyOption = None,
    initial: Annotated[int, typer.Option(help="Labels before the first round.")] = 20,
    initial_strategy: Annotated[
        str | None,
        typer.Option(help="What chooses these, such as random or typiclust; else as it starts."),
    ] = None,
    batch: Annotated[int, typer.Option(help="Labels a round.")] = 20,
    tokens: Annotated[
        int | None, typer.Option(help="For ner: words a round, instead of --batch.")
    ] = None,
    rounds: Annotated[int, typer.Option(help="Rounds after the first.")] = 5,
    seed: Annotated[int, typer.Option(help="Of all draws and trainings.")] = 0,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the curve.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw the curve as a PNG.")] = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
) -> None:
    """Let known labels play the annotator."""
    from alnlp.plotting import learning_curves
    from alnlp.project import Project
    from alnlp.simulation import SimulatedRound
    from alnlp.simulation import simulate as run

    check_writable(json_file)
    check_writable(plot)
    if plot is not None and plot.suffix.lower() != ".png":
        raise ProjectError(f"--plot: got {plot.name!r}, expected a name that ends in .png")

    def say(point: SimulatedRound) -> None:
        figures = "  ".join(
            f"{name} {value:.4f}" if isinstance(value, float) else f"{name} {value}"
            for name, value in point.metrics.items()
            if type(value) is float or name == "tokens"
        )
        spent = sum(point.seconds.values())
        line = f"round {point.round}: {point.labels} labels  {figures}  ({spent:.1f} s)"
        notes.print(line, soft_wrap=True)

    with tempfile.TemporaryDirectory(prefix="alnlp-") as scratch, progress_bars() as progress:
        project = Project.create(
            Path(scratch) / "simulation",
            data=data,
            test=test,
            task=task,  # type: ignore[arg-type]
            text_column=text_column,
            label_column=label_column,
            answers=False,
            progress=progress,
            model=model,
            batch_size=batch,
            seed=seed,
            keep_rounds=1,
            **given(strategy=strategy),
        )
        result = run(
            project,
            rounds=rounds,
            initial=initial,
            initial_strategy=initial_strategy,
            tokens=tokens,
            progress=progress,
            on_round=say,
        )
        project.close()
    if len(result.rounds) <= rounds:
        notes.print(f"the pool is exhausted after round {result.rounds[-1].round}")
    if json_file is None:
        print_json(result.to_json())
    else:
        json_file.write_text(json.dumps(result.to_json(), indent=1) + "\n", encoding="utf-8")
    if plot is not None:
        metric = next(iter(result.rounds[0].metrics))
        learning_curves(
            {result.strategy: [result]}, plot, metric=metric, title=Path(data).parent.name
        )


@app.command()
def stream(
    folder: Folder,
    budget: Annotated[
        float, typer.Option(help="The most to choose, as a share of the lines.")
    ] = 0.05,
    policy: Annotated[
        str, typer.Option(help="balanced, variable, randomised, split, fixed or random.")
    ] = "balanced",
    seed: Annotated[int, typer.Option(help="Of every random draw.")] = 0,
) -> None:
    """Read lines from standard input, write those worth a label to standard output at once."""
    from alnlp.project import Project
    from alnlp.stream import run

    lines = Arriving(sys.stdin.fileno())
    with progress_bars() as progress:
        done = run(
            Project.open(folder),
            lines,
            sys.stdout.buffer,
            budget=budget,
            policy=policy,
            seed=seed,
            ready=lines.ready,
            progress=progress,
        )
    for row in done.rejected:
        notes.print(f"line {row.line}: {row.reason}", markup=False)
    share = f"{done.chosen / done.read:.1%}" if done.read else "none"
    notes.print(f"{done.read} lines read, {done.chosen} chosen ({share})")
    if done.drifts:
        notes.print(f"the texts have changed at line {', '.join(map(str, done.drifts))}")
    if done.closed:
        raise BrokenPipeError

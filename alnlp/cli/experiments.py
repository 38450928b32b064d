"""Commands that try things out: simulations and streams."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alnlp.cli.options import (
    Encoding,
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
from alnlp.errors import DataError, ProjectError

if TYPE_CHECKING:
    from alnlp.stream import Streamed

#: Lines that could not be used and are told of, as many as an import tells of.
_SHOWN = 5


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
        float,
        typer.Option(
            help="The share of the lines to choose, on average; of a short stream it may be a few "
            "lines more."
        ),
    ] = 0.05,
    policy: Annotated[
        str,
        typer.Option(help="balanced, variable, randomised, split, fixed or random, as told above."),
    ] = "balanced",
    seed: Annotated[int, typer.Option(help="Of every random draw.")] = 0,
    encoding: Encoding = "utf-8",
) -> None:
    """Read lines from standard input, write those worth a label to standard output at once.

    Where the first line is a JSON object with a "text", each line must be one; else each line is
    a plain text. Chosen lines are written as they came, an object with all its fields; only their
    ends become plain newlines. How many were read and chosen is said at the end, on standard error.

    \b
    The policies, by how sure the newest model is of a line:
      balanced    what it is least sure of, by a threshold that the budget sets
      variable    the less sure half, of which the budget takes what comes first
      randomised  like variable, by a threshold shaken at random for each line
      split       a fifth of the lines as random does, the others as variable does
      fixed       what it is less than 90% sure of, while some of the budget is left
      random      any line, however sure it is
    """
    from alnlp.project import Project
    from alnlp.stream import Streamed, run

    for name, file in (("input", sys.stdin), ("output", sys.stdout)):
        if file is None:  # as Python has it where the shell has closed it
            raise DataError(f"standard {name}: got a closed one, expected a file or pipe of lines")
    arriving, done = Arriving(sys.stdin.fileno()), Streamed()
    try:
        with progress_bars() as progress:
            run(
                Project.open(folder),
                _named_lines(arriving),
                _NamedOutput(),
                budget=budget,
                policy=policy,
                seed=seed,
                encoding=encoding,
                ready=arriving.ready,
                progress=progress,
                done=done,
            )
    except KeyboardInterrupt:  # the usual end of a stream
        _say_streamed(done)
        raise
    _say_streamed(done)
    if done.closed:
        raise BrokenPipeError


@contextmanager
def _naming(file: str) -> Iterator[None]:
    """Reading and writing fail without the name of a file, which the message needs."""
    try:
        yield
    except OSError as error:
        error.filename = file
        raise


def _named_lines(lines: Iterable[bytes]) -> Iterator[bytes]:
    with _naming("standard input"):
        yield from lines


class _NamedOutput:
    def write(self, line: bytes) -> None:
        with _naming("standard output"):
            sys.stdout.buffer.write(line)

    def flush(self) -> None:
        with _naming("standard output"):
            sys.stdout.buffer.flush()


def _say_streamed(done: Streamed) -> None:
    """What became of a stream, in a few lines."""
    lines = [f"line {bad.line}: {bad.reason}" for bad in done.rejected[:_SHOWN]]
    if done.unusable > _SHOWN:
        lines.append(f"and {done.unusable - _SHOWN:,} more")
    if done.braced:
        lines.append(
            'the first line begins like JSON but is no object with a "text": all were read as '
            "plain text"
        )
    share = f"{done.chosen / done.read:.1%}" if done.read else "none"
    summary = f"{done.read} lines read, {done.chosen} chosen ({share})"
    lines.append(summary + (f"; {done.unusable} could not be used" if done.unusable else ""))
    if done.drifts:
        lines.append(f"the texts have changed at line {', '.join(map(str, done.drifts))}")
    for line in lines:
        notes.print(line, markup=False, soft_wrap=True)

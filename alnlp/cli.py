"""The command line: each command is a few lines over the project object."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alnlp import __version__
from alnlp.console import Arriving, notes, progress_bars
from alnlp.errors import AlnlpError, Cancelled, DataError, ProjectError

if TYPE_CHECKING:
    from alnlp.data import ImportReport
    from alnlp.project import Prediction

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


def main() -> None:
    """Run the command line; a mistake of the user ends in one line and exit status 2."""
    # Said before torch is loaded: threads that spin while they wait make two processes on one
    # machine ten times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
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


@app.command()
def demo(
    task: TaskOption = "classification",
    host: HostOption = "127.0.0.1",
    port: PortOption = None,
    password: PasswordOption = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Do not open one.")] = False,
    folder: Annotated[
        Path | None,
        typer.Option(help="Where the demo project is kept; alnlp-projects/inbox by default."),
    ] = None,
) -> None:
    """The workbench on a built-in support inbox."""
    from alnlp import corpus
    from alnlp.project import Project

    if folder is None:
        folder = Path("alnlp-projects", "inbox" if task == "classification" else f"inbox-{task}")
    if not Project.is_project(folder):
        corpus.create_demo(folder, task).close()
    _serve(folder, host, port, password, browser=not no_browser)


@app.command()
def serve(
    folder: Folder,
    host: HostOption = "127.0.0.1",
    port: PortOption = None,
    password: PasswordOption = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Do not open one.")] = False,
) -> None:
    """Open a project, or a folder of them, to label."""
    _serve(folder, host, port, password, browser=not no_browser)


def _serve(
    folder: Path, host: str, port: int | None, password: str | None, *, browser: bool
) -> None:
    from alnlp_apps.workbench import serve as serve_workbench

    serve_workbench(folder, host=host, port=port, password=password, browser=browser)


@app.command()
def new(
    folder: Folder,
    data: Annotated[
        str,
        typer.Option(
            help="csv, tsv, jsonl or parquet file, for ner also conll or spacy; a hub id."
        ),
    ],
    task: TaskOption,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    labels: Annotated[str | None, typer.Option(help="Label names, joined by commas.")] = None,
    test: Annotated[str | None, typer.Option(help="Held-out data with labels.")] = None,
    model: ModelOption = "minilm",
    strategy: StrategyOption = None,
    overlaps: Annotated[bool, typer.Option("--overlaps", help="Entities may overlap.")] = False,
    answers: Annotated[
        bool | None,
        typer.Option(
            help="Take labels in the data as answers already given, or keep them aside for "
            "simulation; by default they are answers if only some rows have one."
        ),
    ] = None,
    encoding: Encoding = "utf-8",
) -> None:
    """Make a project from a file of texts."""
    from alnlp.project import Project

    with progress_bars() as progress:
        project = Project.create(
            folder,
            data=data,
            task=task,  # type: ignore[arg-type]  # Task refuses what is no task
            labels=None if labels is None else [name.strip() for name in labels.split(",")],
            text_column=text_column,
            label_column=label_column,
            test=test,
            answers=answers,
            overlaps=overlaps,
            encoding=encoding,
            progress=progress,
            model=model,
            **_given(strategy=strategy),
        )
    for report, part in zip(project.reports, ("pool", "test"), strict=False):
        _say(report, folder / part)
    status = project.status()
    typer.echo(f"labels: {', '.join(status['labels'])}")
    typer.echo(f"{status['labelled']} examples answered already")
    if project.reports[0].labelled and not status["labelled"]:
        typer.echo("the labels in the data are kept aside for simulation (--answers: take them)")
    typer.echo(f"label it in the browser with: alnlp serve {folder}")


@app.command("import")
def import_(
    folder: Folder,
    data: Annotated[str, typer.Argument(metavar="FILE", help="Examples to add.")],
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    answers: Annotated[
        bool, typer.Option(help="Take labels in the file as answers, or keep them aside.")
    ] = True,
    encoding: Encoding = "utf-8",
) -> None:
    """Add the examples and answers of a file."""
    from alnlp.project import Project

    project = Project.open(folder)
    with progress_bars() as progress:
        report = project.add(
            data,
            text_column=text_column,
            label_column=label_column,
            answers=answers,
            encoding=encoding,
            progress=progress,
        )
    _say(report, folder / "pool")
    typer.echo(f"{project.status()['labelled']} of {len(project.pool)} examples are answered")


@app.command()
def train(folder: Folder, as_json: AsJson = False) -> None:
    """Fine-tune on all answers so far."""
    from alnlp.project import Project

    project = Project.open(folder)
    with progress_bars() as progress:
        made = project.train(score=True, progress=progress)
    if as_json:
        _print_json(
            {"round": made.number, "labels": made.labels, "metrics": made.metrics}
            | {"seconds": made.seconds, "folder": str(made.folder)}
        )
        return
    seconds = sum(made.seconds.values())
    typer.echo(f"round {made.number}: {made.labels} labels, {seconds:.1f} s, in {made.folder}")
    for name, value in made.metrics.items():
        typer.echo(f"{name}: {value:.4f}" if isinstance(value, float) else f"{name}: {value}")


@app.command()
def status(folder: Folder, as_json: AsJson = False) -> None:
    """What a project holds, how good its model is."""
    from alnlp.project import Project

    project = Project.open(folder)
    values, advice = project.status(), project.advice()
    if as_json:
        _print_json({**values, "advice": [asdict(one) for one in advice]})
        return
    for name, value in values.items():
        if isinstance(value, dict):
            figures = (
                f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in value.items()
            )
            value = ", ".join(figures) or "none yet"
        elif isinstance(value, list):
            value = ", ".join(value)
        typer.echo(f"{name + ':':<13}{value if value is not None else 'none yet'}")
    for one in advice:
        typer.echo(f"{'stop' if one.stop else 'go on'}, says {one.criterion}: {one.reason}")


@app.command()
def predict(
    folder: Folder,
    data: Annotated[str, typer.Argument(metavar="FILE", help="Texts.")],
    text_column: TextColumn = None,
    encoding: Encoding = "utf-8",
) -> None:
    """What the newest model says of the texts of a file; prints a JSON object a line."""
    from alnlp.data import Rejected
    from alnlp.data.readers import read_rows
    from alnlp.data.words import words_of
    from alnlp.project import Project

    project = Project.open(folder)
    rows, rejected = [], 0
    spans = project.task.spans
    for row in read_rows(data, text_column=text_column, encoding=encoding, spans=spans).rows:
        if isinstance(row, Rejected):
            notes.print(f"line {row.line}: {row.reason}", markup=False)
            rejected += 1
        else:
            rows.append(row)
    if not rows:
        raise DataError(f"{data}: got no usable row, expected at least one")
    words = [row.words or words_of(row.text) for row in rows] if spans else None
    with progress_bars() as progress:
        said = project.predict([row.text for row in rows], words=words, progress=progress)
    for row, prediction in zip(rows, said, strict=True):
        _print_json({"text": row.text, **_said(prediction)}, indent=None)
    if rejected:
        notes.print(f"{rejected} rows could not be read")


@app.command()
def export(
    folder: Folder,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="File or folder to write.")],
    format: Annotated[
        str | None,
        typer.Option(
            help="By the ending: csv, tsv, jsonl, parquet; for ner csv, tsv, jsonl, conll, spacy, "
            "or by name conll-iob1, conll-bioes, tokens, doccano; model for the model."
        ),
    ] = None,
) -> None:
    """Write the answers, or the model."""
    from alnlp.project import Project

    written = Project.open(folder).export(out, format, remark=lambda line: typer.echo(line))
    typer.echo(f"written: {written}")


@app.command()
def simulate(
    data: Annotated[str, typer.Argument(metavar="TRAIN", help="Fully labelled examples.")],
    test: Annotated[str, typer.Option(help="Held-out data with labels.")],
    task: TaskOption = "classification",
    model: ModelOption = "minilm",
    strategy: StrategyOption = None,
    initial: Annotated[int, typer.Option(help="Labels before the first round.")] = 20,
    initial_strategy: Annotated[
        str, typer.Option(help="What chooses these: random, typiclust, k_center, zero_shot ...")
    ] = "random",
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

    for path in (json_file, plot):
        if path is not None and (path.is_dir() or not path.absolute().parent.is_dir()):
            raise ProjectError(
                f"{path}: cannot be written; its folder must exist, and it be a file"
            )
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
            **_given(strategy=strategy),
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
    if json_file is None:
        _print_json(result.to_json())
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
    budget: Annotated[float, typer.Option(help="The share of the lines to choose.")] = 0.05,
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


def _say(report: ImportReport, folder: Path) -> None:
    for line in report.summary():
        typer.echo(line)
    if report.rejected_file:
        typer.echo(f"every refused row, with line and reason: {folder / report.rejected_file}")


def _given(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _said(prediction: Prediction) -> dict[str, Any]:
    answer, confidence = prediction.answer, round(prediction.confidence, 4)
    if not isinstance(answer, dict):
        return {"label" if isinstance(answer, str) else "labels": answer, "confidence": confidence}
    sure = zip(answer["spans"], prediction.span_confidences, strict=True)
    return {"spans": [{**span, "confidence": round(p, 4)} for span, p in sure]}


def _catalogue(entries: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        _print_json(entries)
        return
    for entry in entries:
        typer.echo(f"{entry['name']:<28}{entry['summary']}")
        typer.echo(f"{'':<28}({', '.join(entry['tasks'])}; {entry['source']})")


def _print_json(value: Any, indent: int | None = 1) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=indent))

"""Commands on a project: make, extend, train, look at, use."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alnlp.cli.options import (
    AsJson,
    Encoding,
    Folder,
    HostOption,
    LabelColumn,
    ModelOption,
    PasswordOption,
    PortOption,
    StrategyOption,
    TaskOption,
    TextColumn,
    app,
    given,
    print_json,
)
from alnlp.console import notes, progress_bars
from alnlp.errors import DataError

if TYPE_CHECKING:
    from alnlp.data import ImportReport
    from alnlp.project import Prediction

#: Of so few texts, or with so wide an interval, a figure is luck; as in static/wording.js.
_FEW, _WIDE = 10, 0.4
_ADVICE = {True: "stop", False: "go on", None: "cannot tell yet"}


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
            help="csv, tsv, jsonl, parquet or txt file, for ner also conll or spacy; a hub id."
        ),
    ],
    task: TaskOption,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    labels: Annotated[str | None, typer.Option(help="Label names, joined by commas.")] = None,
    test: Annotated[str | None, typer.Option(help="Held-out data with labels.")] = None,
    model: ModelOption = "auto",
    strategy: StrategyOption = None,
    overlaps: Annotated[bool, typer.Option("--overlaps", help="Entities may overlap.")] = False,
    answers: Annotated[
        bool | None,
        typer.Option(
            help="Take labels in the data as answers already given, or keep them aside for "
            "simulation; by default they are answers if only some rows have one."
        ),
    ] = None,
    audit_share: Annotated[
        float | None,
        typer.Option(
            help="Of all examples handed out, how many are drawn at random to measure the model "
            "by, and never trained on; by default 0.1, and 0 with a test set."
        ),
    ] = None,
    blind_share: Annotated[
        float,
        typer.Option(
            help="Of all examples handed out, on how many, drawn at random, the model's suggestion "
            "is withheld, to measure how far suggestions sway the answers."
        ),
    ] = 0.0,
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
            blind_share=blind_share,
            **given(strategy=strategy, audit_share=audit_share),
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
        print_json(
            {"round": made.number, "labels": made.labels, "metrics": made.metrics}
            | {"audit": made.audit, "seconds": made.seconds, "folder": str(made.folder)}
        )
        return
    seconds = sum(made.seconds.values())
    typer.echo(f"round {made.number}: {made.labels} labels, {seconds:.1f} s, in {made.folder}")
    if made.reason:
        typer.echo(f"model: {made.model}; {made.reason}")
    for name, value in made.metrics.items():
        if name in made.tested:
            continue  # it is told with its interval
        typer.echo(f"{name}: {value:.4f}" if isinstance(value, float) else f"{name}: {value}")
    for line in _of_model(made.tested, made.audit):
        typer.echo(line)


@app.command()
def status(folder: Folder, as_json: AsJson = False) -> None:
    """What a project holds, how good its model is, what more labels would bring."""
    from alnlp.project import Project

    project = Project.open(folder)
    values, advice, outlook = project.status(), project.advice(), project.outlook()
    bias = project.bias()
    if as_json:
        said = {"advice": [asdict(one) for one in advice], "outlook": outlook, "bias": bias}
        print_json({**values, **said})
        return
    measured = _of_model(values.pop("tested"), values.pop("audit"))
    for name, value in values.items():
        if isinstance(value, dict):
            figures = (
                f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in value.items()
            )
            value = ", ".join(figures) or "none yet"
        elif isinstance(value, list):
            value = ", ".join(value)
        typer.echo(f"{name + ':':<13}{value if value is not None else 'none yet'}")
    for line in [*measured, *_outlook(outlook), *_bias(bias)]:
        typer.echo(line)
    for one in advice:
        typer.echo(f"{_ADVICE[one.stop]}, says {one.criterion}: {one.reason}")


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
        print_json({"text": row.text, **_said(prediction)}, indent=None)
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


def _of_model(tested: dict[str, Any], audit: dict[str, Any]) -> list[str]:
    by_test = _measured(tested, "texts of the test set")
    return [*by_test, *_measured(audit, "answers kept aside")]


def _measured(figures: dict[str, Any], by: str) -> list[str]:
    """What a test set or an audit sample says of the model, each figure in a line."""
    lines = []
    for name, one in figures.items():
        if name != "labels" and isinstance(one, dict) and "low" in one:
            interval, n = f"{one['low']:.2f} to {one['high']:.2f}", figures["n"]
            if n < _FEW or one["high"] - one["low"] > _WIDE:
                lines.append(f"{name}: {interval} (95% interval, by {n} {by}: too few to say more)")
            else:
                lines.append(f"{name}: {one['value']:.4f} (95% interval {interval}, by {n} {by})")
    return lines


def _outlook(outlook: dict[str, Any]) -> list[str]:
    """What more labels would bring, and what they cost, a line each."""
    lines, time = [f"no forecast: {outlook['forecast_reason']}"], outlook["time"]
    if outlook["forecast"]:
        now, more = outlook["forecast"]["points"][0], outlook["forecast"]["more"]
        lines = [
            f"{more['answers']} more labels: {outlook['metric']} {now['value']:.2f} to "
            f"{more['value']:.2f} expected (95% interval {more['low']:.2f} to {more['high']:.2f})"
        ]
    if time["seconds_per_label"] is not None:
        lines.append(
            f"a label takes {time['seconds_per_label']:.1f} s ({time['answers']} answers in "
            f"{time['seconds'] / 60:.0f} minutes, pauses aside)"
        )
    return lines


def _bias(bias: dict[str, Any]) -> list[str]:
    """What seeing the suggestions does to the answers, where there are answers of both kinds."""
    shown, hidden, more = bias["shown"], bias["hidden"], bias["difference"]
    if more is None:
        return []
    return [
        f"suggestions: kept in {shown['acceptance']['value']:.0%} of {shown['n']} answers that saw "
        f"them, given unseen in {hidden['acceptance']['value']:.0%} of {hidden['n']}; seeing them "
        f"adds {100 * more['value']:+.0f} points (95% interval {100 * more['low']:+.0f} to "
        f"{100 * more['high']:+.0f})"
    ]


def _say(report: ImportReport, folder: Path) -> None:
    for line in report.summary():
        typer.echo(line)
    if report.rejected_file:
        typer.echo(f"every refused row, with line and reason: {folder / report.rejected_file}")


def _said(prediction: Prediction) -> dict[str, Any]:
    answer, confidence = prediction.answer, round(prediction.confidence, 4)
    if not isinstance(answer, dict):
        return {"label" if isinstance(answer, str) else "labels": answer, "confidence": confidence}
    sure = zip(answer["spans"], prediction.span_confidences, strict=True)
    return {"spans": [{**span, "confidence": round(p, 4)} for span, p in sure]}

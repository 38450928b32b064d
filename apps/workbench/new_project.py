"""The screen that makes a project out of a file."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import gradio as gr

from alnlp.data import ImportReport
from alnlp.errors import AlnlpError, DataError
from alnlp.models import AUTO
from alnlp.progress import Step
from alnlp.project import Project, Settings
from alnlp.strategies import STRATEGIES
from alnlp.tasks import KINDS, Kind
from alnlp_apps.workbench.panel import Panel
from alnlp_apps.workbench.preview import Preview, read_preview, split_labels
from alnlp_apps.workbench.translated import TRANSLATED
from alnlp_apps.workbench.workspace import Workspace

_LOG = logging.getLogger("alnlp.workbench")
_NONE = _BEST = ""
_NO_FILE = "file: got none; choose a file with your texts first"
_NO_LABELS = "labels: got none; type their names, or choose the column that holds them"
_UNEXPECTED = "unexpected failure ({kind}); the terminal where the workbench runs says more"
_TICK_SECONDS = 0.2
_PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}


def _t(name: str) -> Any:
    return TRANSLATED(f"new.{name}")


def new_project_screen(workspace: Workspace) -> Panel:
    """Build the form; the panel that is returned triggers "start" when labelling is to begin."""
    given = Settings()
    with gr.Column(elem_classes="al-form") as form:
        file = gr.File(
            label=_t("file"),
            type="filepath",
            file_count="single",
            height=150,
            elem_classes="al-drop",
        )
        sample = Panel("preview")
        with gr.Row():
            # A form outlives a restart of the server, which then knows no choices: the values are
            # checked against the file itself.
            text_column = gr.Dropdown([], label=_t("text_column"), allow_custom_value=True)
            label_column = gr.Dropdown(
                [(_t("no_label_column"), _NONE)],
                value=_NONE,
                label=_t("label_column"),
                allow_custom_value=True,
            )
        with gr.Row():
            name = gr.Textbox(label=_t("name"), info=_t("name_info"), max_length=64)
            kind = gr.Radio(
                [(_t(known), known) for known in KINDS],
                value=KINDS[0],
                label=_t("task"),
            )
            overlaps = gr.Checkbox(False, label=_t("overlaps"), visible=False)
        labels = gr.Textbox(
            label=_t("labels"),
            info=_t("labels_info"),
            lines=4,
            max_lines=12,
        )
        answers = gr.Radio(
            [
                (_t("answers_given"), "given"),
                (_t("answers_names"), "names"),
            ],
            value="given",
            label=_t("answers"),
            visible=False,
        )
        with gr.Accordion(_t("more"), open=False):
            guidelines = gr.Textbox(label=_t("guidelines"), lines=4, max_lines=20)
            with gr.Row():
                model = gr.Textbox(given.model, label=_t("model"), info=_t("model_info"))
                strategy = gr.Dropdown(
                    _strategies(KINDS[0]),
                    value=_BEST,
                    label=_t("strategy"),
                    info=_t("strategy_info"),
                )
                batch_size = gr.Number(given.batch_size, label=_t("batch_size"), precision=0)
            test = gr.File(
                label=_t("test"),
                type="filepath",
                file_count="single",
                height=110,
                elem_classes="al-drop",
            )
        create = gr.Button(_t("create"), variant="primary", elem_id="alnlp-create")
    outcome = Panel("outcome", events=("start", "another"))

    chosen = [overlaps, strategy]
    shown = [sample, text_column, label_column, name, labels, answers, kind, *chosen]
    gr.on([file.upload, file.clear], _preview_file, file, shown, **_PRIVATE)
    columns = [file, text_column, label_column, kind]
    seen = [sample, labels, answers]
    gr.on([text_column.input, label_column.input], _preview_columns, columns, seen, **_PRIVATE)
    kind.input(_for_kind, columns, [*chosen, *seen], **_PRIVATE)
    fields = [
        file, name, kind, text_column, label_column, labels, answers, test, model, strategy,
        batch_size, guidelines, overlaps,
    ]  # fmt: skip

    def make(*values: Any) -> Iterator[tuple[dict[str, Any], gr.Column]]:
        for value in _make(workspace, *values):
            yield value, gr.Column(visible="report" not in value)

    both = [outcome, form]
    create.click(make, fields, both, trigger_mode="once", concurrency_limit=4, **_PRIVATE)
    outcome.another(lambda: (None, gr.Column(visible=True)), None, both, queue=False, **_PRIVATE)
    return outcome


def _preview_file(path: str | None) -> list[Any]:
    if not path:
        empty = (
            gr.Dropdown([], value=None),
            gr.Dropdown([(_t("no_label_column"), _NONE)], value=_NONE),
        )
        return [None, *empty, "", "", gr.Radio(visible=False), *[gr.skip()] * 3]
    try:
        read = read_preview(path)
    except AlnlpError as error:
        return [{"error": str(error)}, *[gr.skip()] * 8]
    columns = [(column, column) for column in read.columns]
    return [
        read.payload(),
        gr.Dropdown(columns, value=read.text_column),
        gr.Dropdown([(_t("no_label_column"), _NONE), *columns], value=read.label_column or _NONE),
        read.name,
        "\n".join(read.labels),
        _answers(read),
        read.kind,
        *_choices(read.kind),
    ]


def _choices(kind: Kind) -> list[Any]:
    """What there is to choose for a kind of task: overlaps, strategies."""
    return [gr.Checkbox(visible=kind == "ner"), gr.Dropdown(_strategies(kind), value=_BEST)]


def _strategies(kind: Kind) -> list[tuple[str, str]]:
    serving = ((name, spec) for name, spec in STRATEGIES.items() if kind in spec.tasks)
    return [
        (_t("strategy_best"), _BEST),
        *((f"{n}: {spec.summary}", n) for n, spec in serving),
    ]


def _for_kind(path: str | None, text: str | None, label: str | None, kind: Kind) -> list[Any]:
    sample, labels, answers = _preview_columns(path, text, label, kind)
    # Without a column there are no labels to read, and those typed meanwhile stay.
    return [*_choices(kind), sample, labels if label else gr.skip(), answers]


def _preview_columns(
    path: str | None, text: str | None, label: str | None, kind: Kind
) -> list[Any]:
    if not path:
        return [gr.skip()] * 3
    try:
        read = read_preview(path, text or None, label or None, kind=kind, guess_label=False)
    except AlnlpError as error:
        return [{"error": str(error)}, gr.skip(), gr.skip()]
    return [read.payload(), "\n".join(read.labels), _answers(read)]


def _answers(read: Preview) -> gr.Radio:
    """Where every row has its label, there is nothing to do unless these are kept aside."""
    return gr.Radio(value="names" if read.fully_labelled else "given", visible=bool(read.labels))


def _make(
    workspace: Workspace, path: str | None, name: str, *fields: Any
) -> Iterator[dict[str, Any]]:
    """Create the project in a thread, and say how far it is until it is there."""
    if not path:
        yield {"error": _NO_FILE}
        return
    steps: list[Step] = []
    result: dict[str, Any] = {}

    def work() -> None:
        try:
            result.update(_create(workspace, path, name, steps.append, *fields))
        except AlnlpError as error:
            result["error"] = str(error)
        except Exception as error:
            _LOG.exception("creating a project failed")
            result["error"] = _UNEXPECTED.format(kind=type(error).__name__)

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    while worker.is_alive():
        last = steps[-1] if steps else None
        yield {"working": {"done": last.done if last else 0, "total": last.total if last else None}}
        worker.join(_TICK_SECONDS)
    yield result


def _create(
    workspace: Workspace,
    path: str,
    name: str,
    progress: Any,
    kind: Kind,
    text_column: str | None,
    label_column: str | None,
    labels: str | None,
    answers: str,
    test: str | None,
    model: str | None,
    strategy: str,
    batch_size: float | None,
    guidelines: str | None,
    overlaps: bool,
) -> dict[str, Any]:
    folder = workspace.new_folder(name or "")
    project = Project.create(
        folder,
        data=path,
        task=kind,
        labels=_wanted_labels(path, kind, text_column, label_column, labels),
        text_column=text_column or None,
        label_column=label_column or None,
        test=test or None,
        answers=answers == "given",
        progress=progress,
        overlaps=overlaps and kind == "ner",
        model=(model or "").strip() or AUTO,
        **({} if strategy == _BEST else {"strategy": strategy}),
        batch_size=int(batch_size or 0),
        guidelines=(guidelines or "").strip(),
    )
    data, *held_out = project.reports
    project.close()
    return {"name": folder.name, "report": _report(data, held_out)}


def _wanted_labels(
    path: str,
    kind: Kind,
    text_column: str | None,
    label_column: str | None,
    typed: str | None,
) -> list[str] | None:
    """The labels typed; None if they are just those of the file, which the import finds anyway."""
    wanted = split_labels(typed or "")
    if not label_column:
        if not wanted:
            raise DataError(_NO_LABELS)
        return wanted
    found = read_preview(
        path, text_column or None, label_column, kind=kind, guess_label=False
    ).labels
    if not wanted and not found:
        raise DataError(_NO_LABELS)
    return None if tuple(wanted) == found else wanted


def _report(data: ImportReport, held_out: Sequence[ImportReport]) -> dict[str, Any]:
    rejections = [asdict(bad) for bad in data.rejections]
    for report in held_out:
        for bad in report.rejections:
            rejections.append({**asdict(bad), "in_test": True})
    return {
        # Rows that cannot be used have a table of their own.
        "lines": [
            line
            for report in (data, *held_out)
            for line in report.summary()
            if not line.startswith("  ") and line[-1] != ":"
        ],
        "rejected": sum(report.rejected for report in (data, *held_out)),
        "rejections": rejections[:200],
    }

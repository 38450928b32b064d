"""The model card: a README.md that says what a saved model is and how to use it."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from typing import Any

from alnlp.models import public_name, split
from alnlp.models.protocol import FitReport
from alnlp.tasks import Task


def model_card(
    task: Task,
    checkpoint: str,
    report: FitReport,
    *,
    label_counts: Mapping[str, int],
    metrics: Mapping[str, float],
    metrics_on: str,
    hardware: Mapping[str, Any],
    temperature: float = 1.0,
) -> str:
    """A model card in the form of the Hugging Face hub: YAML front matter, then Markdown.

    Args:
        task: the question and its labels.
        checkpoint: what was fine-tuned; of a folder, only the last part of its path is shown.
        report: what the training did.
        label_counts: training examples by label; for ner entities by label.
        metrics: figures between 0 and 1, by name; may be empty.
        metrics_on: what the metrics were measured on, in words.
        hardware: from `alnlp.hardware.describe`.
        temperature: what to divide logits by for probabilities that can be believed; 1 where
            nothing is known.
    """
    base = public_name(split(checkpoint)[1])
    what = "Named entities" if task.spans else "Text classifier"
    counted = "entities in training" if task.spans else "training texts"
    guesses = f" and its own guesses about {report.guessed} others" if report.guessed else ""
    lines = [
        *_front_matter(task, base, metrics),
        f"# {what}: {len(task.labels)} labels, fine-tuned from {_inline(base)}",
        "",
        f"Kind of task: {task.kind}. {_rule(task)} "
        f"Trained with alnlp on {report.examples} labelled texts{guesses}, {report.steps} steps in "
        f"{report.seconds:.0f} seconds, seed {report.seed}, precision {report.precision}.",
        "",
        "## Use",
        "",
        "```python",
        "from transformers import pipeline",
        "",
        *_usage(task),
        "```",
        "",
        "## Labels",
        "",
        *_table(("label", counted), [(k, label_counts.get(k, 0)) for k in task.labels]),
        "",
        "## Evaluation",
        "",
        *_evaluation(metrics, metrics_on),
        "",
        "## Training",
        "",
        *_table(("setting", "value"), [*report.configuration.items(), *hardware.items()]),
        "",
        "## Limits",
        "",
        "The training texts were chosen by active learning, so their label counts are not those "
        f"of the data. {_calibration(temperature)}",
    ]
    return "\n".join(lines) + "\n"


def _calibration(temperature: float) -> str:
    if temperature == 1.0:
        return "Probabilities are not calibrated."
    return (
        f"Probabilities are not calibrated: the logits, divided by {temperature:.3g}, fit the "
        "answers kept aside best."
    )


def _front_matter(task: Task, base: str, metrics: Mapping[str, float]) -> list[str]:
    # JSON strings are YAML strings, whatever they contain.
    lines = ["---", "library_name: transformers", f"pipeline_tag: {_pipeline(task)}"]
    if "/" in base:
        lines.append(f"base_model: {json.dumps(base)}")
    lines += ["tags:", "- alnlp", "- active-learning"]
    if metrics:
        lines += ["metrics:", *(f"- {json.dumps(name)}" for name in metrics)]
    return [*lines, "---", ""]


def _pipeline(task: Task) -> str:
    return "token-classification" if task.spans else "text-classification"


def _rule(task: Task) -> str:
    if task.spans:
        return "Each word carries one tag (IOB2), which its first subword tells."
    if task.multilabel:
        return "A text may carry any number of labels: those with a probability of 0.5 or more."
    return "A text carries exactly one label: the most probable."


def _usage(task: Task) -> list[str]:
    if task.spans:
        return [
            # With a stride, texts longer than the network's window are read in parts.
            'tag = pipeline("token-classification", model="FOLDER", aggregation_strategy="first",',
            "               stride=32)",
            'tag("some text")',
        ]
    call = ", top_k=None" if task.multilabel else ""
    return [
        f'classify = pipeline("text-classification", model="FOLDER"{call})',
        'classify("some text", truncation=True)',
    ]


def _evaluation(metrics: Mapping[str, float], metrics_on: str) -> list[str]:
    if not metrics:
        return ["Not evaluated."]
    figures = [(name, f"{value:.4f}") for name, value in metrics.items()]
    return [f"Measured on {_inline(metrics_on)}.", "", *_table(("metric", "value"), figures)]


def _table(head: tuple[str, str], rows: list[tuple[str, Any]]) -> list[str]:
    body = [f"| {_inline(name)} | {_inline(value)} |" for name, value in rows]
    return [f"| {head[0]} | {head[1]} |", "|---|---|", *body]


def _inline(value: object) -> str:
    """A value as literal text in Markdown: names of labels may contain anything."""
    text = html.escape(" ".join(str(value).split()), quote=False)
    return "".join(f"\\{c}" if c in "\\`*_{}[]#|~$" else c for c in text)

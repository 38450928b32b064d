"""What the command line shows: progress with rate and time left, and one line for each error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bars
from rich.progress import Task as Bar
from rich.text import Text

from alnlp.progress import Progress, Step

#: Results go to standard output, all else to standard error, so that output can be piped.
notes = Console(stderr=True, highlight=False)


class _Rate(ProgressColumn):
    def render(self, task: Bar) -> Text:
        """Units a second."""
        speed = task.finished_speed or task.speed
        unit = task.fields.get("unit", "")
        return Text("" if speed is None else f"{speed:.0f} {unit}/s", style="dim")


@contextmanager
def progress_bars() -> Iterator[Progress]:
    """A listener that draws a bar for each phase on a terminal; they vanish at the end."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
    )
    bars = Bars(*columns, console=notes, transient=True, disable=not notes.is_terminal)
    shown: dict[str, TaskID] = {}

    def show(step: Step) -> None:
        bars.start()
        if step.phase not in shown or step.done == 0:
            for earlier in shown.values():
                bars.remove_task(earlier)
            shown.clear()
            shown[step.phase] = bars.add_task(step.phase, total=step.total, unit=step.unit)
        bars.update(shown[step.phase], completed=step.done, total=step.total)

    try:
        yield show
    finally:
        bars.stop()

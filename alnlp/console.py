"""What the command line shows: progress with rate and time left, and one line for each error."""

from __future__ import annotations

import os
import select
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

_READ_BYTES = 1 << 16

#: Results go to standard output, all else to standard error, so that output can be piped.
notes = Console(stderr=True, highlight=False)


class _Rate(ProgressColumn):
    def render(self, task: Bar) -> Text:
        """Units a second."""
        speed = task.finished_speed or task.speed
        unit = task.fields.get("unit", "")
        return Text("" if speed is None else f"{speed:.0f} {unit}/s", style="dim")


class Arriving:
    """The lines of a pipe or file, each as soon as it is there.

    Args:
        descriptor: of the open file.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._rest = b""
        self._ended = False

    def __iter__(self) -> Iterator[bytes]:
        """Waits for more where no whole line is there."""
        while True:
            line, end, rest = self._rest.partition(b"\n")
            if end:
                self._rest = rest
                yield line + end
            elif self._ended:
                break
            else:
                self._read()
        if self._rest:
            yield self._rest

    def ready(self) -> bool:
        """Whether a whole line, or the end, is there without waiting."""
        while b"\n" not in self._rest and not self._ended:
            if not select.select([self._descriptor], [], [], 0)[0]:
                return False
            self._read()
        return True

    def _read(self) -> None:
        more = os.read(self._descriptor, _READ_BYTES)
        self._rest += more
        self._ended = not more


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

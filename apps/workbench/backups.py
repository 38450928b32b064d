"""A backup of each project a day, made beside the work."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from alnlp.project import backups
from alnlp_apps.workbench.workspace import Workspace

_LOG = logging.getLogger("alnlp.workbench")
#: How often it is looked whether a backup is due.
_EVERY_SECONDS = 3600.0


@contextmanager
def daily_backups(workspace: Workspace) -> Iterator[None]:
    """While it lasts, each project is backed up once a day if it was written to, first now."""
    ended = threading.Event()

    def work() -> None:
        while True:
            for name in workspace.names():
                if ended.is_set():
                    return
                _back_up(workspace, name)
            if ended.wait(_EVERY_SECONDS):
                return

    thread = threading.Thread(target=work, name="backups", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _back_up(workspace: Workspace, name: str) -> None:
    try:
        backups.back_up_if_due(workspace.folder / name)
    except Exception as error:  # whatever it is, the work goes on, and it is tried again
        _LOG.warning("no backup of %s: %s", name, error)

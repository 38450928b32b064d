"""Every error that alnlp raises on purpose.

AlnlpError
├── DataError        a file, column, row or label that cannot be used
├── ProjectError     a project folder or an action on it that makes no sense
├── StoreError       the annotation store cannot be opened or written
│   └── DamagedError a file of it that cannot be read any more
├── ModelError       a model that cannot be found, loaded or trained
├── StrategyError    a strategy that does not exist, does not fit or misbehaves
├── MissingExtra     an optional package is not installed; the message names the command
└── Cancelled        the user stopped a long-running action

The message is one line: what was got, what was expected, what to do next.
"""

from __future__ import annotations


class AlnlpError(Exception):
    """Base of all errors that are the caller's to mend; its text is one line for a person."""


class DataError(AlnlpError, ValueError):
    """A file, column, row or label that cannot be used."""


class ProjectError(AlnlpError):
    """A project folder, or an action on a project, that makes no sense."""


class StoreError(AlnlpError):
    """The annotation store cannot be opened, read or written."""


class DamagedError(StoreError):
    """A file of the store whose content cannot be read any more."""


class ModelError(AlnlpError):
    """A model that cannot be found, loaded, trained or saved."""


class StrategyError(AlnlpError, ValueError):
    """A strategy that does not exist, does not serve the task, or returned nonsense."""


class Cancelled(AlnlpError):
    """A long-running action was stopped by the user; nothing was half-written."""


class MissingExtra(AlnlpError, ImportError):
    """An optional package is missing.

    Args:
        package: what was to be imported, in words.
        extra: the extra of alnlp that brings it.
    """

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            f"{package} is not installed; install it with: pip install 'alnlp[{extra}]'"
        )
        self.package, self.extra = package, extra

    def __reduce__(self) -> tuple[type[MissingExtra], tuple[str, str]]:
        """It is raised in other processes as well."""
        return MissingExtra, (self.package, self.extra)

"""How fast is it here: against the usual way, and against what this machine can do at most."""

from alnlp.bench.report import Report

__all__ = ["Report"]

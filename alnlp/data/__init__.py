"""Texts in: read from files and data sets, checked, folded, and kept in a memory-mapped pool."""

from alnlp.data.examples import Example, example_id
from alnlp.data.importing import import_examples
from alnlp.data.pool import Pool
from alnlp.data.report import ImportReport
from alnlp.data.rows import Rejected

__all__ = ["Example", "ImportReport", "Pool", "Rejected", "example_id", "import_examples"]

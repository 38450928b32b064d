"""Hugging Face data sets: in memory, saved to disk, or from the hub."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alnlp.data.formats import ClassNames, arrow_records
from alnlp.data.rows import Records
from alnlp.errors import DataError

_BATCH = 256


def is_dataset(source: object) -> bool:
    """Whether it is a `datasets.Dataset` or `DatasetDict`, without importing `datasets`."""
    datasets = sys.modules.get("datasets")
    return datasets is not None and isinstance(source, datasets.Dataset | datasets.DatasetDict)


def read_dataset(dataset: Any, split: str = "train") -> Records:
    """The records of a data set, or of one split of it (the only one, or `split`).

    Raises:
        DataError: the split is not there.
    """
    from datasets import DatasetDict

    if isinstance(dataset, DatasetDict):
        if split not in dataset and (split != "train" or len(dataset) != 1):
            raise DataError(f"split: got {split!r}, expected one of: {', '.join(dataset)}")
        dataset = dataset[split] if split in dataset else next(iter(dataset.values()))
    tables = dataset.with_format("arrow").iter(batch_size=_BATCH)
    return Records(
        arrow_records(tables, class_names(dataset.features.arrow_schema)),
        tuple(dataset.column_names),
        len(dataset),
    )


def class_names(schema: Any) -> ClassNames:
    """The names of the class numbers of an Arrow schema: in columns, in lists and in objects."""
    from datasets import Features

    return _class_names(Features.from_arrow_schema(schema))


def _class_names(features: Mapping[str, Any]) -> ClassNames:
    from datasets import ClassLabel

    names: ClassNames = {}
    for name, inner in features.items():
        while (feature := getattr(inner, "feature", None)) is not None or isinstance(inner, list):
            inner = inner[0] if isinstance(inner, list) else feature
        if isinstance(inner, ClassLabel) and inner.names:
            names[name] = list(inner.names)
        elif isinstance(inner, Mapping) and (below := _class_names(inner)):
            names[name] = below
    return names


def read_folder(folder: Path, split: str = "train") -> Records:
    """The records of a folder: one that `save_to_disk` wrote, or one of data files.

    Raises:
        DataError: it is neither, or the split is not there.
    """
    import datasets

    try:
        saved = any((folder / name).exists() for name in ("state.json", "dataset_dict.json"))
        found = datasets.load_from_disk(str(folder)) if saved else None
    except Exception as error:  # the library raises whatever its file formats raise
        raise DataError(
            f"{folder.name}: not a data set that can be read: {_line(error)}"
        ) from error
    return read_dataset(found, split) if saved else read_hub(str(folder), split)


def read_hub(name: str, split: str = "train") -> Records:
    """The records of a data set on the hub, or of a local folder in the same form.

    Raises:
        DataError: there is none of this name, the hub cannot be reached, or the split is not
            there.
    """
    import datasets

    try:
        found = datasets.load_dataset(name)
    except Exception as error:  # network, hub, cache and builder errors have no common base
        raise DataError(
            f"{name}: neither a file here nor a data set that can be loaded: {_line(error)}; "
            "check the name, or save the data as a csv file"
        ) from error
    return read_dataset(found, split)


def _line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]

"""The process that embeds what people type."""

import sys
from collections.abc import Iterator

import numpy as np
import pytest

from alnlp.encoder import Encoder
from alnlp.errors import ModelError
from alnlp.project import finding


@pytest.fixture
def encoder() -> Iterator[Encoder]:
    made = Encoder()
    yield made
    made.close()


def test_a_query_is_read_as_the_project_reads_its_pool(encoder: Encoder, tiny_model: str) -> None:
    encoder.start()
    read = encoder.embed(tiny_model, "where is my parcel")
    assert np.allclose(read, finding.embed(tiny_model, "where is my parcel"), atol=1e-2)
    with pytest.raises(ModelError, match="nowhere"):
        encoder.embed("nowhere", "where is my parcel")
    child = encoder._child
    child.kill()
    child.wait()
    assert np.array_equal(encoder.embed(tiny_model, "where is my parcel"), read)  # known already
    again = encoder.embed(tiny_model, "a refund, please")  # by a new process
    assert again.shape == read.shape
    assert encoder._child is not child


def test_a_process_that_cannot_start_is_told_in_a_line(
    encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(ModelError, match="search again"):
        encoder.embed("minilm", "anything")

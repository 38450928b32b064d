"""What the tests of the text classifier share: a task, small checkpoints, a trained model."""

import numpy as np
import pytest
import tiny

from alnlp.inference.engine import predict_texts
from alnlp.models.finetuned import FineTuned, TrainConfig
from alnlp.tasks import Task

PHRASES = {
    "refund": "money back please return this",
    "delivery": "where is my parcel",
    "fault": "broken screen loud noise",
}
TASK = Task("classification", tuple(PHRASES))
TEXTS = [f"{phrase} {i} thank you" for i in range(6) for phrase in PHRASES.values()]
ANSWERS = list(PHRASES) * 6
QUICK = TrainConfig(min_steps=3, epochs=1)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny.checkpoint(tmp_path_factory.mktemp("bert"), TEXTS))


@pytest.fixture(scope="module")
def sentence_encoder(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("encoder")
    return str(tiny.checkpoint(folder, TEXTS, mean_pooling=True))


@pytest.fixture(scope="module")
def trained(checkpoint: str) -> FineTuned:
    model = FineTuned(TASK, checkpoint, QUICK)
    model.fit(TEXTS, ANSWERS, seed=0)
    return model


def probabilities(model: FineTuned, texts: list[str] = TEXTS) -> np.ndarray:
    return predict_texts(model, texts, precision="fp32").probabilities

"""SetFit by its own trainer: what it learns, what it leaves on disk, and with little to learn."""

from pathlib import Path

import classifying
import numpy as np
import pytest
import tiny
from classifying import ANSWERS, TASK, TEXTS
from transformers import pipeline

from alnlp.errors import Cancelled, ModelError
from alnlp.inference.engine import predict_texts
from alnlp.models import check_serves, locate, public_name
from alnlp.models.finetuned import FineTuned
from alnlp.models.setfit import SetFit, SetFitConfig
from alnlp.progress import Step
from alnlp.project import Project
from alnlp.tasks import Task

sentence_encoder = classifying.sentence_encoder
QUICK = SetFitConfig(min_steps=6, batch_size=4)


@pytest.fixture(scope="module")
def learnt(sentence_encoder: str) -> SetFit:
    model = SetFit(TASK, sentence_encoder, QUICK)
    model.fit(TEXTS, ANSWERS, seed=0)
    return model


def test_pairs_move_the_encoder(learnt: SetFit, sentence_encoder: str) -> None:
    other = SetFit(TASK, sentence_encoder, QUICK)
    report = other.fit(TEXTS, [ANSWERS[0]] * len(TEXTS), seed=0)  # nothing to tell apart
    assert report.steps == 0
    before, after = (model.network.base_model.embeddings for model in (other, learnt))
    assert not np.allclose(*(e.word_embeddings.weight.detach() for e in (before, after)))


def test_it_learns_what_it_was_told(sentence_encoder: str) -> None:
    model = SetFit(TASK, sentence_encoder, SetFitConfig(min_steps=40, learning_rate=1e-3))
    report = model.fit(TEXTS, ANSWERS, seed=0)
    assert (report.examples, report.steps) == (len(TEXTS), 40)
    said = TASK.decode(predict_texts(model, TEXTS).probabilities)
    assert np.mean([a == b for a, b in zip(said, ANSWERS, strict=True)]) > 0.9


def test_a_saved_folder_needs_neither_alnlp_nor_setfit(learnt: SetFit, tmp_path: Path) -> None:
    learnt.save(tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.suffix in (".pkl", ".bin", ".pt")]
    ours = predict_texts(learnt, TEXTS, precision="fp32").probabilities
    plain = pipeline("text-classification", model=str(tmp_path), top_k=None)(list(TEXTS))
    for said, row in zip(plain, ours, strict=True):
        for one in said:
            assert one["score"] == pytest.approx(row[TASK.labels.index(one["label"])], abs=1e-4)
    again = FineTuned.load(tmp_path)
    np.testing.assert_allclose(
        predict_texts(again, TEXTS, precision="fp32").probabilities, ours, atol=1e-6
    )


def test_the_same_seed_gives_the_same_model(learnt: SetFit, sentence_encoder: str) -> None:
    again = SetFit(TASK, sentence_encoder, QUICK)
    again.fit(TEXTS, ANSWERS, seed=0)
    np.testing.assert_allclose(
        predict_texts(again, TEXTS).probabilities, predict_texts(learnt, TEXTS).probabilities
    )


def test_several_labels(sentence_encoder: str) -> None:
    task = Task("multilabel", TASK.labels)
    model = SetFit(task, sentence_encoder, QUICK)
    model.fit(TEXTS, [[answer] for answer in ANSWERS], seed=0)
    assert predict_texts(model, TEXTS).probabilities.shape == (len(TEXTS), len(TASK.labels))


def test_labels_that_all_texts_share_leave_nothing_to_pair(sentence_encoder: str) -> None:
    task = Task("multilabel", TASK.labels)
    model = SetFit(task, sentence_encoder, QUICK)
    first, second, _ = TASK.labels
    answers = [[first, second] if i % 2 else [first] for i in range(len(TEXTS))]
    assert model.fit(TEXTS, answers, seed=0).steps == 0


def test_networks_that_cannot_read_a_mean_are_refused(tmp_path: Path) -> None:
    folder = tiny.checkpoint(tmp_path, TEXTS, "distilbert")
    with pytest.raises(ModelError, match="got a distilbert network, expected one of bert"):
        SetFit(TASK, str(folder))


def test_it_can_be_cancelled(sentence_encoder: str) -> None:
    def cancel(step: Step) -> None:
        raise Cancelled("enough")

    model = SetFit(TASK, sentence_encoder, QUICK)
    with pytest.raises(Cancelled):
        model.fit(TEXTS, ANSWERS, seed=0, progress=cancel)
    with pytest.raises(ModelError, match="not trained yet"):
        _ = model.network


def test_its_name(sentence_encoder: str) -> None:
    assert locate("setfit") == "setfit:minilm"
    assert public_name(f"setfit:{sentence_encoder}") == f"setfit:{Path(sentence_encoder).name}"
    with pytest.raises(ModelError, match="setfit serves classification, multilabel"):
        check_serves("setfit", "ner")


def test_a_project_with_it(make_project, tiny_model: str, monkeypatch) -> None:
    monkeypatch.setattr(SetFit, "config_class", staticmethod(lambda: QUICK))
    project: Project = make_project(model=f"setfit:{tiny_model}")
    project.tell({i.id: project.pool.gold(project.pool.row(i.id)) for i in project.ask(9)})
    made = project.train(score=True)
    assert made.fit["steps"] == 6
    assert project.predict(["where is my parcel"])[0].answer in project.task.labels

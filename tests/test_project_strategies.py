"""Every strategy on a real project: what it needs is kept, and it is it that chooses."""

import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
from telling import tell_gold

from alnlp import Project
from alnlp.errors import ModelError, StrategyError
from alnlp.project.candidates import expected_seconds
from alnlp.project.cold import ColdStart
from alnlp.strategies import STRATEGIES

NAMES = [name for name, spec in STRATEGIES.items() if "classification" in spec.tasks]
WITHOUT_MODEL = [name for name in NAMES if not STRATEGIES[name].needs_model and name != "random"]


def labelled(make_project, model: str, **options) -> Project:
    project = make_project(model=model, queries=["refund"], **options)
    tell_gold(project, project.ask(6, strategy="random"))
    return project


@pytest.mark.parametrize("name", NAMES)
def test_a_probe_serves_every_strategy(name: str, make_project, tiny_model: str) -> None:
    project = labelled(make_project, f"probe:{tiny_model}")
    project.train(strategy=name)
    batch = project.ask(4, strategy=name)
    assert {example.strategy for example in batch} == {name}
    assert batch.notice is None


@pytest.mark.parametrize("name", ["label_flip", "margin_calibrated", "vote_entropy", "seeded"])
def test_rounds_build_on_each_other_and_new_labels_are_no_harm(
    name: str, make_project, tiny_model: str
) -> None:
    project = labelled(make_project, f"probe:{tiny_model}")
    for _ in range(2):
        project.train(strategy=name)
        tell_gold(project, project.ask(4, strategy=name))
    assert project.status()["labelled"] == 14
    project.add_label("never seen")
    (example,) = project.ask(1, strategy="random")
    project.tell({example.id: "never seen"})
    assert len(project.ask(3, strategy=name)) == 3
    project.train(strategy=name)
    assert {one.strategy for one in project.ask(5, strategy=name)} >= {name}


def test_a_strategy_knows_what_others_are_about_to_answer(make_project, tiny_model: str) -> None:
    """Not what is answered meanwhile, nor what will only measure the model."""
    project = labelled(make_project, f"probe:{tiny_model}", audit_share=0.4)
    project.train(strategy="k_center")
    batch = project.ask(8, annotator="ben", strategy="random")
    project.tell({batch[0].id: "refund"}, annotator="cleo")
    with project._state.refreshed() as ledger:
        reserved = set(project._state.reserved(ledger).tolist())
    handed = [one for one in batch[1:] if project.pool.row(one.id) not in reserved]
    assert 0 < len(handed) < 7
    seen = []

    def noting(signals, n: int, rng):
        seen.append(signals.labelled)
        return np.arange(n)

    noting.needs = {"embeddings", "labelled"}
    project.ask(2, annotator="ana", strategy=noting)
    (known,) = seen
    kept = project.newest_round.arrays["embeddings"]
    rows = np.sort(project.pool.rows([example.id for example in handed]))
    np.testing.assert_array_equal(known.pending, kept[project.newest_round.positions(rows)])
    assert len(known.covered) == len(known) + len(handed)


def test_other_searches_wait_for_the_next_training(make_project, tiny_model: str) -> None:
    project = labelled(make_project, f"probe:{tiny_model}", strategy="seeded")
    project.train()
    assert project.ask(3).notice is None
    project.update_settings(queries=["parcel", "late"])
    assert "nothing has been prepared" in (project.ask(6).notice or "")
    project.train()
    assert project.ask(9).notice is None


@pytest.mark.parametrize("name", ["bald", "vote_entropy:models", "label_flip", "cal", "zero_shot"])
def test_a_fine_tuned_model_keeps_what_is_needed(name: str, make_project, tiny_model: str) -> None:
    project = labelled(make_project, tiny_model)
    project.train(strategy=name)
    batch = project.ask(4, strategy=name)
    assert {example.strategy for example in batch} == {name}


@pytest.mark.parametrize("name", WITHOUT_MODEL)
def test_before_the_first_training(name: str, make_project, tiny_model: str) -> None:
    project = make_project(model=tiny_model, queries=["refund"])
    before = project.ask(3, strategy=name, annotator="ana")
    if name not in ("seeded",):
        assert {example.strategy for example in before} == {"random"}
        assert "no model has read the texts" in (before.notice or "")
    project.update_settings(strategy=name)
    assert project.wants_preparing
    project.prepare()
    assert not project.wants_preparing
    assert {example.strategy for example in project.ask(3)} == {name}


def test_a_strategy_starts_by_another_one(make_project, tiny_model: str) -> None:
    project = make_project(model=tiny_model, strategy="margin_typiclust")
    before = project.ask(3, annotator="ana")
    assert {example.strategy for example in before} == {"random"}
    assert "no model has read the texts" in (before.notice or "")
    assert project.wants_preparing
    project.prepare()
    assert not project.wants_preparing
    batch = project.ask(6)
    assert {example.strategy for example in batch} == {"typiclust"}
    assert batch.notice is None
    tell_gold(project, batch)
    project.train()
    assert {example.strategy for example in project.ask(4)} == {"margin_typiclust"}


def test_a_very_large_pool_is_not_read_for_a_first_batch(
    make_project, tiny_model: str, tmp_path: Path
) -> None:
    data = tmp_path / "large.csv"
    data.write_text("text\n" + "".join(f"{n * 7919} words about {n}\n" for n in range(130)))
    given = {"data": data, "labels": ["a", "b"], "strategy": "margin_typiclust"}
    assert make_project("small", model=tiny_model, score_limit=130, **given).wants_preparing
    assert not make_project("large", model=tiny_model, score_limit=129, **given).wants_preparing


def test_a_named_strategy_that_did_not_choose_warns(make_project, tiny_model: str) -> None:
    project = labelled(make_project, f"probe:{tiny_model}")
    with pytest.warns(UserWarning, match="no model has read the texts yet"):
        first = project.ask(3, strategy="margin")
    project.train()
    with pytest.warns(UserWarning, match="3 of these were handed out before .* release"):
        again = project.ask(4, strategy="entropy")
    assert [example.id for example in again[:3]] == [example.id for example in first]
    assert again[3].strategy == "entropy"
    with pytest.raises(StrategyError, match="did you mean 'entropy'"):
        project.ask(4, strategy="entropi")
    assert project.release() == 4
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert {e.strategy for e in project.ask(4, strategy="entropy")} == {"entropy"}


def test_a_function_says_what_it_needs(make_project, tiny_model: str) -> None:
    def far(signals, n, rng):
        seen = signals.labelled.embeddings.mean(axis=0)
        return np.argsort(-np.linalg.norm(signals.embeddings - seen, axis=1))[:n]

    def spread(signals, n, rng):
        return rng.choice(len(signals.embeddings), n, replace=False)

    project = labelled(make_project, f"probe:{tiny_model}")
    spread.needs = {"embeddings"}
    project.prepare()
    assert {e.strategy for e in project.ask(3, strategy=spread)} == {"spread"}
    project.release()
    far.needs = {"embeddings", "labelled"}
    assert project.train(strategy=far).strategy == "far"
    assert {e.strategy for e in project.ask(3, strategy=far)} == {"far"}
    far.needs = {"magic"}
    with pytest.raises(StrategyError, match="far: needs magic, expected some of committee"):
        project.ask(3, strategy=far)


def test_a_function_that_goes_wrong_is_named(make_project, tiny_model: str) -> None:
    def refunds(signals, n, rng):
        return [i for i, text in enumerate(signals.texts) if "refund" in text][:n]

    def broken(signals, n, rng):
        return [1 / 0]

    refunds.needs = broken.needs = {"texts"}
    project = make_project()
    few = project.ask(20, strategy=refunds)
    assert 0 < len(few) < 20
    assert all("refund" in example.text for example in few)
    tell_gold(project, few)
    left = 45 - len(few)
    with pytest.raises(
        StrategyError, match=rf"got \[\], expected a list .* of 1 to 20 .*{left - 1}$"
    ):
        project.ask(20, strategy=refunds)
    with pytest.raises(StrategyError, match="strategy broken: failed with ZeroDivision") as failed:
        project.ask(3, strategy=broken)
    assert isinstance(failed.value.__cause__, ZeroDivisionError)
    assert failed.value.__cause__.__traceback__.tb_next.tb_frame.f_code.co_name == "broken"
    with pytest.raises(StrategyError, match="strategy: got 5, expected a name"):
        project.ask(3, strategy=5)
    with pytest.raises(StrategyError, match="strategy: got 5, expected a name"):
        project.train(strategy=5)


@pytest.mark.parametrize("needs", ["committee", 5, None, [["texts"]], b"texts"])
def test_needs_have_to_be_names(needs: object, make_project) -> None:
    def far(signals, n, rng):
        return range(n)

    far.needs = needs
    with pytest.raises(StrategyError) as refused:
        make_project().ask(3, strategy=far)
    assert str(refused.value) == (
        f"strategy far: got needs = {needs!r}, expected a set of names such as "
        "{'probabilities', 'labelled'}"
    )


def test_nothing_to_prepare(make_project, tiny_model: str) -> None:
    assert not make_project("fresh", strategy="margin").wants_preparing
    project = labelled(make_project, f"probe:{tiny_model}", strategy="zero_shot")
    assert project.wants_preparing
    project.train()
    project.update_settings(queries=["another"])  # from now on the model of the round reads
    assert not project.wants_preparing


def test_what_was_prepared_ends_with_its_settings(
    make_project, tiny_model: str, tmp_path: Path
) -> None:
    project = make_project(model=tiny_model, queries=["parcel"])
    project.prepare()
    assert project.ask(2, strategy="seeded").notice is None
    project.update_settings(queries=["refund"])
    assert "nothing has been prepared" in (project.ask(4, strategy="seeded").notice or "")
    other = shutil.copytree(tiny_model, tmp_path / "other")
    project.update_settings(model=str(other))
    assert ColdStart.of(project.folder, project.settings) is None


def test_a_round_without_the_signals_says_so(make_project, tiny_model: str) -> None:
    project = labelled(make_project, f"probe:{tiny_model}")
    project.train()
    batch = project.ask(3, strategy="bald")
    assert {example.strategy for example in batch} == {"random"}
    assert "nothing has been prepared for the strategy bald" in (batch.notice or "")


def test_a_probe_learns_at_once_and_its_folder_is_a_model(make_project, tiny_model: str) -> None:
    project = labelled(make_project, f"probe:{tiny_model}")
    made = project.train()
    assert made.fit["steps"] == 0
    rows = made.rows[:5]
    texts = project.pool.texts(rows)
    said = project.predict(texts)
    for one, other in zip(said, project._state.predicted(rows), strict=True):
        assert other is not None
        assert one.probabilities == pytest.approx(other.probabilities, abs=0.02)
    from transformers import pipeline

    plain = pipeline("text-classification", model=str(made.folder))(texts)
    for named, one in zip(plain, said, strict=True):  # labels may be as good as level
        assert named["score"] == pytest.approx(one.probabilities[named["label"]], abs=0.02)


def test_a_probe_is_no_tagger(make_project) -> None:
    with pytest.raises(ModelError, match="probe serves classification, multilabel"):
        make_project(model="probe", task="ner", labels=["A"])


def test_expected_seconds_follow_what_was_measured(make_project) -> None:
    project = make_project()
    rows = np.arange(len(project.pool))
    lengths = np.array([len(project.pool[row].text) for row in rows.tolist()])
    usual = expected_seconds(project.pool, rows, {})
    np.testing.assert_allclose(usual, 3.0 + 0.06 * lengths)
    measured = {row: 2.0 + 0.5 * float(lengths[row]) for row in range(20)}
    np.testing.assert_allclose(
        expected_seconds(project.pool, rows, measured), 2.0 + 0.5 * lengths, rtol=0.05
    )

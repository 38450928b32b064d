"""Large pools: a round reads a part, of which the next batch is chosen."""

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from workbench import LABELS, sentences, write_csv

from alnlp.errors import ProjectError
from alnlp.project import Project
from alnlp.project.advising import stop_rows
from alnlp.scores import margin

Make = Callable[..., Project]


@pytest.fixture
def project(make_project: Make, tmp_path: Path) -> Project:
    source = write_csv(tmp_path / "many.csv", sentences(1500))
    settings = {"labels": LABELS, "score_limit": 600, "audit_share": 0.1}
    return make_project(data=source, **settings)


def answer(project: Project, n: int) -> None:
    draw = random.Random(n)
    project.tell({one.id: draw.choice(LABELS) for one in project.ask(n)})


def test_a_part_is_read_and_chosen_from(project: Project) -> None:
    answer(project, 20)
    first = project.train()
    assert len(first.rows) == 600
    assert (np.diff(first.rows) > 0).all()
    batch = project.ask(20)
    with project._state.refreshed() as ledger:
        reserved = project._state.reserved(ledger)
    chosen = [row for row in project.pool.rows([one.id for one in batch]) if row not in reserved]
    assert np.isin(chosen, first.rows).all()
    assert batch.notice is None


def test_half_of_it_is_what_the_round_before_was_unsure_of(project: Project) -> None:
    answer(project, 20)
    first = project.train()
    with project._state.refreshed() as ledger:
        reserved = project._state.reserved(ledger)
    steady = stop_rows(project.pool, first.rows)
    doubt = margin(np.asarray(first.arrays["probabilities"]))
    doubt[np.isin(first.rows, [*steady, *reserved])] = -1
    answer(project, 20)
    second = project.train()
    assert len(second.rows) == 600
    most = first.rows[np.argsort(-doubt)]
    still = most[np.isin(most, second.rows)]
    assert len(still) >= 45  # of the 50 that are not of the stop set, but for those answered
    assert np.isin(most[:50], second.rows).sum() > 30
    assert len(np.setdiff1d(second.rows, first.rows)) > 10  # others get their turn


def test_a_small_pool_is_read_whole(project: Project) -> None:
    project.update_settings(score_limit=5000)
    answer(project, 20)
    assert len(project.train().rows) == 1480


def test_a_frozen_network_reads_everything_once(project: Project, tiny_model: str) -> None:
    project.update_settings(model=f"probe:{tiny_model}")
    answer(project, 20)
    assert len(project.train().rows) == 1480


def test_a_senseless_limit_is_refused(project: Project) -> None:
    with pytest.raises(ProjectError, match="score_limit"):
        project.update_settings(score_limit=3)

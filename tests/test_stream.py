"""Streams: the policies against the pseudo-code of their paper, the budget, and drift."""

from importlib import import_module
from types import ModuleType

import numpy as np
import pytest
from drifting import Scripted, drifting

from alnlp import stream
from alnlp.errors import MissingExtra, StrategyError
from alnlp.stream import POLICIES, Chooser, adwin

LONG = 20_000


def slow_policy(
    name: str,
    uncertainties: list[float],
    budget: float,
    rng: np.random.Generator,
    *,
    window: float,
    spent: float,
) -> list[bool]:
    """The strategies of Žliobaitė et al. 2014, with step s = 0.01, N(1, 1), and nu = 0.2.

    Where this differs from the paper: what is drawn at random is drawn whatever has been spent.
    """
    theta, s, nu = 1.0, 0.01, 0.2
    answers = []
    for uncertainty in uncertainties:
        posterior = 1 - uncertainty  # of the most probable label
        within_budget = spent / window < budget
        answer = False
        strategy = name
        if name == "split":
            strategy = "random" if rng.random() < nu else "variable"
        if strategy == "random":
            answer = rng.random() < budget
        elif within_budget and strategy == "fixed":
            answer = posterior < 0.9
        elif within_budget and strategy == "variable":
            answer = posterior < theta
            theta = theta * (1 - s) if answer else theta * (1 + s)
        elif strategy == "balanced":  # this one is not in the paper
            below = posterior < theta
            theta = theta * (1 - s * (1 - budget)) if below else theta * (1 + s * budget)
            answer = below and within_budget
        elif within_budget and strategy == "randomised":
            answer = posterior < theta * rng.normal(1, 1)
            theta = theta * (1 - s) if answer else theta * (1 + s)
        spent = (window - 1) / window * spent + answer
        answers.append(bool(answer))
    return answers


@pytest.mark.parametrize("name", POLICIES)
@pytest.mark.parametrize("budget", [0.02, 0.3])
@pytest.mark.parametrize("shape", [(1, 1), (1, 6), (0.2, 8)])
def test_policies_follow_the_paper(name: str, budget: float, shape: tuple[float, float]) -> None:
    values = np.random.default_rng(0).beta(*shape, size=3000).tolist()
    chooser = Chooser(name, budget, np.random.default_rng(1))
    chosen = [chooser(value) for value in values]
    window = 50 / budget
    expected = slow_policy(
        name, values, budget, np.random.default_rng(1), window=window, spent=budget * window - 1
    )
    assert chosen == expected


@pytest.mark.parametrize("name", POLICIES)
@pytest.mark.parametrize("budget", [0.01, 0.05, 0.3])
def test_the_share_is_close_to_the_budget(name: str, budget: float) -> None:
    values = np.random.default_rng(0).beta(1, 1, size=LONG).tolist()
    chooser = Chooser(name, budget, np.random.default_rng(1))
    chosen = np.array([chooser(value) for value in values])
    # Drawn independently, a share has this standard deviation; twice that is enough for chance.
    chance = 2 * (budget * (1 - budget) / LONG) ** 0.5 if name in ("random", "split") else 0
    if name == "balanced":
        assert 0.8 * budget < chosen.mean() < 1.02 * budget
    else:
        assert abs(chosen.mean() - budget) < 0.02 * budget + chance
    if not chance:  # a short stream is held to the budget as well
        assert chosen[:1000].sum() <= 1000 * budget + 3


def test_no_more_than_half_can_be_below_the_variable_threshold() -> None:
    # It falls and rises by the same, so it comes to rest where half of the stream is below it.
    chooser = Chooser("variable", 0.8, np.random.default_rng(1))
    chosen = [chooser(value) for value in np.random.default_rng(0).random(20_000).tolist()]
    assert 0.48 < np.mean(chosen) < 0.52


def test_what_is_chosen_is_less_certain_than_the_rest() -> None:
    values = np.random.default_rng(0).beta(1, 5, size=LONG)
    means = {}
    for name in POLICIES:
        chooser = Chooser(name, 0.05, np.random.default_rng(1))
        means[name] = values[[chooser(value) for value in values.tolist()]].mean()
    assert means["variable"] > 1.5 * values.mean()
    assert means["balanced"] > 1.5 * means["variable"]
    assert means["variable"] > means["split"] > means["randomised"] > means["random"]
    assert means["random"] == pytest.approx(values.mean(), rel=0.05)


def test_the_balanced_threshold_is_found_soon() -> None:
    values = np.random.default_rng(0).beta(1, 5, size=500)
    chooser = Chooser("balanced", 0.05, np.random.default_rng(1))
    chosen = np.flatnonzero([chooser(value) for value in values.tolist()])
    later = chosen[chosen >= 100]
    assert len(later) > 10
    assert values[later].min() > np.quantile(values, 0.8)


def test_a_threshold_out_of_reach_spends_nothing_and_everything_may_be_chosen() -> None:
    sure = Chooser("fixed", 0.5, np.random.default_rng(0))
    assert not any(sure(0.05) for _ in range(1000))
    for name in ("balanced", "variable", "fixed", "random", "randomised"):
        whole = Chooser(name, 1.0, np.random.default_rng(0))
        assert np.mean([whole(1.0) for _ in range(2000)]) > (0.45 if name == "randomised" else 0.99)


def test_a_threshold_rises_again_from_the_bottom() -> None:
    chooser = Chooser("variable", 1.0, np.random.default_rng(0))
    for _ in range(200_000):
        chooser(1.0)
    assert any(chooser(0.4) for _ in range(1000))


@pytest.mark.parametrize("name", POLICIES)
def test_all_alike(name: str) -> None:
    for value in (0.0, 0.5, 1.0):
        chooser = Chooser(name, 0.1, np.random.default_rng(0))
        share = np.mean([chooser(value) for _ in range(20_000)])
        assert share < 0.12
        assert share > 0.08 or (name, value) == ("fixed", 0.0)


@pytest.mark.parametrize("value", [float("nan"), -0.1, 1.1, float("inf")])
def test_broken_uncertainties_are_told(value: float) -> None:
    with pytest.raises(StrategyError, match="expected 0 to 1"):
        Chooser("random", 0.1, np.random.default_rng(0))(value)


@pytest.mark.parametrize(
    ("policy", "budget", "message"),
    [
        ("often", 0.1, "policy: got 'often', expected one of balanced, variable"),
        ("fixed", 0.0, "budget: got 0.0, expected a share above 0 and at most 1"),
        ("fixed", 5, "budget: got 5"),
        ("fixed", float("nan"), "budget: got nan"),
    ],
)
def test_bad_options(policy: str, budget: float, message: str) -> None:
    with pytest.raises(StrategyError, match=message):
        Chooser(policy, budget, np.random.default_rng(0))


# Drift ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", POLICIES)
def test_a_planted_drift_is_found_and_answered(name: str) -> None:
    pytest.importorskip("river")
    values = drifting().tolist()
    chosen, drifts = [], []
    chooser = Chooser(name, 0.05, np.random.default_rng(1), adwin)
    for place, value in enumerate(values):
        chosen.append(chooser(value))
        if chooser.drifted:
            drifts.append(place)
    assert drifts
    assert 10_000 <= drifts[0] < 10_200
    before = np.mean(chosen[9_000:10_000])
    behind = sum(chosen[drifts[0] : drifts[0] + 200])
    if name == "random":
        assert behind < 25
    else:
        # 200 x 0.05 are 10, and 50 more may be chosen
        assert 40 < behind <= 65
        assert before < 0.06
    assert np.mean(chosen) < 0.06


def test_a_drift_resets_the_threshold_and_forgets_what_was_spent() -> None:
    chooser = Chooser("variable", 0.1, np.random.default_rng(0), lambda: Scripted(5001))
    rng = np.random.default_rng(1)
    for value in rng.beta(1, 9, size=5000):
        chooser(value)
    chooser(0.0)
    assert chooser.drifted
    # the threshold is 1 again and budget is left: even a sure one is chosen
    assert chooser(0.05)
    assert not chooser.drifted
    assert sum(chooser(1.0) for _ in range(100)) > 45


def test_drifts_all_the_time_spend_at_most_double() -> None:
    chooser = Chooser("variable", 0.1, np.random.default_rng(0), lambda: Scripted(*range(LONG)))
    values = np.random.default_rng(1).random(10_000).tolist()
    assert np.mean([chooser(value) for value in values]) < 0.2 + 50 / 10_000


def test_a_new_model_is_no_drift() -> None:
    pytest.importorskip("river")
    chooser = Chooser("variable", 0.05, np.random.default_rng(1), adwin)
    for place, value in enumerate(drifting()[:12_000].tolist()):
        if place == 10_000:
            chooser.new_model()
        chooser(value)
        assert not chooser.drifted


def test_a_missing_extra_names_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def without(name: str) -> ModuleType:
        if name.startswith("river"):
            raise ImportError(name)
        return import_module(name)

    monkeypatch.setattr(stream.policies, "import_module", without)
    with pytest.raises(MissingExtra, match=r"river is not installed.*alnlp\[stream\]"):
        adwin()

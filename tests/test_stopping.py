"""Stopping criteria, each against a naive reference and a case worked out by hand."""

import math
import random
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from alnlp.errors import StrategyError
from alnlp.scores import entropy
from alnlp.stopping import (
    CRITERIA,
    Advice,
    History,
    advise,
    agreement,
    budget,
    changed,
    classification_change,
    delta_f,
    f_change,
    kappa,
    overall_uncertainty,
    plateau,
)

#: What two rounds predict of 50 texts.
MIXED = np.tile(np.arange(50) % 2, (2, 1))
PAIRS = st.integers(0, 12).flatmap(
    lambda n: st.tuples(*[st.lists(st.integers(-1, 3), min_size=n, max_size=n)] * 2)
)


def naive_kappa(before: list[int], after: list[int]) -> Fraction | None:
    """Cohen's formula with fractions, class by class."""
    n = len(before)
    if n == 0:
        return None
    observed = Fraction(sum(a == b for a, b in zip(before, after, strict=True)), n)
    chance = Fraction(0)
    for label in {*before, *after}:
        chance += Fraction(before.count(label), n) * Fraction(after.count(label), n)
    return None if chance == 1 else (observed - chance) / (1 - chance)


def naive_f(truth: list[bool], said: list[bool]) -> Fraction | None:
    """F1 from precision and recall, 0 where nothing right was found, None without any positive."""
    right = sum(t and s for t, s in zip(truth, said, strict=True))
    if not any(truth) and not any(said):
        return None
    if right == 0:
        return Fraction(0)
    precision, recall = Fraction(right, sum(said)), Fraction(right, sum(truth))
    return 2 * precision * recall / (precision + recall)


def naive_f_change(before: list[int], after: list[int]) -> Fraction | None:
    """The later model is taken for the truth: its own F1 is 1, that of the earlier is less."""
    changes = []
    for label in sorted({*before, *after} - {-1}):
        earlier = naive_f([x == label for x in after], [x == label for x in before])
        assert earlier is not None
        changes.append(1 - earlier)
    return sum(changes) / Fraction(len(changes)) if changes else None


def same(value: float | None, expected: Fraction | None) -> bool:
    if value is None or expected is None:
        return value is None and expected is None
    return math.isclose(value, float(expected), abs_tol=1e-12)


# Kappa ------------------------------------------------------------------------------------------


@given(PAIRS)
def test_kappa_is_cohens(pair: tuple[list[int], list[int]]) -> None:
    assert same(kappa(*pair), naive_kappa(*pair))


def test_kappa_by_hand() -> None:
    # Cohen's table of 50 grants, read twice: 20 both yes, 5 yes/no, 10 no/yes, 15 both no.
    # Observed 35/50 = 0.7; by chance (25 * 30 + 25 * 20) / 2500 = 0.5; (0.7 - 0.5) / 0.5 = 0.4.
    before = [1] * 25 + [0] * 25
    after = [1] * 20 + [0] * 5 + [1] * 10 + [0] * 15
    assert kappa(before, after) == pytest.approx(0.4)


def test_kappa_where_it_is_undefined_or_nearly() -> None:
    assert kappa([2, 2, 2], [2, 2, 2]) is None  # 0 / 0, although they agree
    assert kappa([], []) is None
    assert kappa([0, 0, 0], [1, 1, 1]) == 0.0  # never agree, and by chance never would
    assert kappa([0, 0, 0, 0], [0, 0, 0, 1]) == 0.0  # 3/4 agree, and by chance as many
    assert kappa([0, 1], [1, 0]) == -1.0
    assert kappa([0, 1, 5], [0, 1, 5]) == 1.0


def test_kappa_of_several_labels_takes_each_yes_or_no() -> None:
    before, after = [[1, 0], [0, 0], [1, 1]], [[1, 0], [0, 1], [1, 1]]
    assert same(kappa(before, after), naive_kappa([1, 0, 0, 0, 1, 1], [1, 0, 0, 1, 1, 1]))


def test_models_are_compared_on_one_stop_set() -> None:
    with pytest.raises(StrategyError, match="one stop set"):
        kappa([0, 1], [0, 1, 1])
    with pytest.raises(StrategyError, match="expected whole numbers"):
        kappa([0.2, 0.8], [0.4, 0.6])


def naive_agreement(rounds: list[list[int]]) -> bool | None:
    if len(rounds) < 4:
        return None
    last = [naive_kappa(a, b) for a, b in zip(rounds[-4:-1], rounds[-3:], strict=True)]
    return None if None in last else sum(last) / 3 >= Fraction(99, 100)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(60))
def test_agreement(seed: int) -> None:
    """Rounds that differ in 0 to 4 of 200 predictions."""
    draw = random.Random(seed)
    rounds = [[draw.randrange(3) for _ in range(200)]]
    for _ in range(draw.randrange(6)):
        nearly = rounds[-1].copy()
        for place in draw.sample(range(200), draw.randrange(5)):
            nearly[place] = draw.randrange(3)
        rounds.append(nearly)
    advice = agreement(np.array(rounds), 200)
    assert advice.stop == naive_agreement(rounds)


def test_agreement_looks_at_kappa_and_not_at_its_change() -> None:
    """A kappa that stays at 0 is no agreement, however steady."""
    even, odd = [0, 0, 1, 1] * 15, [0, 1, 0, 1] * 15
    advice = agreement(np.array([even, odd] * 3), 60)
    assert (advice.stop, advice.value) == (False, 0.0)
    assert advice.reason == (
        "The agreement of successive models on texts that nobody has answered (kappa), 0.000 on "
        "average over the last 3, is below 0.99."
    )


@pytest.mark.parametrize("judge", [agreement, classification_change, delta_f])
@pytest.mark.parametrize(
    ("said", "why"),
    [
        (np.zeros((6, 50), np.int64), "one and the same answer"),
        (np.full((6, 50), -1), "one and the same answer"),  # no entity in any word
        (np.zeros((6, 50, 3), np.int64), "one and the same answer"),
        (np.ones((6, 50, 3), np.int64), "one and the same answer"),
        (np.tile(np.arange(49) % 3, (6, 1)), "Only 49 texts"),
        (np.empty((6, 0), np.int64), "No text is left"),
        (np.zeros((1, 50), np.int64), "It takes"),
    ],
)
def test_what_tells_nothing_does_not_stop(
    judge: Callable[..., Advice], said: NDArray[np.int64], why: str
) -> None:
    advice = judge(said, said.shape[1])
    assert (advice.stop, advice.value) == (None, None)
    assert why in advice.reason


def test_settled_models_agree() -> None:
    settled = np.tile(np.arange(50) % 3, (4, 1))
    assert agreement(settled, 50) == Advice(
        "agreement",
        True,
        "The agreement of successive models on texts that nobody has answered (kappa), 1.000 on "
        "average over the last 3, "
        "reaches 0.99.",
        1.0,
    )
    settled[0] = 1  # undefined no more, and inside of the window
    assert agreement(settled, 50).value == pytest.approx(2 / 3)


# Change of the predictions ----------------------------------------------------------------------


@given(PAIRS)
def test_changed(pair: tuple[list[int], list[int]]) -> None:
    before, after = pair
    differ = [a != b for a, b in zip(before, after, strict=True)]
    assert same(changed(before, after), Fraction(sum(differ), len(differ) or 1))


def test_a_text_changes_with_any_of_its_labels() -> None:
    assert changed([[1, 0], [0, 0], [1, 1]], [[1, 1], [0, 0], [1, 1]]) == pytest.approx(1 / 3)


def test_classification_change() -> None:
    rounds = np.array([[0, 1, 2, 1], [0, 1, 1, 1], [0, 1, 1, 1]]).repeat(20, axis=1)
    assert classification_change(rounds, 80) == Advice(
        "classification_change", True, "The newest model changed no prediction.", 0
    )
    earlier = classification_change(rounds[:2], 80)
    assert (earlier.stop, earlier.value) == (False, 0.25)
    assert earlier.reason == "The newest model changed 25.0% of the predictions."
    # The words of entities are many, their texts may be few.
    assert classification_change(rounds, 4).stop is None


# Uncertainty ------------------------------------------------------------------------------------


@given(st.lists(st.floats(0, 0.03), min_size=1, max_size=20))
def test_overall_uncertainty(uncertainties: list[float]) -> None:
    mean = math.fsum(uncertainties) / len(uncertainties)
    advice = overall_uncertainty(np.repeat(uncertainties, 50), MIXED)
    assert advice.value == pytest.approx(mean)
    if abs(mean - 0.01) > 1e-9:
        assert advice.stop == (mean < 0.01)


def test_overall_uncertainty_by_hand() -> None:
    # Half a bit is -ln(0.5) = 0.6931 nats; a sure text has none: the mean is 0.3466.
    advice = overall_uncertainty(entropy(np.array([[0.5, 0.5], [1.0, 0.0]] * 25)), MIXED)
    assert advice.reason == "The mean uncertainty of 0.3466 is not below 0.01."
    sure = np.full(50, 0.001)
    assert overall_uncertainty(sure, MIXED).stop
    assert overall_uncertainty(sure[:49], MIXED).stop is None
    # A model that knows one answer is sure of it, whatever is true.
    assert overall_uncertainty(sure, np.zeros((3, 50), np.int64)).stop is None
    assert overall_uncertainty(np.empty(0), MIXED[:, :0]).stop
    with pytest.raises(StrategyError, match="not finite"):
        overall_uncertainty(np.full(50, np.nan), MIXED)


# The F-measure ----------------------------------------------------------------------------------


@given(PAIRS)
def test_f_change(pair: tuple[list[int], list[int]]) -> None:
    assert same(f_change(*pair), naive_f_change(*pair))


def test_f_change_by_hand() -> None:
    # Class 0: a = 2, b = 1, c = 0: 1 - 4/5 = 1/5. Class 1: a = 1, b = 1, c = 1: 1 - 2/4 = 1/2.
    # Class 2: a = 1, b = 0, c = 1: 1 - 2/3 = 1/3. Class 3 is predicted by neither.
    before, after = [0, 0, 0, 1, 1, 2], [0, 0, 1, 1, 2, 2]
    assert f_change(before, after) == pytest.approx((1 / 5 + 1 / 2 + 1 / 3) / 3)


def test_f_change_of_two_classes_is_the_papers_where_one_is_negative() -> None:
    # a = 2, b = 1, c = 1, and four texts that both call negative count for nothing: 1 - 4/6.
    before, after = [1, 1, 1, -1, -1, -1, -1, -1], [1, 1, -1, 1, -1, -1, -1, -1]
    assert f_change(before, after) == pytest.approx(1 / 3)
    assert f_change([-1, -1], [-1, -1]) is None
    assert f_change([], []) is None


@given(st.integers(0, 6), st.integers(1, 3), st.randoms(use_true_random=False))
def test_f_change_of_several_labels(n: int, k: int, draw: random.Random) -> None:
    before, after = ([[draw.randrange(2) for _ in range(k)] for _ in range(n)] for _ in range(2))
    changes = []
    for label in range(k):
        earlier = naive_f([bool(row[label]) for row in after], [bool(row[label]) for row in before])
        if earlier is not None:
            changes.append(1 - earlier)
    expected = sum(changes) / Fraction(len(changes)) if changes else None
    shape = (n, k)
    assert same(f_change(np.array(before).reshape(shape), np.array(after).reshape(shape)), expected)


def test_delta_f_takes_the_largest_of_the_window() -> None:
    settled = np.tile(np.arange(300) % 3, (5, 1))
    assert delta_f(settled, 300).stop
    assert delta_f(settled, 300).value == 0.0
    settled[1, :30] = 2
    moved = delta_f(settled, 300)  # from round 1 to 2 within the window of three changes
    assert moved.value == pytest.approx(float(naive_f_change(*settled[1:3].tolist()) or 0))
    assert not moved.stop
    assert delta_f(settled[:3], 300).stop is None


# The curve --------------------------------------------------------------------------------------


@given(st.lists(st.floats(0, 1), max_size=9))
def test_plateau(curve: list[float]) -> None:
    advice = plateau(np.array(curve))
    if len(curve) < 6:
        assert (advice.stop, advice.value) == (None, None)
        return
    gain = sorted(curve[-3:])[1] - sorted(curve[-6:-3])[1]
    assert advice.value == gain
    assert advice.stop == (None if gain < -0.02 else gain < 0.005)


def test_plateau_by_hand() -> None:
    rising = plateau(np.array([0.2, 0.5, 0.6, 0.7, 0.72, 0.71]))
    assert (rising.stop, rising.value) == (False, pytest.approx(0.21))
    # One lucky round decides nothing: medians 0.71 and 0.712.
    flat = plateau(np.array([0.1, 0.71, 0.70, 0.72, 0.712, 0.70, 0.80]))
    assert flat.stop
    assert flat.reason == (
        "The median of the last 3 rounds is +0.0020 against the 3 before, less than +0.005."
    )
    fallen = plateau(np.array([0.9, 0.9, 0.9, 0.5, 0.5, 0.5]))
    assert (fallen.stop, fallen.value) == (None, pytest.approx(-0.4))
    assert fallen.reason.endswith(
        "the newest models are worse, so look at the newest answers first."
    )


# All of them ------------------------------------------------------------------------------------


def test_budget() -> None:
    assert budget(80, 100) == Advice(
        "budget", False, "20 of 100 labels of the budget are left.", 80
    )
    assert budget(100, 100) == Advice("budget", True, "The budget of 100 labels is used up.", 100)
    assert budget(120, 100).stop


def test_entities_are_compared_word_by_word() -> None:
    # The words of three texts; outside of entities the code is -1.
    predictions = np.array([[-1, 1, 2, -1, 0, -1], [-1, 1, -1, -1, 0, -1]])
    assert same(kappa(*predictions), naive_kappa(*predictions.tolist()))
    assert changed(*predictions) == pytest.approx(1 / 6)  # of the words
    assert f_change(*predictions) == pytest.approx(1 / 3)  # the class 2: 1, the other two: 0


def test_advice_on_what_is_known() -> None:
    assert advise(History()) == []
    assert [advice.criterion for advice in advise(History(labels=1, budget=2))] == ["budget"]
    everything = History(
        labels=120,
        budget=400,
        predictions=np.tile(np.arange(60) % 4, (6, 1)),
        uncertainties=np.full(60, 0.2),
        curve=np.array([0.5, 0.8, 0.8, 0.8, 0.8, 0.8]),
    )
    told = {advice.criterion: advice.stop for advice in advise(everything)}
    assert told == {
        "budget": False,
        "agreement": True,
        "classification_change": True,
        "overall_uncertainty": False,
        "delta_f": True,
        "plateau": True,
    }
    assert list(told) == list(CRITERIA)


def test_advice_of_the_first_rounds() -> None:
    """Too little to tell is said, never NaN, never a stop."""
    for rounds in range(4):
        known = History(predictions=np.zeros((rounds, 60), np.int64), curve=np.zeros(rounds))
        told = advise(known)
        assert len(told) == 4
        for advice in told:
            assert advice.stop is None
            assert advice.reason.endswith(".")
    assert [advice.reason for advice in told if "It takes" in advice.reason] == [
        "It takes 4 rounds, each with more answers, to tell; 3 so far.",
        "It takes 4 rounds, each with more answers, to tell; 3 so far.",
        "It takes 6 rounds, each with more answers, to tell; 3 so far.",
    ]

"""Each score of the catalogue, found by its name, against the formula that the name stands for."""

import math
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache, cached_property
from itertools import combinations, pairwise

import numpy as np
import pytest

from alnlp.inference.token_scores import NAMES
from alnlp.signals import Labelled, Signals
from alnlp.strategies import STRATEGIES, find

Row = list[float]

#: Every strategy that is a score, with every task that it serves, in every way of writing it.
SCORED = [
    (written, task)
    for name, spec in STRATEGIES.items()
    for task in spec.tasks
    for written in (name, *(f"{name}:{variant}" for variant in spec.variants.get(task, ())))
    if find(written, task)[1].score
]
SIZE, CLASSES, WIDTH = 12, 4, 3


class World:
    """Small random inputs of one task, as lists, and the signals that say the same."""

    def __init__(self, task: str, seed: int) -> None:
        self.task = task
        rng = np.random.default_rng(seed)

        def beliefs(*shape: int) -> np.ndarray:
            if task == "multilabel":
                return rng.uniform(0.02, 0.98, (*shape, CLASSES))
            return rng.dirichlet(np.ones(CLASSES), shape)

        p, samples, history, known_p, forecasts = (
            beliefs(*shape) for shape in ((SIZE,), (5, SIZE), (4, SIZE), (14,), (60,))
        )
        committees = {"heads": beliefs(3, SIZE), "models": beliefs(4, SIZE)}
        x, known_x = rng.normal(0.3, size=(SIZE, WIDTH)), rng.normal(0.3, size=(14, WIDTH))
        targets = rng.integers(CLASSES, size=14)
        if task == "multilabel":
            targets = rng.integers(2, size=(14, CLASSES))
        if task == "ner":
            history = rng.integers(5, size=(4, SIZE, 1))
        scores = {name: rng.random(SIZE) for name in NAMES}
        seconds, costs = rng.uniform(1, 9, SIZE), rng.integers(1, 9, SIZE)
        # The forecasts were too sure of themselves, so that calibrating them changes something.
        self.forecasts = forecasts.tolist()
        self.answers = [
            [int(rng.choice(len(odds), p=cooled(odds, 3))) for odds in self.asked(row)]
            for row in self.forecasts
        ]
        # Of a label the first answer is yes, which is 1 among the outcomes.
        outcomes = np.array(self.answers)
        outcomes = 1 - outcomes if task == "multilabel" else outcomes[:, 0]

        self.p, self.samples, self.history = p.tolist(), samples.tolist(), history.tolist()
        self.heads, self.models = (committees[kind].tolist() for kind in ("heads", "models"))
        self.x, self.known_x, self.known_p = x.tolist(), known_x.tolist(), known_p.tolist()
        self.targets, self.seconds, self.costs = targets.tolist(), seconds.tolist(), costs.tolist()
        self.scores = {name: values.tolist() for name, values in scores.items()}
        signals = Signals.of(
            None if task == "ner" else p,
            x,
            scores=scores if task == "ner" else None,
            costs=costs,
            samples=samples,
            history=history,
            labelled=Labelled(known_x, known_p, targets, forecasts, outcomes),
            seconds=seconds,
            multilabel=task == "multilabel",
            spans=task == "ner",
        )
        self.signals = replace(
            signals, loaders={**signals.loaders, "committee": committees.__getitem__}
        )

    def asked(self, row: Row) -> list[Row]:
        """The questions about a text: which class it is, or for each label whether it holds."""
        return [[p, 1 - p] for p in row] if self.task == "multilabel" else [row]

    @cached_property
    def temperature(self) -> float:
        """That of the forecasts, whose loss has one valley, by ternary search."""

        def loss(log_temperature: float) -> float:
            return -sum(
                math.log(cooled(odds, math.exp(log_temperature))[answer])
                for row, answers in zip(self.forecasts, self.answers, strict=True)
                for odds, answer in zip(self.asked(row), answers, strict=True)
            )

        low, high = math.log(0.05), math.log(20)
        for _ in range(50):
            third = (high - low) / 3
            if loss(low + third) < loss(high - third):
                high -= third
            else:
                low += third
        return math.exp(low)


world_of = cache(World)
#: What a score makes of one text of a world.
Reference = Callable[[World, int], float]


# Formulas over probabilities --------------------------------------------------------------------


def mean(values: Iterable[float]) -> float:
    values = list(values)
    return sum(values) / len(values)


def least_confidence(odds: Row) -> float:
    return 1 - max(odds)


def margin(odds: Row) -> float:
    second, first = sorted(odds)[-2:]
    return 1 - (first - second)


def entropy(odds: Row) -> float:
    return -sum(p * math.log(p) for p in odds if p > 0)


def divergence(odds: Row, other: Row) -> float:
    return sum(p * math.log(p / q) for p, q in zip(odds, other, strict=True))


def cooled(odds: Row, temperature: float) -> Row:
    powers = [p ** (1 / temperature) for p in odds]
    return [power / sum(powers) for power in powers]


def answer(odds: Row) -> int:
    return odds.index(max(odds))


def vote_shares(members: list[Row]) -> Row:
    return [count / len(members) for count in Counter(map(answer, members)).values()]


def middle(members: list[Row]) -> Row:
    return [mean(column) for column in zip(*members, strict=True)]


def vote_entropy(members: list[Row]) -> float:
    return entropy(vote_shares(members))


def consensus_entropy(members: list[Row]) -> float:
    return entropy(middle(members))


def mean_divergence(members: list[Row]) -> float:
    return mean(divergence(member, middle(members)) for member in members)


def variation_ratio(members: list[Row]) -> float:
    return 1 - max(vote_shares(members))


def mean_deviation(members: list[Row]) -> float:
    deviations = []
    for column, centre in zip(zip(*members, strict=True), middle(members), strict=True):
        deviations.append(math.sqrt(mean((p - centre) ** 2 for p in column)))
    return mean(deviations)


def newest(
    score: Callable[[Row], float], reduce: Callable[[list[float]], float] = mean
) -> Reference:
    """Of what the newest model says."""
    return lambda world, i: reduce([score(odds) for odds in world.asked(world.p[i])])


def calibrated(score: Callable[[Row], float]) -> Reference:
    return lambda world, i: mean(
        score(cooled(odds, world.temperature)) for odds in world.asked(world.p[i])
    )


def of_several(which: str, score: Callable[[list[Row]], float]) -> Reference:
    """Of what several models or passes say."""

    def of_text(world: World, i: int) -> float:
        rows = [world.asked(member[i]) for member in getattr(world, which)]
        return mean(score(list(members)) for members in zip(*rows, strict=True))

    return of_text


def named(score: str) -> Reference:
    """What the tagger gave by this name."""
    return lambda world, i: world.scores[score][i]


# Formulas over more than probabilities ----------------------------------------------------------


def unsure(world: World, i: int) -> float:
    return world.scores["mnlp"][i] if world.task == "ner" else newest(margin)(world, i)


def cosine(a: Row, b: Row) -> float:
    products = sum(x * y for x, y in zip(a, b, strict=True))
    return products / (math.hypot(*a) * math.hypot(*b))


def density(world: World, i: int) -> float:
    return unsure(world, i) * max(mean(cosine(world.x[i], other) for other in world.x), 0)


def weighted_product(world: World, i: int) -> float:
    def similar(others: list[Row]) -> Row:
        return [(1 + cosine(world.x[i], other)) / 2 for other in others]

    return unsure(world, i) * mean(similar(world.x)) * (1 - max(similar(world.known_x)))


def cost_aware(world: World, i: int) -> float:
    words = world.costs[i] if world.task == "ner" else 1
    return unsure(world, i) * words / world.seconds[i]


def cal(world: World, i: int) -> float:
    near = sorted(range(14), key=lambda known: -cosine(world.x[i], world.known_x[known]))[:10]
    ours = world.asked(world.p[i])
    return mean(sum(map(divergence, world.asked(world.known_p[known]), ours)) for known in near)


def egl(world: World, i: int) -> float:
    p, inputs = world.p[i], [*world.x[i], 1.0]
    total = 0.0
    if world.task == "multilabel":
        for q in p:
            for y, chance in ((1, q), (0, 1 - q)):
                total += chance * math.hypot(*((q - y) * h for h in inputs))
    else:
        for y, chance in enumerate(p):
            errors = [q - (k == y) for k, q in enumerate(p)]
            total += chance * math.hypot(*(error * h for error in errors for h in inputs))
    return total


def fluctuation(world: World, i: int) -> float:
    margins = [mean(map(margin, world.asked(said[i]))) for said in world.history]
    weights = [0.5**age for age in reversed(range(len(margins)))]
    weighed = sum(w * m for w, m in zip(weights, margins, strict=True)) / sum(weights)
    return weighed + mean((m - mean(margins)) ** 2 for m in margins)


def label_flip(world: World, i: int) -> float:
    answers = [[answer(odds) for odds in world.asked(said[i])] for said in world.history]
    flips = sum(a != b for old, new in pairwise(answers) for a, b in zip(old, new, strict=True))
    return flips + mean(map(margin, world.asked(world.history[-1][i]))) / 2


def entity_flip(world: World, i: int) -> float:
    came_or_went = sum(counts[i][0] for counts in world.history)
    return came_or_went + world.scores["sequence_margin"][i] / 2


def label_set_distance(ours: list[int], theirs: list[int]) -> float:
    def spread(values: list[object]) -> float:
        return entropy([count / len(values) for count in Counter(values).values()])

    if all(a != b for a, b in zip(ours, theirs, strict=True)):
        return 1.0
    joint = spread(list(zip(ours, theirs, strict=True)))
    return (2 * joint - spread(list(ours)) - spread(list(theirs))) / joint if joint else 0.0


def cvirs(world: World, i: int) -> float:
    surer = [
        sum(abs(other[k] - 0.5) > abs(world.p[i][k] - 0.5) for other in world.p) / (SIZE - 1)
        for k in range(CLASSES)
    ]
    said = [int(p >= 0.5) for p in world.p[i]]
    return mean(surer) * mean(label_set_distance(said, known) for known in world.targets)


def lci(world: World, i: int) -> float:
    return abs(sum(p >= 0.5 for p in world.p[i]) - mean(map(sum, world.targets)))


EVERYWHERE: dict[str, Reference] = {
    "density": density,
    "weighted_product": weighted_product,
    "cost_aware": cost_aware,
}
OF_LABELS: dict[str, Reference] = {
    **EVERYWHERE,
    "margin": newest(margin),
    "entropy": newest(entropy),
    "least_confidence": newest(least_confidence),
    "margin_calibrated": calibrated(margin),
    "entropy_calibrated": calibrated(entropy),
    "least_confidence_calibrated": calibrated(least_confidence),
    "bald": of_several("samples", mean_divergence),
    "variation_ratios": of_several("samples", variation_ratio),
    "mean_std": of_several("samples", mean_deviation),
    "vote_entropy": of_several("heads", vote_entropy),
    "vote_entropy:heads": of_several("heads", vote_entropy),
    "vote_entropy:models": of_several("models", vote_entropy),
    "consensus_entropy": of_several("heads", consensus_entropy),
    "consensus_entropy:heads": of_several("heads", consensus_entropy),
    "consensus_entropy:models": of_several("models", consensus_entropy),
    "kl_disagreement": of_several("heads", mean_divergence),
    "kl_disagreement:heads": of_several("heads", mean_divergence),
    "kl_disagreement:models": of_several("models", mean_divergence),
    "egl": egl,
    "cal": cal,
    "fluctuation": fluctuation,
    "label_flip": label_flip,
}
REFERENCES: dict[str, dict[str, Reference]] = {
    "classification": OF_LABELS,
    "multilabel": {
        **OF_LABELS,
        "margin:mean": newest(margin),
        "margin:max": newest(margin, max),
        "entropy:mean": newest(entropy),
        "entropy:max": newest(entropy, max),
        "least_confidence:mean": newest(least_confidence),
        "least_confidence:max": newest(least_confidence, max),
        "cvirs": cvirs,
        "lci": lci,
    },
    "ner": {
        **EVERYWHERE,
        **{score: named(score) for score in NAMES},
        "margin": named("margin:mean"),
        "entropy": named("entropy:mean"),
        "least_confidence": named("least_confidence:mean"),
        "label_flip": entity_flip,
    },
}


def expected(written: str, task: str, world: World) -> np.ndarray:
    return np.array([REFERENCES[task][written](world, i) for i in range(SIZE)])


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("written", "task"), SCORED)
def test_a_name_stands_for_its_formula(written: str, task: str, seed: int) -> None:
    world, spec = world_of(task, seed), find(written, task)[1]
    scores = expected(written, task, world)
    # Similarities are rounded to five places.
    np.testing.assert_allclose(spec.score(world.signals), scores, rtol=1e-4, atol=3e-5)
    chosen = spec.select(world.signals, 5, np.random.default_rng(0))
    assert sorted(scores[chosen]) == pytest.approx(sorted(scores)[-5:], rel=1e-4, abs=3e-5)


def test_every_score_has_a_formula_and_every_formula_a_score() -> None:
    assert {(written, task) for task, known in REFERENCES.items() for written in known} == {*SCORED}


@pytest.mark.parametrize("task", sorted(REFERENCES))
def test_no_two_formulas_agree_on_these_inputs(task: str) -> None:
    # A bare name with variants stands for the first of them.
    different = [
        written
        for written, served in SCORED
        if served == task and not (written in STRATEGIES and STRATEGIES[written].variants.get(task))
    ]
    for seed in range(3):
        world = world_of(task, seed)
        scores = {written: expected(written, task, world) for written in different}
        for one, other in combinations(different, 2):
            assert np.abs(scores[one] - scores[other]).max() > 0.01, (one, other)

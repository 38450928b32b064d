"""Cold start: a first batch before there is a model, spread over the pool or over the labels."""

from __future__ import annotations

import numpy as np

from alnlp.signals import FloatArray, IntArray, Signals
from alnlp.strategies.neighbours import normalised, similarity
from alnlp.strategies.spec import ALL_TASKS, Indices, StrategySpec, top

#: The most strata, and how many candidates they are found on: k-means takes long with more.
STRATA, FITTED = 500, 20_000


def stratified(signals: Signals, n: int, rng: np.random.Generator) -> Indices:
    """n at random from n clusters of like texts, of each in proportion to its size.

    Stratified sampling with proportional allocation, as in Cochran, "Sampling Techniques", 1977;
    the strata by k-means as in Kang, Ryu and Kwon, "Using Cluster-Based Sampling to Select Initial
    Training Set for Active Learning in Text Classification", PAKDD 2004, which takes the centre of
    each. Every candidate is as likely as in a plain random draw, so the batch stays a fair picture
    of them; of a large pool they are after a round what that round has read.
    """
    from sklearn.cluster import MiniBatchKMeans

    rows = normalised(signals.embeddings)
    fitted = rng.choice(len(rows), size=min(len(rows), FITTED), replace=False)
    means = MiniBatchKMeans(
        min(n, STRATA), n_init=1, max_iter=10, random_state=int(rng.integers(2**31))
    )
    strata = means.fit(rows[fitted]).predict(rows).astype(np.int64)
    return rng.permutation(proportional(strata, n, rng))


def proportional(strata: IntArray, n: int, rng: np.random.Generator) -> Indices:
    """n of N at random, of each stratum n/N of its members, rounded up or down: (N,) -> (n,).

    The candidates are laid out stratum by stratum, and every N/n-th of them is taken from a random
    beginning.
    """
    size = len(strata)
    order = rng.permutation(size)
    turns = rng.permutation(int(strata.max()) + 1)
    order = order[np.argsort(turns[strata[order]], kind="stable")]
    places = (int(rng.integers(size)) + size * np.arange(n)) // n
    return order[places]


def take_turns(scores: FloatArray, n: int, rng: np.random.Generator) -> Indices:
    """n of N candidates: each column in turn takes the highest that is not taken yet.

    Args:
        scores: (N, Q); where Q is 0 the draw is random.
        n: how many.
        rng: the order of the columns, and ties.
    """
    size, columns = scores.shape
    if not columns:
        return rng.choice(size, size=n, replace=False)
    turns = rng.permutation(columns)[:n]
    # Of its n best no column can have lost all to the others before the batch is full.
    orders = [iter(top(scores[:, column], n, rng).tolist()) for column in turns]
    chosen: dict[int, None] = {}
    while len(chosen) < n:
        for order in orders[: n - len(chosen)]:
            chosen[next(place for place in order if place not in chosen)] = None
    return np.array(list(chosen), dtype=np.int64)


def zero_shot(signals: Signals, n: int, rng: np.random.Generator) -> Indices:
    """For each label in turn the text that is most similar to the label's name.

    The similarity is that of Chang, Ratinov, Roth and Srikumar, "Importance of Semantic
    Representation: Dataless Classification", AAAI 2008, here of embeddings.
    """
    names = normalised(signals.label_embeddings)
    return take_turns(similarity(normalised(signals.embeddings), names), n, rng)


ENTRIES: dict[str, StrategySpec] = {
    "stratified": StrategySpec(
        stratified,
        ALL_TASKS,
        frozenset({"embeddings"}),
        why="drawn at random from a group of like texts",
        summary="at random from clusters of like texts, in proportion to their size",
        source="Cochran 1977; Kang et al. 2004",
    ),
    "zero_shot": StrategySpec(
        zero_shot,
        ALL_TASKS,
        frozenset({"embeddings", "label_embeddings"}),
        why="its words are close to the name of a label",
        summary="for each label in turn the text most similar to the label's name",
        source="Chang et al. 2008",
    ),
}

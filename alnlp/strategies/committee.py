"""Query by committee: the examples that several models disagree about."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from alnlp.scores import entropy, over_labels
from alnlp.signals import FloatArray, IntArray, Signals
from alnlp.strategies.bayesian import consensus, disagreement, vote_shares
from alnlp.strategies.spec import LABEL_TASKS, StrategySpec, highest

#: What each kind of committee is called among the needs of a strategy; the first is meant by a
#: bare name.
_NEEDS = {"heads": "committee", "models": "committee_models"}


def vote_entropy(members: FloatArray, multilabel: bool = False) -> FloatArray:
    """The entropy of the labels that M members vote for, in nats: (M, N, K) -> (N,).

    Not divided by log min(M, K), which changes no order; the mean over independent labels.
    Argamon-Engelson and Dagan, "Committee-Based Sample Selection for Probabilistic Classifiers",
    JAIR 1999.
    """
    return (over_labels(entropy) if multilabel else entropy)(vote_shares(members, multilabel))


def consensus_entropy(members: FloatArray, multilabel: bool = False) -> FloatArray:
    """The entropy of the mean of M members' probabilities, in nats: (M, N, K) -> (N,).

    The soft form of vote entropy; the mean over independent labels. Settles, "Active Learning
    Literature Survey", University of Wisconsin-Madison 2009.
    """
    return (over_labels(entropy) if multilabel else entropy)(consensus(members))


def kl_disagreement(members: FloatArray, multilabel: bool = False) -> FloatArray:
    """The mean divergence of M members from their mean, in nats: (M, N, K) -> (N,).

    The mean Kullback-Leibler divergence to the mean is the entropy of the mean less the mean
    entropy. The mean over independent labels. McCallum and Nigam, "Employing EM and Pool-Based
    Active Learning for Text Classification", ICML 1998.
    """
    return disagreement(members, over_labels(entropy) if multilabel else entropy)


def committee_heads(
    embeddings: FloatArray,
    labelled_embeddings: FloatArray,
    targets: IntArray,
    outputs: int,
    members: int,
    rng: np.random.Generator,
    multilabel: bool = False,
) -> FloatArray:
    """Probabilities of M logistic regressions, each on a bootstrap sample: (M, N, K), float32.

    A class that a sample lacks gets the probability 0, and a sample of one class says that class;
    a sample is drawn again if it has but one of several classes. Each of several labels is a
    problem of its own, with samples of its own. Without labelled examples nothing is known: all
    classes are equally probable. Breiman, "Bagging Predictors", Machine Learning 1996; Abe and
    Mamitsuka, "Query Learning Strategies Using Boosting and Bagging", ICML 1998.

    Args:
        embeddings: (N, D) of the candidates.
        labelled_embeddings: (L, D).
        targets: their classes (L,), or 0/1 of shape (L, K) for several labels.
        outputs: K.
        members: M.
        rng: for the samples.
        multilabel: whether several labels may hold.
    """
    embeddings = np.asarray(embeddings, dtype=np.float32)
    known = np.asarray(labelled_embeddings, dtype=np.float32)
    result = np.zeros((members, len(embeddings), outputs), dtype=np.float32)
    if not len(known):
        result[:] = 0.5 if multilabel else 1 / outputs
        return result
    for member in result:
        if multilabel:
            for label, column in enumerate(targets.T):
                bag = _bag(column, rng)
                member[:, label] = _head(embeddings, known[bag], column[bag], 2)[:, 1]
        else:
            bag = _bag(targets, rng)
            member[:] = _head(embeddings, known[bag], targets[bag], outputs)
    return result


def _bag(targets: IntArray, rng: np.random.Generator) -> IntArray:
    """A bootstrap sample, L indices below L, of two classes at least where there are two."""
    several = (targets != targets[0]).any()
    while True:
        bag = rng.integers(len(targets), size=len(targets))
        drawn = targets[bag]
        if not several or (drawn != drawn[0]).any():
            return bag


def _head(embeddings: FloatArray, known: FloatArray, targets: IntArray, outputs: int) -> FloatArray:
    """(N, K) probabilities of a logistic regression on (L, D) embeddings and (L,) classes."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    classes = np.unique(targets)
    result = np.zeros((len(embeddings), outputs), dtype=np.float32)
    if len(classes) == 1:
        result[:, classes] = 1.0
        return result
    model = LogisticRegression(max_iter=1000, class_weight="balanced")
    with warnings.catch_warnings():
        # Few labels are what this is for, so many classes among them are no sign of a mistake.
        warnings.filterwarnings("ignore", message="The number of unique classes")
        # A member that stopped a little early disagrees as well as any other.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(known, targets)
    result[:, classes] = model.predict_proba(embeddings)
    return result


def _of_committee(
    score: Callable[[FloatArray, bool], FloatArray], *, why: str, summary: str,
    source: str,
) -> StrategySpec:  # fmt: skip
    def over(kind: str) -> StrategySpec:
        def of_texts(signals: Signals) -> FloatArray:
            return score(signals.committee(kind), signals.multilabel)

        return StrategySpec(
            highest(of_texts), LABEL_TASKS, frozenset({_NEEDS[kind]}), why, summary, source,
            of_texts, explained_by=(score,),
        )  # fmt: skip

    variants = {kind: over(kind) for kind in _NEEDS}
    return replace(variants["heads"], variants=dict.fromkeys(LABEL_TASKS, variants))


ENTRIES: dict[str, StrategySpec] = {
    "vote_entropy": _of_committee(
        vote_entropy,
        why="several models vote for different labels",
        summary="largest entropy of the votes of a committee",
        source="Argamon-Engelson and Dagan 1999",
    ),
    "consensus_entropy": _of_committee(
        consensus_entropy,
        why="several models together are unsure of the label",
        summary="largest entropy of the mean of a committee (soft vote entropy)",
        source="Settles 2009",
    ),
    "kl_disagreement": _of_committee(
        kl_disagreement,
        why="several models believe in different labels",
        summary="largest mean divergence of a committee's members from their mean",
        source="McCallum and Nigam 1998",
    ),
}

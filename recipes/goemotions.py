"""GoEmotions, any of 28 emotions in a comment: which comments show the rare ones?

python recipes/goemotions.py --out results/goemotions
"""

from benchmark import Benchmark, main

GOEMOTIONS = Benchmark(
    name="goemotions",
    hub_id="google-research-datasets/go_emotions",
    title="GoEmotions",
    task="multilabel",
    metric="macro_f1",
    strategies=("random", "margin"),
    initial=100,
    batch=100,
    rounds=6,
)

if __name__ == "__main__":
    main(GOEMOTIONS, __doc__)

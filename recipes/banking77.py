"""Banking77, 77 intents of bank customers: which questions help to tell so many classes apart?

python recipes/banking77.py --out results/banking77
"""

from benchmark import Benchmark, main

BANKING77 = Benchmark(
    name="banking77",
    hub_id="legacy-datasets/banking77",
    title="Banking77",
    task="classification",
    metric="accuracy",
    strategies=("random", "margin"),
    initial=100,
    batch=100,
    rounds=6,
)

if __name__ == "__main__":
    main(BANKING77, __doc__)

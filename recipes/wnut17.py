"""WNUT-17, new and rare entities in noisy text: which sentences teach a tagger most?

python recipes/wnut17.py --out results/wnut17
"""

from benchmark import Benchmark, main

WNUT17 = Benchmark(
    name="wnut17",
    hub_id="leondz/wnut_17",
    title="WNUT-17",
    task="ner",
    metric="span_f1",
    strategies=("random", "mnlp", "entropy:entities"),
    initial=50,
    batch=50,
    rounds=6,
)

if __name__ == "__main__":
    main(WNUT17, __doc__)

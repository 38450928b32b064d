"""TREC-6, six types of question: does choosing by margin beat choosing at random?

python recipes/trec.py --out results/trec6
"""

from benchmark import Benchmark, main

TREC = Benchmark(
    name="trec6",
    hub_id="CogComp/trec",
    hub_label="coarse_label",
    title="TREC-6",
    task="classification",
    metric="accuracy",
    strategies=("random", "margin"),
)

if __name__ == "__main__":
    main(TREC, __doc__)

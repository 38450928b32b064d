"""SciCite, why a paper is cited, most often as background: are the rare reasons found sooner?

python recipes/scicite.py --out results/scicite

The local split is that of the SciBERT repository, with 7,320 training rows to the 8,194 of the hub.
"""

from benchmark import Benchmark, main

SCICITE = Benchmark(
    name="scicite",
    hub_id="allenai/scicite",
    title="SciCite",
    task="classification",
    metric="macro_f1",
    strategies=("random", "margin"),
)

if __name__ == "__main__":
    main(SCICITE, __doc__)

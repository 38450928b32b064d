"""NCBI Disease, names of diseases in abstracts: which sentences teach a tagger most?

python recipes/ncbi_disease.py --out results/ncbi_disease
"""

from benchmark import Benchmark, main

NCBI_DISEASE = Benchmark(
    name="ncbi_disease",
    hub_id="ncbi/ncbi_disease",
    title="NCBI Disease",
    task="ner",
    metric="span_f1",
    strategies=("random", "mnlp", "entropy:entities"),
    initial=50,
    batch=50,
    rounds=6,
)

if __name__ == "__main__":
    main(NCBI_DISEASE, __doc__)

"""SST-2, good and bad reviews in whole sentences: does choosing by margin beat choosing at random?

python recipes/sst2.py --out results/sst2
"""

from benchmark import Benchmark, main

SST2 = Benchmark(
    name="sst2_sentences",
    # The set of GLUE has phrases to train on and no labels to test on; this one has the sentences.
    hub_id="SetFit/sst2",
    hub_label="label_text",
    title="SST-2",
    task="classification",
    metric="accuracy",
    strategies=("random", "margin"),
)

if __name__ == "__main__":
    main(SST2, __doc__)

"""Weibo NER, Chinese posts, one character a word: which posts teach a tagger most?

python recipes/weibo_ner.py --out results/weibo_ner
"""

from benchmark import Benchmark, main

WEIBO_NER = Benchmark(
    name="weibo_ner",
    hub_id="hltcoe/weibo_ner",
    title="Weibo NER",
    task="ner",
    metric="span_f1",
    strategies=("random", "mnlp", "entropy:entities"),
    initial=50,
    batch=50,
    rounds=6,
)

if __name__ == "__main__":
    main(WEIBO_NER, __doc__)

"""AG News, four sections of news: does choosing by margin beat choosing at random?

python recipes/ag_news.py --out results/ag_news

The local folder holds 13,423 of the 120,000 training rows, the hub all of them.
"""

from benchmark import Benchmark, main

AG_NEWS = Benchmark(
    name="ag_news_subset",
    hub_id="fancyzhx/ag_news",
    title="AG News",
    task="classification",
    metric="accuracy",
    strategies=("random", "margin"),
)

if __name__ == "__main__":
    main(AG_NEWS, __doc__)

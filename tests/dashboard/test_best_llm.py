"""The page Best LLM."""

from collections import Counter

import numpy as np
import pytest
from row_by_row import BY_MEASURE, BY_RANKER, BY_ROUTER, scores
from scipy.stats import binomtest

from dashboards.intervals import wilson
from dashboards.queries.best_llm import best_llms
from dashboards.queries.scored import Part


@pytest.mark.parametrize("scorer", [BY_MEASURE, BY_RANKER, BY_ROUTER])
@pytest.mark.parametrize("part", [Part(), Part(("alpaca",), ("test",), ("kind 1", "kind 2"))])
def test_shares_and_ranks_are_those_of_a_naive_count(db, part, scorer):
    answer = best_llms(db, part, scorer)
    prompts = scores(db, part, scorer)
    wins, by_category, ranks = Counter(), Counter(), Counter()
    for category, known in prompts.values():
        best = [llm for llm, score in known.items() if score == max(known.values())]
        for llm in best:
            wins[llm] += 1 / len(best)
            by_category[category, llm] += 1 / len(best)
        for llm, score in known.items():
            ranks[llm, 1 + sum(other > score for other in known.values())] += 1
    shares = {row["llm"]: row for row in answer["shares"].to_pylist()}
    assert len(shares) == 5
    assert sum(row["share"] for row in shares.values()) == pytest.approx(1)
    for llm, row in shares.items():
        assert row["share"] == pytest.approx(wins[llm] / len(prompts))
        assert row["prompts"] == len(prompts)
    for row in answer["heat"].to_pylist():
        won = by_category[row["category"], row["llm"]]
        assert row["share"] == pytest.approx(won / row["prompts"])
    found = {(row["llm"], row["rank"]): row["prompts"] for row in answer["ranks"].to_pylist()}
    assert found == ranks


def test_the_interval_is_wilsons():
    won, n = np.array([0, 3, 50, 7]), np.array([10, 10, 200, 7])
    low, high = wilson(won / n, n)
    for k, size, down, up in zip(won, n, low, high, strict=True):
        known = binomtest(int(k), int(size)).proportion_ci(method="wilson")
        assert (down, up) == pytest.approx((known.low, known.high))


def test_the_page_follows_the_url(page):
    app = page("best_llm", by="router benchmark-router-a", split="test", dataset="dolly")
    assert not app.exception
    assert [title.value for title in app.title] == ["Best LLM"]
    assert app.sidebar.selectbox(key="by").value == "router benchmark-router-a"
    assert app.sidebar.multiselect(key="split").value == ["test"]
    assert any("of 20 prompts" in caption.value for caption in app.caption)
    app.sidebar.multiselect(key="split").set_value(["train"]).run()
    assert any("of 48 prompts" in caption.value for caption in app.caption)


def test_nothing_chosen_is_told(page):
    app = page("best_llm", category="kind 0", dataset="alpaca", split="test")
    assert not app.exception

"""The page Best LLM."""

import math
from collections import Counter, defaultdict

import numpy as np
import pytest
from hand_made import filled
from row_by_row import BY_MEASURE, BY_RANKER, BY_ROUTER, scores
from scipy.stats import binomtest

from dashboards.intervals import wilson
from dashboards.queries.best_llm import best_llms
from dashboards.queries.scored import Part, Scorer


@pytest.mark.parametrize("scorer", [BY_MEASURE, BY_RANKER, BY_ROUTER])
@pytest.mark.parametrize("part", [Part(), Part(("alpaca",), ("test",), ("kind 1", "kind 2"))])
def test_shares_and_ranks_are_those_of_a_naive_count(db, part, scorer):
    answer = best_llms(db, part, scorer)
    prompts = scores(db, part, scorer)
    wins, by_category, ranks = Counter(), Counter(), Counter()
    losses, leads = Counter(), defaultdict(list)
    for category, known in prompts.values():
        best = [llm for llm, score in known.items() if score == max(known.values())]
        for llm in best:
            wins[llm] += 1 / len(best)
            by_category[category, llm] += 1 / len(best)
        worst = [llm for llm, score in known.items() if score == min(known.values())]
        for llm in worst:
            losses[category, llm] += 1 / len(worst)
        for llm, score in known.items():
            leads[category, llm].append(score - np.mean(list(known.values())))
            ranks[llm, 1 + sum(other > score for other in known.values())] += 1
    shares = {row["llm"]: row for row in answer["shares"].to_pylist()}
    assert len(shares) == 5
    assert sum(row["share"] for row in shares.values()) == pytest.approx(1)
    for llm, row in shares.items():
        assert row["share"] == pytest.approx(wins[llm] / len(prompts))
        assert row["prompts"] == len(prompts)
        assert row["answered"] == sum(llm in known for _, known in prompts.values())
    for row in answer["heat"].to_pylist():
        key = row["category"], row["llm"]
        assert row["best"] == pytest.approx(by_category[key] / row["prompts"])
        assert row["worst"] == pytest.approx(losses[key] / row["prompts"])
        assert row["lead"] == pytest.approx(np.mean(leads[key]))
        assert row["answered"] == len(leads[key])
    found = {(row["llm"], row["rank"]): row["prompts"] for row in answer["ranks"].to_pylist()}
    assert found == ranks


def test_of_several_answers_the_best_counts_once(tmp_path):
    store = filled(tmp_path / "s.duckdb", [
        {"a": [0.9, 0.9], "b": [0.9]}, {"a": [0.1, 0.2], "b": [0.1], "c": [0.0]},
        {"a": [0.1, 0.4, 0.3], "b": [0.2, 0.5]},
    ])  # fmt: skip
    with store.reading() as db:
        found = best_llms(db, Part(), Scorer("measure", "m"))
    shares = {row["llm"]: row for row in found["shares"].to_pylist()}
    assert {llm: row["share"] * 3 for llm, row in shares.items()} == pytest.approx(
        {"a": 1.5, "b": 1.5, "c": 0}
    )
    assert {llm: row["answered"] for llm, row in shares.items()} == {"a": 3, "b": 3, "c": 1}
    assert shares["a"]["mean_score"] == pytest.approx((0.9 + 0.2 + 0.4) / 3)
    assert [tuple(row.values()) for row in found["ranks"].to_pylist()] == [
        ("a", 1, 2), ("a", 2, 1), ("b", 1, 2), ("b", 2, 1), ("c", 3, 1)
    ]  # fmt: skip


@pytest.mark.parametrize("odd", [math.nan, math.inf])
def test_a_score_that_is_no_number_makes_nobody_best(tmp_path, odd):
    store = filled(tmp_path / "s.duckdb", [{"a": [odd], "b": [0.5]}, {"a": [0.1], "b": [0.5]}])
    with store.reading() as db:
        rows = best_llms(db, Part(), Scorer("measure", "m"))["shares"].to_pylist()
    assert [(row["llm"], row["share"], row["answered"]) for row in rows] == [
        ("b", 1, 2), ("a", 0, 1)
    ]  # fmt: skip


def test_who_has_not_answered_all_is_told(page, tmp_path):
    scores = [{"a": [0.1], "b": [0.2]}, {"a": [0.3]}, {"a": [0.1], "b": [0.1]}]
    app = page("best_llm", store=filled(tmp_path / "ragged.duckdb", scores).path)
    assert not app.exception
    assert any("on 2 to 3" in caption.value for caption in app.caption)
    whole = filled(tmp_path / "whole.duckdb", scores[::2])
    app = page("best_llm", store=whole.path)
    assert not any("Not all LLMs" in caption.value for caption in app.caption)


def test_what_came_with_the_answers_is_looked_at_before_what_is_computed(page, tmp_path):
    store = filled(tmp_path / "s.duckdb", [{"a": [0.1], "b": [0.2]}])
    with store.writing() as db:
        db.execute("insert into qualities select candidate_id, 'bleu@1', value from qualities")
    app = page("best_llm", store=store.path)
    assert app.sidebar.selectbox(key="by").options == ["measure m", "measure bleu@1"]


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
    assert any("what it expects" in info.value for info in app.info)
    app.sidebar.multiselect(key="split").set_value(["train"]).run()
    assert any("of 48 prompts" in caption.value for caption in app.caption)


@pytest.mark.parametrize("tiles", ["share best", "share worst", "lead"])
def test_tiles_are_chosen_and_kept_in_the_url(page, tiles):
    app = page("best_llm", tiles=tiles)
    assert not app.exception
    assert app.segmented_control(key="tiles").value == tiles
    told = {"share best": "is best", "share worst": "the worst", "lead": "above the mean"}[tiles]
    assert any(told in caption.value for caption in app.caption)


def test_nothing_chosen_is_told(page):
    app = page("best_llm", category="kind 0", dataset="alpaca", split="test")
    assert not app.exception

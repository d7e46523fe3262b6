"""The page Head to head: who beats whom, and two LLMs on their common prompts."""

import math
from itertools import permutations

import numpy as np
import pyarrow as pa
import pytest
from hand_made import filled
from row_by_row import BY_MEASURE, BY_RANKER, BY_ROUTER, scores

from dashboards.queries.duel import Duel
from dashboards.queries.head_to_head import duel, win_rates
from dashboards.queries.scored import Part, Scorer
from workbench.store.store import Store

PARTS = [Part(), Part(("alpaca",), ("test",), ("kind 1", "kind 2"))]
A, B = "llm-01", "llm-03"


def won(one, other):
    return 1.0 if one > other else 0.5 if one == other else 0.0


@pytest.mark.parametrize("scorer", [BY_MEASURE, BY_RANKER, BY_ROUTER])
@pytest.mark.parametrize("part", PARTS)
def test_win_rates_are_those_of_a_naive_count(db, part, scorer):
    prompts = scores(db, part, scorer).values()
    rows = win_rates(db, part, scorer).to_pylist()
    found = {(row["row"], row["column"]): row for row in rows}
    llms = sorted({llm for _, of_prompt in prompts for llm in of_prompt})
    assert set(found) == set(permutations(llms, 2))
    for (one, other), row in found.items():
        pairs = [won(s[one], s[other]) for _, s in prompts if one in s and other in s]
        assert row["prompts"] == len(pairs)
        assert row["share"] == pytest.approx(np.mean(pairs))
        assert row["ties"] == pairs.count(0.5)
        assert row["share"] + found[other, one]["share"] == pytest.approx(1)
    means = {llm: np.mean([row["share"] for row in rows if row["row"] == llm]) for llm in llms}
    order = list(dict.fromkeys(row["row"] for row in rows))
    assert [means[llm] for llm in order] == sorted(means.values(), reverse=True)


@pytest.mark.parametrize("scorer", [BY_MEASURE, BY_RANKER, BY_ROUTER])
@pytest.mark.parametrize("part", PARTS)
def test_a_duel_is_that_of_a_naive_count(db, part, scorer):
    found = duel(db, Duel(part, scorer, A, B), 7)
    prompts = scores(db, part, scorer)
    gaps = {p: s[A] - s[B] for p, (_, s) in prompts.items() if A in s and B in s}
    total = found["total"].to_pylist()[0]
    assert total["prompts"] == len(gaps)
    assert total["a_wins"] == sum(gap > 0 for gap in gaps.values())
    assert total["b_wins"] == sum(gap < 0 for gap in gaps.values())
    assert total["ties"] == sum(gap == 0 for gap in gaps.values())
    assert total["mean_gap"] == pytest.approx(np.mean(list(gaps.values())))
    for row in found["categories"].to_pylist():
        of = [s for category, s in prompts.values() if category == row["category"]]
        assert row["share"] == pytest.approx(np.mean([won(s[A], s[B]) for s in of]))
        assert row["prompts"] == len(of)
    for side, sign in (("for_a", 1), ("for_b", -1)):
        rows = found[side].to_pylist()
        largest = sorted((sign * gap for gap in gaps.values() if sign * gap > 0), reverse=True)[:7]
        assert [sign * row["gap"] for row in rows] == pytest.approx(largest)
        for row in rows:
            assert row["gap"] == pytest.approx(gaps[row["prompt_id"]])
            assert row["a_score"] - row["b_score"] == pytest.approx(row["gap"])


@pytest.mark.parametrize("scorer", [BY_MEASURE, BY_RANKER])
def test_histograms_hold_each_prompt_once_within_its_bin(db, scorer):
    found = duel(db, Duel(Part(), scorer, A, B), 1)
    prompts = scores(db, Part(), scorer).values()
    for llm in (A, B):
        rows = [row for row in found["scores"].to_pylist() if row["llm"] == llm]
        values = np.array([s[llm] for _, s in prompts])
        assert sum(row["prompts"] for row in rows) == len(values)
        for row in rows:
            inside = (values >= row["from"] - 1e-9) & (values <= row["to"] + 1e-9)
            assert inside.sum() >= row["prompts"] > 0
    gaps = np.array([s[A] - s[B] for _, s in prompts])
    rows = found["gaps"].to_pylist()
    assert sum(row["prompts"] for row in rows) == len(gaps)
    assert sum(row["share"] for row in rows) == pytest.approx(1)
    for row in rows:
        assert row["from"] >= -np.abs(gaps).max() - 1e-9
        centre = (row["from"] + row["to"]) / 2
        better = "about equal" if abs(centre) < 1e-9 else A if centre > 0 else B
        assert row["better"] == better


def test_of_several_answers_the_best_counts_once(tmp_path):
    store = filled(tmp_path / "s.duckdb", [
        {"a": [0.1, 0.9], "b": [0.5]}, {"a": [0.2, 0.3], "b": [0.4, 0.1]}, {"a": [1.0], "b": [1.0]},
        {"a": [1.0]},
    ])  # fmt: skip
    by = Scorer("measure", "m")
    with store.reading() as db:
        rows = {row["row"]: row for row in win_rates(db, Part(), by).to_pylist()}
        found = duel(db, Duel(Part(), by, "a", "b"), 5)
    assert (rows["a"]["wins"], rows["a"]["ties"], rows["a"]["prompts"]) == (1, 1, 3)
    assert (rows["b"]["wins"], rows["b"]["ties"], rows["b"]["prompts"]) == (1, 1, 3)
    assert found["for_a"]["prompt_id"].to_pylist() == ["p0"]
    assert found["for_b"]["gap"].to_pylist() == pytest.approx([-0.1])
    assert found["categories"]["category"].to_pylist() == [""]


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
def test_a_score_that_is_no_number_is_no_score(page, tmp_path, odd):
    store = filled(tmp_path / "s.duckdb", [
        {"a": [odd], "b": [0.5]}, {"a": [odd, 0.3], "b": [0.1]}, {"a": [0.2], "b": [0.1]},
    ])  # fmt: skip
    with store.reading() as db:
        rows = win_rates(db, Part(), Scorer("measure", "m")).to_pylist()
        found = duel(db, Duel(Part(), Scorer("measure", "m"), "a", "b"), 5)
    assert [(row["row"], row["wins"], row["prompts"]) for row in rows] == [("a", 2, 2), ("b", 0, 2)]
    assert found["total"]["mean_gap"].to_pylist() == pytest.approx([0.15])
    assert not page("head_to_head", store=store.path).exception


def test_the_page_shows_the_two_best_first_and_follows_the_url(page):
    app = page("head_to_head", by="measure bertscore")
    assert not app.exception
    order = app.sidebar.selectbox(key="llm_a").options
    best = [app.sidebar.selectbox(key=key).value for key in ("llm_a", "llm_b")]
    assert best == order[:2]
    app = page("head_to_head", by="measure rougeL@1", llm_a=A, llm_b=B, split="test")
    assert not app.exception
    assert app.header[0].value == f"{A.replace('-', chr(92) + '-')} against llm\\-03"
    assert app.metric[3].value == "60"
    app.sidebar.multiselect(key="split").set_value(["train"]).run()
    assert app.metric[3].value == "144"


def test_the_chosen_two_stay_when_another_says_who_is_better(page):
    app = page("head_to_head", by="measure rougeL@1", llm_a="llm-04", llm_b="llm-00")
    app.sidebar.selectbox(key="by").set_value("router benchmark-router-a").run()
    assert not app.exception
    assert app.sidebar.selectbox(key="llm_a").value == "llm-04"
    assert app.sidebar.selectbox(key="llm_b").value == "llm-00"
    assert any("what it expects" in info.value for info in app.info)
    assert not any(header.value == "Why one wins" for header in app.header)


def test_one_llm_twice_is_told(page):
    app = page("head_to_head", llm_a=A, llm_b=A)
    assert not app.exception
    assert "two different LLMs" in app.info[0].value


@pytest.mark.parametrize(
    "scores",
    [
        [{"a": [0.5]}],
        [{"a": [0.5]}, {"b": [0.5]}],
        [{"a": [0.5], "b": [0.5]}],
        [{"a": [0.5], "b": [0.2]}],
        [{"a": [0.5], "b": [0.2]}, {"b": [0.2], "c": [0.2]}, {"c": [0.2], "a": [0.0]}],
        [],
    ],
)
def test_small_stores_without_texts_are_told_of(page, tmp_path, scores):
    app = page("head_to_head", store=filled(tmp_path / "s.duckdb", scores).path)
    assert not app.exception
    assert app.info


def test_names_are_text_and_nothing_else(page, tmp_path):
    bad = "**x** $y$ <b>:red[z]</b> ![i](http://a.b/c.png)"
    store = filled(tmp_path / "s.duckdb", [{bad: [0.5], "b": [0.2]}] * 3)
    app = page("head_to_head", store=store.path)
    assert not app.exception
    shown = [one.value for kind in (app.header, app.caption, app.info) for one in kind]
    assert not any(bad in one or "<b>" in one for one in shown)
    assert not any(bad in one.label for one in app.metric)


def test_no_scores_at_all_are_told_of(page, tmp_path):
    store = Store.create(tmp_path / "s.duckdb")
    store.insert("prompts", pa.table({
        "prompt_id": ["p"], "dataset": ["d"], "split": ["test"], "instruction": ["q"],
        "input": [""], "reference": pa.array([None], pa.string()),
        "category": pa.array([None], pa.string()),
    }))  # fmt: skip
    app = page("head_to_head", store=store.path)
    assert not app.exception
    assert app.info

"""Why one of two LLMs wins."""

import math
import re
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_ind, ttest_rel

from dashboards.page.why_wins import without_parts
from dashboards.queries.duel import Duel
from dashboards.queries.scored import Part, Scorer
from dashboards.queries.why_wins import AT_LEAST, FIRST_WORDS, PRIOR, SAMPLE, phrases, traits
from workbench.store.store import Store

TWO = Duel(Part(), Scorer("measure", "m"), "a", "b")
REFUSALS = [
    "I'm sorry, but I cannot help.",
    "As an AI language model, I have none.",
    "I apologize.",
]
LIST = "Here:\n- one\n- two\n3. three"
CODE = "Try this:\n```python\nprint(1)\n```"


def text(rng, better):
    """Words at random; lists, code and refusals now and then, lists more often where better."""
    words = " ".join(rng.choice(["alpha", "beta", "gamma", "Delta's", "the", "naïve"], 12))
    if better and rng.random() < 0.8:
        words = f"indeed so {words}\n{LIST}"
    if rng.random() < 0.2:
        words += f"\n{CODE}"
    return words if better or rng.random() < 0.6 else f"{rng.choice(REFUSALS)} {words}"


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """A store of 150 prompts, and its rows: prompt, LLM, score, text."""
    rng = np.random.default_rng(0)
    rows = []
    for p in range(150):
        score = dict(zip("ab", rng.integers(0, 4, 2) / 4, strict=True))
        for llm, other in ("ab", "ba"):
            rows.append((f"p{p}", llm, score[llm], text(rng, score[llm] > score[other])))
    store = Store.create(tmp_path_factory.mktemp("why") / "s.duckdb")
    with store.writing() as db:
        for p, llm, score, one in rows:
            if llm == "a":
                db.execute("insert into prompts values (?, 'd', 'test', 'q', '', null, null)", [p])
            db.execute("insert into candidates values (?, ?, ?, ?, '', null, null, null, null)",
                       [p + llm, p, llm, one])  # fmt: skip
            db.execute("insert into qualities values (?, 'm', ?)", [p + llm, score])
    return store, rows


def groups(rows):
    """(LLM, whether it won) -> its texts, prompts in the same order for winners and losers."""
    score = {(p, llm): value for p, llm, value, _ in rows}
    found = {key: [] for key in product("ab", (True, False))}
    for p, llm, value, one in rows:
        other = score[p, "b" if llm == "a" else "a"]
        if value != other:
            found[llm, value > other].append(one)
    return found


MEASURED = {
    "characters": len,
    "words": lambda one: len(one.split()),
    "list": lambda one: 100.0 * ("- one" in one),
    "code": lambda one: 100.0 * ("```" in one),
    "refusal": lambda one: 100.0 * one.startswith(tuple(REFUSALS)),
}


def test_traits_are_those_of_a_naive_count_with_the_errors_of_t_tests(said):
    store, rows = said
    with store.reading() as db:
        found = traits(db, TWO)
    texts = groups(rows)
    size = found["size"].to_pylist()[0]
    assert size["prompts"] == size["of"] == len(texts["a", True]) + len(texts["b", True])
    contrasts = found["contrasts"].to_pylist()
    assert len(contrasts) == 2 * 2 * 5
    for row in contrasts:
        llm, of = row["winner"], MEASURED[row["trait"]]
        other = "b" if llm == "a" else "a"
        win = [of(one) for one in texts[llm, True]]
        lose = [of(one) for one in texts[other if row["against"] == "other" else llm, False]]
        assert (row["answers"], row["against_answers"]) == (len(win), len(lose))
        assert (row["mean"], row["against_mean"]) == pytest.approx((np.mean(win), np.mean(lose)))
        if row["error"] > 0:
            known = (ttest_rel(win, lose) if row["against"] == "other"
                     else ttest_ind(win, lose, equal_var=False))  # fmt: skip
            assert row["difference"] / row["error"] == pytest.approx(known.statistic)


def phrases_of(one):
    words = re.findall(r"[^\W_]+(?:['’][^\W\d_]+)*", one.lower())[:FIRST_WORDS]
    return {" ".join(words[i : i + n]) for n in (1, 2, 3) for i in range(len(words) - n + 1)}


@pytest.mark.parametrize("against", ["other", "own"])
def test_phrases_are_those_of_a_naive_count(said, against):
    store, rows = said
    with store.reading() as db:
        found = phrases(db, TWO, against, 10**6).to_pylist()
    texts = groups(rows)
    for llm, other in ("ab", "ba"):
        win = [phrases_of(one) for one in texts[llm, True]]
        lose = [phrases_of(one) for one in texts[other if against == "other" else llm, False]]
        count = {
            phrase: (sum(phrase in one for one in win), sum(phrase in one for one in lose))
            for phrase in set().union(*win, *lose)
        }
        # A phrase of rare words is left out; words are counted in all answers that are looked at.
        everywhere = [phrases_of(one) for some in texts.values() for one in some]
        known = {
            phrase: of for phrase, of in count.items() if sum(of) >= AT_LEAST
            and all(sum(w in one for one in everywhere) >= AT_LEAST for w in phrase.split())
        }  # fmt: skip
        prior = {p: PRIOR * sum(of) / (len(win) + len(lose)) for p, of in known.items()}
        n = sum(of[0] + prior[p] for p, of in known.items())
        against_n = sum(of[1] + prior[p] for p, of in known.items())
        mine = [row for row in found if row["winner"] == llm]
        assert {row["phrase"] for row in mine} == set(known)
        assert mine == sorted(mine, key=lambda row: (-row["z"], row["phrase"]))
        for row in mine:
            assert (row["found"], row["against_found"]) == known[row["phrase"]]
            assert row["looked_at"] == len(known)
            y, other_y = (of + prior[row["phrase"]] for of in known[row["phrase"]])
            odds = math.log(y / (n - y)) - math.log(other_y / (against_n - other_y))
            assert row["log_odds"] == pytest.approx(odds)
            assert row["z"] == pytest.approx(odds / math.sqrt(1 / y + 1 / other_y))


def test_what_was_planted_is_found(said):
    store, _ = said
    with store.reading() as db:
        top = [row["phrase"] for row in phrases(db, TWO, "own", 12).to_pylist()]
        contrasts = traits(db, TWO)["contrasts"].to_pylist()
    assert any("indeed" in phrase for phrase in top)
    for row in contrasts:
        if row["trait"] == "list":
            assert row["difference"] > 5 * row["error"] > 0
        if row["trait"] == "refusal":
            assert row["difference"] < -3 * row["error"]


def test_large_stores_are_sampled_the_same_each_time(said, monkeypatch):
    store, _ = said
    monkeypatch.setattr("dashboards.queries.why_wins.SAMPLE", 40)
    found = []
    for _ in range(2):
        with store.reading() as db:
            found.append(traits(db, TWO))
    assert found[0]["size"]["prompts"][0].as_py() == 40 < SAMPLE
    assert found[0]["contrasts"].equals(found[1]["contrasts"])


def test_a_router_is_held_against_the_answers_of_its_llms(db):
    two = Duel(Part(), Scorer("router", "benchmark-router-a"), "llm-01", "llm-03")
    found = traits(db, two)
    assert found["size"].to_pylist() == [{"prompts": 240, "of": 240}]
    assert {row["winner"] for row in found["contrasts"].to_pylist()} == {"llm-01", "llm-03"}


@given(st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=3), max_size=12),
       st.integers(1, 4))  # fmt: skip
def test_parts_of_longer_phrases_alone_are_left_out(words, found):
    rows = [{"phrase": " ".join(some), "found": found} for some in words]
    kept = without_parts(rows)
    assert all(row in rows for row in kept)
    for row in rows:
        longer = any(f" {row['phrase']} " in f" {one['phrase']} " for one in rows
                     if one["phrase"] != row["phrase"])  # fmt: skip
        assert (row in kept) != longer


def test_a_part_that_stands_alone_often_stays():
    rows = [{"phrase": "as an ai", "found": 10}, {"phrase": "as", "found": 100},
            {"phrase": "an ai", "found": 11}]  # fmt: skip
    assert [row["phrase"] for row in without_parts(rows)] == ["as an ai", "as"]


def test_the_page_tells_what_no_answer_has(page):
    app = page("head_to_head", by="measure rougeL@1")
    assert not app.exception
    assert any("lists, code, refusals" in one.value for one in app.caption)


def test_the_page_tells_both_contrasts(page, said):
    app = page("head_to_head", store=said[0].path, against="its own losing answers")
    assert not app.exception
    titles = [one.value for one in app.subheader]
    assert {"What winning answers have", "Phrases when A wins", "Phrases when B wins"} <= {*titles}
    assert any("with which it loses" in one.value for one in app.caption)
    app.segmented_control(key="against").set_value("the other's answers").run()
    assert not app.exception
    assert not any("with which it loses" in one.value for one in app.caption)

import numpy as np
import pytest
from tiny_pipeline import SCHEMES, content, execute, one, rows

from workbench.aggregation import SCHEMES as ALL_SCHEMES
from workbench.aggregation import Scheme, prompt_keys, ranks
from workbench.errors import BadValue, MissingInput, UnknownName
from workbench.stages.aggregate import aggregate
from workbench.store.pool import load_logits, load_pool
from workbench.store.store import Store


def test_rankings_are_what_the_schemes_make_of_the_stored_logits(compared_pool):
    store = Store(compared_pool / "store.duckdb")
    ranker = one(store.path, "select any_value(ranker) from comparisons")
    pool = load_pool(store, split="test")
    logits = load_logits(store, pool, ranker)
    for text in SCHEMES:
        scheme = Scheme.parse(text)
        scores = scheme.scores(logits, pool.mask, prompt_keys(pool.prompt_ids))
        places = ranks(scores, pool.mask)
        found = {
            candidate: (score, rank)
            for candidate, score, rank in rows(
                store.path,
                "select candidate_id, score, rank from rankings where ranker = ? and scheme = ?",
                ranker,
                str(scheme),
            )
        }
        for q, n in np.argwhere(pool.mask):
            expected = (pytest.approx(scores[q, n]), places[q, n])
            assert found[pool.candidate_ids[q, n]] == expected
    assert one(store.path, "select count(distinct scheme) from rankings") == len(SCHEMES)


def test_again_the_same_and_with_other_logits_replaced(compared_pool, fresh):
    store = fresh(compared_pool)
    before = content(store, "rankings")
    done = aggregate(store, schemes=SCHEMES)
    assert content(store, "rankings") == before
    assert [n for _, n, _ in done.rows] == [
        one(store, "select count(distinct prompt_id) from comparisons")
    ] * len(SCHEMES)
    assert {text.partition("(")[0].partition(";")[0]: pairs for text, _, pairs in done.rows} == {
        "max_logits": 132,
        "bradley_terry": 132,
        "bubble": 22,
    }
    execute(store, "update comparisons set logit = -logit")
    aggregate(store, schemes=["max_logits"])
    after = content(store, "rankings")
    assert len(after) == len(before)
    assert {row[1] for row in after - before} == {str(Scheme.parse("max_logits"))}


def test_prompts_of_which_a_pair_was_never_compared_are_not_ranked(compared_pool, fresh, capsys):
    store = fresh(compared_pool)
    [(half, pair)] = rows(
        store,
        "select min(prompt_id), max(prompt_id) from comparisons "
        "join prompts using (prompt_id) where split = 'test'",
    )
    assert half != pair
    # Of one prompt a candidate was never compared, of another one order of every pair is gone.
    [(lonely,)] = rows(store, "select min(left_id) from comparisons where prompt_id = ?", pair)
    execute(store, "delete from comparisons where left_id = ? or right_id = ?", lonely, lonely)
    execute(store, "delete from comparisons where prompt_id = ? and left_id > right_id", half)
    before = one(store, "select count(distinct prompt_id) from rankings")
    done = aggregate(store, schemes=["max_logits", "bubble"])
    assert [n for _, n, _ in done.rows] == [before - 1] * 2
    for scheme in ("max_logits", "bubble"):
        ranked = "select count(*) from rankings where prompt_id = ? and scheme like ? || '%'"
        assert one(store, ranked, half, scheme) == 12
        assert one(store, ranked, pair, scheme) == 0  # ranks of an earlier start are gone too
    # Schemes that were not asked for keep what they have.
    kept = "select count(*) from rankings where prompt_id = ? and scheme like 'bradley%'"
    assert one(store, kept, pair) == 12
    told = capsys.readouterr().err
    prompts = one(store, "select count(*) from prompts where split = 'test'")
    assert told.count(f"1 of {prompts} prompts of simulated, test are not ranked") == 1
    assert "workbench compare" in told
    assert "validation" not in told


def test_an_order_that_was_not_compared_is_not_made_up(compared_pool, fresh, capsys):
    store = fresh(compared_pool)
    [(left, right)] = rows(
        store,
        "select l.candidate_id, r.candidate_id from candidates l join candidates r "
        "using (prompt_id) where l.llm < r.llm and prompt_id = "
        "(select min(prompt_id) from comparisons) order by 1, 2 limit 1",
    )
    execute(store, "delete from comparisons where left_id = ? and right_id = ?", left, right)
    every = one(store, "select count(distinct prompt_id) from comparisons")
    done = aggregate(store, schemes=["max_logits;order=left", "max_logits"])
    assert [n for _, n, _ in done.rows] == [every - 1, every]
    execute(store, "delete from comparisons")
    with pytest.raises(MissingInput, match="workbench compare"):
        aggregate(store)


def test_a_prompt_is_ranked_where_the_pairs_that_its_schedule_asks_for_are_stored(
    compared_pool, fresh
):
    """Of each prompt only the pairs that bubble asks for are left: too few for all others."""
    store = fresh(compared_pool)
    ranker = one(store, "select any_value(ranker) from comparisons")
    pool = load_pool(Store(store), split="test")
    logits = load_logits(Store(store), pool, ranker)
    bubble = Scheme.parse("bubble(seed=3)")
    used = bubble.rank_stored(logits, pool.mask, prompt_keys(pool.prompt_ids))
    asked = [
        f"{pool.candidate_ids[q, i]} {pool.candidate_ids[q, j]}"
        for q, i, j in np.argwhere(np.isfinite(used.logits))
    ]
    kept = "(select unnest(?::text[]))"
    execute(
        store, f"delete from comparisons where (left_id || ' ' || right_id) not in {kept}", asked
    )
    every = len(pool.prompt_ids)
    done = aggregate(store, schemes=["bubble(seed=3)", "borda;schedule=bubble(seed=3)"])
    assert [(n, pairs) for _, n, pairs in done.rows] == [(every, 22.0)] * 2
    with pytest.raises(MissingInput, match="borda"):
        aggregate(store, schemes=["borda"])


def test_a_ranker_without_one_whole_prompt_says_so(compared_pool, fresh):
    store = fresh(compared_pool)
    kept = one(store, "select min(left_id) from comparisons")
    execute(store, "delete from comparisons where left_id <> ?", kept)
    with pytest.raises(MissingInput, match="of no prompt all the pairs that max_logits"):
        aggregate(store, schemes=["max_logits"])


def test_a_lone_candidate_is_ranked_where_others_were_compared(compared_pool, fresh):
    store = fresh(compared_pool)
    lone = {
        split: one(store, "select min(prompt_id) from prompts where split = ?", split)
        for split in ("test", "train")
    }
    for prompt in lone.values():
        execute(
            store,
            "delete from comparisons where prompt_id = ?",
            prompt,
        )
        execute(store, "delete from rankings where prompt_id = ?", prompt)
        execute(
            store,
            "delete from candidates where prompt_id = $1 and candidate_id <> "
            "(select min(candidate_id) from candidates where prompt_id = $1)",
            prompt,
        )
    aggregate(store, schemes=SCHEMES)
    found = rows(store, "select scheme, rank from rankings where prompt_id = ?", lone["test"])
    assert sorted(found) == sorted((str(Scheme.parse(text)), 1) for text in SCHEMES)
    assert rows(store, "select * from rankings where prompt_id = ?", lone["train"]) == []


def test_all_schemes_by_default(compared_pool, fresh):
    done = aggregate(fresh(compared_pool))
    assert [text for text, _, _ in done.rows] == [str(Scheme.parse(name)) for name in ALL_SCHEMES]


def test_a_scheme_for_few_candidates_is_left_out_by_default_only(
    compared_pool, fresh, monkeypatch, capsys
):
    store = fresh(compared_pool)
    monkeypatch.setattr("workbench.aggregation.schemes.MAX_CANDIDATES", 11)
    monkeypatch.setattr("workbench.aggregation.kemeny.MAX_CANDIDATES", 11)
    done = aggregate(store)
    assert [text.partition(";")[0].partition("(")[0] for text, _, _ in done.rows] == [
        name for name in ALL_SCHEMES if name != "kemeny"
    ]
    told = " ".join(capsys.readouterr().err.split())
    assert "kemeny is left out: it ranks at most 11 candidates, and a prompt has 12" in told
    before = content(store, "rankings")
    with pytest.raises(BadValue, match="11"):
        aggregate(store, schemes=["borda", "kemeny"])
    assert content(store, "rankings") == before


def test_names_and_values_are_refused_with_the_valid_ones(compared_pool, measured_pool, fresh):
    store = fresh(compared_pool)
    before = content(store, "rankings")
    for schemes, error, told in (
        (["max_logits", "copland"], UnknownName, "Did you mean 'copeland'"),
        (["bradley_terry(priors=1)"], UnknownName, "Did you mean 'prior'"),
        (["bradley_terry(prior=-1)"], BadValue, "prior"),
        (["max_logits;order=bath"], UnknownName, "Did you mean 'both'"),
    ):
        with pytest.raises(error, match=told):
            aggregate(store, schemes=schemes)
    with pytest.raises(UnknownName, match="unknown ranker 'x'"):
        aggregate(store, ranker="x")
    assert content(store, "rankings") == before
    with pytest.raises(MissingInput, match="workbench compare"):
        aggregate(measured_pool / "store.duckdb")

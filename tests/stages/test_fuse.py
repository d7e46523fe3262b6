"""Fuse: which candidates are shown in which order, and what is written of the answers."""

import math

import pytest
from store_contract import breaches
from tiny_fuser import QUICK, keep_training, write_t5
from tiny_pipeline import execute, one, rows, runs

from workbench.fusion.decoding import Decoding
from workbench.fusion.loading import load_fuser
from workbench.stages.fuse import fuse
from workbench.store.labels import labels
from workbench.store.store import Store

DECODING = Decoding(**QUICK)
MAX_LOGITS = "max_logits;order=both;schedule=all"
TOP = """
    select prompt_id, list(candidate_id order by rank, candidate_id) from rankings
    where scheme = ? group by prompt_id
"""


@pytest.fixture(scope="module")
def t5(tmp_path_factory):
    return write_t5(tmp_path_factory.mktemp("t5") / "tiny")


def shown(store, **of):
    """Prompt -> ids of the candidates shown, of fusions with these values."""
    where = " and ".join(f"{column} = ?" for column in of) or "true"
    return dict(
        rows(store, f"select prompt_id, candidate_ids from fusions where {where}", *of.values())
    )


def test_the_best_of_each_prompt_are_fused_as_the_fuser_itself_does(compared_pool, fresh, t5):
    store = fresh(compared_pool)
    done = fuse(store, fuser=t5, decoding=DECODING)
    best = {prompt: ids[:3] for prompt, ids in rows(store, TOP, MAX_LOGITS)}
    assert shown(store) == best
    assert (done.new, done.there) == (len(best), 0)
    fused = rows(
        store,
        "select instruction, input, candidate_ids, text, tokens_in, tokens_out, latency_s, "
        "fuser, ranker, scheme, top_k, candidate_order, decoding "
        "from fusions join prompts using (prompt_id)",
    )
    texts = dict(rows(store, "select candidate_id, text from candidates"))
    model = load_fuser(t5)
    ranker = one(store, "select any_value(ranker) from rankings")
    for instruction, input, ids, text, tokens_in, tokens_out, latency, *made in fused:
        asked = [instruction], [input], [[texts[i] for i in ids]]
        [alone] = model.fuse(*asked, decoding=DECODING)
        assert (text, tokens_in, tokens_out) == (
            alone.texts[0], alone.tokens_in[0], alone.tokens_out[0],
        )  # fmt: skip
        assert tokens_in == len(model.prompt.ids(model.tokenizer, *asked)[0])
        assert latency > 0
        assert made == [done.fuser, ranker, MAX_LOGITS, 3, "rank", str(DECODING)]
    assert len({text for *_, text, _, _, _, _, _, _, _, _, _ in fused}) > 3
    assert breaches(store) == []
    assert labels(Store(store))[done.fuser] == "GenFuser tiny"


def test_candidates_are_shown_in_the_order_that_is_asked_for(compared_pool, fresh, t5):
    store = fresh(compared_pool)
    asked = {"fuser": t5, "decoding": DECODING, "top_k": 4, "scheme": "bradley_terry(prior=0.5)"}
    for order in ("rank", "reversed", "shuffled"):
        fuse(store, order=order, **asked)
    fuse(store, order="shuffled", seed=1, **asked)
    ranked, turned, shuffled, other = (
        shown(store, candidate_order=order)
        for order in ("rank", "reversed", "shuffled(seed=0)", "shuffled(seed=1)")
    )
    assert turned == {prompt: ids[::-1] for prompt, ids in ranked.items()}
    assert shuffled.keys() == ranked.keys()
    assert all(sorted(shuffled[p]) == sorted(other[p]) == sorted(ranked[p]) for p in ranked)
    places = {tuple(ranked[p].index(i) for i in shuffled[p]) for p in ranked}
    assert len(places) > 5  # each prompt has an order of its own
    assert sum(shuffled[p] == other[p] for p in ranked) < len(ranked) / 2
    before = one(store, "select count(*) from fusions")
    execute(store, "delete from fusions where candidate_order like 'shuffled%'")
    fuse(store, order="shuffled", splits=["test"], **asked)  # fewer prompts, the same orders
    again = shown(store, candidate_order="shuffled(seed=0)")
    assert again == {p: ids for p, ids in shuffled.items() if p in again}
    assert 0 < len(again) < len(shuffled)
    assert before == 4 * len(ranked)


def test_candidates_by_chance_to_compare_with(compared_pool, fresh, t5):
    store = fresh(compared_pool)
    execute(store, "delete from rankings")  # it needs none
    asked = {"fuser": t5, "ranker": "random", "decoding": DECODING, "scheme": "bubble"}
    fuse(store, **asked)
    fuse(store, seed=1, **asked)
    first, other = (shown(store, scheme=f"random(seed={seed})") for seed in (0, 1))
    known = dict(
        rows(store, "select prompt_id, list(candidate_id) from candidates group by prompt_id")
    )
    assert first.keys() == other.keys()
    assert len(first) > 20
    assert all(len(set(ids)) == 3 and set(ids) <= set(known[p]) for p, ids in first.items())
    assert sum(set(first[p]) == set(other[p]) for p in first) < len(first) / 4
    llms = dict(rows(store, "select candidate_id, llm from candidates"))
    assert len({llms[i] for ids in first.values() for i in ids}) == 12
    [(ranker,)] = rows(store, "select distinct ranker from fusions")
    assert labels(Store(store))[ranker] == "Random"


def test_fewer_candidates_than_k_are_all_shown(compared_pool, fresh, t5):
    store = fresh(compared_pool)
    execute(
        store,
        "delete from rankings using (select candidate_id, row_number() over "
        "(partition by prompt_id order by candidate_id) as n from candidates) c "
        "where rankings.candidate_id = c.candidate_id and n > 1 + ord(prompt_id) % 8",
    )
    best = dict(rows(store, TOP, MAX_LOGITS))
    done = fuse(store, fuser=t5, decoding=DECODING, top_k=14)
    assert done.new == len(best)
    assert shown(store, top_k=14) == best
    assert len(set(map(len, best.values()))) > 3


def test_only_what_is_missing_is_fused(compared_pool, fresh, t5):
    store = fresh(compared_pool)
    asked = {"fuser": t5, "decoding": DECODING, "splits": ["test"]}
    first = fuse(store, **asked)
    [run] = runs(store, "fuse")
    before = dict(rows(store, "select fusion_id, text from fusions"))
    lost = sorted(before)[::3]
    kept = sorted(before)[1]
    for fusion in lost:
        execute(store, "delete from fusions where fusion_id = ?", fusion)
    execute(store, "update fusions set text = 'mine' where fusion_id = ?", kept)
    again = fuse(store, **asked)
    assert (again.new, again.there) == (len(lost), len(before) - len(lost))
    assert dict(rows(store, "select fusion_id, text from fusions")) == {**before, kept: "mine"}
    assert [r.info.run_id for r in runs(store, "fuse")] == [run.info.run_id]
    assert fuse(store, **asked).new == 0
    assert first.figures["fusions"] == len(before)
    # Other settings are other fusions.
    for setting in ({"top_k": 2}, {"order": "reversed"}, {"scheme": "bradley_terry"}):
        assert fuse(store, **asked, **setting).new == len(before)
    other = asked | {"decoding": Decoding(beams=1, max_new_tokens=3)}
    assert fuse(store, **other).new == len(before)
    assert one(store, "select count(*) from fusions") == 5 * len(before)


def test_what_was_ranked_anew_is_fused_anew_without_what_was_said_before(compared_pool, fresh, t5):
    store = fresh(compared_pool)
    asked = {"fuser": t5, "decoding": DECODING}
    fuse(store, **asked)
    [(prompt, fusion, ids), (_, other, _)] = rows(
        store, "select prompt_id, fusion_id, candidate_ids from fusions order by 1 limit 2"
    )
    for id in (fusion, other):
        execute(store, "insert into qualities values (?, 'm', 0.5)", id)
        execute(store, "insert into verdicts values (?, ?, ?, 'j', 'left')", prompt, id, ids[0])
    # The best and the last change places.
    execute(
        store,
        "update rankings set rank = 13 - rank, score = -score "
        "where prompt_id = ? and scheme = ?", prompt, MAX_LOGITS,
    )  # fmt: skip
    done = fuse(store, **asked)
    assert done.new == 1
    assert shown(store)[prompt] != ids
    assert one(store, "select count(*) from fusions where fusion_id = ?", fusion) == 1
    assert rows(store, "select candidate_id from qualities where measure = 'm'") == [(other,)]
    assert rows(store, "select left_id from verdicts") == [(other,)]


def test_a_run_tells_its_settings_and_what_it_cost(compared_pool, fresh, t5):
    store = fresh(compared_pool)
    done = fuse(store, fuser=t5, decoding=DECODING, splits=["test"], order="shuffled", top_k=2)
    [run] = runs(store, "fuse")
    told = run.data.params
    assert {
        "fuser": done.fuser,
        "scheme": MAX_LOGITS,
        "top_k": "2",
        "candidate_order": "shuffled(seed=0)",
        "decoding": str(DECODING),
        "datasets": "None",
        "splits": "['test']",
    }.items() <= told.items()
    figures = run.data.metrics
    n, tokens_in, tokens_out, length, seconds = rows(
        store,
        "select count(*), sum(tokens_in), sum(tokens_out), avg(length(text)), sum(latency_s) "
        "from fusions",
    )[0]
    assert (figures["fusions"], figures["tokens_in"], figures["tokens_out"]) == (
        n, tokens_in, tokens_out,
    )  # fmt: skip
    assert math.isclose(figures["mean_tokens_out"], tokens_out / n)
    assert math.isclose(figures["mean_characters"], length)
    assert math.isclose(figures["tokens_per_second"], tokens_out / seconds, rel_tol=1e-6)


def test_a_training_of_a_fuser_is_fused_with_by_default(compared_pool, fresh, t5):
    from workbench.stages.compare import compare

    store = fresh(compared_pool)
    run = keep_training(store, t5)
    done = fuse(store, decoding=DECODING, splits=["test"])
    assert done.fuser == run
    assert labels(Store(store))[run] == "GenFuser"
    texts = dict(rows(store, "select prompt_id, text from fusions"))
    other = fuse(store, fuser=t5, decoding=DECODING, splits=["test"])
    assert other.fuser != run
    assert (
        dict(rows(store, "select prompt_id, text from fusions where fuser = ?", other.fuser))
        == texts
    )
    # The only trained ranker is still the only one.
    ranker = one(store, "select any_value(ranker) from comparisons")
    assert compare(store).ranker == ranker

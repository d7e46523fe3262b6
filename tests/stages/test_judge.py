"""Judging against a real server that answers by rule."""

import json
import re
from collections import Counter

import pytest
from chat_server import Told, error, serving
from judged_pool import JUDGE, LLMS, PROMPTS, endpoint, fused, pool
from store_contract import breaches
from tiny_pipeline import copied, execute, one, rows, runs

from workbench.errors import UnknownName
from workbench.quality.judge import Judging
from workbench.stages.judge import judge
from workbench.store.store import Store

PAIRS = PROMPTS * len(LLMS) * (len(LLMS) - 1)  # both orders
KEY = "sk-very-secret-0123456789"
JUDGED = """
    select l.text, r.text, v.verdict from verdicts v
    join answers l on l.answer_id = v.left_id join answers r on r.answer_id = v.right_id
"""


@pytest.fixture(scope="module")
def filled(tmp_path_factory, empty_tracking):
    """Folder of the pool's store. Read only."""
    folder = copied(empty_tracking, tmp_path_factory.mktemp("filled") / "pool")
    pool(folder / "store.duckdb")
    return folder


@pytest.fixture
def store(filled, fresh):
    return Store(fresh(filled)).path  # opened once: a tracker asks whose runs it holds


def test_every_pair_in_both_orders_once(store):
    with serving() as server:
        done = judge(store, endpoint(server.url))
        again = judge(store, endpoint(server.url))
    assert (done.judge, done.new, done.there, done.left) == (JUDGE, PAIRS, 0, 0)
    assert (again.new, again.there, again.meter.calls) == (0, PAIRS, 0)
    answers = [llm * (n + 1) for n, llm in enumerate(LLMS)]
    expected = {(a, b): PROMPTS for a in answers for b in answers if a != b}
    assert Counter(server.pairs()) == expected
    assert 1 <= server.most <= 3
    for left, right, verdict in rows(store, JUDGED):
        assert verdict == ("left" if len(left) > len(right) else "right")
    assert breaches(store) == []


def test_a_judge_that_always_prefers_the_left(store):
    with serving(lambda request: "A") as server:
        done = judge(store, endpoint(server.url))
    assert done.tally.verdicts == {"left": PAIRS}
    flips = one(
        store,
        "select count(*) from verdicts v join verdicts w on v.left_id = w.right_id "
        "and v.right_id = w.left_id where v.verdict = w.verdict",
    )
    assert flips == PAIRS


def test_a_random_order_is_half_of_both_and_stays(store):
    with serving() as server:
        half = judge(store, endpoint(server.url), order="random", seed=3)
        assert half.new == PAIRS // 2
        first = set(rows(store, "select left_id, right_id from verdicts"))
        assert {(b, a) for a, b in first}.isdisjoint(first)
        assert judge(store, endpoint(server.url), order="random", seed=3).meter.calls == 0
        rest = judge(store, endpoint(server.url))
    assert (rest.there, rest.new) == (PAIRS // 2, PAIRS // 2)


def test_a_sample_of_pairs_an_llm_and_a_reference(store):
    with serving() as server:
        done = judge(store, endpoint(server.url), pairs_per_prompt=1, seed=1)
        assert done.new == PROMPTS * 2
        per_prompt = "select count(distinct left_id) from verdicts group by prompt_id"
        assert rows(store, per_prompt) == [(2,)] * PROMPTS
        told = Judging(show_reference=True)
        named = judge(store, endpoint(server.url), told, llms=["a", "c"])
    assert named.judge == f"{JUDGE}+reference"
    assert named.new == PROMPTS * 2
    for request in server.asked[-PROMPTS * 2 :]:
        said = request["messages"][1]["content"]
        assert re.search(r"\btask (\d)\n.*\breference \1\n", said, re.DOTALL)
    assert "reference" not in server.asked[0]["messages"][1]["content"]


def test_fusions_against_the_pick_what_was_shown_or_all(store):
    fused(store, "fuser-one", "fusion one", shown="cb")
    fused(store, "fuser-two", "fusion two", shown="ab", candidate_order="reversed")
    with serving() as server:
        ask = {"store": store, "endpoint": endpoint(server.url), "candidates": False}
        assert judge(**ask, fusions="pick", order="random").new == 2 * PROMPTS
        texts = {frozenset(pair) for pair in server.pairs()}
        assert texts == {frozenset(("fusion one", "ccc")), frozenset(("fusion two", "bb"))}
        shown_ones = judge(**ask, fusions="shown", fuser="fuser-one")
        assert shown_ones.new + shown_ones.there == 2 * 2 * PROMPTS
        every = judge(**ask, fusions="all")
        assert every.new + every.there == 2 * 2 * 3 * PROMPTS
        both = judge(store, endpoint(server.url), fusions="all")
        assert both.new + both.there == 2 * 2 * 3 * PROMPTS + PAIRS
        assert both.new == PAIRS
        with pytest.raises(UnknownName, match="Did you mean 'fuser-one'"):
            judge(**ask, fusions="all", fuser="fuser-one-more")
        # An experiment names its last fuser to every stage; without fusions it says nothing.
        assert judge(store, endpoint(server.url), fuser="not there").there == PAIRS
    assert breaches(store) == []


def test_the_pick_is_the_best_by_the_ranking_where_one_is_kept(store):
    fused(store, "fuser", "fusion", shown="abc", candidate_order="shuffled(seed=0)")
    execute(
        store,
        "insert into rankings select 'ranker', 'scheme', candidate_id, prompt_id, 0, "
        "case llm when 'b' then 1 else 2 end from candidates",
    )
    with serving() as server:
        judge(store, endpoint(server.url), candidates=False, fusions="pick", order="random")
    assert {frozenset(pair) for pair in server.pairs()} == {frozenset(("fusion", "bb"))}


def test_a_candidate_whose_text_is_not_known_is_in_no_pair(store):
    execute(store, "update candidates set text = null where llm = 'c'")
    with serving() as server:
        done = judge(store, endpoint(server.url))
    assert (done.new, done.left) == (2 * PROMPTS, 0)


def test_the_same_text_twice_is_a_tie_without_asking(store):
    fused(store, "fuser", "ccc \n", shown="c")
    with serving() as server:
        done = judge(store, endpoint(server.url), candidates=False, fusions="shown")
    assert done.tally.verdicts == {"tie": 2 * PROMPTS}
    assert server.asked == []


@pytest.mark.parametrize("limit", [{"max_calls": 7}, {"max_usd": 0.0085}])
def test_a_limit_ends_it_cleanly_and_it_goes_on(store, limit):
    with serving() as server:
        asked = endpoint(server.url, usd_per_mtok_in=1.0, usd_per_mtok_out=10.0)
        done = judge(store, asked, **limit)
        assert done.tally.limited
        assert 0 < done.new < PAIRS
        assert done.left == PAIRS - done.new
        if "max_usd" in limit:
            assert done.meter.usd <= limit["max_usd"]
        else:
            assert len(server.asked) == done.new == 7
        rest = judge(store, asked)
        assert (rest.there, rest.new, rest.left) == (done.new, done.left, 0)
        assert not rest.tally.limited
        assert len(server.asked) == PAIRS
    [run] = runs(store, "judge")  # both starts, and what they cost together
    cost, metrics = (done.meter.usd + rest.meter.usd), run.data.metrics
    assert metrics["usd"] == pytest.approx(cost)
    assert metrics["calls"] == PAIRS
    assert metrics["tokens_in"] == done.meter.tokens_in + rest.meter.tokens_in
    assert metrics["verdicts"] == PAIRS
    assert run.info.status == "FINISHED"


def test_a_limit_that_is_just_enough_is_none(store):
    with serving() as server:
        done = judge(store, endpoint(server.url), max_calls=PAIRS)
    assert (done.left, done.tally.limited) == (0, False)


def test_a_dry_run_asks_nothing_and_tells_the_cost(store):
    asked = endpoint("http://127.0.0.1:1/v1", usd_per_mtok_in=1.0, usd_per_mtok_out=2.0)
    dry = judge(store, asked, dry_run=True)
    assert (dry.meter.calls, dry.left, dry.new) == (PAIRS, PAIRS, 0)
    assert runs(store, "judge") == []
    assert one(store, "select count(*) from verdicts") == 0
    with serving() as server:  # which counts a token a character, where four are usual
        done = judge(store, endpoint(server.url), max_calls=PAIRS // 2)
        check = len("Reply with the single word yes.")
        assert dry.meter.tokens_in == pytest.approx((done.meter.tokens_in - check) / 2, rel=0.01)
    assert judge(store, asked, dry_run=True).meter.calls == PAIRS // 2
    assert dry.meter.usd == pytest.approx((dry.meter.tokens_in + 2 * dry.meter.tokens_out) / 1e6)


def test_the_key_is_nowhere(store, monkeypatch, capfd):
    monkeypatch.setenv("MY_KEY", KEY)

    def echo(request):
        key = server.headers[-1]["authorization"]
        return Told(status=400, body=error(f"odd: {key} {json.dumps(server.headers[-1])}"))

    with serving(echo) as server:
        done = judge(store, endpoint(server.url, api_key_env="MY_KEY"))
        assert server.headers[-1]["authorization"] == f"Bearer {KEY}"
    assert done.tally.failed == PAIRS
    assert "odd: Bearer …" in done.tally.reasons[0]
    from workbench import terminal

    terminal.out.print(done)
    assert KEY not in "".join(capfd.readouterr())
    written = [file for file in store.parent.rglob("*") if file.is_file()]
    assert {"mlflow.db", "config.yaml"} <= {file.name for file in written}
    assert not [file for file in written if KEY.encode() in file.read_bytes()]

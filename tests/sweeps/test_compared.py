"""Which prompts and order modes a sweep takes from what was compared."""

import numpy as np
import optuna
import pyarrow as pa
import pytest
from tiny_pipeline import MEASURE, execute, one

from workbench.aggregation import OUTCOMES, SCHEMES, Scheme, prompt_keys
from workbench.errors import BadValue, MissingInput
from workbench.stages.compare import compare
from workbench.store.store import Store
from workbench.sweeps.objective import load_compared
from workbench.sweeps.possible import possible
from workbench.sweeps.space import Space
from workbench.sweeps.sweep import sweep

COMPLETE = [name for name in SCHEMES if name not in OUTCOMES]

# One presentation of each pair, by a coin: what `compare --order random` stores.
COIN = (
    "(md5_number('x' || least(left_id, right_id) || greatest(left_id, right_id)) % 2 = 0)"
    " = (left_id < right_id)"
)


def loaded(store, split="validation"):
    ranker = one(store, "select any_value(ranker) from comparisons")
    return load_compared(Store(store), ranker, MEASURE, None, split)


@pytest.fixture
def coined(compared_pool, fresh):
    store = fresh(compared_pool)
    execute(store, f"delete from comparisons where not ({COIN})")
    return store


def test_one_order_of_each_pair_is_swept_as_it_is(coined):
    tuned = loaded(coined)
    assert not tuned.both
    known = np.isfinite(tuned.logits)
    n = tuned.pool.mask.sum(axis=1)
    assert (known.sum(axis=(1, 2)) == n * (n - 1) // 2).all()
    done = sweep(coined, trials=24)
    trials = optuna.load_study(study_name=done.study, storage=done.storage).trials
    assert {t.params["order"] for t in trials} == {"random"}
    # 12 LLMs: 66 pairs, each compared once; 11 for a pass or a bracket, 4 rounds of 6 for swiss.
    for trial in trials:
        name, used = trial.params["scheme"], trial.values[1]
        fixed = {"bubble": 11, "knockout": 11, "all": 66, "swiss(rounds=4)": 24}
        plan = trial.params.get("schedule", name)
        assert used == fixed[plan] if plan in ("all", "bubble", "knockout") else 6 <= used < 66
    assert {"all", "swiss(rounds=4)", "top_k"} <= {t.params.get("schedule") for t in trials}
    for name in SCHEMES:
        as_it_is, coin = (tuned.ranked(Scheme.of(name, order=o)) for o in ("both", "random"))
        np.testing.assert_array_equal(as_it_is.scores, coin.scores)
        np.testing.assert_array_equal(as_it_is.comparisons, coin.comparisons)


@pytest.mark.parametrize("order", ["both", "random"])
def test_what_schemes_share_is_what_each_would_have_compared(compared_pool, order):
    tuned = loaded(compared_pool / "store.duckdb")
    mask, keys = tuned.pool.mask, prompt_keys(tuned.pool.prompt_ids)
    schemes = [Scheme.of(name, order=order) for name in SCHEMES]
    schemes += [Scheme.of(name, order=order, schedule="top_k(k=2)") for name in COMPLETE]
    for scheme in schemes:
        shared, own = tuned.ranked(scheme), scheme.rank_stored(tuned.logits, mask, keys)
        for name in ("scores", "comparisons", "logits"):
            np.testing.assert_array_equal(getattr(shared, name), getattr(own, name))
    plans = {(scheme.schedule, scheme.order) for scheme in schemes}
    assert len(tuned._shown) == len(plans) < len(schemes)


def test_a_scheme_for_few_candidates_is_left_out_unless_asked_for(
    compared_pool, monkeypatch, capsys
):
    tuned = loaded(compared_pool / "store.duckdb")
    monkeypatch.setattr("workbench.aggregation.schemes.MAX_CANDIDATES", 11)
    assert tuned.pool.mask.sum(axis=1).max() == 12
    found = possible(Space(), [tuned], None, None)
    assert found.schemes == [name for name in SCHEMES if name != "kemeny"]
    assert "kemeny is left out: it ranks at most 11" in capsys.readouterr().err
    with pytest.raises(BadValue, match="kemeny ranks at most 11"):
        sweep(compared_pool / "store.duckdb", trials=1, schemes=["borda", "kemeny"])


def test_orders_that_are_not_stored_are_refused(coined):
    for orders in (["left"], ["random", "both"]):
        with pytest.raises(MissingInput, match="workbench compare --order both"):
            sweep(coined, trials=1, orders=orders)
    assert sweep(coined, trials=1, orders=["random"]).trials == 1


def test_orders_need_both_splits(compared_pool, fresh):
    store = fresh(compared_pool)
    execute(
        store,
        f"delete from comparisons where not ({COIN}) and prompt_id in "
        "(select prompt_id from prompts where split = 'test')",
    )
    done = sweep(store, trials=3)
    assert all("order=random" in s.scheme for s in done.settings)
    with pytest.raises(MissingInput, match="compare --order both"):
        sweep(store, trials=1, orders=["both"])
    assert sweep(store, trials=1, orders=["both"], report_on=None).trials == 1


def test_when_the_other_orders_are_compared_all_order_modes_are_there(coined):
    compare(coined)
    assert loaded(coined).both


def test_prompts_with_a_pair_in_no_order_are_left_out_and_told(compared_pool, fresh, capsys):
    store = fresh(compared_pool)
    whole = loaded(store)
    assert whole.left_out == 0
    assert "left out" not in capsys.readouterr().err
    gone = whole.pool.prompt_ids[0]
    first, second = sorted(whole.pool.candidate_ids[0][:2])
    execute(
        store,
        "delete from comparisons where least(left_id, right_id) = ? "
        "and greatest(left_id, right_id) = ?",
        first,
        second,
    )
    part = loaded(store)
    assert gone not in part.pool.prompt_ids
    assert len(part.pool.prompt_ids) == len(whole.pool.prompt_ids) - 1
    assert (part.left_out, part.both) == (1, True)
    told = " ".join(capsys.readouterr().err.split())
    assert f"1 of {len(whole.pool.prompt_ids)} prompts of split 'validation' are left out" in told
    assert sweep(store, trials=6, schemes=["bubble"]).trials == 6


def test_among_prompts_of_both_orders_those_of_one_are_left_out(tmp_path):
    store = Store.create(tmp_path / "s.duckdb")
    prompts, llms = [f"p{i:02}" for i in range(20)], ["a", "b", "c"]
    store.insert("llms", pa.table({"llm": llms}))
    store.insert(
        "prompts",
        pa.table(
            {
                "prompt_id": prompts,
                "dataset": ["d"] * 20,
                "split": ["test"] * 20,
                "instruction": prompts,
                "input": [""] * 20,
            }
        ),
    )
    ids = [(p, llm, f"{p}-{llm}") for p in prompts for llm in llms]
    columns = dict(zip(("prompt_id", "llm", "candidate_id"), zip(*ids, strict=True), strict=True))
    texts = {"text": columns["llm"], "decoding": [""] * len(ids)}
    store.insert("candidates", pa.table({**columns, **texts}))
    qualities = {"candidate_id": columns["candidate_id"], "measure": ["m"] * len(ids)}
    store.insert("qualities", pa.table({**qualities, "value": [0.5] * len(ids)}))
    rows = [
        {"ranker": "r", "prompt_id": p, "left_id": f"{p}-{x}", "right_id": f"{p}-{y}", "logit": 1.0}
        for p in prompts
        for x in llms
        for y in llms
        if x != y and not (p in prompts[:2] and x < y)
    ]
    store.insert("comparisons", pa.Table.from_pylist(rows))
    most = load_compared(store, "r", "m", None, "test")
    assert (most.both, most.left_out, most.pool.prompt_ids) == (True, 2, prompts[2:])
    with store.writing() as db:
        db.execute("delete from comparisons where left_id < right_id and prompt_id < 'p10'")
    half = load_compared(store, "r", "m", None, "test")
    assert (half.both, half.left_out, half.pool.prompt_ids) == (False, 0, prompts)

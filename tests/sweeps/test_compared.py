"""Which prompts and order modes a sweep takes from what was compared."""

import numpy as np
import optuna
import pyarrow as pa
import pytest
from tiny_pipeline import MEASURE, execute, one

from workbench.aggregation import SCHEMES, Scheme
from workbench.errors import MissingInput
from workbench.stages.compare import compare
from workbench.store.store import Store
from workbench.sweeps.objective import load_compared
from workbench.sweeps.sweep import sweep

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
    done = sweep(coined, trials=18)
    trials = optuna.load_study(study_name=done.study, storage=done.storage).trials
    assert {t.params["order"] for t in trials} == {"random"}
    assert {t.params["scheme"] for t in trials} == set(SCHEMES)
    # 12 LLMs: 66 pairs, each compared once, 11 for a pass or a bracket, fewer than all for a sort.
    for trial in trials:
        name, used = trial.params["scheme"], trial.values[1]
        expected = 11 if name in ("bubble", "knockout") else 66
        assert 11 < used < 66 if name in ("quick_sort", "merge_sort") else used == expected
    for name in SCHEMES:
        as_it_is, coin = (tuned.scores(Scheme.of(name, order=o)) for o in ("both", "random"))
        np.testing.assert_array_equal(as_it_is, coin)


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

from itertools import product

import numpy as np
import pyarrow as pa
import pytest

from workbench.errors import UnknownName
from workbench.store.costs import UNITS, load_costs
from workbench.store.pool import load_pool
from workbench.store.store import Store

# Every way in which a candidate's costs, and an LLM's facts, are known in part.
CANDIDATES = [
    {"tokens_in": tokens_in, "tokens_out": tokens_out, "usd": usd}
    for tokens_in, tokens_out, usd in product((None, 300), (None, 50), (None, 0.25))
]
LLMS = [
    {"parameters_b": size, "usd_per_mtok_in": price_in, "usd_per_mtok_out": price_out}
    for size, price_in, price_out in product((None, 7.0), (None, 0.0, 2.0), (None, 10.0))
]


def made(path, prompts, llms):
    """A store of prompts, each a list of candidates, one an LLM in order."""
    store = Store.create(path)
    facts = pa.schema([("llm", pa.string()), *((name, pa.float64()) for name in llms[0])])
    named = [{"llm": f"llm{i:02}", **llm} for i, llm in enumerate(llms)]
    store.insert("llms", pa.Table.from_pylist(named, facts))
    ids = [f"p{q}" for q in range(len(prompts))]
    same = {name: ["d"] * len(ids) for name in ("dataset", "split", "instruction", "input")}
    store.insert("prompts", pa.table({"prompt_id": ids, **same}))
    costs = [("tokens_in", pa.int32()), ("tokens_out", pa.int32()), ("usd", pa.float64())]
    columns = ("candidate_id", "prompt_id", "llm", "text", "decoding")
    rows = [
        {
            "candidate_id": f"c{q}-{n}",
            "prompt_id": f"p{q}",
            "llm": f"llm{n:02}",
            "decoding": "",
            **c,
        }
        for q, prompt in enumerate(prompts)
        for n, c in enumerate(prompt)
    ]
    schema = pa.schema([*((name, pa.string()) for name in columns), *costs])
    store.insert("candidates", pa.Table.from_pylist(rows, schema))
    return store


def naive(unit, candidate, llm):
    if unit == "calls":
        return 1.0
    if unit == "tokens":
        return candidate["tokens_out"]
    if unit == "parameters":
        return llm["parameters_b"]
    if candidate["usd"] is not None:
        return candidate["usd"]
    tokens = [candidate[f"tokens_{way}"] for way in ("in", "out")]
    prices = [llm[f"usd_per_mtok_{way}"] for way in ("in", "out")]
    if None in [*tokens, *prices]:
        return None
    return sum(t * p for t, p in zip(tokens, prices, strict=True)) / 1e6


def test_costs_are_those_of_each_candidate_and_unknown_is_nan(tmp_path):
    prompts = [[candidate] * len(LLMS) for candidate in CANDIDATES]
    prompts[-1] = prompts[-1][:2]
    store = made(tmp_path / "s.duckdb", prompts, LLMS)
    pool = load_pool(store)
    for unit in UNITS:
        costs = load_costs(store, pool, unit)
        expected = np.full(pool.mask.shape, np.nan)
        for q, prompt in enumerate(prompts):
            for n, candidate in enumerate(prompt):
                found = naive(unit, candidate, LLMS[n])
                expected[q, n] = np.nan if found is None else found
        assert costs.dtype == np.float64
        np.testing.assert_allclose(costs, expected, rtol=1e-12)
        assert np.isfinite(costs).any()
        chosen = np.arange(len(prompts)) % 2 == 1
        part = load_costs(store, pool.subset(chosen), unit)
        np.testing.assert_array_equal(part, costs[chosen])


def test_an_unknown_unit_names_the_valid_ones(tmp_path):
    store = made(tmp_path / "s.duckdb", [[CANDIDATES[0]]], LLMS[:1])
    with pytest.raises(UnknownName, match=r"Did you mean 'tokens'.*calls, parameters, tokens, usd"):
        load_costs(store, load_pool(store), "token")

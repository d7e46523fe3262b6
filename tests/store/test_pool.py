import numpy as np
import pyarrow as pa
import pytest

from workbench.errors import MissingInput, UnknownName
from workbench.store.fingerprint import fingerprint
from workbench.store.ids import candidate_id, prompt_id, split_of
from workbench.store.pool import load_logits, load_pool, load_quality, load_texts
from workbench.store.store import Store


@pytest.fixture
def store(tmp_path):
    store = Store.create(tmp_path / "store.duckdb")
    store.insert("llms", pa.table({"llm": ["a", "b"]}))
    store.insert(
        "prompts",
        pa.table(
            {
                "prompt_id": ["p2", "p1"],
                "dataset": ["d", "d"],
                "split": ["train", "test"],
                "instruction": ["two", "one"],
                "input": ["", "in"],
            }
        ),
    )
    store.insert(
        "candidates",
        pa.table(
            {
                "candidate_id": ["c1", "c2", "c3"],
                "prompt_id": ["p1", "p1", "p2"],
                "llm": ["b", "a", "b"],
                "text": ["xx", "yyy", "z"],
                "decoding": [""] * 3,
            }
        ),
    )
    return store


def test_ragged_pool_lines_up_with_its_rows(store):
    pool = load_pool(store)
    assert pool.prompt_ids == ["p1", "p2"]
    assert pool.mask.tolist() == [[True, True], [True, False]]
    assert pool.candidate_ids.tolist() == [["c2", "c1"], ["c3", None]]
    assert pool.llm.tolist() == [[0, 1], [1, -1]]
    assert pool.length.tolist() == [[3, 2], [1, 0]]
    prompts, texts = load_texts(store, pool)
    assert prompts == [("one", "in"), ("two", "")]
    assert texts.tolist() == [["yyy", "xx"], ["z", None]]


def test_quality_and_logits_are_nan_where_there_is_no_row(store):
    store.insert("qualities", pa.table({"candidate_id": ["c1"], "measure": ["m"], "value": [0.5]}))
    row = {"ranker": ["r"], "prompt_id": ["p1"], "left_id": ["c1"], "right_id": ["c2"]}
    store.insert("comparisons", pa.table({**row, "logit": [1.5]}))
    pool = load_pool(store)
    np.testing.assert_equal(load_quality(store, pool, "m"), [[np.nan, 0.5], [np.nan, np.nan]])
    expected = np.full((2, 2, 2), np.nan)
    expected[0, 1, 0] = 1.5
    np.testing.assert_equal(load_logits(store, pool, "r"), expected)


def test_chosen_split_and_unknown_names(store):
    assert load_pool(store, ["d"], "train").prompt_ids == ["p2"]
    assert load_pool(store, llms=["a"]).candidate_ids.tolist() == [["c2"]]
    with pytest.raises(UnknownName, match="unknown dataset 'e'"):
        load_pool(store, ["e"])
    with pytest.raises(UnknownName, match="unknown measure"):
        load_quality(store, load_pool(store), "m")
    with pytest.raises(MissingInput, match="validation"):
        load_pool(store, split="validation")


def test_fingerprint_ignores_order_and_sees_changes(store):
    def of(order):
        return fingerprint(store, f"select * from candidates order by {order}")

    before = of("candidate_id")
    assert before == of("text desc")
    with store.writing() as db:
        db.execute("update candidates set text = 'zz' where candidate_id = 'c3'")
    assert of("text") != before


def test_ids_tell_parts_apart_and_splits_are_60_15_25():
    assert prompt_id("d", "ab", "c") != prompt_id("d", "a", "bc")
    assert candidate_id("p", "a", "", "text") != candidate_id("p", "b", "", "text")
    splits = [split_of(f"prompt {i}", "") for i in range(20_000)]
    shares = [splits.count(s) / len(splits) for s in ("train", "validation", "test")]
    np.testing.assert_allclose(shares, [0.60, 0.15, 0.25], atol=0.015)

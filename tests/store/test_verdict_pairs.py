import json

import numpy as np
import pyarrow as pa
import pytest

from workbench.sources.record import VERDICTS
from workbench.stages.ingest import ingest
from workbench.store.pool import load_pool
from workbench.store.store import Store
from workbench.store.verdicts import judged_splits, load_verdicts

SAID = {"left": 1, "right": -1, "tie": 0, "both good": 0, "both bad": 0}


@pytest.fixture
def store(tmp_path) -> Store:
    """Two datasets of three prompts, in test but for one, with two or three LLMs."""
    for name in ("one", "two"):
        lines = [
            {"instruction": f"{name} {n}", "llm": llm, "text": f"{llm} {n}"}
            | {"split": "validation" if n == 2 else "test"}
            for n in range(3)
            for llm in ("abc" if n else "ab")
        ]
        file = tmp_path / f"{name}.jsonl"
        file.write_text("\n".join(map(json.dumps, lines)), "utf-8")
        ingest(tmp_path / "store.duckdb", "jsonl", path=str(file), dataset=name)
    return Store(tmp_path / "store.duckdb")


def judge(store: Store, *verdicts: tuple[str, str, str, str]) -> None:
    """Writes verdicts on candidates named by their texts; another name is an id as it stands."""
    rows = store.query(
        "select candidate_id, text, prompt_id from candidates join prompts using (prompt_id) "
        "where dataset = 'one'"
    ).to_pylist()
    ids = {row["text"]: (row["candidate_id"], row["prompt_id"]) for row in rows}
    table = [
        {
            "left_id": ids.get(left, (left,))[0],
            "right_id": ids.get(right, (right,))[0],
            "prompt_id": ids[left if left in ids else right][1],
            "judge": who,
            "verdict": verdict,
        }
        for left, right, who, verdict in verdicts
    ]
    store.insert("verdicts", pa.Table.from_pylist(table))


def told(store: Store, split: str = "test") -> dict[tuple[str, str], dict[str, float]]:
    """(left, right) text -> judge -> vote, from the arrays."""
    pool = load_pool(store, ["one"], split)
    found = load_verdicts(store, pool)
    rows = store.query("select candidate_id, text from candidates").to_pylist()
    texts = {row["candidate_id"]: row["text"] for row in rows}
    named = np.vectorize(texts.get)(pool.candidate_ids)
    assert len(set(zip(found.q, found.left, found.right, strict=True))) == len(found.q)
    return {
        (named[q, i], named[q, j]): {
            who: vote for who, vote in zip(found.judges, votes, strict=True) if not np.isnan(vote)
        }
        for q, i, j, votes in zip(found.q, found.left, found.right, found.votes, strict=True)
    }


def test_pairs_come_back_with_every_judges_vote(store):
    assert set(SAID) == set(VERDICTS)
    rows = [("a 1", "c 1", f"judge {i}", verdict) for i, verdict in enumerate(SAID)]
    rows += [("c 1", "a 1", "judge 0", "right"), ("b 0", "a 0", "judge 9", "left")]
    judge(store, *rows)
    assert told(store) == {
        ("a 1", "c 1"): {f"judge {i}": vote for i, vote in enumerate(SAID.values())},
        ("c 1", "a 1"): {"judge 0": -1},  # another presentation is another pair
        ("b 0", "a 0"): {"judge 9": 1},
    }
    assert told(store, "validation") == {}


def test_verdicts_on_fusions_and_of_other_pools_are_not_among_them(store):
    judge(store, ("a 1", "some fusion", "x", "left"), ("a 2", "b 2", "x", "left"))
    assert told(store) == {}
    assert told(store, "validation") == {("a 2", "b 2"): {"x": 1}}
    both = ["validation", "test"]
    assert judged_splits(store, ["two", "one"], both) == [("one", "validation")]
    assert judged_splits(store, ["one"], ["test"]) == []
    judge(store, ("a 1", "b 1", "y", "tie"))
    assert judged_splits(store, ["two", "one"], both) == [("one", "validation"), ("one", "test")]


def test_a_subset_goes_with_the_pools(store):
    rows = [("a 0", "b 0", "x", "left"), ("a 1", "b 1", "x", "right"), ("c 1", "a 1", "y", "tie")]
    judge(store, *rows)
    pool = load_pool(store, ["one"], "test")
    found = load_verdicts(store, pool)
    place = pool.prompt_ids.index(
        store.query("select prompt_id from prompts where instruction = 'one 1'")[0][0].as_py()
    )
    kept = np.arange(2) == place
    part, whole = found.subset(kept), found.q == place
    assert set(part.q) == {0}
    for name in ("left", "right", "votes"):
        np.testing.assert_array_equal(getattr(part, name), getattr(found, name)[whole])
    again = load_verdicts(store, pool.subset(kept))
    for name in ("q", "left", "right", "votes"):
        np.testing.assert_array_equal(getattr(part, name), getattr(again, name))
    assert len(found.subset(np.zeros(2, bool)).q) == 0

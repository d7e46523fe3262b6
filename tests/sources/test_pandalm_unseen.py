"""The script that leaves out prompts that a ranker was trained on."""

import json
import runpy
from pathlib import Path

import pyarrow as pa

from workbench.store.store import Store

SCRIPT = Path(__file__).parents[2] / "experiments" / "pandalm_unseen.py"


def test_a_trained_prompt_is_found_however_it_is_split_and_set(tmp_path):
    store = Store.create(tmp_path / "store.duckdb")
    rows = [("a", "train", "Rewrite it:\n\nA long text."), ("b", "test", "Name a river")]
    store.insert(
        "prompts",
        pa.table(
            {
                "prompt_id": [row[0] for row in rows],
                "dataset": ["alpaca_eval"] * 2,
                "split": [row[1] for row in rows],
                "instruction": [row[2] for row in rows],
                "input": ["", ""],
            }
        ),
    )
    pairs = [
        {"instruction": "rewrite it", "input": "a long text"},
        {"instruction": "Name a river", "input": None},
        {"instruction": "Something else", "input": "it"},
    ]
    file = tmp_path / "pairs.jsonl"
    file.write_text("".join(json.dumps(pair) + "\n" for pair in pairs))
    lines, every = runpy.run_path(str(SCRIPT))["unseen"](store, str(file), "alpaca_eval", "train")
    assert ([json.loads(line) for line in lines], every) == (pairs[1:], 3)

"""Leaves out of PandaLM's pairs the prompts that a ranker was trained on.

python experiments/pandalm_unseen.py --store alpaca_eval.duckdb --pairs pandalm_human.jsonl.gz \
    --to unseen.jsonl [--dataset alpaca_eval] [--split train]

Both sets take prompts from Self-Instruct, AlpacaEval with instruction and input in one text, so
that neither their ids nor their splits show it. Prompts count as equal by letters and digits.
"""

import argparse
import json
import re
from pathlib import Path

from workbench.sources.lines import json_lines
from workbench.store.store import Store


def plain(instruction: str, input: str) -> str:
    """A prompt by its letters and digits alone, in lower case."""
    return re.sub(r"\W+", " ", f"{instruction} {input}".lower()).strip()


def unseen(store: Store, pairs: str, dataset: str, split: str) -> tuple[list[str], int]:
    """Lines of the pairs whose prompts are not in that dataset and split; number of all."""
    rows = store.query(
        "select instruction, input from prompts where dataset = ? and split = ?", [dataset, split]
    )
    seen = {plain(row["instruction"], row["input"]) for row in rows.to_pylist()}
    every = [row.fields() for row in json_lines(pairs)]
    kept = [r for r in every if plain(str(r["instruction"]), str(r.get("input") or "")) not in seen]
    return [json.dumps(row) for row in kept], len(every)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--pairs", required=True, help="JSON lines, as the source pandalm reads")
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--dataset", default="alpaca_eval")
    parser.add_argument("--split", default="train")
    options = parser.parse_args()
    lines, every = unseen(Store(options.store), options.pairs, options.dataset, options.split)
    options.to.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    print(f"{len(lines)} of {every} pairs written to {options.to}")


if __name__ == "__main__":
    main()

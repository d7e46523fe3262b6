"""A store with rankings and fusions that are written by hand: no model has to run."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from tiny_pipeline import rows

from workbench.stages.ingest import ingest
from workbench.store.labels import set_label
from workbench.store.store import Store

RANKER, FUSER, CHANCE = "a1" * 16, "b2" * 16, "c3" * 16
SCHEME = "max_logits;order=both;schedule=all"
RANDOM = "random(seed=0)"
DECODING = "greedy(max_new_tokens=16, no_repeat_ngram=0, copy_ngram=0)"
LLMS = "abcd"


def ranked_store(store: Path, test: int = 14, validation: int = 6) -> Path:
    """Prompts of four LLMs, of which `a` is best on validation, with qualities `m` and `other`.

    The ranker puts LLM b first, then c, d, a, on every prompt; half of the test prompts are of
    category x.
    """
    rng, lines = np.random.default_rng(0), []
    for n in range(test + validation):
        split = "validation" if n >= test else "test"
        for place, llm in enumerate(LLMS):
            quality = float(rng.random() + (split == "validation") * (llm == "a"))
            lines.append(
                {
                    "instruction": f"question {n}",
                    "llm": llm,
                    "text": "word " * (place + n + 1),
                    "reference": "r" * 12,
                    "split": split,
                    "category": "x" if n % 2 else "",
                    "quality.m": quality,
                    "quality.other": quality**2,
                }
            )
    file = store.with_name("rows.jsonl")
    file.write_text("\n".join(map(json.dumps, lines)), "utf-8")
    ingest(store, "jsonl", path=str(file), dataset="hand")
    _rank(Store(store))
    return store


def _rank(store: Store) -> None:
    order = {llm: place for place, llm in enumerate("bcda")}
    found = store.query("select candidate_id, prompt_id, llm from candidates").to_pylist()
    columns = {
        "ranker": [RANKER] * len(found),
        "scheme": [SCHEME] * len(found),
        "candidate_id": [row["candidate_id"] for row in found],
        "prompt_id": [row["prompt_id"] for row in found],
        "score": [-float(order[row["llm"]]) for row in found],
        "rank": pa.array([order[row["llm"]] + 1 for row in found], pa.int32()),
    }
    store.insert("rankings", pa.table(columns))


def qualities(store: Path, measure: str = "m", split: str = "test") -> tuple[list[str], np.ndarray]:
    """Ids of a split's prompts, and the quality [Q, 4] of the LLMs' candidates."""
    found = rows(
        store,
        "select p.prompt_id, list(q.value order by c.llm) from prompts p "
        "join candidates c using (prompt_id) join qualities q using (candidate_id) "
        "where q.measure = ? and p.split = ? group by all order by 1",
        measure,
        split,
    )
    return [prompt for prompt, _ in found], np.array([values for _, values in found])


def fuse(store: Path, prompts: list[str], values: Any, top_k: int, **options: Any) -> None:
    """Writes a fusion of the ranker's top K of each prompt, with its qualities.

    Args:
        store: a `ranked_store`.
        prompts: ids.
        values: quality `m` of each, or by measure; NaN: not measured.
        top_k: how many of the LLMs b, c, d, a are shown; by `llms` others.
        options: other columns of `fusions`.
    """
    llms = options.pop("llms", "bcda")[:top_k]
    settings = {
        "fuser": FUSER, "ranker": RANKER, "scheme": SCHEME, "candidate_order": "rank",
        "decoding": DECODING, "tokens_in": 40, "tokens_out": 5 * top_k, "latency_s": 0.5,
    } | options  # fmt: skip
    of = dict(rows(store, "select prompt_id || llm, candidate_id from candidates"))
    stem = json.dumps([settings, top_k])
    ids = [f"{stem} {prompt}" for prompt in prompts]
    table = pa.table(
        {
            **{name: [value] * len(ids) for name, value in settings.items()},
            "fusion_id": ids,
            "prompt_id": prompts,
            "top_k": [top_k] * len(ids),
            "candidate_ids": [[of[prompt + llm] for llm in llms] for prompt in prompts],
            "text": ["fused"] * len(ids),
        }
    )
    opened = Store(store)
    opened.insert("fusions", table)
    for measure, given in (values if isinstance(values, dict) else {"m": values}).items():
        known = [(id, float(v)) for id, v in zip(ids, given, strict=True) if np.isfinite(v)]
        columns = {
            "candidate_id": [id for id, _ in known],
            "measure": [measure] * len(known),
            "value": [value for _, value in known],
        }
        opened.insert("qualities", pa.table(columns))


def labelled(store: Path) -> None:
    """Gives the ranker, the fuser and chance their labels."""
    for id, label in ((RANKER, "PairRanker"), (FUSER, "GenFuser tiny"), (CHANCE, "random")):
        set_label(Store(store), id, label)

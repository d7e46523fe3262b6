"""A store of prompts with references, qualities and a ranking, written by hand."""

import random
from pathlib import Path

import pyarrow as pa

from workbench.quality import MEASURES
from workbench.store.ids import candidate_id, prompt_id
from workbench.store.store import Store

RANKER, SCHEME = "a1" * 16, "max_logits;order=both;schedule=all"
MEASURE = "rougeL@1"
LLMS = ("ant", "bee", "cat", "dog")
SPLITS = {"train": 12, "validation": 5, "test": 4}
WORDS = ["red", "blue", "one", "two", "sun", "moon", "tree", "house", "very", "good"]


def referenced_store(file: Path, test: str = "", ranked: tuple[str, ...] = tuple(SPLITS)) -> Path:
    """Each reference is two words of its prompt behind the word "answer"; candidates know less.

    Args:
        file: of the store.
        test: something that stands in every text and number of the split `test`, but no id.
        ranked: splits with a ranking, in which cat, ant, dog, bee are the order.
    """
    rng = random.Random(0)
    prompts, candidates = [], []
    for split, count in SPLITS.items():
        for n in range(count):
            words = rng.sample(WORDS, 2)
            instruction = f"{split} {n}"
            pid = prompt_id("hand", instruction, "")
            own = test if split == "test" else ""
            prompts.append(
                {
                    "prompt_id": pid, "dataset": "hand", "split": split,
                    "instruction": f"{instruction} {own}".strip(), "input": " ".join(words),
                    "reference": f"answer {' '.join(words)} gold{own}",
                }
            )  # fmt: skip
            for place, llm in enumerate(LLMS):
                text = f"{llm} says {' '.join(words[: place % 3])} {own}".strip()
                cid = candidate_id(pid, llm, "", f"{instruction} {llm}")
                candidates.append({"candidate_id": cid, "prompt_id": pid, "llm": llm, "text": text})
    store = Store.create(file)
    store.insert("llms", pa.table({"llm": list(LLMS)}))
    store.insert("prompts", pa.Table.from_pylist(prompts))
    store.insert("candidates", pa.Table.from_pylist([{**c, "decoding": ""} for c in candidates]))
    _measure(store, prompts, candidates)
    _rank(store, prompts, candidates, ranked, bool(test))
    return file


def _measure(store, prompts, candidates):
    references = {prompt["prompt_id"]: prompt["reference"] for prompt in prompts}
    texts = [c["text"] for c in candidates]
    values = MEASURES[MEASURE](texts, [references[c["prompt_id"]] for c in candidates])
    ids = [c["candidate_id"] for c in candidates]
    columns = {"candidate_id": ids, "measure": [MEASURE] * len(ids), "value": values}
    store.insert("qualities", pa.table(columns))


def _rank(store, prompts, candidates, ranked, poisoned):
    split = {prompt["prompt_id"]: prompt["split"] for prompt in prompts}
    order = {llm: place for place, llm in enumerate(("cat", "ant", "dog", "bee"))}
    rows = []
    for c in candidates:
        if split[c["prompt_id"]] in ranked:
            place = order[c["llm"]]
            if poisoned and split[c["prompt_id"]] == "test":
                place = len(LLMS) - 1 - place
            rows.append(
                {
                    "ranker": RANKER, "scheme": SCHEME, "candidate_id": c["candidate_id"],
                    "prompt_id": c["prompt_id"], "score": -float(place), "rank": place + 1,
                }
            )  # fmt: skip
    table = pa.Table.from_pylist(rows)
    places = table.schema.get_field_index("rank")
    store.insert("rankings", table.set_column(places, "rank", table["rank"].cast(pa.int32())))

"""Tiny random rankers and a small store; no network."""

import random

import pyarrow as pa
import pytest
import torch

from workbench.models.encoder import TinyEncoder
from workbench.ranking.pair_ranker import PairRanker
from workbench.store.ids import candidate_id, prompt_id
from workbench.store.store import Store

SENTENCE = "the a it is one answer very much like that"
WORDS = SENTENCE.split()
TEXTS = [SENTENCE, "good bad question why? How, yes; no."]
TINY = TinyEncoder(hidden_size=16, layers=2, heads=2, intermediate=32, vocab_size=150)


@pytest.fixture
def make_ranker():
    def make(encoder=TINY, measures=("m",), **options):
        torch.manual_seed(0)
        options = {"source_maxlength": 16, "candidate_maxlength": 12, **options}
        ranker = PairRanker(encoder, measures=list(measures), **options)
        ranker.build(TEXTS)
        # Weights far from the usual small ones, so that wrong tokens make wrong logits.
        with torch.no_grad():
            for parameter in ranker.parameters():
                parameter.add_(torch.randn_like(parameter) * 0.3)
        return ranker.eval()

    return make


@pytest.fixture
def ranker(make_ranker):
    return make_ranker()


@pytest.fixture(scope="session")
def store(tmp_path_factory):
    """Four LLMs; an answer's quality is how often it says "good", so that it can be learned."""
    rng = random.Random(0)
    store = Store.create(tmp_path_factory.mktemp("store") / "store.duckdb")
    llms = [f"llm{k}" for k in range(4)]
    store.insert("llms", pa.table({"llm": llms}))
    prompts, candidates, qualities = [], [], []
    for n in range(60):
        split = "train" if n < 40 else "validation" if n < 52 else "test"
        pid = prompt_id("d", f"question {n}", "")
        prompts.append(
            {
                "prompt_id": pid,
                "dataset": "d",
                "split": split,
                "instruction": f"question {n}" if split != "test" else f"secret {n}",
                "input": "",
            }
        )
        for k, llm in enumerate(llms[: 4 - n % 2]):
            good = rng.randint(0, 3)
            text = " ".join(rng.choices(WORDS, k=4) + ["good"] * good)
            cid = candidate_id(pid, llm, "", text)
            candidates.append(
                {"candidate_id": cid, "prompt_id": pid, "llm": llm, "text": text, "decoding": ""}
            )
            qualities.append({"candidate_id": cid, "measure": "good", "value": float(good)})
            if k:
                qualities.append({"candidate_id": cid, "measure": "some", "value": 100.0 * k})
    store.insert("prompts", pa.Table.from_pylist(prompts))
    store.insert("candidates", pa.Table.from_pylist(candidates))
    store.insert("qualities", pa.Table.from_pylist(qualities))
    return store

"""Routing many prompts at once against one `transformers` pipeline call a prompt.

python experiments/benchmarks/router_speed.py [--encoder DIR] [--data FILE] [--prompts 200]

Both go from text to the LLM to ask, with the same encoder, head and longest length, in turns within
one process: the workbench's router reads all prompts in batches of like length, the pipeline is
called prompt by prompt, as an application would. The latency of a single prompt is told too.
Without an encoder one of MiniLM's size with random weights is made, without data texts of random
words whose lengths scatter as prompts' do. `data` is JSON lines (.jsonl or .jsonl.gz) with a
`query` or an `instruction`.
"""

import argparse
import gzip
import json
import statistics
import tempfile
import time
from collections.abc import Callable

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from transformers import AutoModelForSequenceClassification, pipeline
from transformers.utils import logging

from workbench.models.encoder import TinyEncoder
from workbench.routing.policies import choices
from workbench.routing.zooter import ZOOTER

MINI = TinyEncoder(hidden_size=384, layers=6, heads=12, intermediate=1536, vocab_size=20_000)
LLMS = [f"llm-{n}" for n in range(9)]


def prompts_of(file: str | None, count: int) -> list[str]:
    """Prompts of a file, spread over it, or made of random words."""
    if file is None:
        random = np.random.default_rng(0)
        words = [f"w{n}" for n in range(5000)]
        sizes = random.lognormal(3.7, 0.8, count).clip(3, 400).astype(int)
        return [" ".join(random.choice(words, size)) for size in sizes]
    opened = gzip.open(file, "rt") if file.endswith(".gz") else open(file)  # noqa: SIM115
    with opened as lines:
        rows = [json.loads(line) for line in lines]
    texts = [row.get("query") or row["instruction"] for row in rows]
    chosen = np.linspace(0, len(texts) - 1, min(count, len(texts))).astype(int)
    return [texts[place] for place in chosen]


def classifier_of(router: ZOOTER, folder: str) -> AutoModelForSequenceClassification:
    """The router's encoder with a head of as many outputs, as a pipeline takes it."""
    router.pretrained_model.save_pretrained(folder)
    router.tokenizer.save_pretrained(folder)
    return AutoModelForSequenceClassification.from_pretrained(folder, num_labels=len(LLMS))


def timed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--encoder", help="directory of an encoder")
    parser.add_argument("--data", help="prompts")
    parser.add_argument("--prompts", type=int, default=200)
    parser.add_argument("--max_tokens", type=int, default=248)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    torch.manual_seed(0)
    texts = prompts_of(options.data, options.prompts)
    router = ZOOTER(options.encoder or MINI, llms=LLMS, max_tokens=options.max_tokens, elide=False)
    router.build(texts).eval()
    with tempfile.TemporaryDirectory() as folder:
        classifier = classifier_of(router, folder)
        longest = options.max_tokens + router.framing.frame_length(1)
        asked = pipeline(
            "text-classification", model=classifier, tokenizer=router.tokenizer, device="cpu"
        )

        def one_by_one() -> list[str]:
            return [asked(text, truncation=True, max_length=longest)[0]["label"] for text in texts]

        def at_once() -> np.ndarray:
            return choices(router.utilities(texts))

        def in_bfloat16() -> np.ndarray:
            return choices(router.utilities(texts, precision="bfloat16"))

        def singly() -> list[int]:
            return [int(choices(router.utilities([text]))[0]) for text in texts]

        ways = {
            "workbench, all at once": at_once,
            "the same in bfloat16": in_bfloat16,
            "workbench, prompt by prompt": singly,
            "pipeline, prompt by prompt": one_by_one,
        }
        for call in ways.values():
            call()  # warms up
        rounds = [
            {name: timed(call) for name, call in ways.items()} for _ in range(options.repeats)
        ]
        one, half = np.array(singly()), in_bfloat16()
        same, alike = bool((at_once() == one).all()), float((half == one).mean())
    table = Table(title=f"{len(texts)} prompts, medians of {len(rounds)}")
    for column in ("", "seconds", "ms a prompt", "prompts/s", "× as fast as the pipeline"):
        table.add_column(column, justify="left" if not column else "right")
    for name in ways:
        seconds = statistics.median(times[name] for times in rounds)
        ratio = statistics.median(
            times["pipeline, prompt by prompt"] / times[name] for times in rounds
        )
        cells = (f"{seconds:.2f}", f"{1000 * seconds / len(texts):.1f}")
        table.add_row(name, *cells, f"{len(texts) / seconds:.0f}", f"{ratio:.2f}")
    Console().print(table)
    Console().print(
        f"choices at once and one by one the same: {same}, in bfloat16 {alike:.1%} of them; "
        f"torch {torch.__version__}, {torch.get_num_threads()} threads"
    )


if __name__ == "__main__":
    main()

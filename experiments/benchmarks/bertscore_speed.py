"""BERTScore here against the bert-score package, on candidates that share a reference.

python experiments/benchmarks/bertscore_speed.py [--encoder DIR] [--data FILE] [--prompts 20]

Both read the same texts with the same encoder on the same device, in turns, in one process:
the package given all pairs in one call, its best case, and one call a prompt (11 candidates and
the reference they share). Without an encoder one of MiniLM's size with random weights is made,
without data texts of random words whose lengths scatter as LLMs' answers do. `data` is a file of
MixInstruct records (.jsonl or .jsonl.gz) with references.

On a CPU four fifths of the workbench's time are matrix products at the speed that the processor
has for them, which the package needs too: what is saved is its padding.
`pip install '.[benchmarks]'` brings the package.
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
from transformers.utils import logging

from workbench.models.encoder import EncoderOptions, TinyEncoder, tiny_encoder
from workbench.quality.bertscore import BERTScore

Pool = list[tuple[str, list[str]]]
MINI = TinyEncoder(hidden_size=384, layers=6, heads=12, intermediate=1536, vocab_size=20_000)
POSITIONS = 512


def read(file: str, prompts: int, candidates: int) -> Pool:
    """References and candidates of the first prompts that have enough of them."""
    opened = gzip.open(file, "rt") if file.endswith(".gz") else open(file)  # noqa: SIM115
    pool: Pool = []
    with opened as lines:
        for line in lines:
            record = json.loads(line)
            texts = [c["text"] for c in record["candidates"] if c["text"].strip()][:candidates]
            if len(texts) == candidates and (record["output"] or "").strip():
                pool.append((record["output"], texts))
            if len(pool) == prompts:
                break
    return pool


def made(prompts: int, candidates: int) -> Pool:
    """Random words, 5 to 400 a text, most of them short."""
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice(list("abcdefghij"), 5)) for _ in range(5000)]

    def text() -> str:
        return " ".join(rng.choice(words, int(np.clip(rng.lognormal(4.4, 0.9), 5, 400))))

    return [(text(), [text() for _ in range(candidates)]) for _ in range(prompts)]


def written(folder: str, pool: Pool) -> str:
    """A random encoder of MiniLM's size as a directory."""
    torch.manual_seed(0)
    texts = [text for reference, candidates in pool for text in (reference, *candidates)]
    model, tokenizer = tiny_encoder(MINI, EncoderOptions(), POSITIONS, texts, markers=False)
    tokenizer.model_max_length = POSITIONS
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def ways(folder: str, device: str, pool: Pool) -> dict[str, Callable[[], np.ndarray]]:
    """What is timed, by name: each gives F1 of all pairs, in the pool's order."""
    from bert_score import BERTScorer

    own = BERTScore(folder, label="own").prepare(device)
    where = str(own.encoder.model.device)
    package = BERTScorer(model_type=folder, num_layers=own.encoder.layers, device=where)
    references = [reference for reference, texts in pool for _ in texts]
    candidates = [text for _, texts in pool for text in texts]

    def by_prompt() -> np.ndarray:
        return np.concatenate(
            [package.score(texts, [one] * len(texts))[2].numpy() for one, texts in pool]
        )

    return {
        "workbench": lambda: own(candidates, references),
        "in bfloat16": lambda: own(candidates, references, precision="bfloat16"),
        "package, in one call": lambda: package.score(candidates, references)[2].numpy(),
        "package, by prompt": by_prompt,
    }


def timed(call: Callable[[], np.ndarray]) -> tuple[float, float, np.ndarray]:
    start, processor = time.perf_counter(), time.process_time()
    values = call()
    return time.perf_counter() - start, time.process_time() - processor, values


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--encoder", help="directory of an encoder")
    parser.add_argument("--data", help="MixInstruct records")
    parser.add_argument("--prompts", type=int, default=20)
    parser.add_argument("--candidates", type=int, default=11)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--device", default="auto")
    options = parser.parse_args()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    sizes = options.prompts, options.candidates
    pool = read(options.data, *sizes) if options.data else made(*sizes)
    with tempfile.TemporaryDirectory() as folder:
        compared = ways(options.encoder or written(folder, pool), options.device, pool)
        first = {name: call() for name, call in compared.items()}  # warms up
        rounds = [
            {name: timed(call)[:2] for name, call in compared.items()}
            for _ in range(options.repeats)
        ]
    # A pair's value by the package depends on whether its batch is padded: see `greedy_f1`.
    table = Table(title=f"{len(pool)} prompts × {options.candidates}, medians of {len(rounds)}")
    for column in ("", "seconds", "× as long", "processor seconds", "× as much", "difference"):
        table.add_column(column, justify="left" if not column else "right")
    for name in compared:
        cells = [name]
        for clock in (0, 1):
            ratios = [times[name][clock] / times["workbench"][clock] for times in rounds]
            cells.append(f"{statistics.median(times[name][clock] for times in rounds):.2f}")
            cells.append(f"{statistics.median(ratios):.2f}")
        cells.append(f"{np.abs(first[name] - first['workbench']).max():.1e}")
        table.add_row(*cells)
    Console().print(table)
    Console().print(f"torch {torch.__version__}, {torch.get_num_threads()} threads")


if __name__ == "__main__":
    main()

"""How long a sweep of 200 trials takes on 5,000 prompts x 11 candidates, and its peak memory.

python experiments/benchmarks/sweep_speed.py [--prompts 5000] [--trials 200]

Makes a store with random logits that agree with the quality, then runs `workbench sweep` on it
in a process of its own and prints seconds and megabytes.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa

from workbench.store.store import Store


def fill(store: Store, prompts: int, candidates: int) -> None:
    """Twice as many prompts as asked for: one half validation, the other half test."""
    q, n = 2 * prompts, candidates
    rng = np.random.default_rng(0)
    quality = rng.normal(size=(q, n))
    prompt_ids = np.array([f"prompt-{i:06d}" for i in range(q)], object)
    ids = np.array([f"candidate-{i:08d}" for i in range(q * n)], object).reshape(q, n)
    llms = [f"llm-{i:02d}" for i in range(n)]
    store.insert("llms", pa.table({"llm": llms}))
    store.insert(
        "prompts",
        pa.table(
            {
                "prompt_id": prompt_ids,
                "dataset": ["bench"] * q,
                "split": ["validation"] * prompts + ["test"] * prompts,
                "instruction": prompt_ids,
                "input": [""] * q,
            }
        ),
    )
    owner = np.repeat(prompt_ids, n)
    store.insert(
        "candidates",
        pa.table(
            {
                "candidate_id": ids.ravel(),
                "prompt_id": owner,
                "llm": np.tile(np.array(llms, object), q),
                "text": ids.ravel(),
                "decoding": [""] * (q * n),
            }
        ),
    )
    store.insert(
        "qualities",
        pa.table(
            {"candidate_id": ids.ravel(), "measure": ["m"] * (q * n), "value": quality.ravel()}
        ),
    )
    left, right = np.nonzero(~np.eye(n, dtype=bool))
    gap = quality[:, left] - quality[:, right]
    logits = (gap + rng.normal(size=gap.shape) + 0.3).astype(np.float32)
    store.insert(
        "comparisons",
        pa.table(
            {
                "ranker": ["bench"] * gap.size,
                "prompt_id": np.repeat(prompt_ids, len(left)),
                "left_id": ids[:, left].ravel(),
                "right_id": ids[:, right].ravel(),
                "logit": logits.ravel(),
            }
        ),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompts", type=int, default=5000)
    parser.add_argument("--candidates", type=int, default=11)
    parser.add_argument("--trials", type=int, default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.duckdb"
        fill(Store.create(path), options.prompts, options.candidates)
        command = [sys.executable, "-m", "workbench.cli", "sweep", "--store", str(path)]
        start = time.perf_counter()
        subprocess.run([*command, "--trials", str(options.trials)], check=True)
        seconds = time.perf_counter() - start
        megabytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(f"{options.trials} trials: {seconds:.1f} s, peak {megabytes:.0f} MB")


if __name__ == "__main__":
    main()

"""How long an ingest of MixInstruct's size takes, and its peak memory.

python experiments/benchmarks/ingest_scale.py [--prompts 100000] [--candidates 11]

Writes a MixInstruct file of random answers of about 60 words, with three scores each, then runs
`workbench ingest` on it twice, each time in a process of its own. The second start must write
nothing.
"""

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

WORDS = [f"word{i}" for i in range(3000)]


def write(path: Path, prompts: int, candidates: int) -> None:
    chance = random.Random(0)
    with path.open("w") as file:
        for i in range(prompts):
            answers = [
                {
                    "model": f"llm-{n:02d}",
                    "decoding_method": "greedy",
                    "text": " ".join(chance.choices(WORDS, k=60)),
                    "scores": {m: chance.random() for m in ("bleu", "rougeL", "bertscore")},
                }
                for n in range(candidates)
            ]
            record = {
                "id": f"bench/{i}",
                "instruction": f"question {i}: " + " ".join(chance.choices(WORDS, k=20)),
                "input": "",
                "output": " ".join(chance.choices(WORDS, k=60)),
                "candidates": answers,
            }
            file.write(json.dumps(record) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompts", type=int, default=100_000)
    parser.add_argument("--candidates", type=int, default=11)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source, store = Path(folder) / "pool.jsonl", Path(folder) / "store.duckdb"
        write(source, options.prompts, options.candidates)
        command = [sys.executable, "-m", "workbench.cli", "ingest", "mixinstruct"]
        for start in ("first", "second"):
            begin = time.perf_counter()
            subprocess.run([*command, "--path", str(source), "--store", str(store)], check=True)
            seconds = time.perf_counter() - begin
            megabytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
            size = store.stat().st_size / 1e6
            print(f"{start} ingest: {seconds:.1f} s, peak {megabytes:.0f} MB, store {size:.0f} MB")


if __name__ == "__main__":
    main()

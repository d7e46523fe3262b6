"""How long each aggregation scheme takes, its peak memory, and Bradley–Terry against libraries.

python experiments/benchmarks/aggregation_speed.py [--prompts 5000] [--many 100000]

Draws logits of the shape of AlpacaEval's: LLMs of different strength, noise by prompt and by
presentation, position bias. Each scheme runs in a process of its own, by `Scheme.scores`; memory
is what the process holds at its peak beyond what it held with the logits in its hands.

Then all prompts' Bradley–Terry strengths are found at once, and by calls of a public library,
one a prompt: the same soft wins, no prior worth the name, in turns. `pip install '.[benchmarks]'`
brings the libraries.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec

import numpy as np
from rich.console import Console
from rich.table import Table

from workbench.aggregation import SCHEMES, Scheme, preferences, prompt_keys, ranks

LIBRARIES = ("choix", "evalica")
# So small that the strengths are those without a prior, to some 1e-4.
NO_PRIOR = 1e-6


def logits(prompts: int, candidates: int) -> np.ndarray:
    """[Q, N, N] float32, made bit by bit so that little else is ever held."""
    rng = np.random.default_rng(0)
    L = np.empty((prompts, candidates, candidates), dtype=np.float32)
    llms = np.linspace(-1, 1, candidates)
    for start in range(0, prompts, 1000):
        part = L[start : start + 1000]
        quality = llms + rng.normal(size=(len(part), candidates))
        part[:] = quality[:, :, None] - quality[:, None, :] + rng.normal(0, 0.7, part.shape) + 0.2
    L[:, np.arange(candidates), np.arange(candidates)] = np.nan
    return L


def megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def one_scheme(name: str, prompts: int, candidates: int, repeats: int) -> dict[str, float]:
    """Seconds of the fastest of some runs, and megabytes above the logits."""
    L = logits(prompts, candidates)
    mask = np.ones(L.shape[:2], dtype=bool)
    keys = prompt_keys([str(number) for number in range(prompts)])
    scheme = Scheme.of(name)
    held, seconds = megabytes(), []
    for _ in range(repeats):
        start = time.perf_counter()
        scheme.scores(L, mask, keys)
        seconds.append(time.perf_counter() - start)
    return {"seconds": min(seconds), "megabytes": megabytes() - held}


def apart(name: str, prompts: int, candidates: int, repeats: int) -> dict[str, float]:
    """`one_scheme` in a process of its own."""
    size = ["--prompts", str(prompts), "--candidates", str(candidates), "--repeats", str(repeats)]
    command = [sys.executable, __file__, "--scheme", name, *size]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def schemes_table(options: argparse.Namespace) -> Table:
    n = options.candidates
    table = Table(title="Schemes")
    for column in (
        "scheme",
        f"{options.prompts:,} × {n}",
        f"{options.many:,} × {n}",
        "peak memory",
    ):
        table.add_column(column, justify="left" if column == "scheme" else "right")
    for name in SCHEMES:
        few = apart(name, options.prompts, n, options.repeats)
        many = apart(name, options.many, n, 1)
        table.add_row(
            name,
            f"{few['seconds']:.3f} s",
            f"{many['seconds']:.2f} s",
            f"{many['megabytes']:.0f} MB",
        )
    table.caption = f"{options.many:,} × {n} logits are {4 * options.many * n * n / 2**20:.0f} MB"
    return table


def by_choix(wins: np.ndarray) -> np.ndarray:
    import choix

    return np.array([choix.ilsr_pairwise_dense(of_prompt, max_iter=1000) for of_prompt in wins])


def by_evalica(wins: np.ndarray) -> np.ndarray:
    import evalica
    import pandas as pd

    queries, n = wins.shape[:2]
    left, right = np.nonzero(~np.eye(n, dtype=bool))
    xs, ys, index = left.tolist(), right.tolist(), pd.Index(range(n))
    winners = [evalica.Winner.X] * len(xs)
    strengths = np.empty((queries, n))
    for row, of_prompt in enumerate(wins[:, left, right].tolist()):
        found = evalica.bradley_terry(
            xs, ys, winners, index=index, weights=of_prompt, tolerance=1e-8, limit=10_000
        )
        strengths[row] = np.log(found.scores.sort_index())
    return strengths - strengths.mean(axis=1, keepdims=True)


def timed(work: Callable[[], np.ndarray]) -> tuple[float, np.ndarray]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def libraries_table(options: argparse.Namespace, console: Console) -> Table:
    L = logits(options.prompts, options.candidates)
    mask = np.ones(L.shape[:2], dtype=bool)
    wins = np.nan_to_num(1 / (1 + np.exp(-preferences(L, mask))))
    scheme = Scheme.of("bradley_terry", prior=NO_PRIOR)
    table = Table(title=f"Bradley–Terry, {options.prompts:,} × {options.candidates}")
    for column in ("library", "a call a prompt", "all at once", "ratio", "strengths", "ranks"):
        table.add_column(column, justify="left" if column == "library" else "right")
    for library, solve in zip(LIBRARIES, (by_choix, by_evalica), strict=True):
        if find_spec(library) is None:
            console.print(f"{library} is not installed: pip install '.[benchmarks]' brings it")
            continue
        runs = []
        for _ in range(options.repeats):
            theirs, expected = timed(lambda solve=solve: solve(wins))
            ours, found = timed(lambda: scheme.scores(L, mask))
            runs.append((theirs, ours))
        theirs, ours = (float(np.median(seconds)) for seconds in zip(*runs, strict=True))
        same = (ranks(found, mask) == ranks(expected, mask)).all(axis=1).mean()
        table.add_row(
            library,
            f"{theirs:.2f} s",
            f"{ours:.3f} s",
            f"{np.median([a / b for a, b in runs]):.0f} ×",
            f"within {np.abs(found - expected).max():.0e}",
            f"{same:.2%} alike",
        )
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompts", type=int, default=5000)
    parser.add_argument("--many", type=int, default=100_000)
    parser.add_argument("--candidates", type=int, default=11)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--scheme", help="this one alone, on --prompts, as JSON")
    options = parser.parse_args()
    if options.scheme:
        measured = one_scheme(options.scheme, options.prompts, options.candidates, options.repeats)
        print(json.dumps(measured))
        return
    console = Console()
    console.print(schemes_table(options))
    console.print(libraries_table(options, console))


if __name__ == "__main__":
    main()

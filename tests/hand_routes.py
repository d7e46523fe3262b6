"""Routes and costs written by hand beside a `ranked_store`: no router has to run."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from fused_pool import LLMS
from tiny_pipeline import execute, rows

from workbench.store.store import Store

ROUTER, OTHER = "e5" * 16, "f6" * 16
PARAMETERS = {"a": 4.0, "b": 1.0, "c": 2.0, "d": 3.0}


def route(
    store: Path, prompts: list[str], utilities: Any, router: str = ROUTER, llms: str = LLMS
) -> None:
    """Writes the utilities [prompts, LLMs] of a router."""
    given = np.asarray(utilities, np.float64)
    table = pa.table(
        {
            "router": [router] * given.size,
            "prompt_id": np.repeat(prompts, len(llms)).tolist(),
            "llm": list(llms) * len(prompts),
            "utility": given.ravel(),
        }
    )
    Store(store).insert("routes", table, "replace")


def size(store: Path) -> None:
    """Gives the LLMs their parameters, in billions."""
    for llm, parameters in PARAMETERS.items():
        execute(store, "update llms set parameters_b = ? where llm = ?", parameters, llm)


def told(store: Path, name: str, measure: str = "m", part: str = "all") -> dict[str, list[Any]]:
    """Figure -> [value, low, high, n] of a system in the results."""
    found = rows(
        store,
        "select measure, value, low, high, n from results where system = ? and slice = ? "
        "and ends_with(measure, ?)",
        name,
        part,
        f":{measure}",
    )
    return {figure.removesuffix(f":{measure}"): values for figure, *values in found}


def values_of(store: Path, name: str, **where: str) -> dict[str, float]:
    """Figure -> value of a system in the results."""
    return {figure: values[0] for figure, values in told(store, name, **where).items()}

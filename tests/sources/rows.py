"""Small sources written to disk, and the readings of them."""

import copy
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from workbench.errors import BadRow
from workbench.sources import Record

MISSING = object()


def mix_row(number: int = 1) -> dict[str, Any]:
    """A full MixInstruct record."""
    return {
        "id": f"row-{number}",
        "instruction": f"Name river {number}.",
        "input": "in Europe",
        "output": "The Danube.",
        "candidates": [
            {
                "model": model,
                "decoding_method": "greedy",
                "text": f"{model} says {number}",
                "scores": {"bleu": 0.25, "bartscore": -2.5},
            }
            for model in ("koala", "alpaca", "moss")
        ],
        "cmp_results": json.dumps({"koala,alpaca": "A is better", "alpaca,moss": "Same bad"}),
    }


def flat_row(prompt: int = 1, llm: str = "koala") -> dict[str, Any]:
    """A full flat row."""
    return {
        "instruction": f"Name river {prompt}.",
        "input": "in Europe",
        "reference": "The Danube.",
        "category": "geography",
        "split": "test",
        "tags": ["rivers"],
        "llm": llm,
        "text": f"{llm} says {prompt}",
        "decoding": "greedy",
        "tokens_in": 7,
        "tokens_out": 3,
        "usd": 0.001,
        "latency_s": 0.5,
        "quality.bleu": 0.25,
    }


def changed(row: dict[str, Any], path: tuple[str | int, ...], value: object) -> dict[str, Any]:
    """A copy of `row` with `value` at `path`; MISSING removes what stands there."""
    row = copy.deepcopy(row)
    place: Any = row
    for step in path[:-1]:
        place = place[step]
    if value is MISSING:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return row


def write_lines(path: Path, rows: list[object]) -> str:
    """Writes rows as JSON lines; a row that is text or bytes already stands as it is."""
    lines = [
        row if isinstance(row, bytes) else row.encode() if isinstance(row, str) else _json(row)
        for row in rows
    ]
    data = b"".join(line + b"\n" for line in lines)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return str(path)


def write_parquet(path: Path, rows: list[dict[str, Any]]) -> str:
    """Writes flat rows to Parquet."""
    pq.write_table(pa.Table.from_pylist(rows), path)
    return str(path)


def write_results(
    results: Path, outputs: dict[str, list[object]], annotations: dict[str, list[object]]
) -> str:
    """Writes an AlpacaEval results directory; its one annotator is 'judge'."""
    for llm, rows in outputs.items():
        (results / llm).mkdir(parents=True, exist_ok=True)
        (results / llm / "model_outputs.json").write_text(json_array_text(rows))
    for llm, rows in annotations.items():
        (results / llm / "judge").mkdir()
        (results / llm / "judge" / "annotations.json").write_text(json_array_text(rows))
    return str(results)


def json_array_text(rows: list[object]) -> str:
    """An array with one item a line, the first on line 2; a text stands as it is."""
    return "[\n" + ",\n".join(r if isinstance(r, str) else json.dumps(r) for r in rows) + "\n]\n"


def parted(rows: Iterator[Record | BadRow]) -> tuple[list[Record], list[BadRow]]:
    """The good and the bad rows of a reading."""
    both = list(rows)
    return (
        [row for row in both if isinstance(row, Record)],
        [row for row in both if isinstance(row, BadRow)],
    )


def _json(row: object) -> bytes:
    return json.dumps(row).encode()

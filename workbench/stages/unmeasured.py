"""The answers of a store that a measure has not valued yet: measured, and written."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from workbench import terminal
from workbench.errors import BadModel
from workbench.interrupts import put_off
from workbench.quality.measure import Measure
from workbench.stages.pace import paced
from workbench.store.store import Store

Values = Callable[[list[str], list[str], Callable[[int], None]], np.ndarray]
"""`values(texts, references, told) -> [n]`; tells how many texts have just been measured."""

ANSWERS = """
    select a.answer_id, a.prompt_id, a.text, a.kind, p.reference
    from answers a join prompts p using (prompt_id)
    where ($datasets is null or list_contains($datasets, p.dataset))
      and ($splits is null or list_contains($splits, p.split))
"""
"""Candidates and fusions of the chosen prompts."""

REFERRED = f"select * from ({ANSWERS}) where reference is not null"  # noqa: S608
"""Those that have a reference to be measured against."""

_MISSING = f"""
    select r.* from ({REFERRED}) r
    where not exists (select 1 from qualities q
                      where q.candidate_id = r.answer_id and q.measure = $measure)
"""  # noqa: S608
_WAITING = f"""
    select prompt_id, kind, count(*) as n from ({_MISSING}) group by all order by prompt_id, kind
"""  # noqa: S608
# Answers of a prompt follow each other, so that their reference is read once.
_CHUNK = f"""
    select answer_id, text, reference from ({_MISSING}) semi join wanted using (prompt_id)
    order by prompt_id, answer_id
"""  # noqa: S608
# Those of some answers, rather than of whole splits.
_NAMED = """
    select a.answer_id, a.text, p.reference
    from answers a semi join wanted using (answer_id) join prompts p using (prompt_id)
    where p.reference is not null
      and not exists (select 1 from qualities q
                      where q.candidate_id = a.answer_id and q.measure = $measure)
    order by a.prompt_id, a.answer_id
"""


def measure_missing(
    store: Store, name: str, chosen: dict[str, Any], values: Values
) -> Counter[str]:
    """Measures every answer without a value, written every half minute or so.

    Args:
        store: where they are.
        name: of the measure.
        chosen: `datasets` and `splits`, None for all.
        values: the measure.

    Returns:
        How many were measured, by kind of answer.

    Raises:
        BadModel: a value is not finite; its chunk is not written then.
    """
    wanted = chosen | {"measure": name}
    new: Counter[str] = Counter()
    waiting: Counter[str] = Counter()
    for row in store.query(_WAITING, wanted).to_pylist():
        new[row["kind"]] += row["n"]
        waiting[row["prompt_id"]] += row["n"]
    if not waiting:
        return new
    with (
        terminal.progress(f"measure {name}", new.total(), "answers") as advance,
        put_off() as ctrl_c,
    ):

        def told(size: int) -> None:
            advance(size)
            ctrl_c.check()

        for prompts in paced(waiting):
            rows = _chunk(store, wanted, prompts)
            found = values(rows["text"].to_pylist(), rows["reference"].to_pylist(), told)
            _write(store, name, rows["answer_id"], found)
    return new


def measure_answers(store: Store, name: str, measure: Measure, ids: Sequence[str]) -> None:
    """Measures those of some answers that have a reference and no value yet.

    Args:
        store: where they are.
        name: of the measure.
        measure: that of `MEASURES`.
        ids: of candidates and fusions.
    """
    with store.reading() as db:
        db.register("wanted", pa.table({"answer_id": pa.array(ids, pa.string())}))
        rows = db.sql(_NAMED, params={"measure": name}).to_arrow_table()
    if rows.num_rows:
        values = measure(rows["text"].to_pylist(), rows["reference"].to_pylist())
        _write(store, name, rows["answer_id"], values)


def _chunk(store: Store, wanted: dict[str, Any], prompts: list[str]) -> pa.Table:
    with store.reading() as db:
        db.register("wanted", pa.table({"prompt_id": pa.array(prompts, pa.string())}))
        return db.sql(_CHUNK, params=wanted).to_arrow_table()


def _write(store: Store, name: str, ids: pa.ChunkedArray, values: np.ndarray) -> None:
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        raise BadModel(
            f"{name} gives {values[bad[0]]} for the answer {ids[int(bad[0])]}, and {len(bad)} of "
            f"{len(values)} values that are not finite; a lower precision can be why"
        )
    measure = pa.array([name] * len(values), pa.string())
    value = pa.array(np.asarray(values, np.float64))
    store.insert("qualities", pa.table({"candidate_id": ids, "measure": measure, "value": value}))

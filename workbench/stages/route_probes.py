"""What is asked of a router beside its routes: does a choice outlast a changed prompt, and how
long does one take?

Shares of unchanged choices stand in `results` under the run and the system `route:ROUTER/argmax`,
a row a split. Times depend on the machine: they are metrics of the run alone.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from workbench import terminal
from workbench.errors import BadValue
from workbench.interrupts import put_off
from workbench.routing.perturbations import PERTURBATIONS
from workbench.routing.router import Router
from workbench.stages.evaluation_cells import span
from workbench.stages.result_rows import COLUMNS, Row
from workbench.stages.unchanged_choices import (
    argmax_choices,
    drawn_prompts,
    unchanged_choices,
)
from workbench.store.store import Store
from workbench.store.tables import write_rows
from workbench.tracking import Run

ALL = "all"
_WARM_UP = 3  # prompts: the first calls of a model load code and fill caches


@dataclass(frozen=True)
class Probing:
    """Which probes are wanted.

    Attributes:
        perturbations: names of `PERTURBATIONS`, in their order; none: choices are not probed.
        prompts: drawn for these, at most.
        latency_prompts: timed one by one, at most; 0: none.
    """

    perturbations: tuple[str, ...] = ()
    prompts: int = 200
    latency_prompts: int = 0

    @classmethod
    def of(cls, perturbations: Sequence[str] | None, prompts: int, latency: int) -> "Probing":
        """Of the options of the stage.

        Raises:
            UnknownName: no such perturbation.
            BadValue: a number of prompts that cannot be.
        """
        named = dict.fromkeys(perturbations or ())
        for name in named:
            if name != ALL:
                PERTURBATIONS[name]
        if prompts < 1:
            raise BadValue("probe_prompts", prompts, "a positive number of prompts")
        if latency < 0:
            raise BadValue("latency_prompts", latency, "a number of prompts, 0 for none")
        wanted = tuple(name for name in PERTURBATIONS if name in named or ALL in named)
        return cls(wanted, prompts, latency)

    @property
    def config(self) -> dict[str, Any]:
        """What they add to the configuration of the run: nothing where nothing is wanted."""
        asked: dict[str, Any] = {}
        if self.perturbations:
            asked |= {"perturbations": list(self.perturbations), "probe_prompts": self.prompts}
        if self.latency_prompts:
            asked["latency_prompts"] = self.latency_prompts
        return asked


@dataclass(frozen=True)
class Probes:
    """What the probes found.

    Attributes:
        rows: of `results`: the share of unchanged choices by split and perturbation.
        latencies_ms: [P] milliseconds from the text of one prompt to the choice.
    """

    rows: list[Row] = field(default_factory=list)
    latencies_ms: np.ndarray = field(default_factory=lambda: np.zeros(0))

    @property
    def lines(self) -> list[tuple[str, str | float]]:
        """Name and value, for the table of the stage."""
        told: list[tuple[str, str | float]] = [
            (f"{measure}, {split}, {n} prompts", span((value, low, high)))
            for _, _, split, _, measure, value, low, high, n in self.rows
        ]
        return told + [(name.replace("/", ", "), ms) for name, ms in self.latency.items()]

    @property
    def latency(self) -> dict[str, float]:
        """Median and 95th percentile in milliseconds; nothing where nothing was timed."""
        if not len(self.latencies_ms):
            return {}
        median, most = np.quantile(self.latencies_ms, [0.5, 0.95])
        return {"latency_ms/median": float(median), "latency_ms/p95": float(most)}


def probe(
    store: Store,
    run: Run,
    router: str,
    model: Router,
    chosen: dict[str, Any],
    probing: Probing,
    options: dict[str, Any],
    *,
    done: bool,
) -> Probes:
    """Does the probes, writes their figures in place of earlier ones, and logs them.

    Args:
        store: holds the prompts; nothing is written to `routes`.
        run: of the stage.
        router: id of the router.
        model: the router, on its device.
        chosen: `datasets` (None: all) and `splits` of the prompts.
        probing: what is wanted.
        options: `tokens_per_batch` and `precision` of `Router.utilities`.
        done: this run has ended before with the same router: its figures are read, not made
            again. Times are always taken anew.

    Raises:
        BadValue: utilities that are NaN.
    """
    rows = _stored(store, run.id) if done else []
    if probing.perturbations and not rows:
        drawn = drawn_prompts(store, chosen, probing.prompts)
        told = unchanged_choices(
            store, router, model, chosen, drawn, probing.perturbations, options
        )
        _write(store, run.id, told)
        rows = _stored(store, run.id)
        run.log_metrics({f"{row[1]}/{row[2]}/{row[4]}": row[5] for row in rows})
    times = np.zeros(0)
    if probing.latency_prompts:
        drawn = drawn_prompts(store, chosen, probing.latency_prompts)
        times = latencies_ms(model, drawn["text"], options)
    found = Probes(rows, times)
    if found.latency:
        run.log_metrics(found.latency)
    return found


def latencies_ms(model: Router, texts: Sequence[str], options: dict[str, Any]) -> np.ndarray:
    """[P] milliseconds that each text takes by itself, from the text to the choice.

    The first few are routed once before, untimed.
    """
    found = np.zeros(len(texts))
    title = "time single prompts"
    with terminal.progress(title, len(texts), "prompts") as advance, put_off() as ctrl_c:
        for text in texts[:_WARM_UP]:
            argmax_choices(model, [text], options)
            ctrl_c.check()
        for place, text in enumerate(texts):
            start = time.perf_counter()
            argmax_choices(model, [text], options)
            found[place] = 1000 * (time.perf_counter() - start)
            advance()
            ctrl_c.check()
    return found


def _stored(store: Store, run: str) -> list[Row]:
    columns = ", ".join(COLUMNS)
    sql = f"select {columns} from results where run_id = ? order by split, measure"  # noqa: S608
    return [tuple(row.values()) for row in store.query(sql, [run]).to_pylist()]


def _write(store: Store, run: str, rows: list[Row]) -> None:
    columns = dict(zip(COLUMNS, map(list, zip(*rows, strict=True)), strict=True))
    with store.writing() as db:
        db.execute("delete from results where run_id = ?", [run])
        db.register("_results", pa.table({"run_id": [run] * len(rows), **columns}))
        write_rows(db, "results", "_results", "replace")

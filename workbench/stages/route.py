"""Route: prompts -> the utility of each LLM, by a router that reads the prompt alone.

Utilities are written every half minute or so, and a start makes only those that are not there
yet. What is chosen by them is a policy's matter, at evaluation. On request it is told too how
robust the choices are and how long one takes (`route_probes`).
"""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from rich.table import Table

from workbench import terminal
from workbench.errors import BadModel, BadValue, MissingInput
from workbench.interrupts import put_off
from workbench.models.device import device_of
from workbench.models.inferring import check_inference
from workbench.stages.chosen_router import chosen_router
from workbench.stages.pace import paced
from workbench.stages.rankers import short
from workbench.stages.route_probes import Probes, Probing, probe
from workbench.store.fingerprint import fingerprint
from workbench.store.labels import labels, set_label
from workbench.store.pool import check_names
from workbench.store.source_text import source_text
from workbench.store.store import Store
from workbench.tracking import Tracker

_CHOSEN = """
    from prompts p
    where ($datasets is null or list_contains($datasets, p.dataset))
      and list_contains($splits, p.split)
"""
_LLMS = f"""
    select distinct llm from candidates
    where prompt_id in (select prompt_id {_CHOSEN}) order by llm
"""  # noqa: S608
_WAITING = f"""
    select p.prompt_id, p.instruction, p.input {_CHOSEN}
      and (select count(*) from routes r
           where r.router = $router and r.prompt_id = p.prompt_id) < $llms
    order by p.prompt_id
"""  # noqa: S608
_CHOICES = f"""
    select llm, count(*) as prompts from (
        select prompt_id, llm, row_number() over
            (partition by prompt_id order by utility desc, llm) as place
        from routes where router = $router and prompt_id in (select prompt_id {_CHOSEN})
    ) where place = 1 group by llm order by prompts desc, llm
"""  # noqa: S608


@dataclass
class Routed:
    """What one start of the stage did.

    Attributes:
        router: its id in the store.
        new, there: prompts routed now, and before.
        seconds: that it took.
        choices: LLM -> prompts on which its utility is highest, among all that are chosen here.
        probes: how robust and how fast its choices are, as far as it was asked.
    """

    router: str
    new: int
    there: int
    seconds: float
    choices: dict[str, int]
    probes: Probes = field(default_factory=Probes)

    def __rich__(self) -> Table:
        counts = [
            ("new prompts", self.new),
            ("there before", self.there),
            ("prompts per second", self.new / self.seconds if self.new else None),
        ]
        chosen = [(f"highest utility: {llm}", n) for llm, n in self.choices.items()]
        title = f"route with {short(self.router)}"
        return terminal.table(title, ("", "value"), [*counts, *chosen, *self.probes.lines])


def route(
    store: Path,
    router: str | None = None,
    datasets: list[str] | None = None,
    splits: list[Literal["train", "validation", "test"]] | None = None,
    unknown_llms: Literal["refuse", "leave_out"] = "refuse",
    tokens_per_batch: int = 16384,
    precision: Literal["float32", "bfloat16"] = "float32",
    device: str = "auto",
    perturbations: list[str] | None = None,
    probe_prompts: int = 200,
    latency_prompts: int = 0,
) -> Routed:
    """Writes the utility of each LLM for each prompt, before any answer; continues after a kill.

    Args:
        store: DuckDB file.
        router: run id of a training of a router, or its beginning; the only one by default. Or
            the directory or hub id of a saved router.
        datasets: names of datasets, all by default.
        splits: validation and test by default.
        unknown_llms: what to do where an LLM answers these prompts that the router was not
            trained on: 'refuse', or 'leave_out', so that it is never chosen.
        tokens_per_batch: budget of a batch in tokens, padding counted.
        precision: of the arithmetic.
        device: cpu, cuda, cuda:1, mps …; auto takes an accelerator where there is one.
        perturbations: how to change prompts to see whether the choice stays: typos, lower_case,
            upper_case, whitespace, preamble, or all of these. None by default.
        probe_prompts: prompts, drawn at random, that are changed so.
        latency_prompts: prompts that are routed one by one to see how long each takes; the times
            go to MLflow.

    Raises:
        UnknownName: a dataset or a perturbation that there is not.
        MissingInput: no such router, or no prompt.
        BadValue: an option that cannot be used, or an LLM that the router does not know.
        BadModel: a router that cannot be loaded, or whose utilities are not finite.
    """
    if unknown_llms not in ("refuse", "leave_out"):
        raise BadValue("unknown_llms", unknown_llms, "refuse or leave_out")
    probing = Probing.of(perturbations, probe_prompts, latency_prompts)
    opened = Store(store)
    check_names(opened, "dataset", datasets)
    check_inference((0,), tokens_per_batch, precision)
    place = device_of(device)
    chosen: dict[str, Any] = {
        "datasets": datasets,
        "splits": list(splits or ("validation", "test")),
    }
    total = int(opened.query(f"select count(*) n {_CHOSEN}", chosen)["n"][0].as_py())
    if not total:
        raise MissingInput(f"no prompt in {chosen}: see `workbench info`")
    tracker = Tracker(opened.path)
    found = chosen_router(tracker, router)
    model = found.load()
    _check_llms(opened, found.id, model.llms, chosen, unknown_llms)
    config = chosen | {"router": found.id, "precision": precision}
    config |= probing.config  # without any the run stays the same
    data = fingerprint(opened, f"select p.prompt_id {_CHOSEN}", chosen)
    with tracker.run("route", config, data) as run:
        if found.id not in labels(opened):  # a training has given its own
            set_label(opened, found.id, found.label)
        model = model.to(place)
        start = time.monotonic()
        options = {"tokens_per_batch": tokens_per_batch, "precision": precision}
        new = _route_missing(opened, found.id, model, chosen, options)
        seconds = time.monotonic() - start
        rows = opened.query(_CHOICES, chosen | {"router": found.id}).to_pylist()
        done = run.finished and not new
        probes = probe(opened, run, found.id, model, chosen, probing, options, done=done)
        choices = {row["llm"]: int(row["prompts"]) for row in rows}
        if new:
            run.log_metrics({"prompts": total, "prompts_per_second": new / seconds})
    return Routed(found.id, new, total - new, seconds, choices, probes)


def _check_llms(
    store: Store, router: str, llms: list[str], chosen: dict[str, Any], unknown_llms: str
) -> None:
    """Raises BadValue for an LLM that answers the prompts and that the router has not met."""
    answering = store.query(_LLMS, chosen)["llm"].to_pylist()
    unknown = [llm for llm in answering if llm not in llms]
    if unknown and unknown_llms == "refuse":
        raise BadValue(
            "LLM that answers these prompts",
            unknown[0],
            f"one that router {short(router)} was trained on: {', '.join(llms)}. Train it again "
            "with the new LLM, choose other datasets, or never route to it with "
            "--unknown_llms leave_out",
        )
    if unknown:
        terminal.say(f"never routed to, for the router does not know it: {', '.join(unknown)}")


def _route_missing(
    store: Store, router: str, model: Any, chosen: dict[str, Any], options: dict[str, Any]
) -> int:
    """Routes the prompts that are not routed yet; how many these are."""
    waiting = store.query(_WAITING, chosen | {"router": router, "llms": len(model.llms)})
    if not waiting.num_rows:
        return 0
    row_of = {prompt: row for row, prompt in enumerate(waiting["prompt_id"].to_pylist())}
    title = f"route with {type(model).__name__} {short(router)}"
    with terminal.progress(title, waiting.num_rows, "prompts") as advance, put_off() as ctrl_c:

        def after_batch(size: int) -> None:
            advance(size)
            ctrl_c.check()

        for prompts in paced(dict.fromkeys(row_of, 1)):
            part = waiting.take([row_of[prompt] for prompt in prompts]).to_pylist()
            texts = [source_text(row["instruction"], row["input"]) for row in part]
            utilities = model.utilities(texts, progress=after_batch, **options)
            _write(store, router, prompts, model.llms, utilities)
    return waiting.num_rows


def _write(
    store: Store, router: str, prompts: list[str], llms: list[str], utilities: np.ndarray
) -> None:
    """Adds the utilities [P, LLMs] of some prompts; raises BadModel where one is not finite."""
    if not np.isfinite(utilities).all():
        row, column = (int(i) for i in np.argwhere(~np.isfinite(utilities))[0])
        raise BadModel(
            f"router {router} gives {utilities[row, column]} for prompt {prompts[row]} and "
            f"{llms[column]}; a lower precision can be why"
        )
    table = pa.table(
        {
            "router": pa.array([router] * utilities.size, pa.string()),
            "prompt_id": pa.array(np.repeat(prompts, len(llms)), pa.string()),
            "llm": pa.array(llms * len(prompts), pa.string()),
            "utility": pa.array(utilities.ravel(), pa.float64()),
        }
    )
    store.insert("routes", table, "replace")

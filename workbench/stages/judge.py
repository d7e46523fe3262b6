"""Judge: pairs of answers of the store -> verdicts of an LLM behind an endpoint.

Verdicts are written every few seconds, and a start asks only for those that are not there yet, so
that a kill at any moment costs seconds of calls and no verdict is paid for twice.
"""

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
from rich.console import Group
from rich.table import Table
from rich.text import Text

from workbench import terminal
from workbench.errors import BadValue, MissingInput, UnknownName
from workbench.interrupts import put_off
from workbench.models.calls import Calls
from workbench.models.endpoint import Endpoint
from workbench.models.meter import Meter, size
from workbench.quality.judge import Judging, Pair, Tally, verdicts
from workbench.stages.judged_pairs import (
    PairChoice,
    count_pairs,
    described,
    missing_pairs,
    with_texts,
)
from workbench.store.fingerprint import fingerprint
from workbench.store.pool import check_names
from workbench.store.store import Store
from workbench.tracking import Run, Tracker

_WRITE_EVERY_S = 3.0
_AS_USUAL = Judging()
_ANSWERS = """
    select answer_id, prompt_id from answers join prompts using (prompt_id)
    where ($datasets is null or list_contains($datasets, dataset))
      and list_contains($splits, split)
"""


@dataclass
class Judged:
    """What one start of the stage did, or would do."""

    judge: str
    there: int
    missing: int
    meter: Meter
    tally: Tally = field(default_factory=Tally)
    dry_run: bool = False

    @property
    def new(self) -> int:
        """Verdicts that are new."""
        return self.tally.verdicts.total()

    @property
    def left(self) -> int:
        """Pairs that are still to be judged."""
        return self.missing - self.new

    def __rich__(self) -> Group:
        rows: list[tuple[str, Any]] = [("judge", self.judge), ("there before", self.there)]
        if not self.dry_run:
            rows.append(("new verdicts", self.new))
            rows += [(f"- {name}", n) for name, n in self.tally.verdicts.most_common()]
        rows.append(("pairs left", self.left))
        about = "about " if self.dry_run or self.meter.uncounted else ""
        rows += [
            ("calls", self.meter.calls),
            (f"{about}prompt tokens", round(self.meter.tokens_in)),
            (f"{about}generated tokens", round(self.meter.tokens_out)),
            (f"{about}USD", self.meter.usd),
            ("pairs without one of the four verdicts", self.tally.unparsed),
            ("pairs whose call failed", self.tally.failed),
        ]
        shown = [row for row in rows if row[1] or row[0] in ("pairs left", "calls")]
        title = "judge, dry run: nothing was asked" if self.dry_run else "judge"
        parts: list[Table | Text] = [terminal.table(title, ("", "value"), shown)]
        if self.tally.limited:
            parts.append(Text("The limit of calls or USD is reached; the same command goes on."))
        parts += [Text(f"Not judged: {reason}") for reason in self.tally.reasons]
        if self.new:
            parts.append(Text(f"GPT-Rank of these: workbench measure --judge '{self.judge}' …"))
        return Group(*parts)


def judge(
    store: Path,
    endpoint: Endpoint,
    judging: Judging = _AS_USUAL,
    datasets: list[str] | None = None,
    splits: list[Literal["train", "validation", "test"]] | None = None,
    llms: list[str] | None = None,
    candidates: bool = True,
    fusions: Literal["none", "pick", "shown", "all"] = "none",
    fuser: str | None = None,
    pairs_per_prompt: int | None = None,
    order: Literal["both", "random"] = "both",
    seed: int = 0,
    max_calls: int | None = None,
    max_usd: float | None = None,
    dry_run: bool = False,
) -> Judged:
    """Has an LLM compare the answers to each prompt two at a time; continues after a kill.

    Args:
        store: DuckDB file.
        endpoint: the judge: a model behind an OpenAI-compatible endpoint, and its prices.
        judging: how it is asked.
        datasets: names of datasets, all by default.
        splits: validation by default.
        llms: LLMs whose candidates are compared, all by default.
        candidates: compares all pairs of candidates of each prompt.
        fusions: compares each fusion with the ranker's 'pick' among the candidates that it was
            made of, with all candidates that were 'shown' to it, or with 'all' of its prompt.
        fuser: fusions of this fuser alone, by its id or the beginning of it.
        pairs_per_prompt: of each prompt only so many pairs, a sample fixed by the seed.
        order: each pair in 'both' orders, or in one at 'random' for half the cost.
        seed: of the sample and the random orders.
        max_calls: ends before more calls than this are made in this start.
        max_usd: ends before this start costs more, calls under way counted as estimated.
        dry_run: asks nothing; tells how many calls are to be made, tokens and cost, estimated.

    Raises:
        UnknownName, MissingInput: no such dataset, LLM or fuser, or no pair to compare.
        BadValue: a limit of cost without prices.
        EndpointError: the endpoint cannot be reached, or refuses the key, the model or a setting.
    """
    opened = Store(store)
    check_names(opened, "dataset", datasets)
    check_names(opened, "llm", llms)
    if pairs_per_prompt is not None and pairs_per_prompt < 1:
        raise BadValue("pairs_per_prompt", pairs_per_prompt, "a number of pairs of at least 1")
    fuser = fuser if fusions != "none" else None
    _check_fuser(opened, fuser)
    meter = Meter(endpoint, max_calls, max_usd)
    choice = PairChoice(
        datasets, splits or ["validation"], llms, candidates, fusions, fuser, pairs_per_prompt,
        order, seed,
    )  # fmt: skip
    total = count_pairs(opened, choice)
    if not total:
        raise MissingInput(f"no pair of answers in {described(choice)}: see `workbench info`")
    name = judging.name(endpoint.model)
    missing = missing_pairs(opened, choice, name)
    done = Judged(name, total - missing.num_rows, missing.num_rows, meter, dry_run=dry_run)
    if dry_run:
        with terminal.progress("estimate", missing.num_rows, "pairs") as advance:
            for pair in with_texts(opened, missing):
                _estimate(pair, judging, meter)
                advance()
    elif missing.num_rows:
        _ask(opened, endpoint, judging, choice, missing, done)
    return done


def _check_fuser(store: Store, fuser: str | None) -> None:
    known = store.query("select distinct fuser from fusions")["fuser"].to_pylist()
    if fuser is not None and not any(name.startswith(fuser) for name in known):
        raise UnknownName("fuser with fusions", fuser, known)


def _estimate(pair: Pair, judging: Judging, meter: Meter) -> None:
    """Counts a call that is to be made as if it were, by the bytes of its conversation."""
    if not pair.same:
        tokens_in, tokens_out = meter.estimated(size(pair.conversation(judging)), 1)
        meter.calls += 1
        meter.tokens_in += tokens_in
        meter.tokens_out += tokens_out


def _ask(
    store: Store,
    endpoint: Endpoint,
    judging: Judging,
    choice: PairChoice,
    missing: pa.Table,
    done: Judged,
) -> None:
    config = {"judge": done.judge, "base_url": endpoint.url, "judging": asdict(judging)}
    parameters = choice.parameters()
    data = fingerprint(store, _ANSWERS, {k: parameters[k] for k in ("datasets", "splits")})
    with Calls(endpoint, judging.settings()) as calls:
        done.meter.received(calls.check())
        with Tracker(store.path).run("judge", config | vars(choice), data) as run:
            pairs = with_texts(store, missing)
            found = verdicts(calls, judging, pairs, endpoint.concurrency, done.meter, done.tally)
            _keep(store, found, done, run)


def _keep(store: Store, found: Iterator[tuple[Pair, str] | None], done: Judged, run: Run) -> None:
    """Writes verdicts as they come, and what they cost, whatever ends the asking."""
    earlier = run.client.get_run(run.id).data.metrics
    rows, since = list[tuple[Pair, str]](), time.monotonic()
    title = f"judge with {done.judge}"
    with put_off() as ctrl_c, terminal.progress(title, done.missing, "pairs") as advance:
        try:
            for one in found:
                if one is not None:
                    rows.append(one)
                    advance()
                if rows and time.monotonic() - since > _WRITE_EVERY_S:
                    _write(store, done, rows)
                    _log(run, earlier, done)
                    rows, since = [], time.monotonic()
                ctrl_c.check()
        finally:
            _write(store, done, rows)
            _log(run, earlier, done)


def _write(store: Store, done: Judged, rows: list[tuple[Pair, str]]) -> None:
    if not rows:
        return
    columns = {
        "prompt_id": [pair.prompt_id for pair, _ in rows],
        "left_id": [pair.left_id for pair, _ in rows],
        "right_id": [pair.right_id for pair, _ in rows],
        "judge": [done.judge] * len(rows),
        "verdict": [verdict for _, verdict in rows],
    }
    store.insert("verdicts", pa.table(columns))


def _log(run: Run, earlier: dict[str, float], done: Judged) -> None:
    """Costs add up over all starts of the run; what is wanting is that of this one."""
    meter, tally = done.meter, done.tally
    cost = {"calls": meter.calls, "tokens_in": meter.tokens_in, "tokens_out": meter.tokens_out}
    if meter.usd is not None:
        cost["usd"] = meter.usd
    run.log_metrics(
        {name: earlier.get(name, 0.0) + value for name, value in cost.items()}
        | {"verdicts": done.there + done.new, "pairs_left": done.left}
        | {"unparsed": tally.unparsed, "failed": tally.failed}
    )

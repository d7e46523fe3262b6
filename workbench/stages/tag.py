"""Tag: prompts of the store -> tags of what kind they are.

Tags are written every few seconds, and a start tags only prompts that have none yet, so that a
kill at any moment costs seconds and no call of an LLM is paid for twice.
"""

import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rich.console import Group
from rich.table import Table
from rich.text import Text

from workbench import terminal
from workbench.errors import MissingInput
from workbench.interrupts import put_off
from workbench.routing.category_tagger import CategoryTagger
from workbench.routing.cluster_tagger import ClusterTagger
from workbench.routing.file_tagger import FileTagger
from workbench.routing.llm_tagger import LLMTagger
from workbench.routing.tagger import Prompt, Tagger, Tags
from workbench.stages.tag_rows import (
    CHOSEN,
    counts_of,
    most_frequent,
    prompts_without,
    write_frequent,
    write_tags,
)
from workbench.stages.tagger_content import check_tagger, keep_tagger
from workbench.store.fingerprint import fingerprint
from workbench.store.pool import check_names
from workbench.store.store import Store
from workbench.tracking import Run, Tracker

# Imported so that the command line knows them by their names.
TAGGERS = (CategoryTagger, ClusterTagger, FileTagger, LLMTagger)

_WRITE_EVERY_S = 3.0
_SHOWN = 20  # most frequent tags


@dataclass
class Tagged:
    """What one start of the stage did, or would do, and the tags that are there now.

    Attributes:
        tagger: who tagged; its `meter` and `tally` tell what an LLM was asked.
        there: chosen prompts that had tags before.
        missing: those that had none.
        new: those that have them now.
        counts: chosen prompts with tags, different tags, and tags in all.
        frequent: the most frequent tags, with the number of prompts.
        dry_run: nothing was tagged.
    """

    tagger: Tagger
    there: int
    missing: int
    new: int = 0
    counts: tuple[int, int, int] = (0, 0, 0)
    frequent: tuple[tuple[str, int], ...] = ()
    dry_run: bool = False

    @property
    def left(self) -> int:
        """Prompts without a tag."""
        return self.missing - self.new

    def __rich__(self) -> Group:
        prompts, tags, places = self.counts
        rows: list[tuple[str, Any]] = [
            ("tagger", self.tagger.name),
            ("prompts tagged before", self.there),
            ("prompts tagged now", self.new),
            ("prompts without a tag", self.left),
            *self._rare(),
            ("different tags", tags),
            ("tags a prompt", places / prompts if prompts else None),
            *self.tagger.figures.items(),
            *self._cost(),
        ]
        title = "tag, dry run: nothing was tagged" if self.dry_run else "tag"
        parts: list[Table | Text] = [terminal.table(title, ("", "value"), rows)]
        if self.frequent:
            shares = [(tag, n, f"{100 * n / prompts:.1f} %") for tag, n in self.frequent]
            parts.append(terminal.table("most frequent", ("tag", "prompts", "of tagged"), shares))
        tally = self.tagger.tally
        if tally.limited:
            parts.append(Text("The limit of calls or USD is reached; the same command goes on."))
        parts += [Text(f"Not tagged: {reason}") for reason in tally.reasons]
        if tags:
            how = f"workbench train … --data.tagger '{self.tagger.name}'"
            parts.append(Text(f"Routers learn from these: {how}"))
        return Group(*parts)

    def _rare(self) -> list[tuple[str, Any]]:
        """Prompts all of whose tags are too rare."""
        if self.dry_run or self.tagger.name == self.tagger.source:
            return []
        return [("prompts with rare tags alone", self.there + self.new - self.counts[0])]

    def _cost(self) -> list[tuple[str, Any]]:
        meter, tally = self.tagger.meter, self.tagger.tally
        if meter is None:
            return []
        about = "about " if self.dry_run or meter.uncounted else ""
        rows: list[tuple[str, Any]] = [
            ("calls", meter.calls),
            (f"{about}prompt tokens", round(meter.tokens_in)),
            (f"{about}generated tokens", round(meter.tokens_out)),
        ]
        more = [
            (f"{about}USD", meter.usd),
            ("prompts whose replies held no tags", tally.unread),
            ("prompts whose call failed", tally.failed),
        ]
        return rows + [row for row in more if row[1]]


def tag(
    store: Path,
    tagger: Tagger,
    datasets: list[str] | None = None,
    splits: list[Literal["train", "validation", "test"]] | None = None,
    max_calls: int | None = None,
    max_usd: float | None = None,
    dry_run: bool = False,
) -> Tagged:
    """Gives prompts tags of what kind they are; continues after a kill.

    Args:
        store: DuckDB file.
        tagger: CategoryTagger, FileTagger, ClusterTagger, LLMTagger or one of your own, by
            class_path and init_args.
        datasets: names of datasets, all by default; clusters are made of their training prompts.
        splits: whose prompts are tagged, all by default.
        max_calls: of an LLM: ends before more calls than this are made in this start.
        max_usd: of an LLM: ends before this start costs more, calls under way counted as
            estimated.
        dry_run: writes and asks nothing; tells how many prompts are to be tagged, and the calls,
            tokens and cost of an LLM, estimated.

    Raises:
        UnknownName, MissingInput: no such dataset, or no prompt to tag.
        BadSource, BadRow: a file of tags that cannot be used.
        BadModel: an encoder that cannot be used.
        BadValue: limits of calls where no LLM is asked, or a limit of cost without prices.
        EndpointError: the endpoint cannot be reached, or refuses the key, the model or a setting.
        StoreConflict: the tags under the tagger's name are another one's.
    """
    opened = Store(store)
    check_names(opened, "dataset", datasets)
    chosen: dict[str, Any] = {"datasets": datasets, "splits": splits}
    data = fingerprint(opened, CHOSEN, chosen)
    if data.endswith("-0"):
        told = ", ".join(f"{name}={value or 'all'}" for name, value in chosen.items())
        raise MissingInput(f"no prompt of {told}: see `workbench info`")
    if max_calls is not None or max_usd is not None:
        tagger.limit(max_calls, max_usd)
    tagger.prepare(opened, datasets)
    check_tagger(opened, tagger)
    missing = prompts_without(opened, tagger.source, chosen)
    done = Tagged(tagger, int(data.rpartition("-")[2]) - len(missing), len(missing))
    if dry_run:
        done.dry_run = True
        for prompt in missing:
            tagger.estimate(prompt)
    else:
        with tagger.connected() if missing else nullcontext():  # before a run begins
            _run(opened, chosen, data, done, missing)
    done.counts = counts_of(opened, tagger.name, chosen)
    done.frequent = tuple(most_frequent(opened, tagger.name, chosen, _SHOWN))
    return done


def _run(
    store: Store, chosen: dict[str, Any], data: str, done: Tagged, missing: list[Prompt]
) -> None:
    tagger = done.tagger
    names = {"tagger": tagger.name, "source": tagger.source, "content": tagger.content()}
    with Tracker(store.path).run("tag", names | chosen, data) as run:
        if not (run.resumed or run.finished):
            run.log_params({"class": type(tagger).__name__, "options": tagger.told()})
        keep_tagger(store, tagger)
        if missing:
            # Called first of all: what it shows while it works stands in no other progress bar.
            _keep(store, tagger.tags(missing), done, run)
        if tagger.name != tagger.source:
            write_frequent(store, tagger)
        prompts, tags, places = counts_of(store, tagger.name, chosen)
        figures = {"prompts_tagged": prompts, "different_tags": tags, "tags": places}
        run.log_metrics(tagger.figures | figures)


def _keep(
    store: Store, found: Iterator[tuple[Prompt, Tags] | None], done: Tagged, run: Run
) -> None:
    """Writes tags as they come, and what they cost, whatever ends the tagging."""
    earlier = run.client.get_run(run.id).data.metrics
    rows, since = list[tuple[Prompt, Tags]](), time.monotonic()
    title = f"tag by {done.tagger.source}"
    with put_off() as ctrl_c, terminal.progress(title, done.missing, "prompts") as advance:
        try:
            for one in found:
                if one is not None:
                    rows.append(one)
                    done.new += bool(one[1])
                    advance()
                if rows and time.monotonic() - since > _WRITE_EVERY_S:
                    write_tags(store, done.tagger.source, rows)
                    _log(run, earlier, done)
                    rows, since = [], time.monotonic()
                ctrl_c.check()
        finally:
            write_tags(store, done.tagger.source, rows)
            _log(run, earlier, done)


def _log(run: Run, earlier: dict[str, float], done: Tagged) -> None:
    """Costs add up over all starts of the run; what is wanting is that of this one."""
    meter, tally = done.tagger.meter, done.tagger.tally
    figures = {"prompts_left": float(done.left)}
    if meter is not None:
        cost = {"calls": meter.calls, "tokens_in": meter.tokens_in, "tokens_out": meter.tokens_out}
        cost |= {} if meter.usd is None else {"usd": meter.usd}
        figures |= {name: earlier.get(name, 0.0) + value for name, value in cost.items()}
        figures |= {"unread": tally.unread, "failed": tally.failed}
    run.log_metrics(figures)

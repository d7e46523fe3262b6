"""Compare: candidates of the store -> raw logits of their pairs, by one ranker.

The encoder runs once a pair, here; everything that follows works on the stored logits. Pairs
are written every half minute or so, and a start computes only pairs that are not there yet.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import torch
from rich.table import Table

from workbench import terminal
from workbench.aggregation import Schedule
from workbench.errors import MissingInput
from workbench.interrupts import put_off
from workbench.models.device import device_of
from workbench.ranking.mlm_scoring import MLMScoring
from workbench.ranking.ranker import Ranker
from workbench.ranking.reward_model import RewardModel
from workbench.stages.chosen_ranker import ChosenRanker, chosen_ranker
from workbench.stages.comparison_rows import write_logits
from workbench.stages.live_schedule import LiveSchedule
from workbench.stages.pace import paced
from workbench.stages.rankers import short
from workbench.store.fingerprint import fingerprint
from workbench.store.labels import set_label
from workbench.store.pool import check_names
from workbench.store.source_text import source_text
from workbench.store.store import Store
from workbench.tracking import Tracker

# Imported so that the command line knows them by their names.
MODELS = (RewardModel, MLMScoring)

_CHOSEN = """
    from candidates c join prompts p using (prompt_id)
    where ($datasets is null or list_contains($datasets, p.dataset))
      and list_contains($splits, p.split) and c.text is not null
"""
# In the order mode `random` a fair coin, fixed by seed and ids, shows one of the two orders.
_PAIRS = """
    select l.prompt_id, l.candidate_id as left_id, r.candidate_id as right_id,
           l.text as left_text, r.text as right_text
    from chosen l join chosen r
      on l.prompt_id = r.prompt_id and l.candidate_id <> r.candidate_id
    where $order = 'both'
       or (md5_number($seed || least(l.candidate_id, r.candidate_id)
                            || greatest(l.candidate_id, r.candidate_id)) % 2 = 0)
          = (l.candidate_id < r.candidate_id)
"""
_ALL = f"with chosen as (select c.* {_CHOSEN}) select count(*) n from ({_PAIRS})"  # noqa: S608
_NOT_DONE = f"""
    select * from ({_PAIRS}) pairs
    where not exists (
        select 1 from comparisons done
        where done.ranker = $ranker and done.prompt_id = pairs.prompt_id
          and done.left_id = pairs.left_id and done.right_id = pairs.right_id)
"""  # noqa: S608
_WAITING = f"""
    with chosen as (select c.* {_CHOSEN})
    select prompt_id, count(*) n from ({_NOT_DONE}) group by prompt_id order by prompt_id
"""  # noqa: S608
_CHUNK = f"""
    with chosen as (
        select c.* from candidates c semi join wanted using (prompt_id) where c.text is not null
    )
    select m.*, p.instruction, p.input from ({_NOT_DONE}) m join prompts p using (prompt_id)
"""  # noqa: S608


@dataclass
class Compared:
    """What one start of the stage did."""

    ranker: str
    new: int
    there: int
    seconds: float

    def __rich__(self) -> Table:
        rows = [
            ("ranker", self.ranker),
            ("new comparisons", self.new),
            ("there before", self.there),
            ("comparisons per second", self.new / self.seconds if self.new else None),
        ]
        return terminal.table("compare", ("", "value"), rows)


def compare(
    store: Path,
    ranker: str | None = None,
    model: Ranker | None = None,
    datasets: list[str] | None = None,
    splits: list[Literal["train", "validation", "test"]] | None = None,
    order: Literal["both", "random"] = "both",
    schedule: str = "all",
    seed: int = 0,
    tokens_per_batch: int = 16_384,
    precision: Literal["float32", "bfloat16"] = "float32",
    device: str = "auto",
) -> Compared:
    """Writes the raw logits of pairs of candidates of each prompt; continues after a kill.

    Args:
        store: DuckDB file.
        ranker: run id of a training, or its beginning; the only one by default. Or a checkpoint:
            a directory, or a hub id such as llm-blender/PairRM.
        model: in place of a ranker: one that needs no training, such as a reward model, by
            class_path and init_args.
        datasets: names of datasets, all by default.
        splits: validation and test by default.
        order: 'both' orders of each pair, or one at 'random' for half the cost.
        schedule: which pairs are compared: all, or fewer, such as bubble, knockout, quick_sort,
            merge_sort, swiss(rounds=4) or top_k(k=3); `aggregate` with the same schedule reads
            them.
        seed: of the random orders.
        tokens_per_batch: budget of a batch in tokens, padding counted.
        precision: of the encoder's arithmetic.
        device: cpu, cuda, cuda:1, mps …; auto takes an accelerator where there is one.

    Raises:
        UnknownName, MissingInput: no such ranker, dataset or schedule, or no pair to compare.
        BadValue: a device that this machine does not have, or a schedule that cannot be played.
        BadModel: a checkpoint that cannot be loaded, or a model that has to be trained.
    """
    opened = Store(store)
    check_names(opened, "dataset", datasets)
    played = Schedule.parse(schedule)
    place = device_of(device)
    tracker = Tracker(opened.path)
    chosen: dict[str, object] = {
        "datasets": datasets,
        "splits": list(splits or ("validation", "test")),
    }
    pairs = chosen | {"order": order, "seed": str(seed)}
    if not opened.query(_ALL, pairs)["n"][0].as_py():
        raise MissingInput(f"no pair of candidates with texts in {chosen}: see `workbench info`")
    found = chosen_ranker(tracker, ranker, model)
    config = pairs | {"ranker": found.id, "precision": precision}
    if played != Schedule():
        config["schedule"] = str(played)
    data = fingerprint(opened, f"select c.candidate_id {_CHOSEN}", chosen)
    with tracker.run("compare", config, data) as run:
        set_label(opened, found.id, found.label)
        start = time.monotonic()
        options = {"tokens_per_batch": tokens_per_batch, "precision": precision}
        if played == Schedule():
            new, there = _all_pairs(opened, found, pairs, place, options)
        else:
            live = LiveSchedule(opened, found, played, order, seed, place, options)
            new, there = live.play(chosen)
        seconds = time.monotonic() - start
        if new:
            run.log_metrics({"comparisons": new + there, "pairs_per_second": new / seconds})
    return Compared(found.id, new, there, seconds)


def _all_pairs(
    store: Store,
    ranker: ChosenRanker,
    pairs: dict[str, object],
    place: torch.device,
    options: dict[str, Any],
) -> tuple[int, int]:
    """Compares every pair that is not there yet; how many are new, and were there before."""
    wanted = pairs | {"ranker": ranker.id}
    waiting = _waiting(store, wanted)
    total = sum(waiting.values())
    there = int(store.query(_ALL, pairs)["n"][0].as_py()) - total
    if not total:
        return 0, there
    model = ranker.load().to(place)
    title = f"compare with {ranker.label} {short(ranker.id)}"
    with terminal.progress(title, total, "pairs") as advance, put_off() as ctrl_c:

        def after_batch(size: int) -> None:
            advance(size)
            ctrl_c.check()

        for prompts in paced(waiting):
            rows = _chunk(store, wanted, prompts)
            ids = rows.select(["prompt_id", "left_id", "right_id"]).to_pydict()
            write_logits(store, ranker.id, ids, _logits(model, rows, after_batch, options))
    return total, there


def _waiting(store: Store, wanted: dict[str, object]) -> dict[str, int]:
    """Prompts with pairs to compare, and how many."""
    rows = store.query(_WAITING, wanted)
    return dict(zip(rows["prompt_id"].to_pylist(), rows["n"].to_pylist(), strict=True))


def _chunk(store: Store, wanted: dict[str, object], prompts: list[str]) -> pa.Table:
    """The missing pairs of some prompts, with their texts."""
    used = {name: wanted[name] for name in ("ranker", "order", "seed")}
    with store.reading() as db:
        db.register("wanted", pa.table({"prompt_id": pa.array(prompts, pa.string())}))
        return db.sql(_CHUNK, params=used).to_arrow_table()


def _logits(
    model: Ranker, rows: pa.Table, advance: Callable[[int], None], options: dict[str, Any]
) -> np.ndarray:
    prompts = [
        source_text(instruction, input)
        for instruction, input in zip(
            rows["instruction"].to_pylist(), rows["input"].to_pylist(), strict=True
        )
    ]
    return model.compare(
        prompts,
        rows["left_text"].to_pylist(),
        rows["right_text"].to_pylist(),
        progress=advance,
        **options,
    )

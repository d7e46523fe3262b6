"""Fuse: the best candidates of each prompt -> one answer, written by a fuser.

Answers are written every half minute or so, and a start makes only those that are not there yet.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import torch
from rich.table import Table

from workbench import terminal
from workbench.fusion.able import check_able
from workbench.fusion.decoding import Decoding
from workbench.interrupts import put_off
from workbench.models.device import device_of
from workbench.models.inferring import check_inference
from workbench.stages.checkpoints import configuration_id
from workbench.stages.chosen_fuser import ChosenFuser, chosen_fuser
from workbench.stages.chosen_ranking import RANDOM, RANDOM_ID, chosen_ranking
from workbench.stages.fused_rows import Recipe, missing
from workbench.stages.missing_fusions import Shown, fuse_missing
from workbench.stages.rankers import short, short_scheme
from workbench.stages.shown_candidates import Order, Selection, shown_candidates
from workbench.store.labels import set_label
from workbench.store.pool import check_names
from workbench.store.store import Store
from workbench.tracking import Tracker

# `tokens_per_second` are tokens written; of fusions that were not timed it is not known.
_FIGURES = """
    select count(*)::double as fusions,
           sum(tokens_in)::double as tokens_in,
           sum(tokens_out)::double as tokens_out,
           avg(tokens_out) as mean_tokens_out,
           avg(length(text)) as mean_characters,
           sum(tokens_out) / nullif(sum(latency_s), 0) as tokens_per_second
    from fusions semi join wanted using (fusion_id)
"""


@dataclass
class Fused:
    """What one start has fused.

    Attributes:
        fuser: its id in the store.
        recipe: how the fusions were made.
        new, there: fusions made now, and those that were there before.
        seconds: that it took.
        figures: of all of them, see `fuse`.
    """

    fuser: str
    recipe: Recipe
    new: int
    there: int
    seconds: float
    figures: dict[str, float]

    def __rich__(self) -> Table:
        made = self.recipe
        chance = made.ranker == RANDOM_ID
        ranked = made.scheme if chance else f"{short(made.ranker)}, {short_scheme(made.scheme)}"
        title = f"fuse with {short(self.fuser)}: top {made.top_k} of {ranked}"
        counts = [("new", self.new), ("there before", self.there), ("seconds", self.seconds)]
        figures = [(name.replace("_", " "), value) for name, value in self.figures.items()]
        return terminal.table(title, ("fusions", "value"), [*counts, *figures])


def fuse(
    store: Path,
    fuser: str | None = None,
    ranker: str | None = None,
    scheme: str = "max_logits",
    top_k: int = 3,
    order: Order = "rank",
    decoding: Decoding | str | None = None,
    datasets: list[str] | None = None,
    splits: list[Literal["train", "validation", "test"]] | None = None,
    seed: int = 0,
    tokens_per_batch: int = 16384,
    precision: Literal["float32", "bfloat16"] = "float32",
    device: str = "auto",
) -> Fused:
    """Has a fuser write one answer from the best candidates of each prompt; goes on after a kill.

    A prompt with fewer candidates than `top_k` is fused from those that it has. Where rankings
    have changed since, so that other candidates are shown, the fusion is made anew, and its
    qualities and verdicts are removed with the old text.

    Args:
        store: DuckDB file.
        fuser: run id of a training of a fuser, or its beginning; the only one by default. Or a
            directory, or a hub id such as llm-blender/gen_fuser_3b.
        ranker: run id of a ranker with rankings, or its beginning; the only one by default.
            'random' takes candidates by chance, to compare with.
        scheme: which of its rankings, such as max_logits or bradley_terry(prior=0.1), as
            `aggregate` reads it; without effect on random ones.
        top_k: how many candidates of a prompt are fused, its best by rank.
        order: how they are shown: best first by 'rank', 'reversed', or 'shuffled'.
        decoding: how an answer is searched for, as a text such as 'beam(beams=4)',
            'greedy(copy_ngram=3)' or 'sample(temperature=0.7, top_p=0.9)', or option by option;
            as the fuser was trained to write by default.
        datasets: names of datasets, all by default.
        splits: validation and test by default.
        seed: of random rankings and shuffled orders, in which each prompt has its own.
        tokens_per_batch: budget of a batch in tokens, padding and beams counted.
        precision: of the fuser's arithmetic.
        device: cpu, cuda, cuda:1, mps …; auto takes an accelerator where there is one.

    Raises:
        UnknownName, MissingInput: no such fuser, ranker, scheme or dataset, or no prompt ranked.
        BadValue: a device that this machine does not have, or an option that cannot be used.
        BadModel: a fuser that cannot be loaded.
    """
    asked = Decoding.parse(decoding) if isinstance(decoding, str) else decoding
    opened = Store(store)
    check_names(opened, "dataset", datasets)
    check_inference((0,), tokens_per_batch, precision)
    place = device_of(device)
    ranking = chosen_ranking(opened, ranker, scheme, seed)
    chosen = Selection(ranking, top_k, order, seed, datasets, splits or ["validation", "test"])
    tracker = Tracker(opened.path)
    found = chosen_fuser(tracker, fuser)
    shown = shown_candidates(opened, chosen)
    if "train" in chosen.splits:
        terminal.say(
            "split train is fused too: a fuser knows the references that it was trained on"
        )
    written = asked or found.load().decoding
    recipe = Recipe(
        found.id, ranking.ranker, ranking.scheme, top_k, chosen.candidate_order, str(written)
    )
    waiting = missing(opened, recipe, shown)
    if waiting:  # what is wrong with the fuser is told before the run begins
        check_able(found.load(), max(map(len, waiting.values())), written)
    told = {"datasets": datasets, "splits": list(chosen.splits), "precision": precision}
    with tracker.run("fuse", vars(recipe) | told, _seen(shown)) as run:
        set_label(opened, found.id, found.label)
        if ranking.ranker == RANDOM_ID:
            set_label(opened, RANDOM_ID, RANDOM.capitalize())
        start = time.monotonic()
        options = {"tokens_per_batch": tokens_per_batch, "precision": precision}
        if waiting:
            _fuse_missing(opened, found, recipe, waiting, place, options)
        seconds = time.monotonic() - start
        figures = _figures(opened, recipe, shown)
        run.log_metrics(figures)
    return Fused(found.id, recipe, len(waiting), len(shown) - len(waiting), seconds, figures)


def _seen(shown: Shown) -> str:
    """Fingerprint of what is read: ids stand for texts."""
    return f"{configuration_id({'shown': shown})[:16]}-{len(shown)}"


def _fuse_missing(
    store: Store,
    fuser: ChosenFuser,
    recipe: Recipe,
    waiting: Shown,
    place: torch.device,
    options: dict[str, Any],
) -> None:
    """Makes the fusions of some prompts, and tells how far it is."""
    model = fuser.load().to(place)
    title = f"fuse with {fuser.label} {short(fuser.id)}"
    with terminal.progress(title, len(waiting), "prompts") as advance, put_off() as ctrl_c:
        fuse_missing(store, model, recipe, waiting, options, advance, ctrl_c)


def _figures(store: Store, recipe: Recipe, shown: Shown) -> dict[str, float]:
    """Of all fusions that are made so, of the prompts that are wanted."""
    with store.reading() as db:
        ids = [recipe.id_of(prompt) for prompt in shown]
        db.register("wanted", pa.table({"fusion_id": pa.array(ids, pa.string())}))
        [row] = db.sql(_FIGURES).to_arrow_table().to_pylist()
    return {name: value for name, value in row.items() if value is not None}

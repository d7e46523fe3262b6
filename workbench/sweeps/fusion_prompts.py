"""The prompts on which fusions are tried."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from workbench import terminal
from workbench.aggregation.seeds import prompt_keys, random_bits
from workbench.errors import BadValue, MissingInput
from workbench.quality import MEASURES
from workbench.stages.checkpoints import configuration_id
from workbench.stages.chosen_ranking import ChosenRanking
from workbench.stages.missing_fusions import Shown
from workbench.stages.shown_candidates import Selection, shown_candidates
from workbench.store.pool import names_of
from workbench.store.store import Store

_REFERRED = """
    select prompt_id from prompts where split = $split and reference is not null
"""
_REFERENCES = """
    select prompt_id, reference from prompts semi join wanted using (prompt_id) order by prompt_id
"""


def ranked_prompts(
    store: Store,
    rankings: Mapping[str, ChosenRanking],
    top_k: int,
    datasets: Sequence[str] | None,
    split: str,
    limit: int | None,
    seed: int,
) -> dict[str, Shown]:
    """By scheme, the best candidates of each prompt that all schemes rank and that has a reference.

    Args:
        store: where they are.
        rankings: by scheme.
        top_k: how many candidates, best first.
        datasets, split: of the prompts.
        limit: at most so many prompts, drawn by a hash of seed and prompt: a larger limit adds
            to those of a smaller one. None: all.
        seed: of the draw.

    Raises:
        MissingInput: there is no such prompt.
    """
    ranked = {
        scheme: shown_candidates(store, Selection(ranking, top_k, "rank", seed, datasets, [split]))
        for scheme, ranking in rankings.items()
    }
    common = set.intersection(*map(set, ranked.values()))
    referred = store.query(_REFERRED, {"split": split})["prompt_id"].to_pylist()
    usable = sorted(common.intersection(referred))
    if not usable:
        raise MissingInput(
            f"no prompt of split '{split}' that {', '.join(rankings)} ranks has a reference to "
            "measure fusions against"
        )
    if lacking := len(set.union(*map(set, ranked.values()))) - len(usable):
        terminal.say(
            f"{lacking} ranked prompts of split '{split}' are left out: they have no reference, or "
            "not all schemes rank them"
        )
    kept = sorted(drawn(usable, limit, seed))
    return {scheme: {p: shown[p] for p in kept} for scheme, shown in ranked.items()}


def drawn(prompts: Sequence[str], limit: int | None, seed: int) -> list[str]:
    """So many of the prompts, by chance; each has its place in the draw, whichever others are."""
    order = np.argsort(random_bits(seed, prompt_keys(prompts)), kind="stable")
    return [prompts[place] for place in order[:limit]]


def seen(store: Store, ranked: Mapping[str, Shown]) -> str:
    """Fingerprint of what trials depend on: ids stand for the texts of prompts and candidates."""
    prompts = list(next(iter(ranked.values())))
    with store.reading() as db:
        db.register("wanted", pa.table({"prompt_id": pa.array(prompts, pa.string())}))
        references = db.sql(_REFERENCES).fetchall()
    told = {"ranked": dict(ranked), "references": references}
    return f"{configuration_id(told)[:16]}-{len(prompts)}"


def lexical_measure(store: Store, measure: str | None) -> str:
    """The measure of that name; None: the only one of words and characters in the store.

    Raises:
        UnknownName: there is no such measure of words and characters.
        BadValue: None, and the store does not hold just one.
    """
    if measure is not None:
        MEASURES[measure]  # raises for a name that there is not
        return measure
    known = [name for name in names_of(store, "measure") if name in MEASURES]
    if len(known) != 1:
        raise BadValue("measure", measure, f"one of {', '.join(known or MEASURES)}")
    return known[0]

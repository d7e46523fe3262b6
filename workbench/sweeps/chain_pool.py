"""Routes, logits, qualities and costs of one split as arrays: all that chains are made of.

Columns are LLMs, so that what a router says of an LLM, what it costs and what its answer is worth
stand in one place.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from workbench import terminal
from workbench.aggregation import prompt_keys
from workbench.aggregation.seeds import random_bits
from workbench.errors import BadValue, MissingInput
from workbench.evaluation.baselines import best_single, single_scores
from workbench.routing.policies import mean_costs
from workbench.stages.rankers import short
from workbench.store.costs import load_costs
from workbench.store.pool import Pool, load_logits, load_pool, load_quality
from workbench.store.store import Store
from workbench.sweeps.chain_names import ALL, best_single_router, random_router
from workbench.sweeps.fusion_prompts import drawn
from workbench.sweeps.objective import comparable

_ROUTES = """
    select w.q, r.llm, r.utility from routes r join wanted w using (prompt_id) where r.router = ?
"""


@dataclass(frozen=True)
class ChainParts:
    """What chains are made of.

    Attributes:
        measure: of quality.
        unit: of cost.
        routers: ids of those with routes.
        ranker: id; None: nothing is compared.
        seed: of random LLMs, and of a draw of prompts.
        referred: only prompts with a reference, which fusions are measured against.
        limit: at most so many prompts, drawn by the seed; None: all.
    """

    measure: str
    unit: str
    routers: list[str]
    ranker: str | None
    seed: int
    referred: bool = False
    limit: int | None = None


@dataclass(frozen=True)
class ChainPool:
    """Prompts of one split of which all is known that any of the chains needs.

    Attributes:
        pool: the first answer of each LLM; column l of all arrays is `pool.llms[l]`.
        quality, costs: [Q, L], finite within `pool.mask`.
        utilities: router -> [Q, L], −inf for an LLM that it cannot ask.
        logits: [Q, L, L], or None.
        both: each pair was compared in both orders.
        keys: [Q] of the prompts in random choices.
        usual: [L] mean cost of each LLM on the split of the trials: what is known of a call
            before it is made.
        worth: [L] mean quality of each LLM there, NaN for too few prompts: BestSingle's order.
    """

    pool: Pool
    quality: np.ndarray
    costs: np.ndarray
    utilities: dict[str, np.ndarray]
    logits: np.ndarray | None
    both: bool
    keys: np.ndarray
    usual: np.ndarray
    worth: np.ndarray

    def fingerprint(self) -> str:
        """A hash of all that trials depend on."""
        arrays = [self.quality, self.costs, *self.utilities.values(), self.usual, self.worth]
        told = [self.pool.llms, self.pool.prompt_ids, self.pool.candidate_ids.tolist()]
        found = hashlib.blake2b(repr(told).encode("utf-8", "surrogatepass"), digest_size=8)
        for array in [*arrays, *([] if self.logits is None else [self.logits])]:
            found.update(np.ascontiguousarray(array).tobytes())
        return f"{found.hexdigest()}-{len(self.keys)}"


def load_chain_pool(
    store: Store,
    parts: ChainParts,
    datasets: Sequence[str] | None,
    split: str,
    llms: Sequence[str] | None,
    tuned: ChainPool | None = None,
) -> ChainPool:
    """The prompts of a split that all parts know; those that they do not are told.

    Args:
        store: where they are.
        parts: that have to know them.
        datasets: names, None for all.
        split: of the prompts.
        llms: to ask, None for all that answer.
        tuned: the split of the trials, whose LLMs, means and BestSingle are kept; None: it is this.

    Raises:
        MissingInput: no prompt is left, or an LLM has no cost at all.
        BadValue: fewer than two LLMs.
    """
    names = tuned.pool.llms if tuned else llms
    found = load_pool(store, datasets, split, names, with_text=parts.ranker is not None)
    pool = aligned(found, tuned.pool.llms if tuned else found.llms)
    if len(pool.llms) < 2:
        raise BadValue("llms", pool.llms, "at least two, else there is nothing to choose")
    if more := int(found.mask.sum() - pool.mask.sum()):
        terminal.say(f"{more} further answers of LLMs that have answered already are left out")
    quality = load_quality(store, pool, parts.measure)
    pool = replace(pool, mask=pool.mask & np.isfinite(quality))
    costs = load_costs(store, pool, parts.unit)
    if tuned is None:
        _check_costs(pool, costs, parts.unit)
    routes = {router: _utilities(store, pool, router) for router in parts.routers}
    kept, logits, both = _known(store, parts, pool, costs, routes, split)
    pool, quality, costs = pool.subset(kept), quality[kept], costs[kept]
    means, _ = best_single(quality, pool.llm, pool.mask, len(pool.llms))
    worth = tuned.worth if tuned else means
    keys = prompt_keys(pool.prompt_ids)
    chance = random_bits(parts.seed, keys[:, None], np.arange(len(pool.llms))[None, :])
    utilities = {router: found[kept] for router, found in routes.items()} | {
        best_single_router(parts.measure): single_scores(worth, pool.llm, pool.mask),
        random_router(parts.seed): np.where(pool.mask, chance / 2.0**64, -np.inf),
        ALL: np.where(pool.mask, 0.0, -np.inf),
    }
    usual = tuned.usual if tuned else mean_costs(np.where(pool.mask, costs, np.nan))
    own = None if logits is None else logits[kept]
    return ChainPool(pool, quality, costs, utilities, own, both, keys, usual, worth)


def aligned(pool: Pool, llms: Sequence[str]) -> Pool:
    """The first answer of each of these LLMs, one column each; others are left out."""
    q, n = np.nonzero(pool.mask)
    place = np.array([llms.index(name) if name in llms else -1 for name in pool.llms])
    column = place[pool.llm[q, n]]
    # Assigned backwards, so that of several answers of one LLM the first one stays.
    q, n, column = (part[column >= 0][::-1] for part in (q, n, column))
    shape = (len(pool.prompt_ids), len(llms))
    mask, ids = np.zeros(shape, bool), np.full(shape, None, object)
    length = np.zeros(shape, np.int64)
    mask[q, column], ids[q, column] = True, pool.candidate_ids[q, n]
    length[q, column] = pool.length[q, n]
    llm = np.where(mask, np.arange(len(llms), dtype=np.int32), np.int32(-1))
    return replace(pool, candidate_ids=ids, mask=mask, llm=llm, llms=list(llms), length=length)


def _known(
    store: Store,
    parts: ChainParts,
    pool: Pool,
    costs: np.ndarray,
    routes: dict[str, np.ndarray],
    split: str,
) -> tuple[np.ndarray, np.ndarray | None, bool]:
    """Rows of the prompts that all parts know, all logits, and whether of both orders."""
    wanted = np.asarray(pool.mask.any(axis=1))
    reasons = {f"a cost in {parts.unit} is not known": (pool.mask & np.isnan(costs)).any(axis=1)}
    for router, utilities in routes.items():
        lacking = ~np.isfinite(utilities).any(axis=1)
        reasons[f"router {short(router)} has no route"] = lacking
    logits, both = None, False
    if parts.ranker is not None:
        logits = load_logits(store, pool, parts.ranker)
        usable, both = comparable(logits, pool.mask, wanted)
        reasons[f"{short(parts.ranker)} has not compared all pairs"] = ~usable
    if parts.referred:
        reasons["there is no reference"] = ~_referred(store, pool)
    kept = wanted & ~np.logical_or.reduce(list(reasons.values()))
    told = [f"{why}: {int((wanted & r).sum())}" for why, r in reasons.items() if (wanted & r).any()]
    if told and kept.any():
        terminal.say(
            f"split {split}: {int(kept.sum())} of {int(wanted.sum())} prompts measured by "
            f"{parts.measure} are used; of the others, {'; '.join(told)}"
        )
    if not kept.any():
        raise MissingInput(
            f"split '{split}' has no prompt of which all parts of a chain know all; of "
            f"{int(wanted.sum())} measured by {parts.measure}, {'; '.join(told) or 'none'}"
        )
    ids = [pool.prompt_ids[row] for row in np.flatnonzero(kept)]
    chosen = set(drawn(ids, parts.limit, parts.seed))
    rows = np.flatnonzero([kept[i] and id in chosen for i, id in enumerate(pool.prompt_ids)])
    return rows, logits, both


def _check_costs(pool: Pool, costs: np.ndarray, unit: str) -> None:
    """Raises MissingInput for LLMs none of whose answers has a known cost."""
    lacking = pool.mask.any(axis=0) & ~(pool.mask & np.isfinite(costs)).any(axis=0)
    if names := [pool.llms[place] for place in np.flatnonzero(lacking)]:
        raise MissingInput(
            f"no cost in {unit} is known of {', '.join(names)}: tell it with `workbench price`, "
            "count --cost calls, or name the other LLMs with --llms"
        )


def _utilities(store: Store, pool: Pool, router: str) -> np.ndarray:
    """[Q, L] utilities of a router, −inf where it gives none or there is no answer."""
    ids = pa.array(pool.prompt_ids, pa.string())
    with store.reading() as db:
        db.register("wanted", pa.table({"prompt_id": ids, "q": np.arange(len(ids))}))
        rows = db.sql(_ROUTES, params=[router]).to_arrow_table()
    place = {name: column for column, name in enumerate(pool.llms)}
    columns = np.array([place.get(name, -1) for name in rows["llm"].to_pylist()], np.int64)
    there = columns >= 0
    found = np.full(pool.mask.shape, -np.inf)
    found[rows["q"].to_numpy()[there], columns[there]] = rows["utility"].to_numpy()[there]
    return np.where(pool.mask, found, -np.inf)


def _referred(store: Store, pool: Pool) -> np.ndarray:
    rows = store.query("select prompt_id from prompts where reference is not null")
    return np.isin(pool.prompt_ids, rows["prompt_id"].to_pylist())

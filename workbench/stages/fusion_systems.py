"""The fusions of each system as arrays beside a pool: qualities, what was shown, what it cost."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from workbench.aggregation import Scheme, prompt_keys
from workbench.evaluation.baselines import random_scores
from workbench.evaluation.fusion_report import Fused
from workbench.stages.chosen_fusions import COLUMNS, NAMED_FUSIONS, systems_table
from workbench.stages.fusion_names import FusionSystem
from workbench.store.pool import Pool, load_logits, names_of
from workbench.store.store import Store

RANDOM_K, TOP_1 = "random_k", "top_1"
"""What a fusion is compared with, beside picks: that of as many candidates taken at random, by
the mean over their seeds, and that of the ranker's pick alone; by the same fuser and decoding."""
_COSTS = ("tokens_in", "tokens_out", "latency_s", "characters")
Scores = Callable[[str, str], np.ndarray]
"""From a ranker and a scheme to scores [Q, N], NaN for a candidate that is not ranked."""


def load_fusions(
    store: Store, pool: Pool, measure: str, systems: Sequence[FusionSystem], scores: Scores
) -> dict[str, Fused]:
    """The fusions of each system by its name, by one measure.

    Costs, means over fusions: `tokens_in`, `tokens_out`, `latency_s`, `characters`,
    `characters_of_reference`, `candidates_shown`; `llm_calls`, how many candidates had to be
    there: all to choose by a ranking, else those shown; and `comparisons`, how many presentations
    of pairs the ranking's scheme asks for.

    Args:
        store: holds the fusions.
        pool: whose prompts and candidates count.
        measure: of quality.
        systems: which.
        scores: of the rankings that candidates were chosen by.
    """
    if not systems:
        return {}
    arrays, shown = _arrays(store, pool, measure, systems)
    reference = _reference_lengths(store, pool)
    rankings = {(system.ranker, system.scheme) for system in systems if not system.random}
    comparisons = {ranking: _comparisons(store, pool, *ranking) for ranking in rankings}
    found = dict[FusionSystem, Fused]()
    for place, system in enumerate(systems):
        there = np.where(np.isfinite(arrays["characters"][place]), 0.0, np.nan)
        k = shown[place].sum(axis=1)
        costs = {
            **{name: arrays[name][place] for name in _COSTS},
            "characters_of_reference": reference + there,
            "candidates_shown": k + there,
            "llm_calls": (k if system.random else pool.mask.sum(axis=1)) + there,
        }
        asked = comparisons.get((system.ranker, system.scheme))
        by_chance = random_scores(pool.mask) if system.random else None
        found[system] = Fused(
            quality=arrays["value"][place],
            shown=shown[place],
            scores=scores(system.ranker, system.scheme) if by_chance is None else by_chance,
            costs=costs if asked is None else costs | {"comparisons": asked + there},
        )
    return {s.name: replace(fused, others=_others(s, found)) for s, fused in found.items()}


def _arrays(
    store: Store, pool: Pool, measure: str, systems: Sequence[FusionSystem]
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """By column of the fusions [S, Q] float64, NaN where there is nothing, and [S, Q, N] bool:
    the candidates shown. S systems in their order."""
    with store.reading() as db:
        db.register("wanted", _prompts(pool))
        db.register("chosen", systems_table(systems))
        db.register("places", pool.places())
        db.execute(
            f"""
            create temp table fused as
            select s.system, w.q, f.candidate_ids, v.value, {", ".join(_COSTS)}
            from ({NAMED_FUSIONS}) f
            join chosen s using ({", ".join(COLUMNS)})
            join wanted w using (prompt_id)
            left join qualities v on v.candidate_id = f.fusion_id and v.measure = $measure
            """,  # noqa: S608
            {"measure": measure},
        )
        names = ("value", *_COSTS)
        rows = db.sql(f"select system, q, {', '.join(names)} from fused").to_arrow_table()  # noqa: S608
        seen = db.sql(
            "select f.system, l.q, l.n "
            "from (select system, unnest(candidate_ids) as candidate_id from fused) f "
            "join places l using (candidate_id)"
        ).fetchnumpy()
    place = rows["system"].to_numpy(), rows["q"].to_numpy()
    arrays = {name: np.full((len(systems), len(pool.mask)), np.nan) for name in names}
    for name, array in arrays.items():
        array[place] = rows[name].cast(pa.float64()).to_numpy()
    shown = np.zeros((len(systems), *pool.mask.shape), bool)
    shown[seen["system"], seen["q"], seen["n"]] = True
    return arrays, shown


def _prompts(pool: Pool) -> pa.Table:
    """`prompt_id, q`: which prompt stands where."""
    ids = pa.array(pool.prompt_ids, pa.string())
    return pa.table({"prompt_id": ids, "q": np.arange(len(ids), dtype=np.int32)})


def _reference_lengths(store: Store, pool: Pool) -> np.ndarray:
    """[Q] characters of the reference answers, NaN where there is none."""
    with store.reading() as db:
        db.register("wanted", _prompts(pool))
        rows = db.sql(
            "select q, length(reference) as n from prompts join wanted using (prompt_id) "
            "where reference is not null"
        ).fetchnumpy()
    length = np.full(len(pool.prompt_ids), np.nan)
    length[rows["q"]] = rows["n"]
    return length


def _comparisons(store: Store, pool: Pool, ranker: str, scheme: str) -> np.ndarray | None:
    """[Q] presentations that the ranking's scheme asks for, NaN where not all are in the store;
    None where the store holds none of the ranker's."""
    if ranker not in names_of(store, "ranker"):
        return None
    logits, keys = load_logits(store, pool, ranker), prompt_keys(pool.prompt_ids)
    played = Scheme.parse(scheme).play_stored(logits, pool.mask, keys)
    return np.where(played.complete, played.comparisons, np.nan)


def _others(system: FusionSystem, fused: Mapping[FusionSystem, Fused]) -> dict[str, np.ndarray]:
    """[Q] quality of the other fusions that one is compared with, where there are such."""
    if system.random:
        return {}
    same = [s for s in fused if (s.fuser, s.decoding) == (system.fuser, system.decoding)]
    found = dict[str, np.ndarray]()
    # Random candidates in another order are random candidates.
    drawn = [fused[s].quality for s in same if s.random and s.top_k == system.top_k]
    if drawn:
        found[RANDOM_K] = np.mean(drawn, axis=0)
    ranking = system.ranker, system.scheme
    alone = [s for s in same if s.top_k == 1 and (s.ranker, s.scheme) == ranking]
    if alone and system.top_k > 1:
        found[TOP_1] = fused[alone[0]].quality  # of one candidate, in whatever order
    return found

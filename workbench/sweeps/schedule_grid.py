"""A grid of schemes, schedules and orders on stored logits: what each keeps, at which cost."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from workbench.aggregation import ORDERS, Schedule, Scheme
from workbench.evaluation import Difference, Estimate, top_k_mean
from workbench.evaluation.bootstrap import Ratio, estimate, p_value, replicates
from workbench.evaluation.kept import kept_quality, top_recall
from workbench.evaluation.measured import measured
from workbench.sweeps.objective import Compared

TOP = 3


@dataclass(frozen=True)
class Kept:
    """A setting on one split, against the full ranking of the same logits.

    Attributes:
        scheme: canonical text, with the first of the seeds that the figures are means over.
        comparisons: a prompt.
        quality: of the pick.
        share: `kept_quality`; None where the full ranking is no better than a random pick.
        difference: quality of the pick minus the full ranking's, paired.
        same_pick: share of prompts with the pick of the full ranking.
        top_full: `top_recall` of the full ranking's top 3.
        top_measure: of the top 3 by the measure itself.
    """

    scheme: str
    comparisons: Estimate
    quality: Estimate
    share: Estimate | None
    difference: Difference
    same_pick: Estimate | None
    top_full: Estimate | None
    top_measure: Estimate | None


def grid(
    schemes: Iterable[str], schedules: Iterable[str], outcomes: Iterable[str], orders: Iterable[str]
) -> list[Scheme]:
    """Every scheme on every schedule, then the outcomes of schedules, in every order mode.

    Raises:
        UnknownName, BadValue: a name or parameter that there is not.
    """
    for order in orders:
        if order not in ORDERS:
            Scheme.of("max_logits", order=order)
    on_schedules = [
        replace(Scheme.parse(scheme), schedule=Schedule.parse(schedule))
        for scheme in schemes
        for schedule in schedules
    ]
    every = [*on_schedules, *(Scheme.parse(outcome) for outcome in outcomes)]
    return [replace(scheme, order=order) for order in orders for scheme in dict.fromkeys(every)]


def seeded(scheme: Scheme, seed: int) -> Scheme:
    """The same setting with another seed, of all in it that is drawn."""
    schedule = replace(scheme.schedule, params=_seeded(scheme.schedule.params, seed))
    params = _seeded(scheme.params, seed)
    return replace(scheme, params=params, order_seed=seed, schedule=schedule)


def kept_by_each(
    compared: Compared,
    schemes: Sequence[Scheme],
    full: Scheme,
    seeds: int = 8,
    resamples: int = 2000,
    seed: int = 0,
    advance: Callable[[int], object] = lambda settings: None,
) -> list[Kept]:
    """The figures of each setting, with 95 % bootstrap intervals over prompts.

    What is drawn at random (orders, permutations) is drawn with several seeds, and the figures of
    a prompt are their means: else a schedule would be judged by its luck.

    Args:
        compared: prompts whose pairs were all compared.
        schemes: the settings, as `grid` makes them.
        full: the ranking that is to be kept.
        seeds: how many, from 0 on.
        resamples, seed: of the bootstrap.
        advance: called with 1 after each setting.
    """
    mask, quality = compared.pool.mask, compared.quality
    reference = compared.ranked(full).scores
    best = top_k_mean(reference, quality, mask, 1)
    chance = top_k_mean(np.where(mask, 0.0, -np.inf), quality, mask, 1)
    ratios: dict[tuple[int, str], Ratio] = {}
    for place, scheme in enumerate(schemes):
        values = _means(compared, scheme, reference, seeds)
        ratios |= {(place, name): Ratio.mean(each) for name, each in values.items()}
        ratios[place, "share"] = kept_quality(values["quality"], best, chance)
        ratios[place, "difference"] = Ratio.mean(values["quality"] - best)
        advance(1)
    drawn = replicates(ratios, resamples, seed)
    rows = []
    for place, scheme in enumerate(schemes):
        found = {
            name: estimate(ratio, drawn[at, name])
            for (at, name), ratio in ratios.items()
            if at == place and np.isfinite(ratio.value)
        }
        difference = found["difference"]
        rows.append(
            Kept(
                str(seeded(scheme, 0)),
                found["comparisons"],
                found["quality"],
                found.get("share"),
                Difference(difference, p_value(drawn[place, "difference"], difference.n)),
                found.get("same_pick"),
                found.get("top_full"),
                found.get("top_measure"),
            )
        )
    return rows


def cheapest(
    rows: Sequence[Kept], share: float, figure: str = "share", surely: bool = False
) -> Kept | None:
    """Of the settings that keep at least this share, the one with the fewest comparisons.

    Of equal ones that with the better picks; None where none keeps so much.

    Args:
        rows: the settings.
        share: of the full ranking's gain over a random pick, of its picks or of its top 3.
        figure: 'share', 'same_pick' or 'top_full'.
        surely: the lower end of the 95 % interval is to be so high, not the estimate.
    """
    found = [(row, getattr(row, figure)) for row in rows]
    enough = [row for row, e in found if e is not None and (e.low if surely else e.value) >= share]
    return min(enough, key=lambda row: (row.comparisons.value, -row.quality.value), default=None)


def front(rows: Sequence[Kept]) -> list[Kept]:
    """The settings of which no other has better picks for as few comparisons, cheapest first."""
    found: list[Kept] = []
    for row in sorted(rows, key=lambda row: (row.comparisons.value, -row.quality.value)):
        if not found or row.quality.value > found[-1].quality.value:
            found.append(row)
    return found


def _means(
    compared: Compared, scheme: Scheme, reference: np.ndarray, seeds: int
) -> dict[str, np.ndarray]:
    """Figures [Q] of a setting, means over its seeds; one is enough where nothing is drawn."""
    mask, quality = compared.pool.mask, compared.quality
    pool = measured(quality, mask)
    every = list(dict.fromkeys(seeded(scheme, seed) for seed in range(seeds)))
    totals: dict[str, np.ndarray] = {}
    for one in every:
        ranked = compared.ranked(one)
        figures = {
            "comparisons": ranked.comparisons.astype(float),
            "quality": top_k_mean(ranked.scores, quality, mask, 1),
            "same_pick": top_recall(ranked.scores, reference, mask, 1),
            "top_full": top_recall(ranked.scores, reference, mask, TOP),
            "top_measure": top_recall(ranked.scores, quality, pool, TOP),
        }
        for name, values in figures.items():
            totals[name] = totals.get(name, 0.0) + values / len(every)
    return totals


def _seeded(params: Sequence[tuple[str, float]], seed: int) -> tuple[tuple[str, float], ...]:
    return tuple((name, seed if name == "seed" else value) for name, value in params)

"""From ratios by system and figure to estimates; a figure that is a difference gets its p-value."""

import math
from collections.abc import Callable, Iterable, Mapping

import numpy as np

from workbench.evaluation.bootstrap import Estimate, Ratio, estimate, p_value, replicates

DIFFERENCE = "vs_"
"""How the names of figures begin that are tested against 0; the p-value's name ends on `_p`."""

# Per-prompt numbers of the systems whose figures are resampled together: bounds the memory.
_TOGETHER_CELLS = 1 << 24


def mean_figures(values: np.ndarray, single: np.ndarray, oracle: np.ndarray) -> dict[str, Ratio]:
    """What the quality of one answer to each prompt tells, whoever gave it.

    Args:
        values: [Q] its quality, NaN where there is none.
        single: [Q] quality of BestSingle's answer.
        oracle: [Q] quality of the prompt's best candidate.
    """
    return {
        "quality": Ratio.mean(values),
        "gap_closed": Ratio(values - single, oracle - single),
        "vs_best_single": Ratio.mean(values - single),
    }


def pooled_ratio(numerator: np.ndarray, counts: np.ndarray) -> Ratio:
    """A ratio of counts; prompts without any do not count as prompts that it rests on."""
    return Ratio(np.where(counts > 0, numerator, np.nan), counts)


def estimates_by_system(
    systems: Iterable[str],
    ratios_of: Callable[[str], Mapping[str, Ratio]],
    cells: int,
    resamples: int,
    seed: int,
) -> dict[str, dict[str, Estimate]]:
    """`estimates` of many systems, of so many together as memory has room for.

    Args:
        systems: names.
        ratios_of: figure -> ratio of one of them.
        cells: per-prompt numbers that one system has, about.
        resamples: of the bootstrap.
        seed: of the bootstrap; the same seed pairs the samples of all systems.
    """
    names, together = list(systems), max(1, _TOGETHER_CELLS // max(cells, 1))
    found = dict[str, dict[str, Estimate]]()
    for start in range(0, len(names), together):
        ratios = {
            (name, figure): ratio
            for name in names[start : start + together]
            for figure, ratio in ratios_of(name).items()
        }
        found |= estimates(ratios, resamples, seed)
    return found


def estimates(
    ratios: Mapping[tuple[str, str], Ratio], resamples: int, seed: int
) -> dict[str, dict[str, Estimate]]:
    """System -> figure -> estimate, of ratios by system and figure; undefined ones are left out.

    All are drawn on the same samples of prompts; the estimate of a p-value is the p-value itself.
    """
    defined = {name: ratio for name, ratio in ratios.items() if math.isfinite(ratio.value)}
    drawn = replicates(defined, resamples, seed)
    found = dict[str, dict[str, Estimate]]()
    for (system, figure), ratio in defined.items():
        told = found.setdefault(system, {})
        told[figure] = estimate(ratio, drawn[system, figure])
        if figure.startswith(DIFFERENCE):
            n = told[figure].n
            p = p_value(drawn[system, figure], n)
            told[f"{figure}_p"] = Estimate(p, p, p, n)
    return found

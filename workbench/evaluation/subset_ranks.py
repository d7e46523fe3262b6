"""Systems over the subsets of a benchmark: mean task rank and %Uplift.

ZOOTER (arXiv 2311.08692), section 4: a mean over all prompts hides where a system fails, so
systems are ranked within each subset.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from workbench.errors import BadValue
from workbench.evaluation.bootstrap import RESAMPLES, Estimate, Ratio, replicates, with_interval
from workbench.evaluation.ordering import average_ranks


def evaluate_subsets(
    systems: Mapping[str, np.ndarray],
    subsets: Sequence[str],
    best_single: np.ndarray,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, dict[str, Estimate]]:
    """`mtr` and `uplift` of each system, with 95 % intervals over prompts.

    `mtr`: mean over subsets of the rank, by mean quality, among all systems given; 1 is best,
    ties share their mean rank. `uplift`: share of the subsets on which the mean quality exceeds
    BestSingle's; as much is not enough.

    A subset counts where every system is measured on a prompt of it that all others are measured
    on too: means are over the same prompts. In a sample that draws none of these it does not.

    Args:
        systems: name -> [Q] quality, NaN where there is none.
        subsets: name of the subset of each of the Q prompts; '' belongs to none.
        best_single: [Q] quality of BestSingle's answers; it is ranked only if it is a system too.
        resamples: of the bootstrap.
        seed: of the bootstrap.

    Returns:
        By system; empty where no subset counts.

    Raises:
        BadValue: lengths that differ.
    """
    columns = {**systems, "": best_single}  # the empty name is the one to exceed
    for name, values in columns.items():
        if values.shape != (len(subsets),):
            given = f"shape of the quality of '{name or 'BestSingle'}'"
            raise BadValue(given, values.shape, f"({len(subsets)},), as many as subsets")
    if "" in systems:
        raise BadValue("name of a system", "", "one that is not empty")
    whole = np.isfinite(np.stack(list(columns.values()))).all(axis=0)
    labels = np.array(subsets, dtype=object)
    names = sorted({name for name in labels[whole] if name})
    if not names:
        return {}
    ratios = {
        (system, subset): Ratio.mean(np.where(whole & (labels == subset), values, np.nan))
        for system, values in columns.items()
        for subset in names
    }
    drawn = replicates(ratios, resamples, seed)
    means = np.array([
        [np.append(ratios[system, subset].value, drawn[system, subset]) for subset in names]
        for system in columns
    ])  # fmt: skip
    return _told(means, list(systems), int((whole & (labels != "")).sum()))


def _told(means: np.ndarray, systems: Sequence[str], n: int) -> dict[str, dict[str, Estimate]]:
    """Estimates from means [systems + 1, subsets, 1 + resamples], BestSingle's last."""
    there = np.isfinite(means[0])
    ranks = np.stack([_ranks(means[:-1, subset]) for subset in range(means.shape[1])], axis=1)
    # Rounding in sums of other orders must not make two equal means unequal.
    above = means[:-1] > means[-1] + 1e-12 * np.maximum(np.abs(means[-1]), 1.0)
    count = there.sum(axis=0)
    size = np.where(count > 0, count, np.nan)
    figures = {
        "mtr": np.where(there, ranks, 0.0).sum(axis=1) / size,
        "uplift": (above & there).sum(axis=1) / size,
    }
    return {
        system: {
            name: with_interval(float(values[row, 0]), n, values[row, 1:])
            for name, values in figures.items()
        }
        for row, system in enumerate(systems)
    }


def _ranks(means: np.ndarray) -> np.ndarray:
    """[systems, samples] ranks of means [systems, samples]."""
    rounded = np.round(means.T, 12)
    return average_ranks(rounded, np.isfinite(rounded)).T

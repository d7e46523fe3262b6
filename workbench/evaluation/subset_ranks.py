"""Systems over the subsets of a benchmark: mean task rank and %Uplift.

ZOOTER (arXiv 2311.08692), section 4: a mean over all prompts hides where a system fails, so
systems are ranked within each subset.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from workbench.errors import BadValue
from workbench.evaluation.bootstrap import RESAMPLES, Estimate, Ratio, with_interval
from workbench.evaluation.ordering import average_ranks
from workbench.evaluation.resampling import blocks


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
    rows = [np.flatnonzero(whole & (labels == name)) for name in names]
    means = _means(np.stack(list(columns.values()), axis=1), rows, resamples, seed)
    return _told(means, list(systems), sum(map(len, rows)))


def _means(
    values: np.ndarray, subsets: Sequence[np.ndarray], resamples: int, seed: int
) -> np.ndarray:
    """[systems, subsets, 1 + resamples] means of values [Q, systems] over subsets, given by their
    prompts: of all of these, then of those in each sample; NaN where it draws none.

    What `replicates` gives, which would take a column of all prompts for each mean.
    """
    found = np.empty((values.shape[1], len(subsets), 1 + resamples))
    drawn_means = found[:, :, 1:]
    for place, prompts in enumerate(subsets):
        found[:, place, 0] = [Ratio.mean(column).value for column in values[prompts].T]
    for samples, counts in blocks(len(values), resamples, seed):
        for place, prompts in enumerate(subsets):
            own, centre = counts[:, prompts], found[:, place, 0]
            n = own.sum(axis=1)
            above = (own @ (values[prompts] - centre)).T / np.where(n > 0, n, np.nan)
            drawn_means[:, place, samples] = centre[:, None] + above
    return found


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

"""Agreement of systems with judges, and of judges with each other, with intervals over prompts."""

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from workbench.errors import BadValue
from workbench.evaluation.bootstrap import RESAMPLES, Estimate, Ratio, estimate, replicates
from workbench.evaluation.verdicts import (
    agreement,
    judge_groups,
    kappa,
    majority,
    majority_of_others,
    pooled,
)

VERDICT_FIGURES = {
    "agreement": "share of verdicts that are no tie with which a system agrees; half for 'equal'",
    "agreement_vs_longest": "that share minus the one of Longest, on the same pairs",
    "kappa": "Cohen's kappa of two judges: 1 is agreement throughout, 0 that of chance",
    "verdict_ties": "share of a judge's verdicts that are ties",
    "verdict_pairs": "number of a judge's verdicts",
}
"""Base names of the figures; the first three are written with a judge, `agreement[JUDGE]`, or with
judges together: `[majority of GROUP]`, or `[majority of others of GROUP]`, in which each judge of
the group is left out in turn and the verdicts of the rest are pooled."""

MAJORITY, OTHERS, EACH = "majority of ", "majority of others of ", "each of "


def evaluate_agreement(
    systems: Mapping[str, np.ndarray],
    longest: np.ndarray,
    votes: np.ndarray,
    judges: Sequence[str],
    q: np.ndarray,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, dict[str, Estimate]]:
    """Agreement of systems with each judge and with the majorities of each group of judges.

    The judges themselves can be compared with the majority of the others only, so that is told of
    systems too (`evaluate_judges` has the judges' own).

    Args:
        systems: name -> preference [P], > 0 for the left candidate; NaN where it has none.
        longest: [P] preference for the longer answer.
        votes: [P, J]: 1 left, −1 right, 0 tie, NaN not judged.
        judges: J names; see `judge_groups`.
        q: [P] prompt of each pair.
        resamples: of the bootstrap over the prompts that have a pair.
        seed: of the bootstrap.

    Returns:
        Estimates by system and figure, `agreement[…]` and `agreement_vs_longest[…]`; a figure
        that no pair defines is not there.

    Raises:
        BadValue: numbers of pairs or judges that differ.
    """
    prompts, q = _checked({**systems, "longest": longest}, votes, judges, q)
    found: dict[str, dict[str, Estimate]] = {name: {} for name in systems}
    for reference, verdicts in _references(votes, judges):
        ratios = dict[tuple[str, str], Ratio]()
        for name, said in systems.items():
            mine = agreement(said, verdicts, q, prompts)
            theirs = agreement(np.where(np.isnan(said), np.nan, longest), verdicts, q, prompts)
            lead = Ratio(mine.numerator - theirs.numerator, mine.denominator)
            ratios[name, f"agreement[{reference}]"] = mine
            ratios[name, f"agreement_vs_longest[{reference}]"] = lead
        _estimate(found, ratios, resamples, seed)
    return found


def evaluate_judges(
    votes: np.ndarray,
    judges: Sequence[str],
    q: np.ndarray,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, dict[str, Estimate]]:
    """How many verdicts and ties each judge gives, and how well the judges of a group agree.

    Returns:
        Of each judge and of `majority of GROUP`: `verdict_pairs` and `verdict_ties`. Of each judge
        of a group: `kappa[…]` with each other judge, and agreement with the majority of the
        others; that of all its judges, pooled, stands under `each of GROUP`.

    Raises:
        BadValue: numbers of pairs or judges that differ.
    """
    drawn = {"resamples": resamples, "seed": seed}
    prompts, q = _checked({}, votes, judges, q)
    groups = judge_groups(judges)
    found = dict[str, dict[str, Estimate]]()
    ratios = dict[tuple[str, str], Ratio]()
    verdicts = dict(zip(judges, votes.T, strict=True))
    together = {MAJORITY + name: majority(votes[:, members]) for name, members in groups.items()}
    for name, said in (verdicts | together).items():
        known = np.isfinite(said)
        if known.any():
            pairs = float(known.sum())
            n = len(np.unique(q[known]))
            found[name] = {"verdict_pairs": Estimate(pairs, pairs, pairs, n)}
            ratios[name, "verdict_ties"] = pooled(said == 0, known, q, prompts)
    for group, members in groups.items():
        mine, others = votes[:, members], majority_of_others(votes[:, members])
        figure = f"agreement[{OTHERS}{group}]"
        for place, judge in enumerate(judges[member] for member in members):
            ratios[judge, figure] = agreement(mine[:, place], others[:, place], q, prompts)
        ratios[EACH + group, figure] = agreement(mine, others, q, prompts)
        for first, second in _couples([judges[member] for member in members]):
            told = kappa(verdicts[first], verdicts[second], q, prompts, **drawn)
            if told:
                found[first][f"kappa[{second}]"] = found[second][f"kappa[{first}]"] = told
    _estimate(found, ratios, **drawn)
    return found


def _couples(names: list[str]) -> Iterator[tuple[str, str]]:
    for place, first in enumerate(names):
        for second in names[place + 1 :]:
            yield first, second


def _references(votes: np.ndarray, judges: Sequence[str]) -> Iterator[tuple[str, np.ndarray]]:
    """Name and verdicts, [P] or [P, K], of what systems are compared with."""
    for group, members in judge_groups(judges).items():
        yield MAJORITY + group, majority(votes[:, members])
        yield OTHERS + group, majority_of_others(votes[:, members])
    yield from zip(judges, votes.T, strict=True)


def _checked(
    said: Mapping[str, np.ndarray], votes: np.ndarray, judges: Sequence[str], q: np.ndarray
) -> tuple[int, np.ndarray]:
    """How many prompts have a pair, and q counted among them."""
    if votes.ndim != 2 or votes.shape[1] != len(judges):
        raise BadValue("shape of the votes", votes.shape, f"[P, {len(judges)}], one a judge")
    for name, array in {**said, "q": q}.items():
        if array.shape != votes.shape[:1]:
            raise BadValue(f"shape of '{name}'", array.shape, f"{votes.shape[:1]}, one a pair")
    prompts, dense = np.unique(q, return_inverse=True)
    return len(prompts), dense


def _estimate(
    found: dict[str, dict[str, Estimate]],
    ratios: Mapping[tuple[str, str], Ratio],
    resamples: int,
    seed: int,
) -> None:
    """Adds the estimates of the ratios that are defined."""
    defined = {key: ratio for key, ratio in ratios.items() if math.isfinite(ratio.value)}
    drawn = replicates(defined, resamples, seed)
    for (name, figure), ratio in defined.items():
        found.setdefault(name, {})[figure] = estimate(ratio, drawn[name, figure])

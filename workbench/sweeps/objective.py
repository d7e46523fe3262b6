"""What a trial is worth: quality of its top K, and the comparisons that it uses."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from workbench import terminal
from workbench.aggregation import Played, Ranked, Schedule, Scheme, prompt_keys
from workbench.errors import BadValue, MissingInput
from workbench.evaluation import top_k_best, top_k_mean
from workbench.store.fingerprint import fingerprint
from workbench.store.pool import Pool, check_names, load_logits, load_pool, load_quality, names_of
from workbench.store.store import Store

_NEARLY_ALL = 0.9  # share of the prompts that must be compared in both orders for order modes


class _Shown(NamedTuple):
    """What a schedule had compared: bits where logits of its own would take 32 times the room."""

    bits: np.ndarray
    comparisons: np.ndarray
    outcome: np.ndarray | None


@dataclass
class Compared:
    """Stored logits and qualities of one split: all that trials need, no encoder.

    Attributes:
        pool, logits, quality: [Q, N], [Q, N, N] and [Q, N] of prompts whose pairs were all
            compared.
        both: each pair was compared in both orders; else only one is sure to be there, and the
            order mode `random` takes the pairs as they are.
        left_out: how many prompts are measured, but not among these.
    """

    pool: Pool
    logits: np.ndarray
    quality: np.ndarray
    both: bool
    left_out: int
    _shown: dict[tuple[Schedule, str, int], _Shown] = field(default_factory=dict, repr=False)

    def ranked(self, scheme: Scheme) -> Ranked:
        """What a scheme makes of these prompts; schemes of one schedule and order share it."""
        mask, keys = self.pool.mask, prompt_keys(self.pool.prompt_ids)
        setting = (scheme.schedule, scheme.order, scheme.order_seed)
        if setting not in self._shown:
            played = scheme.play_stored(self.logits, mask, keys)
            bits = np.packbits(~np.isnan(played.logits))
            self._shown[setting] = _Shown(bits, played.comparisons, played.outcome)
        bits, comparisons, outcome = self._shown[setting]
        shown = np.unpackbits(bits, count=self.logits.size).reshape(self.logits.shape)
        logits = np.where(shown, self.logits, np.nan).astype(self.logits.dtype, copy=False)
        complete = np.ones(len(mask), dtype=bool)
        return scheme.of_played(Played(logits, comparisons, complete, outcome), mask, keys)

    def figures(self, scheme: Scheme, top_k: int) -> dict[str, np.ndarray]:
        """Per prompt [Q]: `mean` and `best` quality of the top K, `comparisons` used."""
        return self.figures_of(scheme, [top_k])[top_k]

    def figures_of(self, scheme: Scheme, sizes: Iterable[int]) -> dict[int, dict[str, np.ndarray]]:
        """The figures of a scheme at several K; its scores, which cost most, are made once."""
        ranked, mask = self.ranked(scheme), self.pool.mask
        return {
            k: {
                "mean": top_k_mean(ranked.scores, self.quality, mask, k),
                "best": top_k_best(ranked.scores, self.quality, mask, k),
                "comparisons": ranked.comparisons.astype(float),
            }
            for k in sizes
        }


def load_compared(
    store: Store, ranker: str, measure: str, datasets: Sequence[str] | None, split: str
) -> Compared:
    """The prompts of a split that the ranker has compared and that the measure knows.

    A prompt with a pair that was compared in no order is left out: schemes would be judged by
    other candidates than those that they are charged for. Where nearly all prompts are compared
    in both orders, those that are not are left out too; else the order is taken as it is.

    Raises:
        MissingInput: there is none.
    """
    pool = load_pool(store, datasets, split, with_text=True)
    logits, quality = load_logits(store, pool, ranker), load_quality(store, pool, measure)
    measured = np.isfinite(quality).any(axis=1) & (pool.mask.sum(axis=1) > 1)
    usable, both = comparable(logits, pool.mask, measured)
    if not usable.any():
        raise MissingInput(
            f"{ranker} has compared all pairs of no prompt of split '{split}' that {measure} "
            f"measures: run `workbench compare --splits {split}`"
        )
    left_out = int((measured & ~usable).sum())
    if left_out:
        terminal.say(
            f"{left_out} of {measured.sum()} prompts of split '{split}' are left out: not all "
            "their pairs are compared"
        )
    return Compared(pool.subset(usable), logits[usable], quality[usable], both, left_out)


def chosen_measure(store: Store, measure: str | None) -> str:
    """The measure of that name; None: the only one that the store holds.

    Raises:
        UnknownName: no such measure.
        BadValue: None, and there is not just one.
    """
    if measure:
        check_names(store, "measure", [measure])
        return measure
    known = names_of(store, "measure")
    if len(known) != 1:
        raise BadValue("measure", measure, f"one of {', '.join(known) or 'none: measure first'}")
    return known[0]


def compared_fingerprint(
    store: Store, ranker: str, measure: str, datasets: Sequence[str] | None
) -> str:
    """Fingerprint of a ranker's logits, and of the candidates with their quality."""
    chosen = list(datasets) if datasets is not None else None
    logits = fingerprint(
        store,
        "select c.left_id, c.right_id, c.logit from comparisons c join prompts p using (prompt_id) "
        "where c.ranker = $ranker "
        "and ($datasets is null or list_contains($datasets, p.dataset))",
        {"ranker": ranker, "datasets": chosen},
    )
    candidates = fingerprint(
        store,
        "select c.candidate_id, q.value, p.split "
        "from candidates c join prompts p using (prompt_id) "
        "left join qualities q on q.candidate_id = c.candidate_id and q.measure = $measure "
        "where ($datasets is null or list_contains($datasets, p.dataset))",
        {"measure": measure, "datasets": chosen},
    )
    return f"{logits} {candidates}"


def comparable(logits: np.ndarray, mask: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, bool]:
    """[Q] bool: the wanted prompts whose pairs were all compared; and whether in both orders.

    Where nearly all are compared in both orders, only those are usable; else one order is enough.
    """
    once, twice = _compared(logits, mask)
    usable = wanted & once
    both = bool(usable.any() and twice[usable].mean() >= _NEARLY_ALL)
    return (usable & twice if both else usable), both


def _compared(logits: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """[Q] bool: every pair was compared in at least one order, and in both."""
    known = np.isfinite(logits)
    turned = known.transpose(0, 2, 1)
    none = ~mask[:, :, None] | ~mask[:, None, :] | np.eye(mask.shape[1], dtype=bool)
    return (known | turned | none).all(axis=(1, 2)), ((known & turned) | none).all(axis=(1, 2))

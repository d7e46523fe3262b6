"""A schedule played on a live ranker: only the pairs that it asks for are compared.

Many prompts go in lock-step, so that each round is one large batch; what the store holds is
looked up, what it does not is compared and written, every half minute or so. Started again after
a kill, the schedule is played from its beginning and finds in the store what it had compared.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from workbench import terminal
from workbench.aggregation import Schedule, prompt_keys
from workbench.interrupts import put_off
from workbench.stages.chosen_ranker import ChosenRanker
from workbench.stages.comparison_rows import write_logits
from workbench.stages.pace import paced
from workbench.stages.rankers import short
from workbench.store.pool import Pool, load_logits, load_pool, load_texts, names_of
from workbench.store.source_text import source_text
from workbench.store.store import Store

_PROMPTS = 2048  # in lock-step at a time; bounds the texts that are held


@dataclass
class LiveSchedule:
    """One start of a schedule.

    Attributes:
        store, ranker, schedule, order, seed: what is played, and with whom.
        place: the device.
        options: `tokens_per_batch` and `precision` of `Ranker.compare`.
    """

    store: Store
    ranker: ChosenRanker
    schedule: Schedule
    order: str
    seed: int
    place: torch.device
    options: dict[str, Any]

    def play(self, chosen: dict[str, Any]) -> tuple[int, int]:
        """Comparisons that are new, and that were there before, over all prompts of some splits."""
        new = there = 0
        model: list[Any] = []  # loaded where a first pair is missing
        title = f"compare with {self.ranker.label} {short(self.ranker.id)}, {self.schedule}"
        with terminal.progress(title, None, "pairs") as advance, put_off() as ctrl_c:

            def after_batch(size: int) -> None:
                advance(size)
                ctrl_c.check()

            for pool in self._pools(chosen):
                L = self._stored(pool)
                before = ~np.isnan(L)
                compare = self._comparison(pool, L, model, after_batch)
                keys = prompt_keys(pool.prompt_ids)
                played = self.schedule.play(compare, pool.mask, self.order, self.seed, keys)
                used = ~np.isnan(played.logits)
                there += int((used & before).sum())
                new += int((used & ~before).sum())
        return new, there

    def _pools(self, chosen: dict[str, Any]) -> Iterator[Pool]:
        pool = load_pool(self.store, chosen["datasets"], with_text=True)
        splits = self._splits(chosen["splits"])
        wanted = np.flatnonzero([prompt in splits for prompt in pool.prompt_ids])
        for first in range(0, len(wanted), _PROMPTS):
            yield pool.subset(wanted[first : first + _PROMPTS])

    def _splits(self, splits: list[str]) -> set[str]:
        rows = self.store.query(
            "select prompt_id from prompts where list_contains(?::text[], split)", [splits]
        )
        return set(rows["prompt_id"].to_pylist())

    def _stored(self, pool: Pool) -> np.ndarray:
        if self.ranker.id in names_of(self.store, "ranker"):
            return load_logits(self.store, pool, self.ranker.id)
        return np.full((*pool.mask.shape, pool.mask.shape[1]), np.nan, np.float32)

    def _comparison(
        self, pool: Pool, L: np.ndarray, model: list[Any], after_batch: Callable[[int], None]
    ) -> Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]:
        """A `Compare` that has missing pairs compared, and enters them into L and the store."""
        prompts, texts = load_texts(self.store, pool)
        sources = np.array([source_text(*prompt) for prompt in prompts], object)

        def compare(prompt: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
            missing = np.isnan(L[prompt, left, right])
            if self.order == "random":
                # One presentation is enough, and the other one, where it is there, costs nothing.
                missing &= np.isnan(L[prompt, right, left])
            if missing.any() and not model:
                model.append(self.ranker.load().to(self.place))
            waiting, pairs = np.unique(prompt[missing], return_counts=True)
            for some in paced(dict(zip(waiting.tolist(), pairs.tolist(), strict=True))):
                now = missing & np.isin(prompt, some)
                q, i, j = prompt[now], left[now], right[now]
                answers = (sources[q].tolist(), texts[q, i].tolist(), texts[q, j].tolist())
                found = model[0].compare(*answers, progress=after_batch, **self.options)
                ids = {
                    "prompt_id": np.array(pool.prompt_ids, object)[q],
                    "left_id": pool.candidate_ids[q, i],
                    "right_id": pool.candidate_ids[q, j],
                }
                write_logits(self.store, self.ranker.id, ids, found)
                L[q, i, j] = found
            return L[prompt, left, right]

        return compare

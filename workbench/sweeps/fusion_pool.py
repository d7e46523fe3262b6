"""What fusions of a setting are worth, and what they cost: made where they are not there yet."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from workbench.fusion.decoding import Decoding
from workbench.interrupts import CtrlC
from workbench.quality import MEASURES
from workbench.stages.chosen_fuser import ChosenFuser
from workbench.stages.chosen_ranking import ChosenRanking
from workbench.stages.fused_rows import Recipe, missing
from workbench.stages.missing_fusions import Shown, fuse_missing
from workbench.stages.shown_candidates import Selection, shown_candidates
from workbench.stages.unmeasured import measure_answers
from workbench.store.store import Store
from workbench.sweeps.fusion_space import FusionChoice

FIGURES = ("quality", "tokens_out", "tokens_in", "characters", "latency_s")
_VALUES = """
    select q.value as quality, f.tokens_out, f.tokens_in,
           length(a.text) as characters, f.latency_s
    from wanted w
    join answers a using (answer_id)
    left join fusions f on f.fusion_id = w.answer_id
    left join qualities q on q.candidate_id = w.answer_id and q.measure = $measure
    order by w.place
"""


@dataclass
class FusionPool:
    """Prompts of one split, and all that it takes to fuse their candidates.

    Attributes:
        store: where fusions and their qualities are looked up and written.
        fuser: that writes.
        rankings: of the candidates, by scheme.
        measure: of quality, one of words and characters.
        datasets, split: of the prompts.
        prompts: their ids, sorted.
        seed: of shuffled orders.
        place, options: where and how the fuser runs.
    """

    store: Store
    fuser: ChosenFuser
    rankings: dict[str, ChosenRanking]
    measure: str
    datasets: Sequence[str] | None
    split: str
    prompts: list[str]
    seed: int
    place: torch.device
    options: dict[str, Any]
    _shown: dict[tuple[str, int, str], Shown] = field(default_factory=dict, repr=False)

    def recipe(self, choice: FusionChoice) -> Recipe:
        """How the fusions of a choice are made; what the store knows them by."""
        ranking, order = self.rankings[choice.scheme], self._selection(choice).candidate_order
        made_of = ranking.ranker, ranking.scheme, choice.top_k
        return Recipe(self.fuser.id, *made_of, order, str(choice.decoding))

    def figures(
        self, choice: FusionChoice, advance: Callable[[int], None], ctrl_c: CtrlC
    ) -> dict[str, np.ndarray]:
        """The `FIGURES` of each prompt [Q]; what is not in the store is made and measured first.

        Args:
            choice: what to fuse.
            advance: is told how many fusions are there, as they come.
            ctrl_c: interrupts between two batches; what was made stays.
        """
        shown, recipe = self._candidates(choice), self.recipe(choice)
        waiting = missing(self.store, recipe, shown)
        advance(len(shown) - len(waiting))
        if waiting:
            model = self.fuser.load().to(self.place)
            fuse_missing(self.store, model, recipe, waiting, self.options, advance, ctrl_c)
        return self._values([recipe.id_of(prompt) for prompt in shown])

    def pick(self, scheme: str) -> np.ndarray:
        """[Q] quality of the ranking's best candidate, which takes no fuser."""
        best = self._candidates(FusionChoice(scheme, 1, "rank", Decoding()))
        return self._values([ids[0] for ids in best.values()])["quality"]

    def _selection(self, choice: FusionChoice) -> Selection:
        ranking = self.rankings[choice.scheme]
        of_prompts = self.datasets, [self.split]
        return Selection(ranking, choice.top_k, choice.order, self.seed, *of_prompts)

    def _candidates(self, choice: FusionChoice) -> Shown:
        """Which candidates the fuser sees, by prompt in the order of `prompts`."""
        if choice[:3] not in self._shown:
            found = shown_candidates(self.store, self._selection(choice), told=False)
            self._shown[choice[:3]] = {prompt: found[prompt] for prompt in self.prompts}
        return self._shown[choice[:3]]

    def _values(self, ids: Sequence[str]) -> dict[str, np.ndarray]:
        return answer_figures(self.store, self.measure, ids)


def answer_figures(store: Store, measure: str, ids: Sequence[str]) -> dict[str, np.ndarray]:
    """The `FIGURES` of answers, NaN where there is none; what is not measured yet is.

    Args:
        store: holds the answers.
        measure: one of `MEASURES`.
        ids: of candidates and fusions.
    """
    measure_answers(store, measure, MEASURES[measure], ids)
    wanted = pa.table({"place": np.arange(len(ids)), "answer_id": pa.array(ids, pa.string())})
    with store.reading() as db:
        db.register("wanted", wanted)
        rows = db.sql(_VALUES, params={"measure": measure}).to_arrow_table()
    return {name: rows[name].cast(pa.float64()).to_numpy() for name in FIGURES}

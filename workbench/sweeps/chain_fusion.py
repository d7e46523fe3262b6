"""The last link of a chain: a fuser makes one answer of the best that were asked for.

Fusions stay in the store, under a scheme that tells the chain. Two chains that show a fuser the
same answers in the same order share the text: it is written once, and copied.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from workbench.errors import BadValue
from workbench.fusion.able import check_able
from workbench.fusion.decoding import Decoding
from workbench.interrupts import CtrlC
from workbench.stages.chosen_fuser import ChosenFuser
from workbench.stages.fused_rows import Fusion, Recipe, missing, write_fusions
from workbench.stages.missing_fusions import Shown, fuse_missing
from workbench.store.pool import Pool
from workbench.store.store import Store
from workbench.sweeps.chain_names import ChainChoice, fused_scheme
from workbench.sweeps.chain_outcome import ChainOutcome
from workbench.sweeps.fusion_pool import answer_figures

_SAME = """
    select prompt_id, candidate_ids, text, tokens_in, tokens_out, latency_s
    from fusions semi join wanted using (prompt_id)
    where fuser = $fuser and decoding = $decoding and tokens_out is not null
    order by fusion_id
"""


@dataclass
class ChainFusing:
    """Fuses the best answers of the prompts of one split.

    Attributes:
        store: where fusions and their qualities are looked up and written.
        fuser: that writes.
        ranker: id of the ranker whose order is fused.
        decoding: how answers are searched for.
        measure: of quality, one of words and characters.
        pool: the prompts, columns are LLMs.
        cost: of one fusion; None: the tokens that it has.
        place, options: where and how the fuser runs.
        ctrl_c: interrupts between two batches; what was made stays.
    """

    store: Store
    fuser: ChosenFuser
    ranker: str
    decoding: Decoding
    measure: str
    pool: Pool
    cost: float | None
    place: torch.device
    options: dict[str, Any]
    ctrl_c: CtrlC

    def figures(self, choice: ChainChoice, outcome: ChainOutcome) -> tuple[np.ndarray, np.ndarray]:
        """[Q] quality of the fusions, and their cost; made where they are not there yet."""
        shown = best_shown(self.pool, outcome, choice.top_k)
        scheme = fused_scheme(choice, self.pool.llms)
        recipe = Recipe(
            self.fuser.id, self.ranker, scheme, choice.top_k, "rank", str(self.decoding)
        )
        copy_same(self.store, recipe, missing(self.store, recipe, shown))
        waiting = missing(self.store, recipe, shown)
        if waiting:
            model = self.fuser.load().to(self.place)
            fuse_missing(
                self.store, model, recipe, waiting, self.options, lambda made: None, self.ctrl_c
            )
        ids = [recipe.id_of(prompt) for prompt in shown]
        found = answer_figures(self.store, self.measure, ids)
        tokens = found["tokens_out"]
        return found["quality"], tokens if self.cost is None else np.full(len(ids), self.cost)


def best_shown(pool: Pool, outcome: ChainOutcome, k: int) -> Shown:
    """Prompt -> ids of the best k answers that were asked for, the best first.

    Of equal scores those with the smaller id, as `fuse` shows them.
    """
    shown: Shown = {}
    for row, prompt in enumerate(pool.prompt_ids):
        asked = np.flatnonzero(outcome.asked[row])
        order = sorted(asked, key=lambda n: (-outcome.scores[row, n], pool.candidate_ids[row, n]))
        shown[prompt] = [pool.candidate_ids[row, n] for n in order[:k]]
    return shown


def copy_same(store: Store, recipe: Recipe, waiting: Shown) -> None:
    """Copies fusions of the very same answers, which the fuser would write again word by word."""
    if not waiting:
        return
    with store.reading() as db:
        db.register("wanted", pa.table({"prompt_id": pa.array(list(waiting), pa.string())}))
        told = {"fuser": recipe.fuser, "decoding": recipe.decoding}
        rows = db.sql(_SAME, params=told).to_arrow_table().to_pylist()
    same = {
        row["prompt_id"]: Fusion(**row)
        for row in rows
        if waiting[row["prompt_id"]] == row["candidate_ids"]
    }
    if same:
        write_fusions(store, recipe, list(same.values()))


def cost_of_fusion(unit: str, given: float | None, fuser: ChosenFuser) -> float | None:
    """What one fusion costs in a unit; None: its tokens.

    Raises:
        BadValue: a cost that is negative, or none where only the user can know it.
    """
    if given is not None:
        if not 0 <= given < float("inf"):
            raise BadValue("fusion_cost", given, "a number that is not negative")
        return given
    if unit == "usd":
        raise BadValue(
            "fusion_cost", None, "the USD of one fusion, as no price of a fuser is known"
        )
    if unit == "parameters":
        return sum(p.numel() for p in fuser.load().parameters()) / 1e9
    return 1.0 if unit == "calls" else None


def check_sizes(fuser: ChosenFuser, sizes: Sequence[int], m: int, decoding: Decoding) -> None:
    """Raises BadValue or BadModel for a K that the fuser, or the number of LLMs, does not allow."""
    for k in sizes:
        if not 1 <= k <= m:
            raise BadValue("top_k", k, f"from 1 to {m}, the most LLMs that are asked")
    check_able(fuser.load(), max(sizes), decoding)

"""Fusions in and out of the store."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import pyarrow as pa

from workbench.store.ids import fusion_id
from workbench.store.store import Store
from workbench.store.tables import write_rows

_TEXTS = pa.list_(pa.string())


@dataclass(frozen=True)
class Recipe:
    """How fusions are made: the columns of `fusions` that all of a run share."""

    fuser: str
    ranker: str
    scheme: str
    top_k: int
    candidate_order: str
    decoding: str

    def id_of(self, prompt: str) -> str:
        """Id of a prompt's fusion that is made so."""
        return fusion_id(
            prompt, self.fuser, self.ranker, self.scheme, self.top_k, self.candidate_order,
            self.decoding,
        )  # fmt: skip


def missing(store: Store, recipe: Recipe, shown: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Those prompts that have no such fusion of the candidates that are shown now.

    A fusion of other candidates is one that was made before the prompt was ranked anew.

    Args:
        store: holds the fusions.
        recipe: how they are made.
        shown: prompt -> ids of its candidates, in the order in which they are shown.
    """
    made_so = asdict(recipe)
    same = " and ".join(f"{column} = ${column}" for column in made_so)
    rows = store.query(f"select fusion_id, candidate_ids from fusions where {same}", made_so)  # noqa: S608
    there = dict(zip(rows["fusion_id"].to_pylist(), rows["candidate_ids"].to_pylist(), strict=True))
    return {prompt: ids for prompt, ids in shown.items() if there.get(recipe.id_of(prompt)) != ids}


@dataclass(frozen=True)
class Texts:
    """What a fuser reads of some prompts, in the order of `prompt_ids`."""

    prompt_ids: list[str]
    instructions: list[str]
    inputs: list[str]
    candidates: list[list[str]]


def load_shown(store: Store, shown: Mapping[str, list[str]]) -> Texts:
    """Instruction, input and candidates of some prompts, candidates as they are shown."""
    ids = [id for of_prompt in shown.values() for id in of_prompt]
    with store.reading() as db:
        db.register("wanted", pa.table({"prompt_id": pa.array(list(shown), pa.string())}))
        db.register("wanted_candidates", pa.table({"candidate_id": pa.array(ids, pa.string())}))
        prompts = db.sql(
            "select prompt_id, instruction, input from prompts semi join wanted using (prompt_id)"
        ).fetchall()
        texts = db.sql(
            "select candidate_id, text from candidates "
            "semi join wanted_candidates using (candidate_id)"
        ).fetchall()
    asked, answered = {id: (i, x) for id, i, x in prompts}, dict(texts)
    return Texts(
        list(shown),
        [asked[prompt][0] for prompt in shown],
        [asked[prompt][1] for prompt in shown],
        [[answered[id] for id in of_prompt] for of_prompt in shown.values()],
    )


@dataclass(frozen=True)
class Fusion:
    """A new fusion: what it was made of, and what it cost.

    `latency_s` is the time of the batch that it was written in, shared out among its prompts.
    """

    prompt_id: str
    candidate_ids: list[str]
    text: str
    tokens_in: int
    tokens_out: int
    latency_s: float


def write_fusions(store: Store, recipe: Recipe, fusions: Sequence[Fusion]) -> None:
    """Writes fusions in one transaction; what was said of texts that they replace goes."""
    columns = {
        name: [getattr(fusion, name) for fusion in fusions] for name in Fusion.__annotations__
    }
    rows = pa.table(
        {
            "fusion_id": [recipe.id_of(fusion.prompt_id) for fusion in fusions],
            **{name: [value] * len(fusions) for name, value in asdict(recipe).items()},
            **columns,
            "candidate_ids": pa.array(columns["candidate_ids"], _TEXTS),
        }
    )
    with store.writing() as db:
        db.register("_fused", rows)
        ids = "(select fusion_id from _fused)"
        db.execute(f"delete from qualities where candidate_id in {ids}")  # noqa: S608
        db.execute(f"delete from verdicts where left_id in {ids} or right_id in {ids}")  # noqa: S608
        write_rows(db, "fusions", "_fused", "replace")

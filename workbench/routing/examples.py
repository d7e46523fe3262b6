"""What routers learn from: prompts with the reward of each LLM."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import pyarrow as pa

from workbench.errors import MissingInput
from workbench.store.pool import Pool, load_pool, load_quality, load_scores
from workbench.store.source_text import source_text
from workbench.store.store import Store

_TEXTS = "select prompt_id, instruction, input from prompts join wanted using (prompt_id)"
_TAGS = (
    "select prompt_id, list(tag order by tag) as tags from tags join wanted using (prompt_id) "
    "where tagger = ? group by prompt_id"
)


@dataclass(frozen=True)
class RoutingExamples:
    """Q prompts and the rewards of L LLMs.

    Attributes:
        prompt_ids, prompts: ids, and texts as routers read them.
        category: of each prompt, '' where the source has none.
        llms: names of the columns of `rewards`.
        rewards: [Q, L] quality of each LLM's answer, NaN where it was not measured; where an LLM
            has several candidates of a prompt, their mean.
    """

    prompt_ids: list[str]
    prompts: list[str]
    category: list[str]
    llms: list[str]
    rewards: np.ndarray

    def subset(self, rows: np.ndarray) -> Self:
        """The prompts chosen by an index array."""
        index = rows.tolist()
        return replace(
            self,
            prompt_ids=[self.prompt_ids[i] for i in index],
            prompts=[self.prompts[i] for i in index],
            category=[self.category[i] for i in index],
            rewards=self.rewards[rows],
        )


def load_examples(
    store: Store,
    reward: str | tuple[str, str],
    split: str,
    datasets: Sequence[str] | None = None,
    llms: Sequence[str] | None = None,
) -> RoutingExamples:
    """The prompts of a split that have any reward, with the rewards of all LLMs of these datasets.

    Args:
        store: holds qualities or rankings.
        reward: a measure; or ranker and scheme, whose scores are the rewards.
        split: `train` or `validation`.
        datasets, llms: None takes all.

    Raises:
        UnknownName: a measure, dataset or LLM that the store does not hold.
        MissingInput: no prompt of the split has a reward.
    """
    pool = load_pool(store, datasets, split, llms)
    if isinstance(reward, str):
        found, lacks = load_quality(store, pool, reward), f"a quality by {reward}: run `measure`"
    else:
        found = load_scores(store, pool, *reward)
        how = f"run `compare` with {split} in --splits, then `aggregate`"
        lacks = f"scores by {'/'.join(reward)}: {how}"
    rewards = rewards_by_llm(found, pool)
    known = np.flatnonzero(np.isfinite(rewards).any(axis=1))
    if not len(known):
        where = ", ".join(datasets or ["any dataset"])
        raise MissingInput(f"no {split} prompt of {where} has {lacks}")
    pool = pool.subset(known)
    prompts = _texts(store, pool.prompt_ids)
    return RoutingExamples(pool.prompt_ids, prompts, pool.category, pool.llms, rewards[known])


def rewards_by_llm(quality: np.ndarray, pool: Pool) -> np.ndarray:
    """[Q, L] mean quality of each LLM's measured candidates of a prompt, NaN where there is none.

    Args:
        quality: [Q, N] of the pool's candidates, NaN where not measured.
        pool: the candidates.
    """
    q, n = np.nonzero(pool.mask & np.isfinite(quality))
    shape = (len(quality), len(pool.llms))
    place = q * shape[1] + pool.llm[q, n]
    count = np.bincount(place, minlength=shape[0] * shape[1]).reshape(shape)
    total = np.bincount(place, quality[q, n], minlength=shape[0] * shape[1]).reshape(shape)
    means: np.ndarray = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return means


def rewards_by_name(examples: RoutingExamples, llms: Sequence[str]) -> np.ndarray:
    """[Q, L] rewards of these LLMs; NaN for one that answers none of the prompts."""
    place = {name: i for i, name in enumerate(examples.llms)}
    none = np.full(len(examples.prompts), np.nan)
    return np.stack([examples.rewards[:, place[n]] if n in place else none for n in llms], axis=1)


def rows_without(
    examples: RoutingExamples, categories: Sequence[str] | None, split: str
) -> np.ndarray:
    """Index of the prompts of other categories; raises MissingInput where there are none."""
    left_out = set(categories or ())
    rows = np.flatnonzero([category not in left_out for category in examples.category])
    if not len(rows):
        raise MissingInput(f"leave_out {sorted(left_out)} leaves no {split} prompt")
    return rows


def load_tags(store: Store, prompt_ids: Sequence[str], tagger: str) -> list[list[str]]:
    """The tags that a tagger has given each prompt, sorted; empty where it has given none."""
    with store.reading() as db:
        db.register("wanted", _wanted(prompt_ids))
        rows = db.sql(_TAGS, params=[tagger]).to_arrow_table()
    found = {row["prompt_id"]: row["tags"] for row in rows.to_pylist()}
    return [found.get(prompt, []) for prompt in prompt_ids]


def _texts(store: Store, prompt_ids: Sequence[str]) -> list[str]:
    """The prompts as routers read them; no answer is read."""
    with store.reading() as db:
        db.register("wanted", _wanted(prompt_ids))
        rows = db.sql(_TEXTS).to_arrow_table().to_pylist()
    found = {row["prompt_id"]: source_text(row["instruction"], row["input"]) for row in rows}
    return [found[prompt] for prompt in prompt_ids]


def _wanted(prompt_ids: Sequence[str]) -> pa.Table:
    return pa.table({"prompt_id": pa.array(prompt_ids, pa.string())})

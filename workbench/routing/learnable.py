"""Whether there is anything for a router to learn: LLMs, rewards that differ, tags."""

from collections.abc import Sequence

import numpy as np

from workbench import terminal
from workbench.errors import MissingInput
from workbench.routing.examples import RoutingExamples, load_tags
from workbench.store.store import Store

CATEGORY = "category"
"""The tagger that every store has: a prompt's only tag is its category."""


def rewarded_llms(train: RoutingExamples, held_out: RoutingExamples, measure: str) -> list[str]:
    """The LLMs with rewards in training; tells of those that answer and have none."""
    known = np.isfinite(train.rewards).any(axis=0).tolist()
    llms = [llm for llm, has in zip(train.llms, known, strict=True) if has]
    if without := sorted({*train.llms, *held_out.llms} - set(llms)):
        names = ", ".join(without)
        terminal.say(f"without a reward by {measure} in training, not routed to: {names}")
    return llms


def check_learnable(
    train: np.ndarray, held_out: np.ndarray, llms: Sequence[str], measure: str
) -> None:
    """Raises MissingInput where rewards [Q, L] and [H, L] of these LLMs teach nothing."""
    for llm, known in zip(llms, np.isfinite(train).any(axis=0), strict=True):
        if not known:
            raise MissingInput(
                f"LLM '{llm}' has no training prompt with a reward by {measure}: measure its "
                "answers, or leave it out of `llms`"
            )
    if len(llms) < 2:
        raise MissingInput(
            f"{len(llms)} LLM with rewards by {measure} in training: routing needs two"
        )
    if not (np.fmax.reduce(train, axis=1) > np.fmin.reduce(train, axis=1)).any():
        raise MissingInput(
            f"on no training prompt do the rewards of two LLMs by {measure} differ: nothing to "
            "learn from"
        )
    if not np.isfinite(held_out).any():
        raise MissingInput(f"no validation prompt has a reward by {measure} of {', '.join(llms)}")


def tags_by(store: Store, examples: RoutingExamples, tagger: str) -> list[list[str]]:
    """Tags of the prompts by a tagger, `CATEGORY` too; tells how many have none.

    Raises:
        MissingInput: none has any.
    """
    if tagger == CATEGORY:
        tags = [[name] if name else [] for name in examples.category]
    else:
        tags = load_tags(store, examples.prompt_ids, tagger)
    without = sum(not given for given in tags)
    if without == len(tags):
        raise MissingInput(f"no training prompt has a tag by {tagger}: see `workbench tag`")
    if without:
        terminal.say(f"{without} of {len(tags)} training prompts have no tag by {tagger}")
    return tags

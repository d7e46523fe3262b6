"""Options that choose a part of a source: checked at the call, before anything is read."""

from collections.abc import Iterable
from typing import Literal

from workbench.errors import BadValue, UnknownName
from workbench.store.ids import SPLITS

Split = Literal["train", "validation", "test"]


def check_chosen(llms: list[str] | None, limit: int | None, split: str | None = None) -> None:
    """UnknownName for a split that there is not, BadValue for a limit under 1 or no LLM at all."""
    if split is not None and split not in SPLITS:
        raise UnknownName("split", split, SPLITS)
    if limit is not None and limit < 1:
        raise BadValue("limit", limit, "a number of prompts of at least 1")
    if llms is not None and not llms:
        raise BadValue("llms", llms, "at least one LLM, or none given for all")


def check_llms(llms: list[str] | None, named: Iterable[str]) -> None:
    """UnknownName for the first of `llms` that is not among `named`, the LLMs of a source.

    Reads `named` until every wanted LLM has been met, which is soon unless a name is wrong.
    """
    if llms is None:
        return
    met: set[str] = set()
    for name in named:
        met.add(name)
        if met.issuperset(llms):
            return
    raise UnknownName("LLM", next(llm for llm in llms if llm not in met), met)

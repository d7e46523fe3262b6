"""Choosing: the part of Blender's face that a router is behind."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from workbench.errors import BadValue
from workbench.face import Face, loaded
from workbench.ranking.text_lists import sources_of
from workbench.routing.loading import load_router
from workbench.routing.policies import Policy, top_m
from workbench.routing.router import Router


class Choosing(Face):
    """What a router does for Blender: tells whom to ask, before any LLM has answered."""

    _router: Any = None

    def load_router(self, router: Router | str | Path) -> Self:
        """Takes another router, or loads one from a directory or the hub.

        Raises:
            BadModel: the router cannot be loaded, or is not trained.
            BadValue: it is no router.
        """
        if isinstance(router, Router):
            router.check_llms()
        self._router = self._taken("router", router, Router, load_router)
        return self

    @property
    def router(self) -> Any:
        """The router; raises MissingInput where none is loaded."""
        return loaded(self._router, "router", "what `workbench save` wrote")

    def route(
        self,
        inputs: Sequence[str],
        instructions: Sequence[str] | None = None,
        policy: str = "argmax",
        m: int = 1,
        costs: Mapping[str, float] | None = None,
    ) -> list[list[str]]:
        """The LLMs to ask for each of Q prompts, the one to be preferred first.

        Args:
            inputs: Q texts.
            instructions: Q texts that go before the inputs.
            policy: how utilities become a choice, such as argmax, 'cost_aware(lambda=0.1)',
                'threshold(strong=A, weak=B, at=0.2)' or 'abstain(default=A, margin=0.05)'.
            m: how many LLMs to ask, such as 3, whose answers are ranked then.
            costs: LLM -> what a call of it costs, in a unit of your own; for `cost_aware`.

        Returns:
            Q lists of `m` names.

        Raises:
            MissingInput: no router is loaded.
            BadValue: lists of different lengths, an `m` that cannot be, a cost that is missing or
                of an LLM that the router does not know, a threshold without `at`.
            UnknownName: a policy, or an LLM in it, that there is not.
        """
        router = self.router
        chosen = Policy.parse(policy)
        chosen.check(router.llms)
        if not isinstance(m, int | np.integer) or not 1 <= m <= len(router.llms):
            raise BadValue("m", m, f"1 to {len(router.llms)}, the LLMs of the router")
        known = _costs(router.llms, costs)
        # A cost or threshold that is lacking is told by a prompt of no utilities, before any work.
        chosen.scores(np.zeros((1, len(router.llms))), known, router.llms)
        scores = chosen.scores(self.utilities(inputs, instructions), known, router.llms)
        order = np.argsort(-scores, axis=1, kind="stable")
        asked = np.take_along_axis(top_m(scores, m), order, axis=1)
        return [
            [router.llms[place] for place in row[wanted]]
            for row, wanted in zip(order, asked, strict=True)
        ]

    def utilities(
        self, inputs: Sequence[str], instructions: Sequence[str] | None = None
    ) -> np.ndarray:
        """Utilities [Q, LLMs] of the router's LLMs (`blender.router.llms`) for Q prompts.

        Raises:
            MissingInput: no router is loaded.
            BadValue: lists of different lengths.
        """
        router, sources = self.router, sources_of(inputs, instructions)
        with self._bar("route", len(sources), "prompts") as advance:
            found: np.ndarray = router.utilities(sources, progress=advance, **self.options)
        return found


def _costs(llms: Sequence[str], costs: Mapping[str, float] | None) -> np.ndarray | None:
    """[L] costs in the order of the router's LLMs, NaN where none is given."""
    if costs is None:
        return None
    for llm in costs:
        if llm not in llms:
            raise BadValue("LLM of costs", llm, f"one of the router's: {', '.join(llms)}")
    return np.array([costs.get(llm, np.nan) for llm in llms], np.float64)

"""The trials of a study of chains.

What a trial is follows from the seed and the trials before it, so that a study that was killed
ends as one that never was. A chain that was tried is drawn anew as long as there are others.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from workbench import terminal
from workbench.errors import NotConverged
from workbench.sweeps.chain_figures import Chains
from workbench.sweeps.chain_names import ChainChoice, Models, chain_choice, chain_name
from workbench.sweeps.chain_space import ChainSpace
from workbench.sweeps.study import DIRECTIONS, quiet_experiments

METRICS = ["quality", "cost"]
TEXT = "chain"
"""The entry of a trial's setting that names its system."""
_DRAWS = 20  # of a trial, before a chain is tried again


def search_chains(
    study: optuna.Study,
    chains: Chains,
    space: ChainSpace,
    models: Models,
    trials: int,
    seed: int,
    after: Callable[[], None],
) -> None:
    """Adds trials to a study until as many as wanted are finished; `after` is called after each.

    One that does not converge is kept as failed, and is not made up for.
    """
    there = finished(study)
    drawing = _Drawing(space, models, seed, there)
    with terminal.progress("chain", max(trials - len(there), 0), "trials") as advance:
        for _ in range(trials - len(there)):
            start = datetime.now()
            params, distributions, choice = drawing.drawn()
            setting: dict[str, Any] = {TEXT: chain_name(choice, models)}
            state, values = TrialState.FAIL, None
            try:
                means = {name: float(v.mean()) for name, v in chains.figures(choice).items()}
                state, values = TrialState.COMPLETE, [means[name] for name in METRICS]
                setting |= means
            except NotConverged as error:
                setting["error"] = str(error)
            trial = create_trial(
                state=state,
                values=values,
                params=params,
                distributions=distributions,
                user_attrs={"setting": setting},
            )
            trial.datetime_start = start
            study.add_trial(trial)
            drawing.take(trial)
            advance()
            after()


def finished(study: optuna.Study) -> list[FrozenTrial]:
    """The trials of a study that have ended, in their order."""
    states = (TrialState.COMPLETE, TrialState.FAIL)
    found: list[FrozenTrial] = study.get_trials(deepcopy=False, states=states)
    return found


def choice_of(trial: FrozenTrial) -> ChainChoice:
    """The chain of a trial."""
    return chain_choice(trial.user_attrs["setting"][TEXT])


class _Drawing:
    """Draws trials by TPE; the first are those of `ChainSpace.first`."""

    def __init__(
        self, space: ChainSpace, models: Models, seed: int, there: Sequence[FrozenTrial]
    ) -> None:
        self._space, self._models, self._seed = space, models, seed
        self._first = space.first()
        self._sampler = optuna.create_study(directions=DIRECTIONS)
        self._tried = set[str]()
        self._count = 0
        for trial in there:
            self.take(trial)

    def take(self, trial: FrozenTrial) -> None:
        """Takes note of a trial that has ended."""
        self._count += 1
        self._tried.add(trial.user_attrs["setting"][TEXT])
        if trial.state == TrialState.COMPLETE:
            self._sampler.add_trial(
                create_trial(
                    params=trial.params, distributions=trial.distributions, values=trial.values
                )
            )

    def drawn(self) -> tuple[dict[str, Any], dict[str, BaseDistribution], ChainChoice]:
        """The next trial, of the seed and the trials before it alone."""
        state = np.random.SeedSequence([self._seed, self._count]).generate_state(1)[0]
        with quiet_experiments():
            self._sampler.sampler = optuna.samplers.TPESampler(
                seed=int(state), multivariate=True, group=True, n_startup_trials=self._startup()
            )
        if self._count < len(self._first):
            self._sampler.enqueue_trial(self._first[self._count])
        for _ in range(_DRAWS):
            trial = self._sampler.ask()
            choice = self._space.choose(trial, self._seed)
            params, distributions = trial.params, trial.distributions
            # It is added when it has ended; what is only drawn must not wait to be told.
            self._sampler.tell(trial, state=TrialState.FAIL)
            if chain_name(choice, self._models) not in self._tried:
                break
        return params, distributions, choice

    def _startup(self) -> int:
        """Trials by chance: after the first ones, which are not by chance, ten more."""
        return len(self._first) + 10

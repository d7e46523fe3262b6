"""The trials of a tuning.

A trial takes minutes where one of a sweep takes moments. What a trial is follows from the seed
and the trials before it, so that one which was killed is drawn again and its fusions, which are
in the store, count; and a setting that was tried is drawn anew as long as there are others.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from workbench import terminal
from workbench.fusion.decoding import Decoding
from workbench.interrupts import CtrlC
from workbench.stages.fusion_names import FusionSystem
from workbench.sweeps.fusion_pool import FusionPool
from workbench.sweeps.fusion_space import FusionChoice, FusionSpace
from workbench.sweeps.study import DIRECTIONS, quiet_experiments

METRICS = ["quality", "tokens_out"]
TEXT = "fusion"
"""The entry of a trial's setting that names the system of its fusions."""
_DRAWS = 20  # of a trial, before a setting is tried again
Drawn = tuple[dict[str, Any], dict[str, BaseDistribution], FusionChoice]


def search_fusions(
    study: optuna.Study,
    pool: FusionPool,
    space: FusionSpace,
    trials: int,
    seed: int,
    after: Callable[[], None],
    ctrl_c: CtrlC,
) -> None:
    """Adds trials to a study until there are as many as wanted; `after` is called after each."""
    there = complete(study)
    wanted = (trials - len(there)) * len(pool.prompts)
    if wanted <= 0:
        return
    tried = {system_of(trial) for trial in there}
    with terminal.progress("tune", wanted, "answers") as advance:
        while len(there) < trials:
            start = datetime.now()
            params, distributions, choice = _drawn(there, pool, space, seed, tried)
            means = {
                name: float(values.mean())
                for name, values in pool.figures(choice, advance, ctrl_c).items()
            }
            system = name_of(pool, choice)
            trial = create_trial(
                state=TrialState.COMPLETE,
                values=[means[name] for name in METRICS],
                params=params,
                distributions=distributions,
                user_attrs={"setting": {TEXT: system, **means}},
            )
            trial.datetime_start = start
            study.add_trial(trial)
            there = complete(study)
            tried.add(system)
            after()
            ctrl_c.check()


def complete(study: optuna.Study) -> list[FrozenTrial]:
    """The trials of a study that have ended well, in their order."""
    found: list[FrozenTrial] = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return found


def system_of(trial: FrozenTrial) -> str:
    """The name of the system of a trial's fusions."""
    return str(trial.user_attrs["setting"][TEXT])


def name_of(pool: FusionPool, choice: FusionChoice) -> str:
    """The name of the system of a choice's fusions."""
    return FusionSystem(**vars(pool.recipe(choice))).name


def choice_of(trial: FrozenTrial) -> FusionChoice:
    """What a trial has fused, and how."""
    system = FusionSystem.parse(system_of(trial))
    order: Any = system.candidate_order.partition("(")[0]  # shuffled(seed=0)
    return FusionChoice(system.scheme, system.top_k, order, Decoding.parse(system.decoding))


def _drawn(
    there: Sequence[FrozenTrial],
    pool: FusionPool,
    space: FusionSpace,
    seed: int,
    tried: set[str],
) -> Drawn:
    """The next trial, of TPE by all trials before it."""
    state = np.random.SeedSequence([seed, len(there)]).generate_state(1)[0]
    with quiet_experiments():
        tpe = optuna.samplers.TPESampler(seed=int(state), multivariate=True, group=True)
    sampler = optuna.create_study(directions=DIRECTIONS, sampler=tpe)
    for trial in there:
        sampler.add_trial(
            create_trial(
                params=trial.params, distributions=trial.distributions, values=trial.values
            )
        )
    for _ in range(_DRAWS):
        drawn = sampler.ask()
        choice = space.choose(drawn, seed)
        if name_of(pool, choice) not in tried:
            break
    return drawn.params, drawn.distributions, choice

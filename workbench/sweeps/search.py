"""The trials of a sweep.

The top-K is a setting of every trial, but is not drawn: the K take turns. Quality means another
thing for each of them (the best of three is at least the best of one, whatever the scheme), so
that one sampler over all trials would take up the K that is easiest and starve the others.
Each K therefore has as many trials, drawn by a TPE sampler that sees only trials of that K.

These samplers live in memory and are filled from the study when it goes on. Finished trials are
added to the study in one go: a kill leaves whole trials only, and the storage has one trial to
write where it would have had a dozen changes.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime

import numpy as np
import optuna
from optuna.distributions import CategoricalDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from workbench import terminal
from workbench.errors import NotConverged
from workbench.sweeps.objective import Compared
from workbench.sweeps.space import Space
from workbench.sweeps.study import DIRECTIONS, quiet_experiments


def search(
    study: optuna.Study,
    tuned: Compared,
    space: Space,
    objective: str,
    trials: int,
    seed: int,
    after: Callable[[], None],
) -> None:
    """Adds trials to a study until as many as wanted are complete; `after` is called after each.

    One that does not converge is kept as failed, and is not made up for.
    """
    there = [t for t in study.get_trials(deepcopy=False) if t.state.is_finished()]
    missing = trials - sum(t.state == TrialState.COMPLETE for t in there)
    if missing <= 0:
        return
    tried = Counter(t.params["top_k"] for t in there)
    samplers = {k: _sampler(k, there, seed) for k in space.top_k}
    known: dict[str, dict[int, dict[str, float]]] = {}
    with terminal.progress("sweep", missing, "trials") as advance:
        for _ in range(missing):
            k = min(space.top_k, key=lambda k: tried[k])
            study.add_trial(_trial(samplers[k], k, tuned, space, objective, seed, known))
            tried[k] += 1
            advance()
            after()


def _sampler(k: int, there: Sequence[FrozenTrial], seed: int) -> optuna.Study:
    """A study in memory that holds the trials of one K, without their K."""
    # Another seed for each start, else a study that goes on would draw its first trials again.
    drawn = np.random.SeedSequence([seed, k, len(there)]).generate_state(1)[0]
    with quiet_experiments():
        tpe = optuna.samplers.TPESampler(seed=int(drawn), multivariate=True, group=True)
    sampler = optuna.create_study(directions=DIRECTIONS, sampler=tpe)
    for trial in there:
        if trial.params["top_k"] == k and trial.state == TrialState.COMPLETE:
            sampler.add_trial(
                create_trial(
                    params={n: v for n, v in trial.params.items() if n != "top_k"},
                    distributions={n: d for n, d in trial.distributions.items() if n != "top_k"},
                    values=trial.values,
                )
            )
    return sampler


def _trial(
    sampler: optuna.Study,
    k: int,
    tuned: Compared,
    space: Space,
    objective: str,
    seed: int,
    known: dict[str, dict[int, dict[str, float]]],
) -> FrozenTrial:
    """One trial of a K; `known` keeps the figures of schemes by K, as schemes come again."""
    start = datetime.now()
    drawn = sampler.ask()
    scheme = space.choose(drawn, k, seed)
    setting: dict[str, str | float] = {"scheme": str(scheme)}
    state, values = TrialState.FAIL, None
    try:
        if str(scheme) not in known:
            by_k = tuned.figures_of(scheme, space.top_k)
            known[str(scheme)] = {
                size: {name: float(v.mean()) for name, v in figures.items()}
                for size, figures in by_k.items()
            }
        figures = known[str(scheme)][k]
        state, values = TrialState.COMPLETE, [figures[objective], figures["comparisons"]]
        setting |= figures
    except NotConverged as error:
        setting["error"] = str(error)
    sampler.tell(drawn, values, state)
    trial = create_trial(
        state=state,
        values=values,
        params=drawn.params | {"top_k": k},
        distributions=drawn.distributions | {"top_k": CategoricalDistribution(space.top_k)},
        user_attrs={"setting": setting},
    )
    trial.datetime_start = start
    return trial

"""What a sweep searches: schemes with their parameters, order modes, schedules, top-K."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from workbench.aggregation import ORDERS, OUTCOMES, SCHEMES, Schedule, Scheme
from workbench.errors import BadValue, UnknownName

if TYPE_CHECKING:
    import optuna

# Parameters that are worth searching: bounds, and whether steps are multiplicative. Seeds are
# not: the best of many seeds is luck. Nor are priors: where all pairs are compared they change
# no rank, and hardly one where some are not.
_TEMPERATURE = {"temperature": (0.1, 10.0, True)}
PARAMETERS: dict[str, dict[str, tuple[float, float, bool]]] = {
    "bradley_terry": _TEMPERATURE,
    "rank_centrality": _TEMPERATURE,
    "elo": _TEMPERATURE,
    "kemeny": _TEMPERATURE,
}


@dataclass(frozen=True)
class Space:
    """The choices of each trial.

    A schedule `top_k` whose text leaves k open, and the scheme `top_k`, have the K of the trial.

    Raises UnknownName for a scheme, order mode or schedule that there is not, BadValue for a
    top-K < 1 or a schedule's parameter out of range.
    """

    schemes: list[str] = field(default_factory=lambda: list(SCHEMES))
    orders: list[str] = field(default_factory=lambda: list(ORDERS))
    schedules: list[str] = field(default_factory=lambda: ["all", "swiss(rounds=4)", "top_k"])
    top_k: list[int] = field(default_factory=lambda: [1, 2, 3])

    def __post_init__(self) -> None:
        for name in self.schemes:
            SCHEMES[name]
        for order in self.orders:
            if order not in ORDERS:
                raise UnknownName("order mode", order, ORDERS)
        for text in self.schedules:
            Schedule.parse(text)
        for k in self.top_k:
            if k < 1:
                raise BadValue("top_k", k, "integers ≥ 1")
        for name in ("schemes", "orders", "schedules", "top_k"):
            choices = getattr(self, name)
            if not choices:
                raise BadValue(name, [], "at least one choice")
            if len(set(choices)) < len(choices):
                raise BadValue(name, choices, "each choice once")

    def parameters(self) -> dict[str, dict[str, tuple[float, float, bool]]]:
        """Those of `PARAMETERS` that belong to the schemes."""
        return {name: PARAMETERS[name] for name in self.schemes if name in PARAMETERS}

    def choose(self, trial: "optuna.Trial", k: int, seed: int) -> Scheme:
        """The scheme of a trial with this K; the K is not drawn (see `search`)."""
        name = trial.suggest_categorical("scheme", self.schemes)
        params: dict[str, float] = {
            # Three digits are more than a validation set can tell apart, and read well.
            key: float(f"{trial.suggest_float(f'{name}.{key}', low, high, log=log):.3g}")
            for key, (low, high, log) in PARAMETERS.get(name, {}).items()
        }
        order = trial.suggest_categorical("order", self.orders)
        if name in OUTCOMES:
            own = Schedule.parse(name, k=k)
            return Scheme(name, own.params, order, seed)
        schedule = Schedule.parse(trial.suggest_categorical("schedule", self.schedules), k=k)
        return Scheme(name, tuple(params.items()), order, seed, schedule)

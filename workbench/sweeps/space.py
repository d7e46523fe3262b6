"""What a sweep searches: schemes with their parameters, order modes, top-K."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from workbench.aggregation import ORDERS, SCHEMES, Scheme
from workbench.errors import BadValue, UnknownName

if TYPE_CHECKING:
    import optuna

# Parameters that are worth searching: bounds, and whether steps are multiplicative. Seeds are
# not: the best of many seeds is luck. Nor is the prior of bradley_terry: where all pairs are
# compared, as they are here, it changes no rank.
PARAMETERS: dict[str, dict[str, tuple[float, float, bool]]] = {
    "bradley_terry": {"temperature": (0.1, 10.0, True)},
}


@dataclass(frozen=True)
class Space:
    """The choices of each trial.

    Raises UnknownName for a scheme or order mode that there is not, BadValue for a top-K < 1.
    """

    schemes: list[str] = field(default_factory=lambda: list(SCHEMES))
    orders: list[str] = field(default_factory=lambda: list(ORDERS))
    top_k: list[int] = field(default_factory=lambda: [1, 2, 3])

    def __post_init__(self) -> None:
        for name in self.schemes:
            SCHEMES[name]
        for order in self.orders:
            if order not in ORDERS:
                raise UnknownName("order mode", order, ORDERS)
        for k in self.top_k:
            if k < 1:
                raise BadValue("top_k", k, "integers ≥ 1")
        for name in ("schemes", "orders", "top_k"):
            choices = getattr(self, name)
            if not choices:
                raise BadValue(name, [], "at least one choice")
            if len(set(choices)) < len(choices):
                raise BadValue(name, choices, "each choice once")

    def parameters(self) -> dict[str, dict[str, tuple[float, float, bool]]]:
        """Those of `PARAMETERS` that belong to the schemes."""
        return {name: PARAMETERS[name] for name in self.schemes if name in PARAMETERS}

    def choose(self, trial: "optuna.Trial", seed: int) -> Scheme:
        """The scheme of a trial; its top-K is not drawn (see `search`)."""
        name = trial.suggest_categorical("scheme", self.schemes)
        params = {
            # Three digits are more than a validation set can tell apart, and read well.
            key: float(f"{trial.suggest_float(f'{name}.{key}', low, high, log=log):.3g}")
            for key, (low, high, log) in PARAMETERS.get(name, {}).items()
        }
        order = trial.suggest_categorical("order", self.orders)
        return Scheme(name, tuple(params.items()), order, seed)

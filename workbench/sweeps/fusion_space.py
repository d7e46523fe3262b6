"""What a tuning searches: rankings, K, the order in which candidates are shown, and decodings."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

from workbench import terminal
from workbench.errors import BadValue, UnknownName, WorkbenchError
from workbench.fusion.decoding import Decoding
from workbench.fusion.gen_fuser import GenFuser
from workbench.fusion.seq2seq import check_positions
from workbench.stages.shown_candidates import Order
from workbench.sweeps.decoding_space import DecodingSpace, check_choices

if TYPE_CHECKING:
    import optuna

ORDERS: tuple[Order, ...] = get_args(Order)


class FusionChoice(NamedTuple):
    """What one trial fuses, and how."""

    scheme: str
    top_k: int
    order: Order
    decoding: Decoding


@dataclass(frozen=True)
class FusionSpace:
    """The choices of each trial.

    Raises UnknownName for an order that there is not, BadValue for a top-K < 1, and where there
    is no choice or one twice.
    """

    schemes: list[str]
    top_k: list[int]
    orders: list[Order]
    decoding: DecodingSpace

    def __post_init__(self) -> None:
        check_choices("schemes", self.schemes)
        check_choices("top_k", self.top_k)
        check_choices("orders", self.orders)
        for order in self.orders:
            if order not in ORDERS:
                raise UnknownName("order", order, ORDERS)
        for k in self.top_k:
            if k < 1:
                raise BadValue("top_k", k, "integers ≥ 1")

    def choose(self, trial: "optuna.Trial", seed: int) -> FusionChoice:
        """What a trial fuses; a single candidate stands in one order only."""
        scheme = trial.suggest_categorical("scheme", self.schemes)
        k = trial.suggest_categorical("top_k", self.top_k)
        order: Any = trial.suggest_categorical("order", self.orders) if k > 1 else "rank"
        return FusionChoice(scheme, k, order, self.decoding.choose(trial, seed))


def possible(space: FusionSpace, fuser: GenFuser, most: int, asked: bool) -> FusionSpace:
    """The space, completed by the fuser's own choices, without what cannot be tried.

    Args:
        space: as it is wanted.
        fuser: that is to write.
        most: candidates of the prompt that has most.
        asked: the K were asked for by name, so that none can be left out.

    Raises:
        BadValue, BadModel: a choice that was asked for cannot be tried, or none can.
    """

    def fits(k: int) -> None:
        if k > most:
            raise BadValue("top_k", k, f"at most {most}, as no prompt has more candidates ranked")
        fuser.prompt.check(fuser.tokenizer, k)

    def written(tokens: int) -> None:
        check_positions(fuser.pretrained_model.config, fuser.prompt.max_length, tokens)

    decoding = space.decoding.completed(fuser.decoding)
    lengths, named = decoding.max_new_tokens or [], space.decoding.max_new_tokens is not None
    able = replace(decoding, max_new_tokens=_able("max_new_tokens", lengths, named, written))
    return replace(space, top_k=_able("top_k", space.top_k, asked, fits), decoding=able)


def _able(
    name: str, choices: Sequence[int], asked: bool, check: Callable[[int], None]
) -> list[int]:
    """The choices that pass a check; says which do not, or raises where they were asked for."""
    able: list[int] = []
    for choice in choices:
        try:
            check(choice)
            able.append(choice)
        except WorkbenchError as error:
            if asked:
                raise
            terminal.say(f"{name} {choice} is left out: {error}")
    if not able:
        raise BadValue(name, list(choices), "a choice that can be tried")
    return able

"""The decodings that a tuning chooses from."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from workbench.errors import BadValue
from workbench.fusion.decoding import Decoding

if TYPE_CHECKING:
    import optuna

Kind = Literal["greedy", "beam", "sample"]
# Settings of a kind alone; the others belong to all.
_OWN: dict[str, tuple[str, ...]] = {
    "greedy": (),
    "beam": ("beams", "length_penalty"),
    "sample": ("temperature", "top_p"),
}
_SHARED = ("max_new_tokens", "no_repeat_ngram", "copy_ngram")


@dataclass(frozen=True)
class DecodingSpace:
    """The choices of each setting of a decoding; one choice alone is a setting that is fixed.

    Raises BadValue where it is made.

    Attributes:
        kinds: of search: greedy, beam, sample.
        beams: of beam search.
        length_penalty: of beam search.
        temperature: of sampling.
        top_p: of sampling.
        max_new_tokens: most tokens of an answer; by default what the fuser usually writes at
            most, half and a quarter of it.
        no_repeat_ngram: the fuser's own by default.
        copy_ngram: 0 and the fuser's own by default.
    """

    kinds: list[Kind] = field(default_factory=lambda: ["greedy", "beam", "sample"])
    beams: list[int] = field(default_factory=lambda: [2, 4])
    length_penalty: list[float] = field(default_factory=lambda: [0.5, 1.0, 2.0])
    temperature: list[float] = field(default_factory=lambda: [0.5, 1.0])
    top_p: list[float] = field(default_factory=lambda: [0.9, 1.0])
    max_new_tokens: list[int] | None = None
    no_repeat_ngram: list[int] | None = None
    copy_ngram: list[int] | None = None

    def __post_init__(self) -> None:
        for name, choices in vars(self).items():
            if choices is not None:
                check_choices(f"decoding.{name}", choices)
        for kind in self.kinds:
            if kind not in _OWN:
                raise BadValue("decoding.kinds", kind, f"one of {', '.join(_OWN)}")
            for name in (*_OWN[kind], *_SHARED):
                for choice in getattr(self, name) or ():
                    self._check(kind, name, choice)

    def _check(self, kind: str, name: str, choice: float) -> None:
        usual: dict[str, float] = {"temperature": 1.0} if kind == "sample" else {}
        usual["beams"] = 2 if kind == "beam" else 1
        if Decoding(**usual | {name: choice}).name != kind:  # type: ignore[arg-type]
            raise BadValue(f"decoding.{name}", choice, f"a value that makes it '{kind}'")

    def completed(self, own: Decoding) -> "DecodingSpace":
        """The space with the choices that are a fuser's own; `own` is what it usually does."""
        longest = own.max_new_tokens
        usual = {
            "max_new_tokens": sorted({max(1, longest // part) for part in (4, 2, 1)}),
            "no_repeat_ngram": [own.no_repeat_ngram],
            "copy_ngram": sorted({0, own.copy_ngram}),
        }
        left = {name: value for name, value in usual.items() if getattr(self, name) is None}
        return replace(self, **left)  # type: ignore[arg-type]

    def choose(self, trial: "optuna.Trial", seed: int) -> Decoding:
        """The decoding of a trial, drawn from a space that is completed.

        Settings that have no effect are not drawn: a sampler would learn from them nothing.
        """
        kind = trial.suggest_categorical("decoding", self.kinds)
        given = {
            name: trial.suggest_categorical(name, getattr(self, name))
            for name in (*_OWN[kind], *_SHARED)
        }
        return Decoding(**{"beams": 1, "seed": seed, **given})


def check_choices(name: str, choices: Sequence[str | float]) -> None:
    """Raises BadValue where there is no choice, or one twice."""
    if not choices:
        raise BadValue(name, [], "at least one choice")
    if len(set(choices)) < len(choices):
        raise BadValue(name, choices, "each choice once")

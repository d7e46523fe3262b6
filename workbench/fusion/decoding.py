"""How a fuser's answer is decoded, and the one text that names it."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from workbench.aggregation.calls import call_text, number, parsed_call, typed
from workbench.errors import BadValue, UnknownName

_SHARED = ("max_new_tokens", "no_repeat_ngram", "copy_ngram")
_SETTINGS: Mapping[str, tuple[str, ...]] = {
    "greedy": _SHARED,
    "beam": ("beams", "length_penalty", *_SHARED),
    "sample": ("temperature", "top_p", "seed", *_SHARED),
}
_GRAMMAR = "greedy(…), beam(beams=4, …) or sample(temperature=1.0, …)"


@dataclass(frozen=True)
class Decoding:
    """Settings of a search for an answer; what has no effect takes its default.

    Raises BadValue where it is made.

    >>> str(Decoding.parse("beam(beams=2)"))
    'beam(beams=2, length_penalty=1.0, max_new_tokens=128, no_repeat_ngram=0, copy_ngram=0)'
    >>> Decoding.parse("greedy") == Decoding(beams=1, top_p=0.5)
    True

    Attributes:
        beams: hypotheses kept a step; 1 is greedy search.
        max_new_tokens: most tokens of an answer.
        temperature: above 0, tokens are drawn, from logits divided by it; that takes one beam.
        top_p: tokens are drawn from the likeliest that together have this probability.
        seed: of the draws.
        length_penalty: a hypothesis' log-likelihood is divided by its length to this power.
        no_repeat_ngram: n above 0: no n tokens in a row occur twice in an answer.
        copy_ngram: n above 0: n tokens in a row occur so in one of the candidates shown, whose
            begins and ends count as tokens.
    """

    beams: int = 4
    max_new_tokens: int = 128
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    length_penalty: float = 1.0
    no_repeat_ngram: int = 0
    copy_ngram: int = 0

    def __post_init__(self) -> None:
        for field in fields(self):
            kind = type(field.default)
            object.__setattr__(self, field.name, typed(field.name, getattr(self, field.name), kind))
        self._check()
        for field in fields(self):
            if field.name not in _SETTINGS[self.name] and field.name != "beams":
                object.__setattr__(self, field.name, field.default)

    def _check(self) -> None:
        for name in ("beams", "max_new_tokens"):
            if getattr(self, name) < 1:
                raise BadValue(name, getattr(self, name), "a positive number")
        for name in ("seed", "no_repeat_ngram", "copy_ngram"):
            if getattr(self, name) < 0:
                raise BadValue(name, getattr(self, name), "0 or more")
        if not 0 <= self.temperature < float("inf"):
            raise BadValue("temperature", self.temperature, "0, or a positive number to sample")
        if self.temperature and self.beams > 1:
            raise BadValue("beams", self.beams, "1, where temperature > 0 has tokens drawn")
        if not 0 < self.top_p <= 1:
            raise BadValue("top_p", self.top_p, "a probability, 0 < top_p <= 1")
        if not abs(self.length_penalty) < float("inf"):
            raise BadValue("length_penalty", self.length_penalty, "a finite number")

    @property
    def name(self) -> str:
        """ "greedy", "beam" or "sample"."""
        if self.temperature:
            return "sample"
        return "beam" if self.beams > 1 else "greedy"

    def __str__(self) -> str:
        """The canonical text, which `parse` reads back; the store's `decoding`."""
        return call_text(self.name, {name: getattr(self, name) for name in _SETTINGS[self.name]})

    @classmethod
    def parse(cls, text: str) -> "Decoding":
        """The decoding that a text names, canonical or short (`greedy`, `beam(beams=8)`).

        Raises:
            UnknownName: unknown kind or setting.
            BadValue: broken grammar, or a value that cannot be used.
        """
        name, given = parsed_call("decoding", text, text, _GRAMMAR)
        if name not in _SETTINGS:
            raise UnknownName("decoding", name, _SETTINGS)
        for key in given:
            if key not in _SETTINGS[name]:
                raise UnknownName(f"setting of {name}", key, _SETTINGS[name])
        values: dict[str, float] = {key: number(key, value) for key, value in given.items()}
        if name == "sample":
            values = {"temperature": 1.0, **values}
        if name != "beam":
            values["beams"] = 1
        decoding = cls(**values)  # type: ignore[arg-type]
        if decoding.name != name:
            raise BadValue(
                "decoding", text, f"settings that make it '{name}', not '{decoding.name}'"
            )
        return decoding

"""What gives prompts tags: the base of all taggers."""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from inspect import signature
from typing import Any, ClassVar, Self

from workbench.errors import BadValue
from workbench.models.asking import Tally
from workbench.models.meter import Meter
from workbench.store.source_text import source_text
from workbench.store.store import Store

_LABEL = re.compile(r"[^\s\[\],@=]+")


@dataclass(frozen=True)
class Prompt:
    """A prompt of the store, as taggers see it; `category` is '' where it has none."""

    prompt_id: str
    instruction: str
    input: str
    category: str

    @property
    def text(self) -> str:
        """As routers read it."""
        return source_text(self.instruction, self.input)


Tags = tuple[str, ...]


class Tagger(ABC):
    """Base of the taggers. Made cheaply; `prepare` does what must be done before any prompt.

    In this order: `prepare(store, datasets)`, then `name`, `content()`, and inside `connected()`
    `tags(prompts)`.

    Args:
        label: what the name calls it.

    Attributes:
        meter: counts what calls of an LLM cost; None where none is asked.
        tally: what became of the questions to an LLM.
        figures: numbers that it has found on its way, for the run.

    Raises:
        BadValue: a label that cannot stand in a name.
    """

    kind: ClassVar[str]
    version: ClassVar[int] = 1

    def __init__(self, label: str) -> None:
        if not _LABEL.fullmatch(label):
            raise BadValue("label", label, "a word without blanks and the signs [ ] , @ =")
        self.label = label
        self.meter: Meter | None = None
        self.tally = Tally()
        self.figures: dict[str, float] = {}

    @property
    def name(self) -> str:
        """What the table `tags` calls it; `--data.tagger` of a training takes this name."""
        return f"{self.kind}[{','.join((self.label, *self.settings()))}]@{self.version}"

    @property
    def source(self) -> str:
        """Name under which tags are kept as they come, before `min_prompts` takes rare ones out."""
        return self.name

    min_prompts: int = 1

    def prepare(self, store: Store, datasets: Sequence[str] | None) -> Self:
        """Learns or reads what the tags depend on; raises what cannot work before any tagging."""
        return self

    def settings(self) -> list[str]:
        """Settings as they stand in the name."""
        return []

    @abstractmethod
    def content(self) -> str:
        """Hash over all that its tags depend on beside the prompt: what the name stands for."""

    @abstractmethod
    def tags(self, prompts: Sequence[Prompt]) -> Iterator[tuple[Prompt, Tags] | None]:
        """Prompts with their different tags, in any order; none of a prompt without a tag.

        None where there is nothing new for a while, so that the caller can look after other
        things.
        """

    def told(self) -> dict[str, Any]:
        """Options for the run, beside name and content."""
        return {}

    @contextmanager
    def connected(self) -> Iterator[None]:
        """Holds what it needs while it tags, and raises at once where that cannot be had."""
        yield

    def limit(self, max_calls: int | None, max_usd: float | None) -> None:
        """Limits of the calls of an LLM; raises BadValue where none is asked."""
        for name, value in (("max_calls", max_calls), ("max_usd", max_usd)):
            if value is not None:
                raise BadValue(name, value, f"none: {type(self).__name__} asks no LLM")

    def estimate(self, prompt: Prompt) -> int:
        """Counts in `meter` what a prompt would cost; how many calls of an LLM that is."""
        return 0

    def changed(self, *options: str) -> list[str]:
        """`OPTION=VALUE` of those options that are not at the constructor's default."""
        usual = signature(type(self)).parameters
        values = {name: getattr(self, name) for name in options}
        return [f"{name}={v}" for name, v in values.items() if v != usual[name].default]

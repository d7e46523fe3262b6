"""A name -> function table with 'did you mean', for aggregation schemes and measures."""

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from workbench.errors import UnknownName

F = TypeVar("F", bound=Callable[..., object])


class Catalog(Generic[F]):
    """Functions by name, in the order in which they were added.

    >>> schemes = Catalog("scheme")
    >>> @schemes.add("copeland")
    ... def copeland(logits, mask): ...
    >>> "copeland" in schemes
    True
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._functions: dict[str, F] = {}

    def add(self, name: str) -> Callable[[F], F]:
        """Decorator: puts a function under `name`; raises ValueError where the name is taken."""

        def register(function: F) -> F:
            if name in self._functions:
                raise ValueError(f"{self.kind} '{name}' is already defined")
            self._functions[name] = function
            return function

        return register

    def __getitem__(self, name: str) -> F:
        """The function called `name`; raises UnknownName with the valid names."""
        if name not in self._functions:
            raise UnknownName(self.kind, name, self._functions)
        return self._functions[name]

    def __contains__(self, name: object) -> bool:
        return name in self._functions

    def __iter__(self) -> Iterator[str]:
        return iter(self._functions)

    def __len__(self) -> int:
        return len(self._functions)

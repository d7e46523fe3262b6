"""Which trials of a study are looked at, and by which of their figures."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Asked:
    """Which trials are looked at, and by which figure of theirs.

    Attributes:
        study: name.
        figure: name of an entry of `objectives`.
        smaller: the smaller the better.
        top_k: only trials of this K; None for all.
        times: what values are multiplied by.
        told: what the figure is called on the page, with its unit; '' as in the store.
    """

    study: str
    figure: str
    smaller: bool = False
    top_k: int | None = None
    times: float = 1.0
    told: str = ""

    @property
    def name(self) -> str:
        """Of the figure, on the page."""
        return self.told or self.figure

    @property
    def sign(self) -> int:
        """-1 where the smaller is the better."""
        return -1 if self.smaller else 1

    @property
    def parameters(self) -> dict[str, Any]:
        """Values of the parameters of `queries.sweeps`."""
        top_k = None if self.top_k is None else str(self.top_k)
        given = {"study": self.study, "pointer": pointer(self.figure), "top_k": top_k}
        return given | {"sign": self.sign, "times": self.times}


def pointer(name: str) -> str:
    """A JSON pointer (RFC 6901) to an entry, whatever its name holds."""
    return "/".join(["", name.replace("~", "~0").replace("/", "~1")])

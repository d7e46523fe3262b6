"""What every source yields: a prompt with its candidates, and what is known of them."""

from dataclasses import dataclass, field
from typing import NamedTuple

VERDICTS = ("left", "right", "tie", "both good", "both bad")


@dataclass(frozen=True)
class Candidate:
    """One LLM's answer; what the source does not know is None: a cost, or the text itself, where
    it holds nothing but its quality."""

    llm: str
    text: str | None
    decoding: str = ""
    tokens_in: int | None = None
    tokens_out: int | None = None
    usd: float | None = None
    latency_s: float | None = None
    qualities: dict[str, float] = field(default_factory=dict)
    """Measure -> value; a measure that was not taken is absent, never 0."""


@dataclass(frozen=True)
class Verdict:
    """What a judge said of two LLMs' answers, the left one shown first; one of VERDICTS.

    Where an LLM has several candidates, its decoding tells which one; None means its first.
    """

    left_llm: str
    right_llm: str
    judge: str
    verdict: str
    left_decoding: str | None = None
    right_decoding: str | None = None


@dataclass(frozen=True)
class Record:
    """One prompt with its candidates, and the file and line (1-based) that it came from."""

    dataset: str
    instruction: str
    input: str
    candidates: tuple[Candidate, ...]
    file: str
    line: int
    reference: str | None = None
    category: str | None = None
    split: str | None = None
    """The source's own split; None where it has none (the split is then taken by hash)."""
    verdicts: tuple[Verdict, ...] = ()
    tags: tuple[str, ...] = ()
    tagger: str = ""
    """Who gave the tags; empty where there are none."""


class LLM(NamedTuple):
    """What is known of an LLM: billions of parameters, USD per million tokens; None: it is not."""

    llm: str
    parameters_b: float | None = None
    usd_per_mtok_in: float | None = None
    usd_per_mtok_out: float | None = None

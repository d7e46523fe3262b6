"""A simulated pool: LLMs of different expertise answer tasks of eight families.

Made for the demo and the tests. It has the properties that ensembling lives on: no LLM is best
everywhere; a prompt's words tell which LLM is likely good; an answer's words tell how good it
is; and several answers together hold more than any one of them.

An LLM knows each fact of a task with the probability that its SKILLS give for the family, shifted
by a taste for single topics that is the same for every seed. A fact that it does not know is
replaced by a hedge, by the fact that answers another prompt, or by nothing; and nobody knows all
facts of a task, so that merging answers can always gain. Padding is added to good and bad answers
alike: the longest answer is no good choice.
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from zlib import crc32

import numpy as np

from workbench.errors import BadRow, BadValue
from workbench.sources.record import LLM, Candidate, Record
from workbench.sources.simulated_tasks import Family, families


class Simulated(NamedTuple):
    """An LLM of which all is known: billions of parameters, USD per million tokens."""

    llm: str
    parameters_b: float
    usd_per_mtok_in: float
    usd_per_mtok_out: float


LLMS = (
    Simulated("sim-atlas-70b", 70, 0.90, 0.90),
    Simulated("sim-borea-34b", 34, 0.60, 0.60),
    Simulated("sim-cedar-14b", 14, 0.25, 0.30),
    Simulated("sim-delta-13b", 13, 0.20, 0.25),
    Simulated("sim-ember-13b", 13, 0.20, 0.25),
    Simulated("sim-fjord-9b", 9, 0.12, 0.15),
    Simulated("sim-grove-8b", 8, 0.10, 0.12),
    Simulated("sim-heron-8b", 8, 0.10, 0.12),
    Simulated("sim-iris-7b", 7, 0.08, 0.10),
    Simulated("sim-juno-7b", 7, 0.08, 0.10),
    Simulated("sim-krill-3b", 3, 0.03, 0.05),
    Simulated("sim-lumen-1b", 1, 0.01, 0.02),
)
FAMILIES = ("travel", "cooking", "coding", "maths", "history", "medicine", "law", "gardening")
TENTHS = {
    # columns: as in FAMILIES     travel cooking coding maths history medicine law gardening
    "sim-atlas-70b": (5, 5, 6, 6, 5, 6, 6, 4),
    "sim-borea-34b": (5, 5, 4, 5, 6, 5, 7, 4),
    "sim-cedar-14b": (3, 3, 8, 7, 3, 3, 3, 2),
    "sim-delta-13b": (8, 5, 2, 2, 6, 3, 3, 4),
    "sim-ember-13b": (4, 8, 2, 3, 3, 4, 2, 7),
    "sim-fjord-9b": (3, 2, 4, 8, 4, 2, 5, 2),
    "sim-grove-8b": (4, 5, 2, 2, 3, 4, 2, 8),
    "sim-heron-8b": (3, 3, 2, 3, 4, 8, 4, 4),
    "sim-iris-7b": (6, 3, 2, 3, 8, 3, 4, 3),
    "sim-juno-7b": (2, 3, 3, 3, 3, 5, 8, 2),
    "sim-krill-3b": (5, 5, 6, 3, 2, 2, 2, 4),
    "sim-lumen-1b": (2, 4, 2, 2, 3, 4, 2, 3),
}
SKILLS = {llm: dict(zip(FAMILIES, row, strict=True)) for llm, row in TENTHS.items()}
"""LLM -> family -> probability of knowing a fact, in tenths."""
TASTE = 0.15
"""A topic shifts an LLM's skill by up to this much, up or down."""
LOST = {"hedge": 0.58, "wrong": 0.32, "nothing": 0.10}
"""What becomes of a fact that an LLM does not know, with probabilities."""
PADDED = 0.35
"""Probability of an opening, and of a closing, whatever the answer's quality."""
PHRASINGS = 3
Task = tuple[Family, tuple[str, ...]]

HEDGES = (
    "it depends on many things",
    "maybe try something else",
    "perhaps ask somebody about it",
    "this could vary a lot",
    "some people think otherwise",
    "there might be several options",
    "maybe do whatever feels right",
    "perhaps look at it later",
    "nobody knows for certain",
    "that is usually fine",
    "it could be many other things",
    "some options might be fine",
)
OPENINGS = ("I can help with that", "thank you for asking me", "this is what I know")
CLOSINGS = ("I hope this is useful", "tell me if you need more", "I am happy to help")


def read(
    path: str | None = None,
    *,
    n_prompts: int = 1500,
    seed: int = 1,
    dataset: str = "simulated",
) -> Iterator[Record | BadRow]:
    """Simulates a pool of 12 LLMs; the same arguments give the same pool.

    A smaller pool is the beginning of a larger one with the same seed.

    Args:
        path: Not used; there is nothing to read.
        n_prompts: Number of prompts, at most 6144.
        seed: Seed of the prompts and of the answers.
        dataset: Name of the dataset in the store.

    Raises:
        BadValue: A path was given, or `n_prompts` is out of range.
    """
    if path is not None:
        raise BadValue("path", path, "no path: the simulated source reads no file")
    tasks = [(family, filling) for family in families() for filling in family.fillings()]
    if not 1 <= n_prompts <= len(tasks) * PHRASINGS:
        raise BadValue("n_prompts", n_prompts, f"1 to {len(tasks) * PHRASINGS}")
    return _records(tasks, n_prompts, seed, dataset)


def llms() -> list[LLM]:
    """The simulated LLMs: name, billions of parameters, USD per million tokens in and out."""
    return [LLM(*known) for known in LLMS]


def _records(tasks: list[Task], n_prompts: int, seed: int, dataset: str) -> Iterator[Record]:
    drawn = np.random.default_rng([seed, 0])
    turns = drawn.permutation(len(tasks))
    phrasings = drawn.integers(PHRASINGS, size=len(tasks))
    for i in range(n_prompts):
        # Every task comes once before any comes again in another phrasing.
        again, place = divmod(i, len(tasks))
        family, filling = tasks[turns[place]]
        instruction = family.prompt((phrasings[place] + again) % PHRASINGS, filling)
        rng = np.random.default_rng([seed, 1, i])
        yield Record(
            dataset=dataset,
            instruction=instruction,
            input="",
            candidates=tuple(_candidate(llm, instruction, family, filling, rng) for llm in LLMS),
            file="simulated",
            line=i + 1,
            reference=_sentence(family.facts(filling)),
            category=family.name,
            tags=(f"task:{family.name}", f"topic:{filling[0]}"),
            tagger="simulated",
        )


def _candidate(
    llm: Simulated,
    instruction: str,
    family: Family,
    filling: tuple[str, ...],
    rng: np.random.Generator,
) -> Candidate:
    text = _answer(_skill(llm.llm, family.name, filling[0]), family, filling, rng)
    tokens_in, tokens_out = _tokens(instruction), _tokens(text)
    price = tokens_in * llm.usd_per_mtok_in + tokens_out * llm.usd_per_mtok_out
    seconds = (0.05 + 0.0006 * llm.parameters_b * tokens_out) * rng.uniform(0.9, 1.1)
    return Candidate(
        llm=llm.llm,
        text=text,
        decoding="simulated",
        tokens_in=tokens_in,
        tokens_out=tokens_out,
        usd=price / 1e6,
        latency_s=round(float(seconds), 4),
    )


def _skill(llm: str, family: str, topic: str) -> float:
    """Probability of knowing a fact: the family's, shifted by a taste that no seed changes."""
    shift = crc32(f"{llm} on {topic}".encode()) / 2**32 * 2 - 1
    return SKILLS[llm][family] / 10 + TASTE * shift


def _answer(
    skill: float, family: Family, filling: tuple[str, ...], rng: np.random.Generator
) -> str:
    facts = family.facts(filling)
    known = rng.random(len(facts)) < skill
    if known.all():
        known[rng.integers(len(facts))] = False
    fates = np.searchsorted(
        np.cumsum(list(LOST.values())[:-1]), rng.random(len(facts)), side="right"
    )
    draws = rng.random(len(facts) + 5).tolist()
    pieces = []
    for i, others in enumerate(family.other_facts(filling)):
        fate = "known" if known[i] else tuple(LOST)[fates[i]]
        if fate == "known":
            pieces.append(facts[i])
        elif fate == "wrong":
            pieces.append(_drawn(others, draws[i]))
        elif fate == "hedge":
            pieces.append(_drawn(HEDGES, draws[i]))
    sentences = [_sentence(pieces or [_drawn(HEDGES, draws[-1])])]
    if draws[-2] < PADDED:
        sentences.insert(0, _sentence([_drawn(OPENINGS, draws[-3])]))
    if draws[-4] < PADDED:
        sentences.append(_sentence([_drawn(CLOSINGS, draws[-5])]))
    return " ".join(sentences)


def _drawn(options: Sequence[str], draw: float) -> str:
    """One of the options by a draw from [0, 1); many times faster than the generator's choice."""
    return options[int(draw * len(options))]


def _sentence(pieces: list[str]) -> str:
    text = ", ".join(pieces)
    return text[0].upper() + text[1:] + "."


def _tokens(text: str) -> int:
    """Four tokens to three words, as English text has with usual tokenizers."""
    return math.ceil(len(text.split()) * 4 / 3)

"""Seeded random choices that belong to a prompt, not to its place in a batch."""

import hashlib
from collections.abc import Sequence

import numpy as np

from workbench.errors import BadValue

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def prompt_keys(prompt_ids: Sequence[str]) -> np.ndarray:
    """[Q] uint64 that stand for the prompts in random choices: a hash of each id."""
    digests = b"".join(
        hashlib.blake2b(prompt.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        for prompt in prompt_ids
    )
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)


def keys_or_shared(keys: np.ndarray | None, queries: int) -> np.ndarray:
    """[Q] uint64: the keys given, or the same key for every prompt.

    Raises:
        BadValue: keys of another shape, or that are no integers.
    """
    if keys is None:
        return np.zeros(queries, dtype=np.uint64)
    if keys.shape != (queries,) or not np.issubdtype(keys.dtype, np.integer):
        raise BadValue("keys", (keys.dtype.name, keys.shape), f"{queries} integers, one a prompt")
    return keys.astype(np.uint64)


def check_seed(seed: int) -> None:
    """Raises BadValue for a seed outside [0, 2**63)."""
    if not 0 <= seed < 2**63:
        raise BadValue("seed", seed, "an integer from 0 to 2**63 - 1")


def random_bits(seed: int, *indices: np.ndarray) -> np.ndarray:
    """Random uint64 addressed by a seed and indices, which broadcast against each other.

    A chain of splitmix64 (Steele, Lea, Flood, 2014): the number at an address is always the
    same, however many others are drawn with it.
    """
    check_seed(seed)
    state = _mix(np.array([seed], dtype=np.uint64))
    for index in indices:
        state = _mix(state ^ index.astype(np.uint64))
    return state


def shuffled(mask: np.ndarray, seed: int, keys: np.ndarray) -> np.ndarray:
    """[Q, N] columns in a random order, real candidates first.

    The place of a column depends on seed, key and column alone, never on the batch or on masked
    columns. Where all prompts have one key they share one permutation of the columns: an LLM
    that always stands in one column then always comes at one time.

    Args:
        mask: [Q, N] bool.
        seed: of the permutations.
        keys: [Q] uint64 that stand for the prompts (`prompt_keys`).
    """
    draw = random_bits(seed, keys[:, None], np.arange(mask.shape[1])[None, :])
    order = np.argsort(draw, axis=1, kind="stable")
    padding_last = np.argsort(~np.take_along_axis(mask, order, axis=1), axis=1, kind="stable")
    return np.take_along_axis(order, padding_last, axis=1)


def _mix(x: np.ndarray) -> np.ndarray:
    x = x + _GOLDEN
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))

"""Which pairs of a prompt's candidates a ranker is trained on (LLM-Blender's sampling modes)."""

from typing import NamedTuple

import numpy as np

from workbench.errors import BadValue, UnknownName

MODES = ("all_pair", "top_bottom", "uniform", "random")
_CHUNK_CELLS = 4_000_000  # prompts x pairs x measures looked at together, which bounds memory


class Pairs(NamedTuple):
    """P ordered pairs, left one shown first: prompt and candidate places, int64 [P] each."""

    prompt: np.ndarray
    left: np.ndarray
    right: np.ndarray


def check_pairs(mode: str, pairs_per_prompt: int | None, ratio: float) -> None:
    """Raises UnknownName or BadValue for options that `sample_pairs` cannot use."""
    if mode not in MODES:
        raise UnknownName("pair sampling mode", mode, MODES)
    if pairs_per_prompt is not None and pairs_per_prompt < 1:
        raise BadValue("pairs_per_prompt", pairs_per_prompt, "a positive number, or null for all")
    if not 0 < ratio <= 1:
        raise BadValue("pair_ratio", ratio, "a share, 0 < pair_ratio <= 1")


def sample_pairs(
    quality: np.ndarray,
    mask: np.ndarray,
    mode: str = "all_pair",
    *,
    pairs_per_prompt: int | None = 5,
    ratio: float = 0.4,
    random: np.random.Generator,
) -> Pairs:
    """Draws training pairs; each is presented left/right at random.

    A pair whose every measure is tied or not measured teaches nothing and is never drawn.

    - `all_pair`: a random subset of all pairs, `pairs_per_prompt` of them.
    - `top_bottom`: the i-th best with the i-th of the worst k, k = `pairs_per_prompt`.
    - `uniform`: neighbours among every (1/ratio)-th candidate in the order of quality.
    - `random`: a random subset of all pairs, `ratio` times the number of candidates of them.

    The order of quality is that of the mean over measures, so give measures on one scale.

    Args:
        quality: [Q, N, M], NaN where not measured.
        mask: [Q, N], candidates that may be drawn; identical texts taken out by the caller
            (see `first_of_each`).
        mode: one of MODES.
        pairs_per_prompt: None takes all.
        ratio: see the modes.
        random: source of chance.
    """
    check_pairs(mode, pairs_per_prompt, ratio)
    size = max(1, mask.shape[1] * (mask.shape[1] - 1) // 2 * quality.shape[2])
    step = max(1, _CHUNK_CELLS // size)
    drawn = []
    for first in range(0, len(mask), step):
        part = slice(first, first + step)
        if mode in ("all_pair", "random"):
            q, i, j = _any(quality[part], mask[part], mode, pairs_per_prompt, ratio, random)
        else:
            q, i, j = _sorted(quality[part], mask[part], mode, pairs_per_prompt, ratio)
        drawn.append((q + first, i, j))
    prompt, one, other = (
        np.concatenate([d[k] for d in drawn]) if drawn else np.zeros(0, np.int64) for k in range(3)
    )
    swap = random.random(len(prompt)) < 0.5
    return Pairs(prompt, np.where(swap, other, one), np.where(swap, one, other))


def first_of_each(text: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """[Q, N] bool: within the mask, the first candidate of each distinct text of its prompt.

    Args:
        text: [Q, N] int, equal numbers for identical texts.
        mask: [Q, N] bool.
    """
    same = (text[:, :, None] == text[:, None, :]) & mask[:, :, None] & mask[:, None, :]
    return mask & (same.argmax(axis=2) == np.arange(mask.shape[1]))


def all_pairs(mask: np.ndarray) -> Pairs:
    """Every unordered pair i < j of candidates within the mask [Q, N], i on the left."""
    i, j = np.triu_indices(mask.shape[1], 1)
    q, pair = np.nonzero(mask[:, i] & mask[:, j])
    return Pairs(q, i[pair], j[pair])


def _any(
    quality: np.ndarray,
    mask: np.ndarray,
    mode: str,
    pairs_per_prompt: int | None,
    ratio: float,
    random: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    i, j = np.triu_indices(mask.shape[1], 1)
    valid = mask[:, i] & mask[:, j] & _telling(quality[:, i], quality[:, j])
    if mode == "random":
        count = np.maximum(1, (mask.sum(axis=1) * ratio).astype(np.int64))
    else:
        count = np.full(len(mask), len(i) if pairs_per_prompt is None else pairs_per_prompt)
    key = np.where(valid, random.random(valid.shape), 2.0)
    order = np.argsort(key, axis=1)
    taken = (np.arange(len(i)) < count[:, None]) & np.take_along_axis(valid, order, axis=1)
    q, place = np.nonzero(taken)
    pair = order[q, place]
    return q, i[pair], j[pair]


def _sorted(
    quality: np.ndarray, mask: np.ndarray, mode: str, pairs_per_prompt: int | None, ratio: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    measured = mask & ~np.isnan(quality).all(axis=2)
    seen = np.where(np.isnan(quality), 0.0, quality).sum(axis=2)
    mean = seen / np.maximum(1, (~np.isnan(quality)).sum(axis=2))
    order = np.argsort(np.where(measured, -mean, np.inf), axis=1, kind="stable")
    n = measured.sum(axis=1)[:, None]
    slot = np.arange(mask.shape[1])[None, :]
    if mode == "top_bottom":
        most = mask.shape[1] if pairs_per_prompt is None else pairs_per_prompt
        k = np.minimum(most, n // 2)
        better, worse, valid = slot, n - k + slot, slot < k
    else:
        step = int(1 / ratio)
        better, worse = slot * step, (slot + 1) * step
        valid = worse < n
    shape = np.broadcast_shapes(valid.shape, (len(mask), mask.shape[1]))
    q, place = np.nonzero(np.broadcast_to(valid, shape))
    i = order[q, np.broadcast_to(better, shape)[q, place]]
    j = order[q, np.broadcast_to(worse, shape)[q, place]]
    telling = _telling(quality[q, i], quality[q, j])
    return q[telling], i[telling], j[telling]


def _telling(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    gap = one - other
    return ((gap != 0) & ~np.isnan(gap)).any(axis=-1)

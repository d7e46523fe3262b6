"""How often each prompt is drawn in each bootstrap sample: the same for the same seed."""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

# Cells of one block of resampling counts: bounds the memory whatever the number of prompts.
_BLOCK_CELLS = 1 << 22
# Cells, of a byte each, of all counts that are kept for the next figures: 2000 samples of 130,000
# prompts. Drawing takes longer than all that is done with the counts of one system.
_KEPT_CELLS = 1 << 28


def blocks(prompts: int, resamples: int, seed: int) -> Iterator[tuple[slice, np.ndarray]]:
    """(samples, counts [samples, prompts] float64): all samples, in blocks that bound the memory.

    A count is how often a prompt was drawn in a sample.
    """
    if prompts * resamples <= _KEPT_CELLS:
        kept = _kept_counts(prompts, resamples, seed)
        for samples in _slices(prompts, resamples):
            yield samples, kept[samples].astype(np.float64)
    else:
        for samples, counts in _drawn(prompts, resamples, seed):
            yield samples, counts.astype(np.float64)


@lru_cache(maxsize=1)
def _kept_counts(prompts: int, resamples: int, seed: int) -> np.ndarray:
    """[resamples, prompts] counts of all samples, read only."""
    # A byte is enough: 256 times the same prompt has a chance of less than 1 in 256!.
    kept = np.empty((resamples, prompts), np.uint8)
    for samples, counts in _drawn(prompts, resamples, seed):
        kept[samples] = counts
    kept.flags.writeable = False
    return kept


def _drawn(prompts: int, resamples: int, seed: int) -> Iterator[tuple[slice, np.ndarray]]:
    rng = np.random.default_rng(seed)
    for samples in _slices(prompts, resamples):
        size = samples.stop - samples.start
        drawn = rng.integers(0, prompts, size=(size, prompts))
        drawn += np.arange(size)[:, None] * prompts
        counts = np.bincount(drawn.ravel(), minlength=size * prompts)
        yield samples, counts.reshape(size, prompts)


def _slices(prompts: int, resamples: int) -> Iterator[slice]:
    block = max(1, _BLOCK_CELLS // max(prompts, 1))
    for start in range(0, resamples if prompts else 0, block):
        yield slice(start, min(start + block, resamples))

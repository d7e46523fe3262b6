"""Random qualities and scores for the tests of this folder."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp


@st.composite
def quality_pools(draw, widest: int = 6):
    """(scores, quality, mask): few values, so that ties are common; ragged; some not measured."""
    shape = draw(st.integers(1, 4)), draw(st.integers(1, widest))
    values = st.integers(-3, 3)
    scores = draw(hnp.arrays(np.float64, shape, elements=values)) / 3
    quality = draw(hnp.arrays(np.float64, shape, elements=values)) / 3
    mask = draw(hnp.arrays(np.bool_, shape))
    quality[draw(hnp.arrays(np.bool_, shape, elements=st.booleans())) | ~mask] = np.nan
    scores[~mask] = -np.inf
    return scores, quality, mask


def random_pool(seed: int, queries: int, width: int, levels: int | None = None):
    """(scores, quality, pool) of which a quarter is missing; `levels` makes ties."""
    rng = np.random.default_rng(seed)
    scores, quality = rng.normal(size=(2, queries, width))
    scores = scores + quality
    if levels:
        scores, quality = np.round(scores * levels), np.round(quality * levels)
    pool = rng.random((queries, width)) < 0.75
    return np.where(pool, scores, -np.inf), np.where(pool, quality, np.nan), pool

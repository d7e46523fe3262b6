"""Random pools of pair logits for the tests of this folder."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from workbench.aggregation import OUTCOMES, SCHEMES, Scheme

ALL_SCHEMES = tuple(SCHEMES)
COMPLETE = tuple(name for name in SCHEMES if name not in OUTCOMES)
# What remains of chance in elo depends on the columns.
COLUMN_FREE = tuple(name for name in COMPLETE if name != "elo")
ANTISYMMETRIC = ("max_logits", "copeland", "bradley_terry", "elo", "kemeny")


def score(name: str, L: np.ndarray, mask: np.ndarray, **params: float) -> np.ndarray:
    # Properties that hold for certain need all pairs; `test_top_k.py` tests the chances.
    certain = {"confidence": 1.0} if name == "top_k" else {}
    return Scheme.of(name, **certain, **params).scores(L, mask)


def blanked(L: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """NaN on the diagonal and outside the mask, as the contract says."""
    real = mask[:, :, None] & mask[:, None, :] & ~np.eye(mask.shape[1], dtype=bool)
    return np.where(real, L, np.nan).astype(np.float32)


@st.composite
def pools(draw, holes: bool = False, widest: int = 6):
    """(L, mask): eighths as logits, so that sums are exact; ragged; empty prompts among them."""
    queries, width = draw(st.integers(1, 4)), draw(st.integers(1, widest))
    eighths = hnp.arrays(np.int16, (queries, width, width), elements=st.integers(-80, 80))
    L = draw(eighths).astype(np.float32) / 8
    mask = draw(hnp.arrays(np.bool_, (queries, width)))
    if holes:
        L[draw(hnp.arrays(np.bool_, L.shape))] = np.nan
    return blanked(L, mask), mask


@st.composite
def ordered_pools(draw):
    """(L, mask, strengths): transitive logits with a position bias under the smallest gap."""
    queries, width = draw(st.integers(1, 4)), draw(st.integers(1, 6))
    places = [draw(st.permutations(range(width))) for _ in range(queries)]
    strengths = np.array(places, dtype=np.float64)
    bias = draw(st.sampled_from([-0.25, 0.0, 0.25]))
    mask = draw(hnp.arrays(np.bool_, (queries, width)))
    L = (strengths[:, :, None] - strengths[:, None, :]) / 2 + bias
    return blanked(L, mask), mask, strengths

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import rankdata

from workbench.aggregation import ranks
from workbench.errors import BadValue


@settings(max_examples=40, deadline=None)
@given(
    scores=hnp.arrays(np.float64, (3, 5), elements=st.integers(-3, 3)),
    mask=hnp.arrays(np.bool_, (3, 5)),
)
def test_ranks_equal_scipy_s_competition_ranks(scores, mask):
    scores[~mask] = -np.inf
    found = ranks(scores, mask)
    assert (found[~mask] == 0).all()
    for row in range(3):
        np.testing.assert_array_equal(
            found[row][mask[row]], rankdata(-scores[row][mask[row]], method="min")
        )


def test_what_stands_outside_the_mask_does_not_matter():
    scores = np.array([[1.0, np.nan, 3.0, np.inf, -np.inf]])
    mask = np.array([[True, False, True, False, True]])
    np.testing.assert_array_equal(ranks(scores, mask), [[2, 0, 1, 0, 3]])


def test_bubble_s_losers_share_rank_two():
    np.testing.assert_array_equal(
        ranks(np.array([[0.0, 1.0, 0.0, 0.0]]), np.ones((1, 4), dtype=bool)), [[2, 1, 2, 2]]
    )


def test_scores_that_are_no_numbers_or_do_not_fit_are_refused():
    with pytest.raises(BadValue):
        ranks(np.array([[np.nan, 1.0]]), np.ones((1, 2), dtype=bool))
    with pytest.raises(BadValue):
        ranks(np.zeros((1, 3)), np.ones((1, 2), dtype=bool))

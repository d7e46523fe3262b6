from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from workbench.evaluation import evaluate_agreement, evaluate_judges
from workbench.evaluation.verdicts import (
    agreement,
    kappa,
    majority,
    majority_of_others,
)

SIDES = st.sampled_from([1.0, 0.0, -1.0, np.nan])
FEW = {"resamples": 20}


@st.composite
def judged(draw, most_judges=4):
    """(said [P], votes [P, J], q [P]): ties and gaps are common."""
    shape = draw(st.integers(1, 12)), draw(st.integers(1, most_judges))
    votes = draw(hnp.arrays(np.float32, shape, elements=SIDES))
    said = draw(hnp.arrays(np.float64, shape[0], elements=SIDES)) * 0.25
    return said, votes, draw(hnp.arrays(np.int64, shape[0], elements=st.integers(0, 3)))


def sign(value):
    return int(value > 0) - int(value < 0)


def naive_majority(votes):
    given = [sign(v) for v in votes if not np.isnan(v)]
    for side in (1, 0, -1):
        if given.count(side) > len(given) / 2:
            return side
    return np.nan


def naive_agreement(couples):
    """Share of (said, verdict) with the same side, of those where the verdict is no tie."""
    points = [
        1.0 if sign(a) == sign(b) else 0.5 if a == 0 else 0.0
        for a, b in couples
        if not np.isnan(a) and not np.isnan(b) and b != 0
    ]
    return (sum(points) / len(points), len(points)) if points else (np.nan, 0)


def naive_kappa(couples):
    both = [(sign(a), sign(b)) for a, b in couples if not np.isnan(a) and not np.isnan(b)]
    if not both:
        return None
    observed = sum(a == b for a, b in both) / len(both)
    first, second = [a for a, _ in both], [b for _, b in both]
    expected = sum(first.count(s) * second.count(s) for s in (1, 0, -1)) / len(both) ** 2
    return None if expected == 1 else (observed - expected) / (1 - expected)


@settings(max_examples=60, deadline=None)
@given(pool=judged())
def test_figures_equal_loops_over_pairs(pool):
    said, votes, q = pool
    judges = [f"people/{name}" for name in "abcd"[: votes.shape[1]]]
    found = evaluate_agreement({"s": said}, np.zeros(len(q)), votes, judges, q, **FEW)["s"]
    told = evaluate_judges(votes, judges, q, **FEW)
    pairs, columns = range(len(q)), range(len(judges))
    couples_of = [list(zip(said, votes[:, j], strict=True)) for j in columns]
    expected = {f"agreement[{judges[j]}]": couples_of[j] for j in columns}
    if len(judges) > 1:
        left_out = [
            (p, j, naive_majority(np.delete(votes[p], j)))
            for p, j in product(pairs, columns)
            if not np.isnan(votes[p, j])
        ]
        expected["agreement[majority of people]"] = [
            (said[p], naive_majority(votes[p])) for p in pairs
        ]
        others = "agreement[majority of others of people]"
        expected[others] = [(said[p], verdict) for p, _, verdict in left_out]
        mine = {"each of people": [(votes[p, j], verdict) for p, j, verdict in left_out]}
        for j, name in enumerate(judges):
            mine[name] = [(votes[p, k], verdict) for p, k, verdict in left_out if k == j]
        for name, couples in mine.items():
            value, n = naive_agreement(couples)
            assert (others in told.get(name, {})) == (n > 0)
            if n:
                assert told[name][others].value == pytest.approx(value)
    for figure, couples in expected.items():
        value, n = naive_agreement(couples)
        assert (figure in found) == (n > 0)
        if n:
            assert found[figure].value == pytest.approx(value)
            against = figure.replace("agreement[", "agreement_vs_longest[")
            assert found[against].value == pytest.approx(value - 0.5)
    for i, j in product(columns, columns):
        value = naive_kappa(zip(votes[:, i], votes[:, j], strict=True))
        figure = told.get(judges[i], {}).get(f"kappa[{judges[j]}]")
        assert (figure is None) == (value is None or i == j)
        if figure is not None:
            assert figure.value == pytest.approx(value)


@settings(max_examples=40, deadline=None)
@given(pool=judged(), seed=st.integers(0, 9))
def test_what_must_not_matter_does_not(pool, seed):
    """Who stands left, how strong a preference is, the order of pairs and the prompts' numbers."""
    said, votes, q = pool
    before = said.copy(), votes.copy(), q.copy()
    judges = ["x/1", "x/2", "y", "z"][: votes.shape[1]]

    def values(said, votes, q):
        found = evaluate_agreement({"s": said}, said, votes, judges, q, **FEW)["s"]
        return {figure: [e.value, e.n] for figure, e in found.items()}

    rng = np.random.default_rng(seed)
    turned = rng.choice([-1.0, 1.0], len(q))
    order = rng.permutation(len(q))
    known = values(said, votes, q)
    for changed in (
        values(said * turned, votes * turned[:, None], q),
        values(np.sign(said) * rng.uniform(0.1, 9, len(q)), votes, q),
        values(said[order], votes[order], q[order]),
        values(said, votes, 100 - 7 * q),
    ):
        assert changed.keys() == known.keys()
        for figure, value in known.items():
            assert changed[figure] == pytest.approx(value)
    opposite = values(-said, votes, q)
    for figure in (f for f in known if f.startswith("agreement[")):
        assert opposite[figure][0] == pytest.approx(1 - known[figure][0])
    assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(before, pool, strict=True))


@settings(max_examples=40, deadline=None)
@given(pool=judged())
def test_judges_beside_themselves(pool):
    _, votes, q = pool
    one = votes[:, :1]
    np.testing.assert_array_equal(majority(one), np.sign(one[:, 0]))
    np.testing.assert_array_equal(majority(np.repeat(one, 3, axis=1)), np.sign(one[:, 0]))
    both = np.isfinite(votes).all(axis=1) if votes.shape[1] == 2 else np.zeros(len(q), bool)
    np.testing.assert_array_equal(majority_of_others(votes)[both], votes[both][:, ::-1])
    same = kappa(one[:, 0], one[:, 0], q, 4, **FEW)
    assert same is None or (same.value, same.low, same.high) == pytest.approx((1, 1, 1))
    ratio = agreement(one[:, 0], one[:, 0], q, 4)
    assert np.isnan(ratio.value) or ratio.value == 1

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from workbench.errors import BadValue, UnknownName
from workbench.routing.policies import Policy, choices, mean_costs, top_m

LLMS = ["org/a-7b.v1", "b [chat]", "c"]
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
POLICIES = [
    "argmax",
    "cost_aware(lambda=0.5)",
    "threshold(strong=org/a-7b.v1, weak=c, at=0.25)",
    "abstain(default=b [chat], margin=0.25)",
]


@st.composite
def routed(draw):
    """(utilities, costs) of 3 LLMs: many ties, some cannot be asked and have no cost."""
    shape = draw(st.integers(1, 6)), 3
    utilities = draw(hnp.arrays(np.float64, shape, elements=st.integers(-3, 3))) / 4
    costs = draw(hnp.arrays(np.float64, shape, elements=st.integers(0, 3)))
    masked = draw(hnp.arrays(np.bool_, shape))
    utilities[masked], costs[masked] = -np.inf, np.nan
    return utilities, costs


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        (" argmax() ", "argmax"),
        ("cost_aware", "cost_aware(lambda=0.1)"),
        ("cost_aware( lambda = 2 )", "cost_aware(lambda=2.0)"),
        (
            "threshold(share=0.3,weak=gpt-4o mini (new),strong=org/a-7b.v1)",
            'threshold(strong=org/a-7b.v1, weak="gpt-4o mini (new)", share=0.3)',
        ),
        ('abstain(default="a, b")', 'abstain(default="a, b", margin=0.05)'),
        ("abstain(default=b [chat], margin=0)", "abstain(default=b [chat], margin=0.0)"),
        ("threshold(strong=a, weak=b, at=-inf)", "threshold(strong=a, weak=b, at=-inf)"),
    ],
)
def test_short_texts_become_the_canonical_one(text, canonical):
    assert str(Policy.parse(text)) == canonical
    assert str(Policy.parse(canonical)) == canonical


@settings(max_examples=100, deadline=None)
@given(NAMES, NAMES, st.floats(0, 1), st.none() | st.floats(allow_nan=False))
def test_the_canonical_text_reads_back_whatever_the_llm_is_called(a, b, share, at):
    costs = Policy.of("cost_aware", **{"lambda": share})
    found = [Policy.of("abstain", default=a, margin=share), costs]
    if a != b:
        found.append(Policy.of("threshold", strong=a, weak=b, share=share, at=at))
    for policy in found:
        again = Policy.parse(str(policy))
        assert again == policy
        assert hash(again) == hash(policy)


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("argmin", UnknownName, "Did you mean 'argmax'"),
        ("cost_aware(lamda=1)", UnknownName, "Did you mean 'lambda'"),
        ("cost_aware(lambda_=1)", UnknownName, "parameter of cost_aware"),
        ("cost_aware(lambda=much)", BadValue, "lambda of cost_aware = 'much'"),
        ("cost_aware(lambda=-1)", BadValue, "lambda = -1.0"),
        ("cost_aware(lambda=1, lambda=2)", BadValue, "each parameter once"),
        ("cost_aware(1)", BadValue, "name\\(parameter=value"),
        ("cost_aware(lambda=1", BadValue, "policy = 'cost_aware\\(lambda=1'"),
        ("cost_aware(,)", BadValue, "policy"),
        ('abstain(default="a)', BadValue, "policy"),
        ('abstain(default=a"b)', BadValue, "policy"),
        ("abstain", BadValue, "default of abstain = None: expected the name of an LLM"),
        ('abstain(default="")', BadValue, "default of abstain"),
        ("abstain(default=a, margin=nan)", BadValue, "margin = nan"),
        ("threshold(strong=a, weak=b)", BadValue, "share = None"),
        ("threshold(strong=a, weak=b, share=1.1)", BadValue, "share = 1.1"),
        ("threshold(strong=a, weak=a, share=0.5)", BadValue, "weak = 'a'"),
        ("threshold(strong=a, weak=b, at=nan)", BadValue, "at = nan"),
        ("", BadValue, "policy = ''"),
    ],
)
def test_what_names_no_policy_is_told(text, error, message):
    with pytest.raises(error, match=message):
        Policy.parse(text)


def naive_choice(policy: Policy, utilities: np.ndarray, costs: np.ndarray) -> int:
    """The choice for one prompt, by the words of the policy."""
    able = [i for i in range(3) if np.isfinite(utilities[i])]
    if not able:
        return -1
    params = dict(policy.params)
    worth = utilities.copy()
    if policy.name == "cost_aware":
        worth[able] -= params["lambda"] * costs[able]
    best = max(able, key=lambda i: (worth[i], -i))
    if policy.name == "abstain":
        default = LLMS.index(params["default"])
        others = [worth[i] for i in able if i != best]
        doubted = bool(others) and worth[best] < max(others) + params["margin"]
        return default if doubted and default in able else best
    if policy.name == "threshold":
        strong, weak = LLMS.index(params["strong"]), LLMS.index(params["weak"])
        if strong in able and weak in able:
            return strong if worth[strong] - worth[weak] > params["at"] else weak
        return next((i for i in (strong, weak) if i in able), best)
    return best


@settings(max_examples=80, deadline=None)
@given(routed(), st.sampled_from(POLICIES))
def test_choices_are_those_of_a_loop_over_prompts(arrays, text):
    utilities, costs = arrays
    before, policy = utilities.copy(), Policy.parse(text)
    scores = policy.scores(utilities, costs, LLMS)
    expected = [naive_choice(policy, *row) for row in zip(utilities, costs, strict=True)]
    np.testing.assert_array_equal(choices(scores), expected)
    np.testing.assert_array_equal(np.isneginf(scores), np.isneginf(before))
    assert np.isfinite(scores[~np.isneginf(before)]).all()
    scores[:] = 7
    np.testing.assert_array_equal(utilities, before)


@settings(max_examples=60, deadline=None)
@given(routed(), st.sampled_from(POLICIES), st.integers(1, 4))
def test_the_best_m_hold_the_choice_and_only_who_can_be_asked(arrays, text, m):
    utilities, costs = arrays
    scores = Policy.parse(text).scores(utilities, costs, LLMS)
    best, chosen = top_m(scores, m), choices(scores)
    able = np.isfinite(utilities)
    np.testing.assert_array_equal(best.sum(axis=1), np.minimum(m, able.sum(axis=1)))
    assert not (best & ~able).any()
    some = chosen >= 0
    assert best[some, chosen[some]].all()
    assert (top_m(scores, 1) <= best).all()
    for row in range(len(scores)):
        inside, outside = scores[row][best[row]], scores[row][~best[row]]
        assert not len(inside) or inside.min() >= outside.max(initial=-np.inf)


def test_of_equal_scores_the_first_are_chosen():
    scores = np.zeros((2, 40))
    scores[1, 30] = 1
    np.testing.assert_array_equal(choices(scores), [0, 30])
    np.testing.assert_array_equal(np.argwhere(top_m(scores, 2))[:, 1], [0, 1, 0, 30])


@settings(max_examples=80, deadline=None)
@given(
    hnp.arrays(np.float64, st.integers(1, 30), elements=st.integers(-5, 5)),
    st.floats(0, 1),
)
def test_a_calibrated_threshold_never_exceeds_the_wished_share(gaps, share):
    utilities = np.stack([gaps / 7, np.zeros(len(gaps))], axis=1)
    policy = Policy.of("threshold", strong="s", weak="w", share=share)
    assert policy.needs_calibration
    found = policy.calibrated(utilities, ["s", "w"])
    assert Policy.parse(str(found)) == found
    assert not found.needs_calibration
    assert found.calibrated(utilities[:1], ["s", "w"]) == found
    strong = choices(found.scores(utilities, None, ["s", "w"])) == 0
    assert strong.mean() <= share + 1e-9
    # One more group of equal prompts would be too many.
    left = gaps[~strong]
    if len(left):
        assert (gaps >= left.max()).mean() > share
        assert not strong.any() or gaps[strong].min() > left.max()


def test_without_ties_the_share_is_met_and_holds_on_prompts_alike():
    rng = np.random.default_rng(0)
    validation, test = rng.normal(size=(2, 4000, 3))
    policy = Policy.parse("threshold(strong=c, weak=org/a-7b.v1, share=0.3)")
    found = policy.calibrated(validation, LLMS)
    chosen = choices(found.scores(validation, None, LLMS))
    assert (chosen == 2).mean() == pytest.approx(0.3)
    assert set(chosen.tolist()) == {0, 2}
    assert (choices(found.scores(test, None, LLMS)) == 2).mean() == pytest.approx(0.3, abs=0.03)
    for share, only in ((0.0, 0), (1.0, 2)):
        ends = Policy.of("threshold", strong="c", weak=LLMS[0], share=share)
        told = choices(ends.calibrated(validation, LLMS).scores(test, None, LLMS))
        assert (told == only).all()


def test_at_the_border_the_weak_llm_and_the_best_one_are_asked():
    utilities = np.array([[0.5, 0.25, 0.0]])
    weak = Policy.of("threshold", strong=LLMS[0], weak=LLMS[1], at=0.25)
    assert choices(weak.scores(utilities, None, LLMS)) == 1
    best = Policy.of("abstain", default="c", margin=0.25)
    assert choices(best.scores(utilities, None, LLMS)) == 0


def test_prompts_for_which_one_cannot_be_asked_do_not_calibrate():
    utilities = np.array([[1.0, 0], [3, 0], [9, -np.inf], [-np.inf, 9]])
    policy = Policy.of("threshold", strong="s", weak="w", share=0.5)
    found = policy.calibrated(utilities, ["s", "w"])
    assert dict(found.params)["at"] == 2
    np.testing.assert_array_equal(choices(found.scores(utilities, None, ["s", "w"])), [1, 0, 0, 1])
    with pytest.raises(BadValue, match="at least one prompt with both"):
        policy.calibrated(utilities[2:], ["s", "w"])
    with pytest.raises(BadValue, match="calibrate the policy"):
        policy.scores(utilities, None, ["s", "w"])


def test_an_unknown_cost_is_never_free():
    utilities, costs = np.array([[0.5, 0.6, -np.inf]]), np.array([[1.0, np.nan, np.nan]])
    policy = Policy.parse("cost_aware(lambda=0.1)")
    assert policy.needs_costs
    with pytest.raises(BadValue, match=r"cost of b \[chat\] = nan"):
        policy.scores(utilities, costs, LLMS)
    with pytest.raises(BadValue, match="costs = None"):
        policy.scores(utilities, None, LLMS)
    free = Policy.parse("cost_aware(lambda=0)")
    assert not free.needs_costs
    assert choices(free.scores(utilities, costs, LLMS)) == 1
    known = mean_costs(np.array([[1.0, np.nan, np.nan], [3.0, 4.0, np.nan]]))
    np.testing.assert_array_equal(known, [2, 4, np.nan])
    assert choices(policy.scores(utilities, known, LLMS)) == 0


def test_a_higher_lambda_never_buys_more():
    rng = np.random.default_rng(0)
    utilities, costs = rng.normal(size=(50, 3)), rng.random(3)
    spent = [
        costs[choices(Policy.of("cost_aware", **{"lambda": x}).scores(utilities, costs, LLMS))]
        for x in (0, 0.5, 1, 5, 100)
    ]
    assert all((more >= less).all() for more, less in pairwise(spent))
    assert (spent[-1] == costs.min()).all()


def test_lifting_survives_any_size_of_utility():
    for size in (1e-30, 1.0, 1e30):
        utilities = size * np.array([[3.0, 2.0, 1.0]])
        policy = Policy.of("threshold", strong=LLMS[2], weak=LLMS[1], at=0.0)
        scores = policy.scores(utilities, None, LLMS).astype(np.float32)
        np.testing.assert_array_equal(np.argsort(-scores), [[1, 2, 0]])


@pytest.mark.parametrize(
    ("utilities", "costs", "message"),
    [
        (np.zeros((2, 2)), None, "shape of the utilities"),
        (np.zeros(3), None, "shape of the utilities"),
        (np.array([[0, 0, np.nan]]), None, r"utility\[0\] of c = nan"),
        (np.array([[0, np.inf, 0]]), None, r"utility\[0\] of b \[chat\] = inf"),
        (np.zeros((2, 3)), np.zeros(2), "shape of the costs"),
    ],
)
def test_arrays_that_do_not_fit_are_named(utilities, costs, message):
    with pytest.raises(BadValue, match=message):
        Policy().scores(utilities, costs, LLMS)


def test_a_named_llm_that_the_router_does_not_know_is_told():
    policy = Policy.parse("abstain(default=org/a-7b)")
    for use in (policy.check, lambda llms: policy.scores(np.zeros((1, 3)), None, llms)):
        with pytest.raises(UnknownName, match=r"Did you mean 'org/a-7b\.v1'"):
            use(LLMS)
    with pytest.raises(BadValue, match="m = 0"):
        top_m(np.zeros((1, 3)), 0)

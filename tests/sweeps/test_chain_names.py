"""Names of chains tell all of them, and are read back; the space, and names on a plot."""

import numpy as np
import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.text import Text

from workbench.errors import BadValue
from workbench.evaluation import Difference, Estimate
from workbench.sweeps.chain_names import (
    ALL,
    ChainChoice,
    Models,
    chain_choice,
    chain_label,
    chain_lambda,
    chain_name,
    fused_scheme,
    router_labels,
)
from workbench.sweeps.chain_plot import _spaced, chain_plot
from workbench.sweeps.chain_space import ChainSpace, check_m, lambda_scale, usual_m
from workbench.sweeps.chain_worth import Beside, ChainSetting, ChainWorth, thinned
from workbench.sweeps.space import Space

SCHEME = "max_logits;order=both;schedule=all"
LAMBDA = "cost_aware(lambda=0.25)"
MODELS = Models("a1" * 16, "b2" * 16, "greedy(max_new_tokens=4)")
CHOICES = [
    ChainChoice("c3" * 16, m=1),
    ChainChoice("c3" * 16, LAMBDA, 3, SCHEME),
    ChainChoice("BestSingle[rougeL@1]", LAMBDA, 4, SCHEME, 2),
    ChainChoice("org/router", "argmax", 2, "swiss(rounds=4);order=random(seed=1);schedule=swiss"),
    ChainChoice(ALL, scheme=SCHEME),
    ChainChoice(ALL, scheme=SCHEME, top_k=3),
]


def test_a_name_is_read_back_and_names_nothing_else():
    names = [chain_name(choice, MODELS) for choice in CHOICES]
    assert [chain_choice(name) for name in names] == CHOICES
    assert len(set(names)) == len(names)
    assert names[0] == f"chain:{'c3' * 16}/argmax/m=1"
    for text in ("llm:x", "chain:", "chain:x/argmax", "route:x/argmax"):
        with pytest.raises(ValueError, match="not the name"):
            chain_choice(text)


def test_a_fusions_scheme_tells_the_chain_and_the_llms():
    choice = CHOICES[2]
    told = {
        fused_scheme(c, llms)
        for c in (choice, choice._replace(m=3), choice._replace(policy="argmax"), CHOICES[5])
        for llms in (["a", "b"], ["a", "b", "c"])
    }
    assert len(told) == 8
    assert all(text.startswith("chain(") and text.endswith(SCHEME) for text in told)


def test_people_read_what_differs():
    routers = ["c3" * 16, "d4" * 16, "BestSingle[x]", "Random(seed=0)", ALL, "e5" * 16]
    known = {"c3" * 16: "ZOOTER", "d4" * 16: "KNNRouter", "e5" * 16: "KNNRouter"}
    labels = router_labels(routers, known)
    assert labels["c3" * 16] == "ZOOTER"
    assert labels["d4" * 16] == "KNNRouter d4d4d4d4"
    assert len(set(labels.values())) == 6
    assert chain_label(CHOICES[1], labels) == "ZOOTER, λ=0.25, m=3, max_logits"
    assert chain_label(CHOICES[5], labels) == "all LLMs, max_logits, fuse 3"
    assert chain_label(CHOICES[0], labels) == "ZOOTER, m=1"
    dear = CHOICES[1]._replace(policy="cost_aware(lambda=381000.0)")
    assert "λ=381000," in chain_label(dear, labels)
    assert (chain_lambda(dear), chain_lambda(CHOICES[0])) == (381000, None)


def space(**options):
    ranking = Space(schemes=["max_logits", "bubble"], schedules=["all"], top_k=[1, 2, 3])
    given = {"routers": ["r", ALL], "m": [1, 2, 4], "scales": {"r": 0.5}, "ranking": ranking}
    return ChainSpace(**given | options)


def drawn(space, trials=60):
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    return [space.choose(study.ask(), 0) for _ in range(trials)]


def test_a_choice_holds_nothing_that_has_no_effect():
    choices = drawn(space())
    for choice in choices:
        assert (choice.m == 1) == (not choice.scheme)
        assert choice.top_k <= (choice.m or 3)
        if choice.router == ALL:
            assert (choice.policy, choice.m) == ("argmax", 0)
    assert {choice.m for choice in choices} == {0, 1, 2, 4}
    assert {choice.top_k for choice in choices} == {1, 2, 3}
    assert any(choice.policy.startswith("cost_aware") for choice in choices)
    alike = drawn(space(scales={"r": None}, routers=["r"], ranking=None, m=[1]))
    assert set(alike) == {ChainChoice("r", m=1)}


def test_the_first_trials_are_each_router_alone_and_all_ranked():
    first = space(routers=["r", "s", ALL]).first()
    assert [params["router"] for params in first] == ["r", "s", ALL]
    assert first[0] | {"m": 1, "policy": "argmax"} == first[0]
    assert first[2]["scheme"] == "max_logits"


def test_numbers_of_llms_that_there_are_not():
    assert usual_m(11, True) == [1, 2, 3, 4, 5, 6, 8]
    assert usual_m(2, True) == usual_m(11, False) == [1]
    for m, ranked, told in (([0], True, "from 1 to 3"), ([4], True, "from 1 to 3"),
                            ([2], False, "no ranker")):  # fmt: skip
        with pytest.raises(BadValue, match=told):
            check_m(m, 4, ranked)


def test_lambda_has_the_scale_of_utilities_and_costs():
    utilities, costs = np.array([[0.0, 1.0], [2.0, 1.0]]), np.array([1.0, 3.0])
    assert lambda_scale(utilities, costs) == pytest.approx(0.5)
    assert lambda_scale(10 * utilities, costs) == pytest.approx(5)
    assert lambda_scale(utilities, 10 * costs) == pytest.approx(0.05)
    assert lambda_scale(utilities, np.ones(2)) is None
    assert lambda_scale(np.ones((2, 2)), costs) is None
    assert lambda_scale(np.array([[-np.inf, 1.0]]), costs) is None


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=20), st.floats(0.001, 0.2))
def test_names_keep_their_distance_and_order(wanted, gap):
    wanted = np.sort(np.array(wanted))
    found = _spaced(wanted, gap)
    assert (np.diff(found) >= gap - 1e-9).all()
    if (np.diff(wanted) >= gap).all():
        assert found == pytest.approx(wanted)


def worth(cost, quality):
    around = Estimate(quality, quality - 0.1, quality + 0.1, 9)
    figures = {"quality": around, "cost": Estimate(cost, cost, cost, 9)}
    return ChainWorth(figures, Difference(around, 0.5), 0.0)


def test_no_name_on_the_plot_lies_on_another_or_is_cut():
    front = [
        ChainSetting(CHOICES[1], "chain:x", f"{'a long name ' * 6}{n}", worth(1 + n, 0.5 + n / 900))
        for n in range(8)
    ]
    systems = {f"llm:model-{n}": worth(1.0, 0.5) for n in range(12)} | {"Oracle": worth(1.0, 0.9)}
    figure = chain_plot([(1.0, 0.4)], front, Beside(systems, None), "a title", ("calls", "rougeL"))
    figure.draw_without_rendering()
    [axes] = figure.axes
    # Of the text alone: that of an annotation holds its line too.
    boxes = [Text.get_window_extent(text) for text in axes.texts]
    assert len(boxes) == 21
    for place, box in enumerate(boxes):
        assert box.x1 <= figure.bbox.x1
        assert not any(box.overlaps(other) for other in boxes[place + 1 :])


def test_a_long_front_keeps_its_ends_and_its_steps():
    space = {"x": optuna.distributions.FloatDistribution(0, 1)}
    qualities = [9.0, 8.9, 8.0, 5.0, 4.9, 4.8, 1.0]
    front = [
        optuna.trial.create_trial(
            params={"x": 0.5}, distributions=space, values=[quality, 10.0 - place]
        )
        for place, quality in enumerate(qualities)
    ]
    assert thinned(front, 7) == front
    kept = [t.values[0] for t in thinned(front, 5)]
    assert kept == [9.0, 8.9, 8.0, 4.8, 1.0]

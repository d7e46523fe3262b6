"""Routers that learn from vectors: what holds for each of them, in a world that is made up."""

import numpy as np
import pytest
from router_kinds import KINDS, made
from sklearn.neural_network import _multilayer_perceptron
from sklearn.utils import shuffle
from two_kinds import LLMS, NEW, connected, fitted, world

from workbench.errors import BadModel
from workbench.routing.baselines import BestSingleRouter

# Whose learning does not start from random numbers for each LLM.
EXACT = [kind for kind in KINDS if kind not in ("mlp", "factors")]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return world(tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="module")
def sparse(tmp_path_factory):
    """Four of ten rewards are not known."""
    return world(tmp_path_factory.mktemp("sparse"), missing=0.4)


@pytest.fixture(scope="module")
def routers(store):
    """Each of them, trained once."""
    return {kind: fitted(made(kind), store) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_each_learns_who_is_good_at_what(routers, store, kind):
    router, figures = routers[kind]
    _, single = fitted(BestSingleRouter(), store)
    assert figures["validation/quality"] > single["validation/quality"] + 0.3
    utilities = router.utilities(NEW)
    assert utilities.dtype == np.float64
    assert utilities.shape == (len(NEW), 3)
    assert np.isfinite(utilities).all()
    assert [LLMS[i] for i in utilities[:3].argmax(axis=1)] == ["counter", "poet", "counter"]


@pytest.mark.parametrize("kind", KINDS)
def test_differences_of_utilities_are_on_the_scale_of_rewards(routers, store, kind):
    data = connected(store)
    rewards = data.rewards_of(LLMS)[1]
    found = routers[kind][0].utilities(data.held_out.prompts)
    gaps, told = (values - values.mean(axis=1, keepdims=True) for values in (rewards, found))
    assert 0.6 < (gaps * told).sum() / (told**2).sum() < 1.6


@pytest.mark.parametrize("kind", KINDS)
def test_a_reward_that_is_missing_is_not_a_bad_one(sparse, kind):
    """If it were taken for 0, the LLM that is missing most often would be chosen less."""
    router, figures = fitted(made(kind), sparse)
    assert figures["validation/gap_closed"] > 0.8
    found = router.utilities(NEW[:3])
    assert [LLMS[i] for i in found.argmax(axis=1)] == ["counter", "poet", "counter"]


@pytest.mark.parametrize("kind", KINDS)
def test_shifted_rewards_with_gaps_choose_the_same(sparse, kind):
    """No shift of all rewards may make what is missing look better or worse."""
    choices = []
    for shift in (0.0, -50.0):
        data, router = connected(sparse, standardise=False), made(kind)
        for part in (data.train, data.held_out):
            part.rewards[:] += shift
        router.take_llms(LLMS)
        router.fit(data)
        choices.append(router.utilities(NEW[:3]).argmax(axis=1).tolist())
    assert choices[0] == choices[1] == [0, 1, 0]


@pytest.mark.parametrize("kind", KINDS)
def test_the_order_of_the_prompts_does_not_matter(routers, store, kind):
    data, router = connected(store), made(kind)
    router.take_llms(LLMS)
    for name in ("train", "held_out"):
        part = getattr(data, name)
        rows = np.random.default_rng(1).permutation(len(part.prompts))
        data.__dict__[name] = part.subset(rows)
    router.fit(data)
    np.testing.assert_allclose(router.utilities(NEW), routers[kind][0].utilities(NEW), atol=1e-9)
    whole = router.utilities(NEW)
    np.testing.assert_allclose(router.utilities(NEW[::-1])[::-1], whole, atol=1e-6)
    np.testing.assert_allclose(router.utilities(NEW[1:2])[0], whole[1], atol=1e-6)


@pytest.mark.parametrize("kind", EXACT)
def test_llms_in_another_order_have_the_same_utilities(sparse, kind):
    found = []
    for order in ([0, 1, 2], [2, 0, 1]):
        router, _ = fitted(made(kind, llms=[LLMS[i] for i in order]), sparse)
        found.append(router.utilities(NEW)[:, np.argsort(order)])
    np.testing.assert_allclose(found[0], found[1], atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_saved_and_loaded_it_is_the_same(routers, tmp_path, kind):
    router, _ = routers[kind]
    router.save_pretrained(tmp_path)
    again = type(router).from_pretrained(tmp_path)
    assert (again.utilities(NEW) == router.utilities(NEW)).all()
    assert again.llms == router.llms
    assert dict(again.hparams) == dict(router.hparams)
    assert again.chosen == router.chosen
    again.save_pretrained(tmp_path / "twice")
    twice = type(router).from_pretrained(tmp_path / "twice")
    assert (twice.utilities(NEW) == router.utilities(NEW)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_validation_that_tells_nothing_does_no_harm(store, kind):
    """One LLM alone has rewards there, and these all tie: nothing to choose settings by."""
    data, router = connected(store), made(kind)
    router.take_llms(LLMS)
    data.held_out.rewards[:] = np.where([False, False, True], 0.5, np.nan)
    figures = router.fit(data)
    assert np.isfinite(router.utilities(NEW)).all()
    assert figures["validation/quality"] == pytest.approx(0.5)


def test_no_prompt_gives_no_row_and_progress_counts_all(routers):
    router, told = routers["knn"][0], []
    assert router.utilities([]).shape == (0, 3)
    router.utilities(NEW, progress=told.append)
    assert sum(told) == len(NEW)


def test_each_epoch_of_a_perceptron_has_batches_of_its_own(store, monkeypatch):
    orders = []

    def shuffled(rows, **options):
        orders.append(shuffle(rows, **options).tolist())
        return orders[-1]

    monkeypatch.setattr(_multilayer_perceptron, "shuffle", shuffled)
    fitted(made("mlp", epochs=4), store)
    assert len(orders) == len(set(map(tuple, orders))) == 4


def test_before_training_it_says_so(tmp_path):
    router = made("linear", llms=LLMS)
    with pytest.raises(BadModel, match="not trained"):
        router.utilities(NEW)
    with pytest.raises(BadModel, match="not trained"):
        router.save_pretrained(tmp_path)
    with pytest.raises(BadModel, match="knows no LLMs"):
        made("linear").utilities(NEW)

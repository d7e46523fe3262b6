"""What a store may lack that routers learn from, and options that do not fit."""

import numpy as np
import pytest
from tiny_routing import KINDS, LLMS, MEASURE, checked, connected, router_data, trainer

from workbench.errors import BadValue, MissingInput, UnknownName
from workbench.routing.data import RouterData
from workbench.routing.router_dc import RouterDC
from workbench.routing.zooter import ZOOTER


def test_an_llm_without_rewards_is_left_out_and_told(store_of, capsys):
    store = store_of(lambda row: row["rewards"].update(silent=None))
    assert checked(router_data(store)).llms == LLMS
    assert "not routed to: silent" in capsys.readouterr().err
    with pytest.raises(MissingInput, match="'silent' has no training prompt"):
        checked(router_data(store, llms=["counter", "silent", "teller"]))


def test_an_llm_with_rewards_in_validation_only_is_left_out_and_told(store_of, capsys, tmp_path):
    def late(row):
        if row["split"] == "validation":
            row["rewards"]["late"] = 1.0
            if row["kind"] == "maths":  # nothing else is known of these
                row["rewards"] = {"late": 1.0}

    data = router_data(store_of(late))
    router = connected(ZOOTER, data)
    assert "not routed to: late" in capsys.readouterr().err
    engine = trainer(tmp_path)
    engine.fit(router, data)
    assert len(data.validation.rewards) == 4
    assert all(np.isfinite(float(value)) for value in engine.callback_metrics.values())


def test_a_prompt_rewarded_by_only_some_is_masked(store_of, tmp_path):
    def patchy(row):
        if row["kind"] == "maths":
            row["rewards"] = {"counter": row["rewards"]["counter"], "teller": None}

    data = router_data(store_of(patchy))
    checked(data)
    maths = np.array([category == "maths" for category in data.train.category])
    learned, held_out = data.rewards_of(LLMS)
    np.testing.assert_array_equal(np.isnan(learned[:, [0, 2]]).all(axis=1), maths)
    assert np.isfinite(learned[:, 1]).all()
    assert len(held_out) == len(data.held_out.prompts)
    for kind in KINDS:
        router = connected(kind, data)
        engine = trainer(tmp_path)
        engine.fit(router, data)
        assert np.isfinite(float(engine.callback_metrics["train/loss"]))
        assert all(value.isfinite().all() for value in router.state_dict().values())


def test_prompts_on_which_all_tie_are_kept(store_of, tmp_path):
    def tie(row):
        if row["kind"] == "maths":
            row["rewards"] = dict.fromkeys(LLMS, 0.5)

    data = router_data(store_of(tie))
    for kind in KINDS:
        router = connected(kind, data)
        trainer(tmp_path).fit(router, data)
        assert len(data._train_set) == 24
        assert all(value.isfinite().all() for value in router.state_dict().values())


def test_where_all_tie_everywhere_there_is_nothing_to_learn(store_of):
    store = store_of(lambda row: row.update(rewards=dict.fromkeys(LLMS, 0.5)))
    with pytest.raises(MissingInput, match="nothing to learn"):
        checked(router_data(store))


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"datasets": ["wrld"]}, "dataset"),
        ({"llms": ["countr", "teller"]}, "llm"),
        ({"leave_out": ["math"]}, "category"),
        ({"beta": 0.3, "tagger": "givn"}, "tagger"),
    ],
)
def test_unknown_names(world, options, kind):
    with pytest.raises(UnknownName, match=f"unknown {kind} .*Did you mean"):
        checked(router_data(world, **options))


def test_an_unknown_measure(world):
    with pytest.raises(UnknownName, match=r"measure 'god'.*Did you mean 'good'"):
        checked(RouterData("god").connect(world))


def test_a_single_llm_or_a_missing_split_is_told_before_any_work(store_of, world):
    with pytest.raises(MissingInput, match="routing needs two"):
        checked(router_data(world, llms=["counter"]))
    for split in ("train", "validation"):

        def unmeasured(row, split=split):
            if row["split"] == split:
                row["rewards"] = dict.fromkeys(LLMS)

        with pytest.raises(MissingInput, match=f"no {split} prompt"):
            checked(router_data(store_of(unmeasured, name=split)))


def test_a_router_that_needs_groups_needs_a_tagger(world, store_of):
    with pytest.raises(BadValue, match=r"tagger.*RouterDC learns from groups"):
        checked(router_data(world, tagger=None), RouterDC)
    checked(router_data(world, tagger=None), RouterDC, sample_weight=0.0)
    store = store_of(lambda row: row.update(kind=""))
    with pytest.raises(MissingInput, match="no training prompt has a tag by category"):
        checked(router_data(store), RouterDC)


def test_a_router_of_other_llms_is_refused(world):
    with pytest.raises(BadValue, match="llms of the router"):
        checked(router_data(world), llms=["counter", "teller"])
    own = ["teller", "counter"]
    assert checked(router_data(world, llms=["counter", "teller"]), llms=own).llms == own


@pytest.mark.parametrize(
    "options",
    [{"beta": 1.5}, {"beta": 0.3, "tagger": None}, {"min_tag_prompts": 0}, {"tokens_per_batch": 0},
     {"max_train_prompts": 0}, {"max_validation_prompts": -1}],
)  # fmt: skip
def test_options_that_cannot_be(options):
    with pytest.raises(BadValue):
        RouterData(MEASURE, **options)


def test_it_needs_a_store():
    with pytest.raises(MissingInput, match="connect"):
        RouterData(MEASURE).store  # noqa: B018

"""What routers see of a store."""

import numpy as np
import pytest
import torch
from tiny_pipeline import execute
from tiny_routing import LLMS, checked, connected, router_data, tiny_router, trainer, world_rows

from workbench.errors import MissingInput
from workbench.routing.router_dc import RouterDC
from workbench.routing.zooter import ZOOTER


def test_prompts_rewards_and_llms_are_those_of_the_store(world):
    data = router_data(world)
    assert checked(data).llms == LLMS
    assert checked(data).hparams["llms"] == LLMS
    for part, count in ((data.train, 80), (data.held_out, 30)):
        assert len(part.prompts) == len(part.category) == count
        assert np.isfinite(part.rewards).all()
        gaps = part.rewards[:, LLMS.index("counter")] - part.rewards[:, LLMS.index("teller")]
        maths = np.array([category == "maths" for category in part.category])
        assert gaps[maths].mean() > 0.5 > -0.5 > gaps[~maths].mean()
    texts = {row["text"] for row in world_rows() if row["split"] == "train"}
    assert set(data.training_texts()) == texts


def test_several_candidates_of_one_llm_are_averaged(store_of):
    plain = router_data(store_of()).train
    data = router_data(
        store_of(
            lambda row: row["rewards"].update(counter=[row["rewards"]["counter"], 4.0, None]),
            name="several",
        )
    )
    np.testing.assert_allclose(data.train.rewards[:, 1], (plain.rewards[:, 1] + 4.0) / 2)
    np.testing.assert_array_equal(data.train.rewards[:, [0, 2]], plain.rewards[:, [0, 2]])


def test_left_out_categories_are_in_neither_split(world):
    data = router_data(world, leave_out=["stories"])
    checked(data)
    for part in (data.train, data.held_out):
        assert set(part.category) == {"maths"}
    with pytest.raises(MissingInput, match="leaves no train prompt"):
        checked(router_data(world, leave_out=["stories", "maths"]))


def test_the_test_split_is_never_read(store_of, tmp_path):
    def poison(row):
        if row["split"] == "test":
            row["rewards"] = {"counter": 1e9, "teller": -1e9, "only in test": 5.0}
            row["tags"] = ["poisoned"] * (row["kind"] == "maths")

    weights, seen = [], []
    for name, change in (("clean", lambda row: None), ("poisoned", poison)):
        data = router_data(store_of(change, name=name), beta=0.3, tagger="given")
        router = connected(ZOOTER, data)
        assert router.llms == LLMS
        trainer(tmp_path).fit(router, data)
        weights.append(router.state_dict())
        seen.append(data.seen(router))
    assert seen[0] == seen[1]
    for key, value in weights[0].items():
        assert torch.equal(weights[1][key], value)


def test_the_fingerprint_follows_what_is_read(store_of):
    store = store_of()
    data = router_data(store, tagger="given")
    found = [data.seen(None)]
    for change in (
        "update tags set tag = 'other' where tag = 'maths'",
        "update prompts set category = 'other' where category = 'maths'",
        "update qualities set value = value + 1",
    ):
        execute(store.path, change)
        found.append(data.seen(None))
    assert len(set(found)) == 4


def test_groups_are_the_tags(world, tmp_path):
    for tagger in ("category", "given"):
        data = router_data(world, tagger=tagger)
        trainer(tmp_path, limit_train_batches=1).fit(connected(RouterDC, data), data)
        kinds = {tuple(batch.group[batch.group >= 0].tolist()) for batch in data.train_dataloader()}
        assert set().union(*kinds) == {0, 1}
        for batch in data.train_dataloader():
            own = [data.train.category[place] == "stories" for place in batch.place.tolist()]
            assert batch.group.tolist() == own


def test_one_tagged_prompt_of_many_is_told(store_of, capsys):
    def tag_few(row):
        row["tags"] = row["tags"] * (row["kind"] == "maths")

    data = router_data(store_of(tag_few), beta=0.3, tagger="given")
    checked(data)
    assert "12 of 24 training prompts have no tag by given" in capsys.readouterr().err
    learned, _ = data.rewards_of(LLMS)
    plain, _ = router_data(data.store).rewards_of(LLMS)
    untouched = np.array([category == "stories" for category in data.train.category])
    np.testing.assert_allclose(learned[untouched], plain[untouched])
    assert (learned[~untouched] != plain[~untouched]).all()


def test_standardised_rewards_differ_by_1(world):
    learned, held_out = router_data(world).rewards_of(LLMS)
    deviation = (learned - learned.mean(axis=1, keepdims=True)).std()
    assert deviation == pytest.approx(1.0)
    raw, raw_held_out = router_data(world, standardise=False).rewards_of(LLMS)
    np.testing.assert_allclose(learned / raw, held_out[0, 0] / raw_held_out[0, 0])


def test_a_subset_follows_the_seed(world):
    def chosen(seed):
        data = router_data(world, max_train_prompts=9, max_validation_prompts=5, seed=seed)
        assert (len(data.train.prompts), len(data.held_out.prompts)) == (9, 5)
        return data.train.prompt_ids

    assert chosen(0) == chosen(0) != chosen(1)


def test_data_serves_one_router_after_the_other(world, tmp_path):
    data = router_data(world)
    for llms in (LLMS, ["counter", "teller"]):
        torch.manual_seed(0)
        router = tiny_router(ZOOTER, llms=llms).build(data.training_texts())
        trainer(tmp_path, limit_train_batches=1).fit(router, data)
        assert data.validation.rewards.shape == (30, len(llms))

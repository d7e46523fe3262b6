"""Training of routers through Lightning's Trainer, as the train stage does it."""

import itertools

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint
from tiny_routing import KINDS, PROMPTS, connected, router_data, tiny_router, trainer

from workbench.errors import BadValue
from workbench.routing.regression import RegressionRouter
from workbench.routing.router_dc import RouterDC
from workbench.routing.zooter import ZOOTER

LEARNERS = [*((kind, {}) for kind in KINDS), (RegressionRouter, {"center": "prompt"})]


@pytest.mark.parametrize(("kind", "options"), LEARNERS)
def test_it_learns_what_can_be_learned(world, tmp_path, kind, options):
    data = router_data(world)
    router = connected(kind, data, **options)
    engine = trainer(tmp_path, max_epochs=5)
    engine.fit(router, data)
    metrics = engine.callback_metrics
    assert metrics["validation/quality"] > metrics["validation/best_single"] + 0.15
    assert metrics["validation/gap_closed"] > 0.7
    choices = router.utilities(["add the numbers seven", "tell a tale about king"]).argmax(axis=1)
    assert [router.llms[choice] for choice in choices] == ["counter", "teller"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_parameter_moves_in_bfloat16_with_checkpointing(world, tmp_path, kind):
    data = router_data(world)
    router = connected(kind, data, gradient_checkpointing=True, head_dropout=0.1)
    before = {name: value.clone() for name, value in router.state_dict().items()}
    trainer(tmp_path, precision="bf16-mixed").fit(router, data)
    after = router.state_dict()
    assert [name for name in before if torch.equal(before[name], after[name])] == []
    assert all(value.isfinite().all() for value in after.values())


@pytest.mark.parametrize(
    ("kind", "step"),
    [(ZOOTER, 2), (ZOOTER, 4), (ZOOTER, 6), (RegressionRouter, 2), (RouterDC, 2)],
)
def test_stopped_and_resumed_is_as_if_never_stopped(world, tmp_path, kind, step):
    """Within the first epoch of four steps, at its end, in the second."""

    def fit(name, ckpt=None):
        pl.seed_everything(3, verbose=False)
        options = {"max_train_prompts": 26, "max_validation_prompts": 4, "tokens_per_batch": 96}
        data = router_data(world, **options)
        router = connected(kind, data, warmup=0.2)
        keep = ModelCheckpoint(
            tmp_path / name, filename="{step}", save_top_k=-1, every_n_train_steps=1
        )
        engine = trainer(tmp_path, max_epochs=2, callbacks=[keep], enable_checkpointing=True)
        engine.fit(router, data, ckpt_path=ckpt, weights_only=True)
        assert engine.global_step == 8
        return router

    whole = fit("whole").state_dict()
    resumed = fit("rest", tmp_path / "whole" / f"step={step}.ckpt").state_dict()
    for name, value in whole.items():
        torch.testing.assert_close(resumed[name], value)


@pytest.mark.parametrize("kind", [ZOOTER, RegressionRouter, RouterDC])
def test_a_checkpoint_is_enough_to_build_the_router(world, tmp_path, kind):
    data = router_data(world, max_train_prompts=20)
    keep = ModelCheckpoint(dirpath=tmp_path)
    router = connected(kind, data)
    trainer(tmp_path, callbacks=[keep], enable_checkpointing=True).fit(router, data)
    loaded = kind.load_from_checkpoint(keep.best_model_path, weights_only=True)
    np.testing.assert_array_equal(loaded.utilities(PROMPTS), router.utilities(PROMPTS))


def test_each_epoch_shows_every_prompt_once_in_another_order(world, tmp_path):
    class Watch(pl.Callback):
        def __init__(self):
            self.epochs = {}

        def on_train_batch_start(self, trainer, router, batch, index):
            assert batch.input_ids.numel() <= 256
            self.epochs.setdefault(trainer.current_epoch, []).append(batch.place.tolist())

    runs = []
    for seed in (0, 0, 1):
        data, watch = router_data(world, seed=seed), Watch()
        trainer(tmp_path, max_epochs=2, callbacks=[watch]).fit(connected(ZOOTER, data), data)
        runs.append(watch.epochs)
        for batches in watch.epochs.values():
            assert sorted(itertools.chain(*batches)) == list(range(80))
    assert runs[0] == runs[1] != runs[2]
    assert runs[0][0] != runs[0][1]


def test_validation_sees_what_utilities_would_say(world, tmp_path):
    data = router_data(world)
    router = connected(ZOOTER, data)
    engine = trainer(tmp_path)
    engine.fit(router, data)
    told = data.validation.metrics(router.utilities(data.held_out.prompts))
    for name, value in told.items():
        assert engine.callback_metrics[f"validation/{name}"] == pytest.approx(value, abs=1e-5)


def test_it_goes_on_from_a_saved_router_of_the_same_llms(world, tmp_path):
    data = router_data(world)
    router = connected(ZOOTER, data)
    router.save_pretrained(tmp_path / "first")
    again = ZOOTER(str(tmp_path / "first"), max_tokens=16)
    data.check(again)
    again.build()
    np.testing.assert_array_equal(again.utilities(PROMPTS), router.utilities(PROMPTS))
    other = ZOOTER(str(tmp_path / "first"), max_tokens=16, llms=["counter", "teller"])
    with pytest.raises(BadValue, match="llms"):
        other.build()


def test_regression_starts_from_each_llms_mean(world, tmp_path):
    """A level far from 0 would else be out of reach of a small learning rate."""
    data = router_data(world, standardise=False)
    data.check(tiny_router(RegressionRouter))
    data.train.rewards[:] += 1000.0
    data.held_out.rewards[:] += 1000.0
    router = connected(RegressionRouter, data)
    trainer(tmp_path, max_epochs=6).fit(router, data)
    found = router.utilities(data.held_out.prompts)
    assert np.abs(found - data.held_out.rewards).mean() < 0.3
    centred = connected(RegressionRouter, data, center="prompt")
    trainer(tmp_path).fit(centred, data)
    np.testing.assert_allclose(centred.utilities(PROMPTS).sum(axis=1), 0.0, atol=1e-5)
    expected = data.train.rewards - data.train.rewards.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(centred.level, expected.mean(axis=0), atol=1e-3)

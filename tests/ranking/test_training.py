"""Training through Lightning's Trainer, as the train stage does it."""

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint

from workbench.errors import BadModel, BadValue, MissingInput, UnknownName
from workbench.evaluation.spread import spread
from workbench.models.encoder import TinyEncoder
from workbench.ranking.data import PairData
from workbench.ranking.pair_ranker import PairRanker

TINY = TinyEncoder(hidden_size=16, layers=1, heads=2, intermediate=32, vocab_size=120)


def pair_data(store, measures=("good",), **options):
    options = {"tokens_per_batch": 512, **options}
    return PairData(list(measures), **options).connect(store)


def pair_ranker(data, **options):
    torch.manual_seed(0)
    options = {"source_maxlength": 12, "candidate_maxlength": 16, "dropout": 0.0, **options}
    ranker = PairRanker(TINY, measures=data.measures, lr=5e-3, **options)
    return ranker.build(data.training_texts())


def trainer(tmp_path, **options):
    return pl.Trainer(
        **{
            "accelerator": "cpu",
            "max_epochs": 1,
            "reload_dataloaders_every_n_epochs": 1,
            "logger": False,
            "enable_progress_bar": False,
            "enable_model_summary": False,
            "enable_checkpointing": False,
            "default_root_dir": tmp_path,
            **options,
        }
    )


def weights(ranker):
    return {name: value.clone() for name, value in ranker.state_dict().items()}


def test_it_learns_what_can_be_learned_and_sides_are_alike(store, tmp_path):
    data = pair_data(store, pairs_per_prompt=None)
    ranker = pair_ranker(data, head_lr=1e-2, weight_decay=0.01)
    fit = trainer(tmp_path, max_epochs=8)
    fit.fit(ranker, data)
    metrics = fit.callback_metrics
    assert metrics["validation/pairwise_accuracy"] > 0.9
    assert metrics["validation/quality"] > metrics["validation/best_single"]
    assert metrics["validation/loss"] < 0.4
    left = ["the a it is good good good"] * 3
    right = ["it is very much", "that one the a", "like answer is a good"]
    assert (ranker.compare(["question 3"] * 3, left, right) > 0).all()
    assert (ranker.compare(["question 3"] * 3, right, left) < 0).all()


@pytest.mark.parametrize("loss", ["bce", "logistic", "mse", "soft"])
def test_every_parameter_moves_in_bfloat16_with_checkpointing(store, tmp_path, loss):
    data = pair_data(store, ["good", "some"], max_train_prompts=8, max_validation_prompts=2)
    ranker = pair_ranker(data, loss=loss, gradient_checkpointing=True, gap_power=0.5)
    before = weights(ranker)
    trainer(tmp_path, precision="bf16-mixed").fit(ranker, data)
    after = ranker.state_dict()
    still = [name for name in before if torch.equal(before[name], after[name])]
    # A bias that both sides share cancels out, but for the loss that looks at each side alone.
    assert still == ([] if loss == "bce" else ["head_layer.4.bias"])
    assert all(value.isfinite().all() for value in after.values())


def test_head_rate_holds_for_head_and_markers_only(store, tmp_path):
    steps = {}
    for head_lr in (None, 1e-2):
        data = pair_data(store, max_train_prompts=4, max_validation_prompts=2)
        ranker = pair_ranker(data, head_lr=head_lr, weight_decay=0.0, warmup=0.0)
        before = weights(ranker)
        trainer(tmp_path, max_steps=1).fit(ranker, data)
        steps[head_lr] = {
            name: (value - before[name]) for name, value in ranker.state_dict().items()
        }
    plain, faster = steps[None], steps[1e-2]
    embedding = "pretrained_model.embeddings.word_embeddings.weight"
    marker = ranker.layout.marker_ids[:3]
    text = slice(5, marker.min())
    near = {"atol": 1e-6, "rtol": 1e-4}
    torch.testing.assert_close(faster[embedding][marker], 2 * plain[embedding][marker], **near)
    torch.testing.assert_close(faster[embedding][text], plain[embedding][text], **near)
    head = "head_layer.1.weight"
    torch.testing.assert_close(faster[head], 2 * plain[head], **near)
    layer = "pretrained_model.encoder.layer.0.output.dense.weight"
    torch.testing.assert_close(faster[layer], plain[layer], **near)


@pytest.mark.parametrize("step", [2, 4, 6])  # within the first epoch, at its end, in the second
def test_stopped_and_resumed_is_as_if_never_stopped(store, tmp_path, step):
    def fit(name, ckpt=None):
        pl.seed_everything(3, verbose=False)
        data = pair_data(store, max_train_prompts=20, max_validation_prompts=3)
        ranker = pair_ranker(data, warmup=0.2, head_dropout=0.0)
        keep = ModelCheckpoint(
            tmp_path / name, filename="{step}", save_top_k=-1, every_n_train_steps=1
        )
        engine = trainer(tmp_path, max_epochs=2, callbacks=[keep], enable_checkpointing=True)
        engine.fit(ranker, data, ckpt_path=ckpt, weights_only=True)
        assert engine.global_step == 8
        return ranker

    last = tmp_path / "whole" / f"step={step}.ckpt"
    whole = fit("whole").state_dict()
    resumed = fit("rest", last).state_dict()
    for name, value in whole.items():
        torch.testing.assert_close(resumed[name], value)


def test_a_checkpoint_is_enough_to_build_the_ranker(store, tmp_path):
    data = pair_data(store, max_train_prompts=10, max_validation_prompts=3)
    keep = ModelCheckpoint(dirpath=tmp_path)
    ranker = pair_ranker(data)
    trainer(tmp_path, callbacks=[keep], enable_checkpointing=True).fit(ranker, data)
    last = keep.best_model_path
    loaded = PairRanker.load_from_checkpoint(last, weights_only=True)
    rows = (["question 1"], ["good good"], ["the a"])
    np.testing.assert_array_equal(loaded.compare(*rows), ranker.compare(*rows))
    other = PairRanker(TINY, measures=["good"], source_maxlength=12, candidate_maxlength=16).build(
        ["some other words"]
    )
    with pytest.raises(BadModel, match="another vocabulary"):
        other.on_load_checkpoint(torch.load(last, weights_only=True))


def test_each_epoch_draws_other_pairs_and_a_seed_the_same_ones(store, tmp_path):
    class Watch(pl.Callback):
        def __init__(self):
            self.epochs = {}

        def on_train_batch_start(self, trainer, ranker, batch, index):
            rows = self.epochs.setdefault(trainer.current_epoch, [])
            rows += [tuple(row) for row in batch.place.tolist()]

    runs = []
    for seed in (0, 0, 1):
        data = pair_data(store, pairs_per_prompt=1, max_validation_prompts=2, seed=seed)
        watch = Watch()
        trainer(tmp_path, max_epochs=2, callbacks=[watch]).fit(pair_ranker(data), data)
        runs.append(watch.epochs)
    assert runs[0] == runs[1] != runs[2]
    assert sorted(runs[0][0]) != sorted(runs[0][1])
    assert len(runs[0][0]) <= 40


def test_labels_follow_their_candidates_and_test_is_never_read(store, tmp_path):
    data = pair_data(store, ["good", "some"], pairs_per_prompt=None, standardise=False)
    texts = " ".join(data.training_texts())
    assert "secret" not in texts
    ranker = pair_ranker(data)
    engine = trainer(tmp_path, limit_train_batches=1)
    engine.fit(ranker, data)
    good = ranker.layout.tokenizer.convert_tokens_to_ids("good")
    for loader in (data.train_dataloader(), data.val_dataloader()):
        for batch in loader:
            starts = batch.markers
            for row in range(len(batch.input_ids)):
                ids = batch.input_ids[row].tolist()
                second, third = starts[row, 1].item(), starts[row, 2].item()
                assert ids[second:third].count(good) == batch.left_quality[row, 0]
                assert ids[third:].count(good) == batch.right_quality[row, 0]
            some = torch.cat([batch.left_quality[:, 1], batch.right_quality[:, 1]])
            assert set(some[~some.isnan()].tolist()) <= {100.0, 200.0, 300.0}


def test_one_random_order_halves_validation(store, tmp_path):
    both, one = (pair_data(store, validation_orders=orders) for orders in ("both", "one"))
    sizes = []
    for data in (both, one):
        trainer(tmp_path, limit_train_batches=1).fit(pair_ranker(data), data)
        place = torch.cat([batch.place for batch in data.val_dataloader()])
        sizes.append(len(place))
        swapped = (place[:, 1] > place[:, 2]).float().mean()
        assert 0.2 < swapped < 0.8
    assert sizes[0] == 2 * sizes[1]


def test_spread_is_that_within_prompts():
    quality = np.array([[[0.0], [2.0], [np.nan]], [[100.0], [102.0], [101.0]]])
    assert spread(quality) == pytest.approx([np.sqrt(4 / 5)])
    assert spread(np.ones((2, 3, 1))).tolist() == [1.0]


def test_what_cannot_be_trained_is_named(store, tmp_path):
    data = pair_data(store)
    ranker = pair_ranker(data)
    with pytest.raises(BadValue, match="reload_dataloaders_every_n_epochs"):
        trainer(tmp_path, max_epochs=2, reload_dataloaders_every_n_epochs=0).fit(ranker, data)
    with pytest.raises(BadValue, match="measures"):
        trainer(tmp_path).fit(ranker, pair_data(store, ["some"]))
    with pytest.raises(UnknownName, match="Did you mean 'good'"):
        other = pair_data(store, ["goods"])
        trainer(tmp_path).fit(pair_ranker(other), other)
    with pytest.raises(BadModel, match="call build"):
        trainer(tmp_path).fit(PairRanker(TINY, measures=["good"]), pair_data(store))
    with pytest.raises(MissingInput, match="connect"):
        next(PairData(["good"]).training_texts())
    with pytest.raises(BadValue, match="max_train_prompts"):
        PairData(["good"], max_train_prompts=0)
    with pytest.raises(BadValue, match="validation_orders"):
        PairData(["good"], validation_orders="left")

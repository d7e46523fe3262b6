"""Training on lists through Lightning's Trainer, as the train stage does it."""

import itertools
import shutil

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint
from tiny_pointwise import KINDS, list_data, pointwise

from workbench.errors import BadValue, MissingInput
from workbench.ranking.simcls import SimCLS
from workbench.ranking.summa_reranker import SummaReranker
from workbench.store.store import Store


@pytest.fixture(scope="module")
def with_references(store, tmp_path_factory):
    """The store with a reference answer for most prompts."""
    path = tmp_path_factory.mktemp("referenced") / "store.duckdb"
    shutil.copy(store.path, path)
    copy = Store(path)
    with copy.writing() as db:
        db.execute(
            "update prompts set reference = 'good good good good' where instruction not like '%3'"
        )
    return copy


def ranker_for(kind, data, **options):
    """A tiny ranker that knows the data's words."""
    options = {"lr": 5e-3, **options}
    return pointwise(kind, list(data.training_texts()), data.measures, **options)


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


class Watch(pl.Callback):
    """Prompts of the training batches, epoch by epoch."""

    def __init__(self):
        self.epochs = {}

    def on_train_batch_start(self, trainer, ranker, batch, index):
        assert batch.input_ids.numel() <= 512 or len(batch.place) == 1
        self.epochs.setdefault(trainer.current_epoch, []).append(batch.place.tolist())


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (SummaReranker, {}),
        (SummaReranker, {"negatives": "all", "pooling": "mean"}),
        (SummaReranker, {"negatives": "all", "positive_weight": 1.0, "head_lr": 1e-2}),
        (SimCLS, {"pooling": "mean"}),
        (SimCLS, {"margin": 0.3}),
    ],
)
def test_it_learns_what_can_be_learned(with_references, tmp_path, kind, options):
    data = list_data(with_references)
    ranker = ranker_for(kind, data, weight_decay=0.01, **options)
    engine = trainer(tmp_path, max_epochs=8)
    engine.fit(ranker, data)
    metrics = engine.callback_metrics
    assert metrics["validation/pairwise_accuracy"] > 0.85
    assert metrics["validation/quality"] > metrics["validation/best_single"]
    left = ["the a it is good good good"] * 3
    right = ["it is very much", "that one the a", "like answer is very that"]
    assert (ranker.compare(["question 3"] * 3, left, right) > 0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_every_parameter_moves_in_bfloat16_with_checkpointing(with_references, tmp_path, kind):
    measures = ["good"] if kind is SimCLS else ["good", "some"]
    data = list_data(with_references, measures, max_validation_prompts=4)
    ranker = ranker_for(kind, data, gradient_checkpointing=True)
    before = {name: value.clone() for name, value in ranker.state_dict().items()}
    engine = trainer(tmp_path, precision="bf16-mixed")
    engine.fit(ranker, data)
    after = ranker.state_dict()
    assert [name for name in before if torch.equal(before[name], after[name])] == []
    assert all(value.isfinite().all() for value in after.values())
    assert np.isfinite(float(engine.callback_metrics["validation/loss"]))


@pytest.mark.parametrize("kind", KINDS)
def test_each_epoch_shows_every_list_once_in_another_order(store, tmp_path, kind):
    runs = []
    for seed in (0, 0, 1):
        data = list_data(store, max_validation_prompts=2, seed=seed)
        watch = Watch()
        trainer(tmp_path, max_epochs=2, callbacks=[watch]).fit(ranker_for(kind, data), data)
        runs.append(watch.epochs)
        shown = [sorted(itertools.chain(*batches)) for batches in watch.epochs.values()]
        assert shown[0] == shown[1] == data._train_set.chosen.tolist()
    assert runs[0] == runs[1] != runs[2]
    assert runs[0][0] != runs[0][1]


@pytest.mark.parametrize("step", [2, 5, 7])  # within the first epoch, at its end, in the second
def test_stopped_and_resumed_is_as_if_never_stopped(with_references, tmp_path, step):
    def fit(name, ckpt=None):
        pl.seed_everything(3, verbose=False)
        data = list_data(
            with_references,
            ["good", "some"],
            max_train_prompts=20,
            max_validation_prompts=3,
            tokens_per_batch=200,
        )
        ranker = ranker_for(SummaReranker, data, warmup=0.2)
        keep = ModelCheckpoint(
            tmp_path / name, filename="{step}", save_top_k=-1, every_n_train_steps=1
        )
        engine = trainer(tmp_path, max_epochs=2, callbacks=[keep], enable_checkpointing=True)
        engine.fit(ranker, data, ckpt_path=ckpt, weights_only=True)
        assert engine.global_step == 10
        return ranker

    whole = fit("whole").state_dict()
    resumed = fit("rest", tmp_path / "whole" / f"step={step}.ckpt").state_dict()
    for name, value in whole.items():
        torch.testing.assert_close(resumed[name], value)


@pytest.mark.parametrize("kind", KINDS)
def test_a_checkpoint_is_enough_to_build_the_ranker(store, tmp_path, kind):
    data = list_data(store, max_train_prompts=10, max_validation_prompts=3)
    keep = ModelCheckpoint(dirpath=tmp_path)
    ranker = ranker_for(kind, data)
    trainer(tmp_path, callbacks=[keep], enable_checkpointing=True).fit(ranker, data)
    loaded = kind.load_from_checkpoint(keep.best_model_path, weights_only=True)
    rows = (["question 1"], ["good good"], ["the a"])
    np.testing.assert_array_equal(loaded.compare(*rows), ranker.compare(*rows))


@pytest.mark.parametrize("kind", KINDS)
def test_validation_sees_what_compare_would_say(store, tmp_path, kind):
    data = list_data(store, max_train_prompts=4)
    ranker = ranker_for(kind, data)
    kept = []

    def keep(collected):
        kept.append(collected)
        return type(ranker).validation_logits(ranker, collected)

    ranker.validation_logits = keep
    trainer(tmp_path, max_steps=1).fit(ranker, data)
    pool, _ = data._validation_pool()
    known = ~np.isnan(data.validation.quality)
    assert (np.isnan(kept[-1]) == ~known).all()
    batches = list(data.val_dataloader())
    places = torch.cat([batch.place for batch in batches]).tolist()
    assert sorted(places) == list(range(len(pool.prompt_ids)))
    from workbench.ranking.tokenised import pool_texts

    [(_, prompts, texts)] = pool_texts(store, pool)
    q, n = np.nonzero(known)
    scores = ranker.score([prompts[k] for k in q], texts[q, n].tolist())
    np.testing.assert_allclose(kept[-1][q, n], scores, atol=1e-5)


def test_labels_follow_their_candidates_and_only_the_needed_are_read(store, tmp_path):
    sizes = {}
    for negatives in ("all", "worst"):
        data = list_data(store, ["good", "some"], standardise=False)
        ranker = ranker_for(SummaReranker, data, negatives=negatives)
        trainer(tmp_path, limit_train_batches=1).fit(ranker, data)
        good = ranker.tokenizer.convert_tokens_to_ids("good")
        for loader in (data.train_dataloader(), data.val_dataloader()):
            for batch in loader:
                said = (batch.input_ids == good).sum(dim=1)
                assert said.equal(batch.quality[batch.prompt, batch.candidate, 0].long())
                assert batch.measured.sum() == len(batch.prompt)
        sizes[negatives] = len(data._train_set.rows.prompt)
    # Of three or four that differ, "worst" reads the best and the worst by either measure.
    assert 2 * 40 <= sizes["worst"] < sizes["all"] == 140


def test_simcls_reads_references_and_summa_reranker_does_not(with_references, tmp_path):
    from workbench.ranking.lists import REFERENCE, SOURCE

    for kind, roles in ((SummaReranker, 0), (SimCLS, 2)):
        data = list_data(with_references)
        trainer(tmp_path, limit_train_batches=1).fit(ranker_for(kind, data), data)
        found = np.concatenate([batch.candidate for batch in data.train_dataloader()])
        assert len(np.unique(found[found < 0])) == roles
        if roles:
            assert 0 < (found == REFERENCE).sum() < (found == SOURCE).sum()


@pytest.mark.parametrize("kind", KINDS)
def test_prompts_with_one_candidate_or_none_measured(store, tmp_path, kind):
    # llm0 is not measured by "some": it is left alone with a single other, or with none.
    data = list_data(store, ["some"], llms=["llm0", "llm1"], validation_llms=["llm1", "llm2"])
    with pytest.raises(MissingInput, match="nothing to learn"):
        trainer(tmp_path).fit(ranker_for(kind, data), data)
    data = list_data(store, ["some"], llms=["llm0", "llm2", "llm3"], validation_llms=["llm0"])
    with pytest.raises(MissingInput, match="two candidates"):
        trainer(tmp_path).fit(ranker_for(kind, data), data)
    # llm3 answers every second prompt only.
    data = list_data(store, ["some"], llms=["llm0", "llm2", "llm3"])
    trainer(tmp_path).fit(ranker_for(kind, data), data)
    assert len(data._train_set) == 20


def test_other_measures_than_the_datas_are_refused(store, tmp_path):
    ranker = ranker_for(SimCLS, list_data(store))
    with pytest.raises(BadValue, match="measures"):
        trainer(tmp_path).fit(ranker, list_data(store, ["some"]))

"""Training a fuser through Lightning's Trainer: precisions, adapters, stopping, validation."""

import math
from functools import cache
from types import SimpleNamespace

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.strategies import FSDPStrategy, SingleDeviceStrategy
from referenced_pool import MEASURE, RANKER, SCHEME, referenced_store
from tiny_writers import chat_tokenizer, t5_tokenizer, writer

from workbench.errors import BadValue
from workbench.fusion.data import FusionData
from workbench.fusion.decoding import Decoding
from workbench.fusion.gen_fuser import GenFuser
from workbench.fusion.lora import LoRA
from workbench.fusion.prompt import FusionPrompt
from workbench.fusion.tiny_seq2seq import TinySeq2Seq
from workbench.models.optimizer import adamw, matrices_of
from workbench.quality import MEASURES
from workbench.store.store import Store

TINY = TinySeq2Seq(hidden_size=16, layers=1, heads=2, intermediate=16, vocab_size=200)
SHORT = Decoding(beams=1, max_new_tokens=6)
PLAIN = FusionPrompt("plain", max_length=96)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return Store(referenced_store(tmp_path_factory.mktemp("pool") / "store.duckdb"))


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """Directories of plain models, by kind."""

    @cache
    def write(kind):
        folder = tmp_path_factory.mktemp(kind)
        tokenizer = t5_tokenizer() if kind == "t5" else chat_tokenizer()
        writer(kind, len(tokenizer)).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        return str(folder)

    return write


def made(store, model=TINY, prompt=PLAIN, tokens_per_batch=250, **options):
    """Fuser and data, made as the stage does."""
    pl.seed_everything(3, verbose=False)
    data = FusionData(MEASURE, tokens_per_batch=tokens_per_batch).connect(store)
    data.take_ranking(RANKER, SCHEME)
    options = {"decoding": SHORT, "lr": 5e-3, "target_maxlength": 16, **options}
    return GenFuser(model, prompt=prompt, **options).build(data.training_texts()), data


def trainer(tmp_path, **options):
    return pl.Trainer(
        **{
            "accelerator": "cpu",
            "max_epochs": 1,
            "reload_dataloaders_every_n_epochs": 1,
            "num_sanity_val_steps": 0,
            "logger": False,
            "enable_progress_bar": False,
            "enable_model_summary": False,
            "enable_checkpointing": False,
            "default_root_dir": tmp_path,
            **options,
        }
    )


def weights(fuser):
    return {name: value.clone() for name, value in fuser.state_dict().items()}


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed", "bf16-true"])
def test_every_weight_moves_in_any_precision_with_checkpointing(store, tmp_path, precision):
    fuser, data = made(store, gradient_checkpointing=True, label_smoothing=0.1, lr=0.05)
    before = weights(fuser)
    engine = trainer(tmp_path, precision=precision)
    engine.fit(fuser, data)
    after = {name: value.float() for name, value in fuser.state_dict().items()}
    same = [name for name in before if torch.equal(before[name].to(value_type(fuser)).float(),
                                                   after[name])]  # fmt: skip
    # Distances within a bucket of relative positions that no prompt is long enough for stay.
    assert [name for name in same if "relative_attention_bias" not in name] == []
    assert all(value.isfinite().all() for value in after.values())
    figures = {name: float(value) for name, value in engine.callback_metrics.items()}
    logged = {"loss", "quality", "first_shown", "best_shown"}
    assert {f"validation/{name}" for name in logged} <= set(figures)
    assert all(map(math.isfinite, figures.values()))


def value_type(fuser):
    return next(fuser.parameters()).dtype


@pytest.mark.parametrize("kind", ["bart", "llama", "gpt2"])
def test_other_models_are_trained_alike(store, directory, tmp_path, kind):
    prompt = FusionPrompt("plain", max_length=200)
    fuser, data = made(store, directory(kind), prompt, tokens_per_batch=2000)
    engine = trainer(tmp_path, max_epochs=3)
    losses = []
    watch = pl.callbacks.LambdaCallback(
        on_validation_epoch_end=lambda t, _: losses.append(t.callback_metrics["validation/loss"])
    )
    engine.callbacks.append(watch)
    engine.fit(fuser, data)
    assert losses[-1] < losses[0]


# Within the first epoch, at its end, and in the second.
@pytest.mark.parametrize(("step", "lora"), [(2, False), (4, False), (7, False), (2, True)])
def test_stopped_and_resumed_is_as_if_never_stopped(store, directory, tmp_path, step, lora):
    """With dropout, and candidates that are drawn anew."""

    def fit(name, checkpoint=None):
        model = (directory("t5"), FusionPrompt(max_length=160)) if lora else (TINY, PLAIN)
        own = {"lora": LoRA(rank=2, dropout=0.2)} if lora else {}
        batch = 800 if lora else 110
        fuser, data = made(store, *model, batch, dropout=0.2, warmup=0.2, **own)
        data.hparams["train_candidates"] = "quality"
        keep = ModelCheckpoint(
            tmp_path / name, filename="{step}", save_top_k=-1, every_n_train_steps=1
        )
        engine = trainer(tmp_path, max_epochs=3, callbacks=[keep], enable_checkpointing=True)
        engine.fit(fuser, data, ckpt_path=checkpoint, weights_only=True)
        return fuser, engine.global_step

    last = tmp_path / "whole" / f"step={step}.ckpt"
    whole, steps = fit("whole")
    resumed, others = fit("rest", last)
    assert steps == others > 7
    for name, value in whole.state_dict().items():
        torch.testing.assert_close(resumed.state_dict()[name], value)


def test_only_adapters_move_and_are_kept(store, directory, tmp_path):
    prompt = FusionPrompt(max_length=160)
    fuser, data = made(store, directory("t5"), prompt, 2000, lora=LoRA(rank=2), dtype="bfloat16")
    before = weights(fuser)
    keep = ModelCheckpoint(tmp_path, filename="kept")
    engine = trainer(tmp_path, callbacks=[keep], enable_checkpointing=True)
    engine.fit(fuser, data)
    moved = {n for n, value in fuser.state_dict().items() if not torch.equal(before[n], value)}
    assert moved
    assert all(".lora_" in name for name in moved)
    state = torch.load(tmp_path / "kept.ckpt", weights_only=True)["state_dict"]
    assert set(state) == {name for name in before if ".lora_" in name}


def test_validation_measures_what_the_fuser_writes(store, tmp_path):
    fuser, data = made(store, tokens_per_batch=120)
    engine = trainer(tmp_path)
    engine.validate(fuser, data, verbose=False)
    held = data.validation
    texts = [""] * len(held.prompt_ids)
    asked = held.instructions, held.inputs, held.candidates
    for written in fuser.fuse(*asked, keys=held.prompt_ids):
        for place, text in zip(written.index, written.texts, strict=True):
            texts[place] = text
    worth = float(MEASURES[MEASURE](texts, held.references).mean())
    figures = engine.callback_metrics
    assert float(figures["validation/quality"]) == pytest.approx(worth, abs=1e-6)
    assert float(figures["validation/best_shown"]) >= float(figures["validation/first_shown"]) > 0


def test_the_validation_loss_does_not_depend_on_the_batches(store, tmp_path):
    losses = []
    for tokens in (60, 120, 10_000):
        fuser, data = made(store, tokens_per_batch=tokens, predict_with_generate=False)
        engine = trainer(tmp_path)
        engine.validate(fuser, data, verbose=False)
        assert "validation/quality" not in engine.callback_metrics
        losses.append(float(engine.callback_metrics["validation/loss"]))
    assert losses == pytest.approx([losses[0]] * 3, rel=1e-5)


def test_what_is_not_written_cannot_choose_the_checkpoint():
    assert GenFuser(TINY).monitors == ("validation/quality", "validation/loss")
    assert GenFuser(TINY, predict_with_generate=False).monitors == ("validation/loss",)


def test_a_sharded_model_does_not_write_in_validation(store):
    fuser, _ = made(store)
    fuser.trainer = SimpleNamespace(strategy=FSDPStrategy())
    with pytest.raises(BadValue, match="false with FSDPStrategy"):
        fuser.setup("fit")
    fuser.hparams["predict_with_generate"] = False
    fuser.setup("fit")
    fuser.hparams["predict_with_generate"] = True
    fuser.trainer = SimpleNamespace(strategy=SingleDeviceStrategy())
    fuser.setup("fit")


def test_weights_that_are_wrapped_and_flattened_decay_as_they_would_bare():
    module = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.LayerNorm(3))
    matrices = matrices_of(module)
    assert matrices == {"0.weight"}
    flat = [
        (f"_fsdp_wrapped_module.{name}", torch.nn.Parameter(value.detach().flatten()))
        for name, value in module.named_parameters()
    ]
    own = adamw(flat, (), 0.1, None, 0.5, matrices)
    decays = {id(p): group["weight_decay"] for group in own.param_groups for p in group["params"]}
    assert [decays[id(value)] for _, value in flat] == [0.5, 0.0, 0.0, 0.0]

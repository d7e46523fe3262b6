"""A fuser trained from the command line: what is learned, kept, gone on with and never read."""

import math
import shutil
from pathlib import Path
from urllib.parse import urlparse

import pytest
import torch
from processes import wait_until, workbench
from referenced_pool import MEASURE, RANKER, SCHEME, referenced_store
from safetensors.torch import load_file
from tiny_fuser import write_t5
from tiny_pipeline import copied, execute, one, rows, runs
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

from workbench.cli import main
from workbench.errors import MissingInput
from workbench.fusion.loading import load_fuser
from workbench.fusion.prompt import FusionPrompt
from workbench.stages import train
from workbench.stages.fuse import fuse
from workbench.stages.measure import measure
from workbench.stages.trainings import trained_fuser, trained_ranker
from workbench.store.labels import labels
from workbench.store.store import Store
from workbench.tracking import Tracker

EPOCHS = 6
TINY = {
    "--model": "GenFuser",
    "--model.model.hidden_size": 16,
    "--model.model.layers": 1,
    "--model.model.heads": 2,
    "--model.model.intermediate": 16,
    "--model.model.vocab_size": 200,
    "--model.prompt.template": "plain",
    "--model.prompt.max_length": 96,
    "--model.decoding.beams": 1,
    "--model.decoding.max_new_tokens": 6,
    "--model.target_maxlength": 16,
    "--model.lr": 8e-3,
    "--model.dropout": 0.1,
    "--patience": "null",
    "--data": "FusionData",
    "--data.measure": MEASURE,
    "--data.tokens_per_batch": 250,
    "--trainer.max_epochs": EPOCHS,
    "--trainer.accelerator": "cpu",
    "--trainer.enable_progress_bar": "false",
}


def words(store, **options):
    told = TINY | {f"--{name.replace('__', '.')}": value for name, value in options.items()}
    return ["train", "--store", str(store), *(f"{n}={v}" for n, v in told.items())]


def kept(run):
    return Path(urlparse(run.info.artifact_uri).path) / "model"


def weights(store):
    return load_file(kept(*runs(store, "train")) / "model.safetensors")


@pytest.fixture(scope="module")
def pool(tmp_path_factory, empty_tracking):
    folder = tmp_path_factory.mktemp("referenced")
    shutil.copy(empty_tracking / "mlflow.db", folder)
    referenced_store(folder / "store.duckdb")
    return folder


@pytest.fixture(scope="module")
def trained(tmp_path_factory, pool):
    store = copied(pool, tmp_path_factory.mktemp("trained") / "pool") / "store.duckdb"
    assert main(words(store)) == 0
    return store


def test_what_is_kept_is_a_fuser_that_loads_and_is_named(trained):
    [run] = runs(trained, "train")
    assert run.info.status == "FINISHED"
    fuser = load_fuser(kept(run))
    assert fuser.prompt == FusionPrompt("plain", max_length=96)
    assert fuser.decoding.max_new_tokens == 6
    [done] = fuser.fuse(["train 0"], ["red one"], [["ant says red"]])
    assert len(done.texts) == 1
    assert labels(Store(trained))[run.info.run_id] == "GenFuser"


def test_the_best_epoch_by_quality_is_kept(trained):
    [run] = runs(trained, "train")
    client = Tracker(Store(trained).path).client
    history = client.get_metric_history(run.info.run_id, "validation/quality")
    assert len(history) == EPOCHS
    figures = run.data.metrics
    assert figures["best/validation/quality"] == max(metric.value for metric in history)
    best = [metric.value for metric in history].index(figures["best/validation/quality"])
    assert figures["best/epoch"] == best > 0
    for name in ("loss", "quality", "first_shown", "best_shown"):
        assert math.isfinite(figures[f"validation/{name}"])
    assert figures["train/loss_epoch"] < 6


def test_a_finished_training_is_not_done_again(trained, capsys):
    [run] = runs(trained, "train")
    before = (kept(run) / "model.safetensors").stat()
    capsys.readouterr()
    assert main(words(trained)) == 0
    assert "trained before" in capsys.readouterr().out
    [run] = runs(trained, "train")
    assert (kept(run) / "model.safetensors").stat() == before
    assert not list(trained.with_suffix(".work").glob("train-*/"))
    assert main(words(trained, model__label_smoothing=0.0, trainer__log_every_n_steps=1)) == 0
    assert len(runs(trained, "train")) == 1


@pytest.mark.parametrize(
    "change",
    [
        "update prompts set reference = 'other' where instruction = 'train 3'",
        "update rankings set score = -score",
    ],
)
def test_other_references_or_rankings_are_another_training(trained, tmp_path, change):
    store = copied(trained.parent, tmp_path / "pool") / "store.duckdb"
    execute(store, change)
    assert main(words(store)) == 0
    assert len(runs(store, "train")) == 2


def test_the_split_test_changes_no_weight(trained, tmp_path, empty_tracking):
    shutil.copy(empty_tracking / "mlflow.db", tmp_path)
    store = referenced_store(tmp_path / "store.duckdb", test="poison")
    assert main(words(store)) == 0
    found, wanted = weights(store), weights(trained)
    assert set(found) == set(wanted)
    for name, value in wanted.items():
        assert torch.equal(found[name], value), name
    assert "poison" not in (kept(*runs(store, "train")) / "tokenizer.json").read_text()


def test_killed_and_gone_on_with_is_as_if_never_killed(pool, tmp_path, capsys):
    """Killed within an epoch: a checkpoint is written at each batch."""
    long = {"trainer__max_epochs": 10, "data__tokens_per_batch": 120}
    store = copied(pool, tmp_path / "killed") / "store.duckdb"

    def batches():
        found = list(store.with_suffix(".work").glob("train-*/last.ckpt"))
        return found[0].stat().st_mtime_ns if found else 0

    process = workbench(*words(store, **long, checkpoint_minutes=1e-4))
    wait_until(batches, process)
    process.kill()
    _, told = process.communicate()
    [killed] = runs(store, "train")
    assert killed.info.status == "RUNNING"
    assert "weights_only" not in told
    assert main(words(store, **long)) == 0
    assert "going on from" in capsys.readouterr().err
    [done] = runs(store, "train")
    assert (done.info.run_id, done.info.status) == (killed.info.run_id, "FINISHED")
    other = copied(pool, tmp_path / "whole") / "store.duckdb"
    assert main(words(other, **long)) == 0
    found = weights(store)
    for name, value in weights(other).items():
        torch.testing.assert_close(found[name], value)


def test_options_by_the_command_line(pool, tmp_path):
    store = copied(pool, tmp_path / "pool") / "store.duckdb"
    others = {
        "data__order": "shuffled", "data__train_candidates": "quality", "data__noise": 0.5,
        "data__ranker": RANKER[:6], "data__scheme": "max_logits", "data__vary_k": "false",
        "model__predict_with_generate": "false", "monitor": "validation/loss",
        "model__dtype": "bfloat16", "trainer__precision": "bf16-true", "trainer__max_epochs": 1,
    }  # fmt: skip
    assert main(words(store, **others)) == 0
    [run] = runs(store, "train")
    assert load_fuser(kept(run)).pretrained_model.dtype == torch.bfloat16
    assert run.data.params["data.init_args.ranker"] == RANKER
    assert run.data.params.get("data.init_args.scheme", SCHEME) == SCHEME


def test_adapters_the_whole_way(pool, tmp_path):
    """Trained, merged, kept as a plain model, which transformers runs as the fuser does."""
    base = write_t5(tmp_path / "base")
    store = copied(pool, tmp_path / "pool") / "store.duckdb"
    options = {
        "model__model": base, "model__lora__rank": 2, "model__lora__dropout": 0.0,
        "model__prompt__template": "gen_fuser", "model__prompt__max_length": 400,
        "data__tokens_per_batch": 2000, "trainer__max_epochs": 2,
    }  # fmt: skip
    given = [word for word in words(store, **options) if not word.startswith("--model.model.")]
    assert main(given) == 0
    [run] = runs(store, "train")
    before, after = load_file(Path(base) / "model.safetensors"), weights(store)
    assert set(before) == set(after)
    moved = {name for name, value in before.items() if not torch.equal(value, after[name])}
    layers = {name.split(".")[-2] for name in moved}
    assert layers == {"q", "k", "v", "o", "wi", "wo"}
    fuser = load_fuser(kept(run))
    asked = (["say two"], ["one"], [["red", "blue"]])
    [made] = fuser.fuse(*asked)
    plain = AutoModelForSeq2SeqLM.from_pretrained(kept(run)).eval()
    tokenizer = AutoTokenizer.from_pretrained(kept(run))
    ids = torch.tensor(fuser.prompt.ids(tokenizer, *asked))
    answer = plain.generate(ids, num_beams=1, max_new_tokens=6)
    assert [tokenizer.decode(answer[0], skip_special_tokens=True)] == made.texts


def test_of_sharded_weights_the_whole_is_kept(trained, pool, tmp_path, monkeypatch):
    monkeypatch.setattr("workbench.stages.train.is_sharded", lambda engine: True)
    fitted = train.fit

    def fit(engine, model, *others):
        fitted(engine, model, *others)
        with torch.no_grad():
            for weight in model.parameters():
                weight.zero_()

    monkeypatch.setattr(train, "fit", fit)
    store = copied(pool, tmp_path / "pool") / "store.duckdb"
    assert main(words(store)) == 0
    for name, value in weights(trained).items():
        assert torch.equal(weights(store)[name], value)


def test_a_fuser_of_ones_own_whose_model_is_lost_and_trained_again(pool, tmp_path):
    store = copied(pool, tmp_path / "pool") / "store.duckdb"
    train_it = words(store, model="own_fuser.OwnFuser", trainer__max_epochs=1)
    assert main(train_it) == 0
    [run] = runs(store, "train")
    tracker = Tracker(Store(store).path)
    assert trained_fuser(tracker, None) == run.info.run_id
    with pytest.raises(MissingInput, match="no trained ranker"):
        trained_ranker(tracker, None)
    asked = {"ranker": "random", "splits": ["test"]}
    assert fuse(store, **asked).fuser == run.info.run_id
    measure(store, [MEASURE])
    ids = [id for (id,) in rows(store, "select fusion_id from fusions")]
    said = "select count(*) from qualities where list_contains(?, candidate_id)"
    assert one(store, said, ids) == len(ids) > 0
    # Other weights under the same id: what was said of the old texts goes with them.
    shutil.rmtree(kept(run))
    assert main(train_it) == 0
    assert one(store, "select count(*) from fusions") == one(store, said, ids) == 0
    fuse(store, **asked)
    assert sorted(ids) == sorted(id for (id,) in rows(store, "select fusion_id from fusions"))


@pytest.mark.parametrize(
    ("told", "options"),
    [
        ("validation/pairwise_accuracy", {"monitor": "validation/pairwise_accuracy"}),
        ("validation/quality", {"model__predict_with_generate": "false"}),
        ("PairData", {"data": "PairData", "data__measures": "[rougeL@1]"}),
        ("ranker with rankings", {"data__ranker": "ffff"}),
        ("ranked scheme", {"data__scheme": "bubble"}),
        ("nothing@1", {"data__measure": "nothing@1"}),
        ("no directory", {"model__model": "./nowhere"}),
    ],
)
def test_what_cannot_be_trained_is_told(pool, capsys, told, options):
    store = pool / "store.duckdb"
    given = words(store, **options)
    if "model__model" in options:
        given = [word for word in given if not word.startswith("--model.model.")]
    if "data" in options:
        given = [word for word in given if not word.startswith(f"--data.measure={MEASURE}")]
    try:
        code = main(given)
    except SystemExit as left:
        code = left.code
    assert code == 2
    assert told in capsys.readouterr().err

"""Compare with models that need no training, and with one trained on lists, by the command line."""

import numpy as np
import pytest
from store_contract import breaches
from tiny_models import write_classifier, write_mlm
from tiny_pipeline import MEASURE, TRAINER, one, rows, runs
from transformers import AutoModel, AutoTokenizer

from workbench.cli import main
from workbench.ranking.mlm_scoring import MLMScoring
from workbench.ranking.reward_model import RewardModel
from workbench.store.labels import labels
from workbench.store.source_text import source_text
from workbench.store.store import Store

LENGTHS = {"source_maxlength": 16, "candidate_maxlength": 12}
WORDS = [f"--model.{name}={value}" for name, value in LENGTHS.items()]
MODELS = {
    "RewardModel": (RewardModel, write_classifier, {"template": "pair"}),
    "MLMScoring": (MLMScoring, write_mlm, {"passes": 1, "reduce": "mean"}),
}


def said(capsys, *words):
    capsys.readouterr()
    status = main(list(map(str, words)))
    return status, *capsys.readouterr()


@pytest.mark.parametrize("name", MODELS)
def test_a_public_model_by_its_directory(measured_pool, fresh, capsys, tmp_path, name):
    kind, write, options = MODELS[name]
    store, folder = fresh(measured_pool), write("bert", tmp_path / "public")
    words = [f"--model={name}", f"--model.encoder={folder}", *WORDS]
    words += [f"--model.{option}={value}" for option, value in options.items()]
    words = ["compare", f"--store={store}", "--splits=[test]", *words]
    status, _, error = said(capsys, *words)
    assert status == 0, error
    [ranker] = [name for (name,) in rows(store, "select distinct ranker from comparisons")]
    assert labels(Store(store))[ranker] == f"{name} public"
    sample = rows(
        store,
        "select instruction, input, l.text, r.text, logit from comparisons c "
        "join prompts p using (prompt_id) join candidates l on l.candidate_id = c.left_id "
        "join candidates r on r.candidate_id = c.right_id order by left_id, right_id limit 60",
    )
    instructions, inputs, left, right, logits = zip(*sample, strict=True)
    prompts = [source_text(*row) for row in zip(instructions, inputs, strict=True)]
    model = kind(folder, **LENGTHS, **options).prepare()
    np.testing.assert_allclose(model.compare(prompts, left, right), logits, atol=1e-5)
    before = one(store, "select count(*) from comparisons")
    status, _, _ = said(capsys, *words)
    assert status == 0
    assert one(store, "select count(*) from comparisons") == before
    assert breaches(store) == []


@pytest.mark.parametrize("name", MODELS)
def test_a_model_without_a_trained_head_ends_before_any_work(
    measured_pool, fresh, capsys, tmp_path, name
):
    store, folder = fresh(measured_pool), write_classifier("bert", tmp_path / "whole")
    AutoModel.from_pretrained(folder).save_pretrained(tmp_path / "bare")
    AutoTokenizer.from_pretrained(folder).save_pretrained(tmp_path / "bare")
    words = [f"--model={name}", f"--model.encoder={tmp_path / 'bare'}", *WORDS]
    status, _, error = said(capsys, "compare", f"--store={store}", *words)
    assert status == 2
    assert "holds no trained head" in error
    assert "Traceback" not in error
    assert runs(store, "compare") == []
    assert one(store, "select count(*) from comparisons") == 0


def test_a_reward_model_is_trained_and_compares(measured_pool, fresh, capsys, tmp_path):
    store, folder = fresh(measured_pool), write_classifier("bert", tmp_path / "public")
    trainer = [f"--trainer.{name}={str(value).lower()}" for name, value in TRAINER.items()]
    model = [
        "--model=RewardModel",
        f"--model.encoder={folder}",
        f"--model.measures={MEASURE}",
        "--model.lr=1e-3",
        *WORDS,
    ]
    data = ["--data=ListData", f"--data.measures={MEASURE}", "--data.max_train_prompts=8"]
    data += ["--data.max_validation_prompts=4"]
    status, _, error = said(capsys, "train", f"--store={store}", *model, *data, *trainer)
    assert status == 0, error
    status, _, error = said(capsys, "compare", f"--store={store}", "--splits=[test]")
    assert status == 0, error
    run = runs(store, "train")[0].info.run_id
    assert one(store, "select any_value(ranker) from comparisons") == run
    logits = [logit for (logit,) in rows(store, "select logit from comparisons")]
    assert np.isfinite(logits).all()
    assert len(set(logits)) > 1

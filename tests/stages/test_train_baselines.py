"""The paper's baseline rankers, from the command line, from training to a table."""

import pytest
from store_contract import breaches
from tiny_pipeline import MEASURE, TRAINER, execute, one, rows, runs

from workbench.cli import main
from workbench.ranking.list_data import ListData
from workbench.ranking.simcls import SimCLS
from workbench.ranking.summa_reranker import SummaReranker
from workbench.ranking.trained_ranker import TrainedRanker
from workbench.stages.identity import identity
from workbench.store.source_text import source_text
from workbench.tracking import Tracker

ENCODER = "{hidden_size: 16, layers: 1, heads: 2, intermediate: 32, vocab_size: 300}"
KINDS = {
    "SummaReranker": ["--model.positive_weight=2", "--model.head_lr=1e-2"],
    "SimCLS": ["--model.margin=0.5", "--model.pooling=mean"],
}


def words_for(name, *more):
    return [
        f"--model={name}",
        f"--model.encoder={ENCODER}",
        f"--model.measures={MEASURE}",
        "--model.source_maxlength=16",
        "--model.candidate_maxlength=16",
        "--model.lr=5e-3",
        *KINDS[name],
        "--data=ListData",
        f"--data.measures={MEASURE}",
        "--data.max_validation_prompts=6",
        *(f"--trainer.{option}={str(value).lower()}" for option, value in TRAINER.items()),
        *more,
    ]


def said(capsys, verb, store, *words):
    capsys.readouterr()
    status = main([verb, f"--store={store}", *words])
    out, err = capsys.readouterr()
    assert status == 0, err
    return out


@pytest.mark.parametrize("name", KINDS)
def test_train_compare_aggregate_evaluate(capsys, measured_pool, fresh, tmp_path, name):
    store = fresh(measured_pool)
    assert "validation/quality" in said(capsys, "train", store, *words_for(name))
    assert "trained before" in said(capsys, "train", store, *words_for(name))
    said(capsys, "compare", store, "--splits=[test]")
    [(left, right, answers)] = rows(
        store,
        "select count(*), count(*) filter (a.logit = -b.logit), count(distinct a.left_id) "
        "from comparisons a join comparisons b "
        "on a.left_id = b.right_id and a.right_id = b.left_id",
    )
    assert left == right == answers * 11  # 12 candidates a prompt, in both orders
    said(capsys, "aggregate", store, "--schemes=max_logits")
    assert "max_logits" in said(capsys, "evaluate", store, "--splits=[test]", "--resamples=20")
    assert breaches(store) == []
    [run] = runs(store, "train")
    model = TrainedRanker.from_pretrained(
        Tracker(store).artifact(run.info.run_id, "model", tmp_path)
    )
    assert type(model).__name__ == name
    sample = rows(
        store,
        "select instruction, input, l.text, r.text, logit from comparisons c "
        "join prompts p using (prompt_id) join candidates l on l.candidate_id = c.left_id "
        "join candidates r on r.candidate_id = c.right_id order by left_id, right_id limit 20",
    )
    instructions, inputs, *sides, logits = zip(*sample, strict=True)
    prompts = [source_text(*row) for row in zip(instructions, inputs, strict=True)]
    assert model.compare(prompts, *sides).tolist() == pytest.approx(list(logits), abs=1e-5)


def test_a_training_that_reads_references_is_another_with_other_references(
    capsys, measured_pool, fresh
):
    store = fresh(measured_pool)
    assert one(store, "select count(*) from prompts where reference <> ''") > 0
    for count in (1, 2):
        said(capsys, "train", store, *words_for("SimCLS"))
        assert len(runs(store, "train")) == count
        execute(store, "update prompts set reference = 'other' where split = 'train'")


def test_a_setting_at_its_default_does_not_make_another_run():
    def of(kind, **options):
        return identity(kind("hub/name", measures=["m"], **options), ListData(["m"]), {})

    plain = of(SummaReranker)
    assert of(SummaReranker, negatives="worst", source_maxlength=128, lr=1e-5) == plain
    assert of(SummaReranker, negatives="all") != plain
    assert of(SummaReranker, source_maxlength=64) != plain
    assert of(SimCLS, margin=1.0, warmup=0.05) == of(SimCLS) != plain

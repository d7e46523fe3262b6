"""Routers that learn from the scores of a ranker, such as a reward model's."""

import shutil

import numpy as np
import pyarrow as pa
import pytest
from tiny_pipeline import execute
from tiny_routing import LLMS, WORTH, checked, router_data
from two_kinds import world as two_kinds_world

from workbench.cli import main
from workbench.errors import MissingInput, UnknownName
from workbench.routing.mlp import MLPRouter
from workbench.routing.tfidf import TfidfVectors
from workbench.routing.zooter import ZOOTER
from workbench.store.labels import labels
from workbench.store.pool import load_pool
from workbench.store.store import Store

RANKING = ("reward-model", "max_logits")

STAGES = """
stages:
  train-reward-model:
    model:
      class_path: workbench.ranking.reward_model.RewardModel
      init_args:
        measures: [m]
        encoder: {hidden_size: 8, layers: 1, heads: 1, intermediate: 16, vocab_size: 100}
    data: {class_path: workbench.ranking.list_data.ListData, init_args: {measures: [m]}}
    trainer: {max_epochs: 1, accelerator: cpu}
  compare: {splits: [train]}
  aggregate: {schemes: [max_logits]}
  train-router:
    model:
      class_path: workbench.routing.linear.LinearRouter
      init_args: {encoder: {dimensions: 8}}
    data:
      class_path: workbench.routing.data.RouterData
      init_args: {measure: m, reward: ranker}
"""


def rewarded(store, score, split="train"):
    """The store with scores of a ranker: `score(llm, n)` of the n-th prompt's answer."""
    pool = load_pool(store, split=split)
    rows = [
        {
            "prompt_id": pool.prompt_ids[q],
            "candidate_id": pool.candidate_ids[q, n],
            "ranker": RANKING[0],
            "scheme": RANKING[1],
            "score": float(score(pool.llms[pool.llm[q, n]], q)),
            "rank": 1,
        }
        for q, n in zip(*np.nonzero(pool.mask), strict=True)
    ]
    store.insert("rankings", pa.Table.from_pylist(rows))
    return store


def rewarded_data(store, **options):
    data = router_data(store, reward="ranker", **options)
    data.take_ranking(*RANKING)
    return data


def test_training_learns_scores_and_validation_keeps_to_the_measure(store_of):
    store = rewarded(store_of(), lambda llm, q: 3.0 if llm == "teller" else q)
    data = rewarded_data(store, standardise=False)
    assert data.told == "ranker's reward"
    assert checked(data).llms == LLMS
    learned, held_out = data.rewards_of(LLMS)
    assert set(learned[:, LLMS.index("teller")]) == {3.0}
    assert sorted(learned[:, LLMS.index("counter")]) == list(range(24))
    _, by_measure = router_data(store, standardise=False).rewards_of(LLMS)
    np.testing.assert_allclose(held_out - held_out.mean(), by_measure - by_measure.mean())
    assert held_out.mean() == pytest.approx(learned.mean())


def test_the_level_of_the_measure_does_not_choose_the_epoch(store_of):
    """A perceptron learns scores around 0, and its best epoch is told by qualities of any level."""

    def far_up(row):
        row["rewards"] = {llm: value + 50.0 for llm, value in row["rewards"].items()}

    store = store_of(far_up, train=60, validation=20)
    kinds = load_pool(store, split="train").category
    rewarded(store, lambda llm, q: WORTH[kinds[q]][llm])
    router = MLPRouter(TfidfVectors(dimensions=12), hidden=[8], lr=0.02, patience=5)
    data = rewarded_data(store)
    data.check(router)
    assert router.fit(data)["validation/gap_closed"] > 0.8


def test_scores_and_qualities_have_each_their_scale(store_of):
    store = rewarded(store_of(), lambda llm, q: 100.0 * LLMS.index(llm))
    for part in rewarded_data(store).rewards_of(LLMS):
        assert (part - part.mean(axis=1, keepdims=True)).std() == pytest.approx(1.0)


def test_an_llm_that_is_not_ranked_is_masked_and_told(store_of, capsys):
    store = rewarded(store_of(), lambda llm, q: q + LLMS.index(llm))
    execute(store.path, "delete from rankings where candidate_id in (select candidate_id from "
            "candidates where llm = 'teller')")  # fmt: skip
    assert checked(rewarded_data(store)).llms == ["allround", "counter"]
    told = capsys.readouterr().err
    assert "without a reward by reward-model/max_logits in training, not routed to: teller" in told


def test_the_fingerprint_follows_the_scores(store_of):
    store = rewarded(store_of(), lambda llm, q: q + LLMS.index(llm))
    seen = [rewarded_data(store).seen(None), router_data(store).seen(None)]
    execute(store.path, "update rankings set score = score * 2")
    seen += [rewarded_data(store).seen(None), router_data(store).seen(None)]
    assert seen[0] != seen[2]
    assert seen[1] == seen[3]
    assert len(set(seen)) == 3


def test_what_is_missing_is_told_before_training(store_of):
    store = rewarded(store_of(), lambda llm, q: q, split="validation")
    with pytest.raises(MissingInput, match=r"no train prompt .* `compare` with train in --splits"):
        checked(rewarded_data(store))
    with pytest.raises(UnknownName, match="reward"):
        router_data(store, reward="ranking")
    everything_ties = rewarded(store_of(name="ties"), lambda llm, q: q)
    with pytest.raises(MissingInput, match="reward-model/max_logits differ"):
        checked(rewarded_data(everything_ties), ZOOTER)


def test_a_reward_model_and_the_router_that_learns_from_it_in_one_file(tmp_path, empty_tracking):
    shutil.copy(empty_tracking / "mlflow.db", tmp_path)
    store = two_kinds_world(tmp_path, prompts=40)
    file = tmp_path / "experiment.yaml"
    file.write_text(f"store: {store}\n{STAGES}", "utf-8")
    assert main(["run", str(file)]) == 0
    ranker = Store(store).query("select distinct ranker from rankings").column(0).to_pylist()
    assert len(ranker) == 1
    assert sorted(labels(Store(store)).values()) == ["LinearRouter ranker's reward", "RewardModel"]

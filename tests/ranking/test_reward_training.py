"""RewardModel trained on whole lists, from an encoder or from a reward model."""

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from safetensors.torch import load_file, save_file
from tiny_models import write_classifier, write_mlm
from tiny_pointwise import TINY, list_data
from transformers import AutoModel, AutoTokenizer

from workbench.errors import BadModel, BadValue
from workbench.models.optimizer import adamw
from workbench.ranking.lists import ListBatch
from workbench.ranking.reward_model import RewardModel

LENGTHS = {"source_maxlength": 12, "candidate_maxlength": 16, "dropout": 0.0}
LEFT, RIGHT = ["the a it good good good"] * 3, ["it is very much", "that one the", "a good one"]


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


def test_it_learns_what_can_be_learned(store, tmp_path):
    torch.manual_seed(0)
    data = list_data(store)
    ranker = RewardModel(TINY, measures=["good"], lr=5e-3, weight_decay=0.01, **LENGTHS)
    ranker.build(data.training_texts())
    fit = trainer(tmp_path, max_epochs=7)
    fit.fit(ranker, data)
    metrics = fit.callback_metrics
    assert metrics["validation/pairwise_accuracy"] > 0.9
    assert metrics["validation/quality"] > metrics["validation/best_single"]
    assert (ranker.compare(["question 3"] * 3, LEFT, RIGHT) > 0).all()


def test_a_reward_model_is_trained_further_and_saved(store, tmp_path):
    folder = write_classifier("bert", tmp_path / "public")
    data = list_data(store, ["good", "some"], max_train_prompts=8, max_validation_prompts=4)
    options = {**LENGTHS, "loss": "soft", "gradient_checkpointing": True, "head_lr": 1e-2}
    ranker = RewardModel(folder, measures=["good", "some"], lr=1e-3, **options).build()
    before = {name: value.clone() for name, value in ranker.state_dict().items()}
    public = RewardModel(folder, **LENGTHS).prepare().state_dict()
    assert all(torch.equal(before[name], public[name]) for name in public)
    trainer(tmp_path, precision="bf16-mixed").fit(ranker, data)
    after = ranker.state_dict()
    still = [name for name in before if torch.equal(before[name], after[name])]
    # A bias that all candidates share cancels out, but for rounding.
    assert set(still) <= {"pretrained_model.classifier.bias"}
    assert all(value.isfinite().all() for value in after.values())
    ranker.save_pretrained(tmp_path / "saved")
    again = RewardModel.from_pretrained(tmp_path / "saved")
    rows = (["question 3"] * 3, LEFT, RIGHT)
    np.testing.assert_allclose(again.compare(*rows), ranker.compare(*rows), atol=1e-6)
    assert again.prepare() is again


def batch_of(quality):
    """A batch without texts of lists whose qualities [B, N, tasks] these are."""
    quality = torch.tensor(quality)
    prompt, candidate = (~quality.isnan()).any(-1).nonzero(as_tuple=True)
    nothing = torch.zeros(len(prompt), 1, dtype=torch.int64)
    place = torch.arange(len(quality))
    return ListBatch(nothing, nothing, nothing, prompt, candidate, quality, place)


NAN = float("nan")


@pytest.mark.parametrize("loss", ["logistic", "soft", "mse"])
@pytest.mark.parametrize("gap_power", [0.0, 1.5])
def test_loss_is_the_mean_over_pairs_of_measured_candidates(loss, gap_power):
    quality = [
        [[1.0, 0.5], [3.0, 0.5], [NAN, NAN], [2.0, NAN]],
        [[0.0, 4.0], [NAN, NAN], [1.0, 2.0], [0.0, 1.0]],
    ]
    batch = batch_of(quality)
    torch.manual_seed(1)
    rewards = torch.randn(len(batch.prompt), 1)
    by_place = torch.full((2, 4), NAN)
    by_place[batch.prompt, batch.candidate] = rewards[:, 0]
    total = weights = 0.0
    for q in range(2):
        for i in range(4):
            for j in range(i):
                for task in range(2):
                    gap = quality[q][i][task] - quality[q][j][task]
                    if gap == 0 or np.isnan(gap):
                        continue
                    ahead = (by_place[q, i] - by_place[q, j]).item()
                    wins = 1 / (1 + np.exp(-ahead))
                    label = 1 / (1 + np.exp(-gap / 0.7))
                    one = {
                        "logistic": -np.log(wins if gap > 0 else 1 - wins),
                        "soft": -label * np.log(wins) - (1 - label) * np.log(1 - wins),
                        "mse": (ahead - gap) ** 2,
                    }[loss]
                    total += one * abs(gap) ** gap_power
                    weights += abs(gap) ** gap_power
    ranker = RewardModel(TINY, measures=["a", "b"], loss=loss, gap_power=gap_power, temperature=0.7)
    found = ranker.loss(rewards, batch)
    assert found.item() == pytest.approx(total / weights, rel=1e-5)


def test_lists_that_tell_nothing_cost_nothing():
    ranker = RewardModel(TINY, measures=["a"])
    rewards = torch.ones(3, 1, requires_grad=True)
    loss = ranker.loss(rewards, batch_of([[[1.0], [1.0]], [[NAN], [2.0]]]))
    loss.backward()
    assert loss.item() == 0
    assert (rewards.grad == 0).all()


@pytest.mark.parametrize(
    ("kind", "heads"),
    [
        ("bert", {"classifier.weight", "classifier.bias", "bert.pooler.dense.weight"}),
        ("roberta", {"classifier.dense.weight", "classifier.out_proj.weight"}),
        ("deberta", {"classifier.weight", "pooler.dense.weight", "pooler.dense.bias"}),
        ("llama", {"score.weight"}),
    ],
)
def test_the_heads_rate_holds_for_all_that_may_start_from_random_numbers(tmp_path, kind, heads):
    ranker = RewardModel(write_classifier(kind, tmp_path), **LENGTHS).build()
    named = dict(ranker.named_parameters())
    optimizer = adamw(named.items(), ranker.head_names, 1e-3, 1e-2, 0.1)
    fast = {
        id(p) for group in optimizer.param_groups if group["lr"] == 1e-2 for p in group["params"]
    }
    found = {name.removeprefix("pretrained_model.") for name, p in named.items() if id(p) in fast}
    assert heads <= found
    assert not any("embed" in name or "layer" in name for name in found)


def encoder_directory(folder, tmp_path):
    """A bare encoder, taken out of a classifier."""
    AutoModel.from_pretrained(folder).save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(folder).save_pretrained(tmp_path)
    return str(tmp_path)


@pytest.mark.parametrize("kind", ["bert", "deberta", "llama"])
def test_an_encoder_keeps_its_weights_and_gets_a_head(tmp_path, kind):
    folder = write_classifier(kind, tmp_path / "classifier")
    encoder = encoder_directory(folder, tmp_path / "encoder")
    torch.manual_seed(3)
    ranker = RewardModel(encoder, **LENGTHS).build()
    own, base = ranker.pretrained_model, AutoModel.from_pretrained(folder)
    kept = own.base_model.state_dict()
    assert all(torch.equal(kept[name], value) for name, value in base.state_dict().items())
    assert own.config.num_labels == 1
    torch.manual_seed(3)
    again = RewardModel(encoder, **LENGTHS).build().state_dict()
    assert all(torch.equal(value, again[name]) for name, value in ranker.state_dict().items())


def test_a_head_of_another_size_or_purpose_makes_room_for_a_fresh_one(tmp_path):
    three = write_classifier("bert", tmp_path / "three", num_labels=3)
    masked = write_mlm("bert", tmp_path / "masked")
    for folder in (three, masked):
        assert RewardModel(folder, **LENGTHS).build().score(["why"], ["good"]).shape == (1,)


def test_training_needs_whole_encoders_and_float32(tmp_path):
    folder = write_classifier("bert", tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    lost = "bert.encoder.layer.1.output.dense.weight"
    del weights[lost]
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(BadModel, match=f"1 missing .{lost}"):
        RewardModel(folder, **LENGTHS).build()
    with pytest.raises(BadValue, match="dtype = 'bfloat16'"):
        RewardModel(folder, dtype="bfloat16", **LENGTHS).build()

"""An encoder may be a ranker that was saved, or a PairRM checkpoint: training goes on with it."""

import numpy as np
import pytest
import torch
from naive_pairrm import CASES, write_checkpoint

from workbench.errors import BadModel, BadValue
from workbench.ranking.data import PairData
from workbench.ranking.pair_ranker import PairRanker
from workbench.ranking.summa_reranker import SummaReranker


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return str(write_checkpoint(tmp_path_factory.mktemp("pairrm"), n_tasks=1))


def pairs(case):
    n = len(case["candidates"])
    left, right = np.nonzero(~np.eye(n, dtype=bool))
    texts = np.array(case["candidates"], object)
    return [case["source"]] * len(left), texts[left].tolist(), texts[right].tolist()


LENGTHS = {"source_maxlength": 16, "candidate_maxlength": 10}


@pytest.mark.parametrize("hf", [False, True])
def test_it_starts_with_the_logits_of_pairrm(tmp_path, hf):
    directory = write_checkpoint(tmp_path, hf=hf, n_tasks=1)
    published = PairRanker.from_pretrained(directory, **LENGTHS)
    started = PairRanker(str(directory), measures=["good"], dropout=0.0, **LENGTHS).build().eval()
    assert started.measures == ["good"]
    for case in CASES:
        np.testing.assert_allclose(
            started.compare(*pairs(case)), published.compare(*pairs(case)), atol=1e-6
        )


def test_it_learns_on_from_there_and_is_saved_whole(checkpoint, store, tmp_path):
    import pytorch_lightning as pl

    pl.seed_everything(0, verbose=False)
    ranker = PairRanker(checkpoint, measures=["good"], lr=1e-3, **LENGTHS).build()
    before = {name: value.clone() for name, value in ranker.state_dict().items()}
    trainer = pl.Trainer(
        max_epochs=1,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
    )
    trainer.fit(ranker, PairData(["good"]).connect(store))
    moved = [name for name, value in ranker.state_dict().items() if (value != before[name]).any()]
    assert len(moved) > 0.9 * len(before)
    ranker.save_pretrained(tmp_path / "saved")
    again = PairRanker(str(tmp_path / "saved"), measures=["good"], **LENGTHS).build()
    for name, value in again.state_dict().items():
        torch.testing.assert_close(value, ranker.state_dict()[name], rtol=0, atol=0)


def test_what_does_not_fit_is_told(checkpoint, make_ranker, tmp_path):
    with pytest.raises(BadValue, match="one for each head"):
        PairRanker(checkpoint, measures=["a", "b"]).build()
    with pytest.raises(BadModel, match="segment_layer"):
        PairRanker(checkpoint, measures=["a"], segment_embeddings=True).build()
    make_ranker().save_pretrained(tmp_path / "saved")
    with pytest.raises(BadModel, match="which is no SummaReranker"):
        SummaReranker(str(tmp_path / "saved"), measures=["m"]).build()
    for measures in (["m", "n"], ["n"]):
        with pytest.raises(BadValue, match=r"those of .*saved"):
            PairRanker(str(tmp_path / "saved"), measures=measures).build()
    with pytest.raises(BadModel, match="segment_layer"):
        PairRanker(str(tmp_path / "saved"), measures=["m"], segment_embeddings=True).build()
    with pytest.raises(BadValue, match="positions"):
        PairRanker(str(tmp_path / "saved"), measures=["m"], source_maxlength=400).build()

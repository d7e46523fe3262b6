"""Tiny pointwise rankers and their data."""

import torch

from workbench.models.encoder import TinyEncoder
from workbench.ranking.list_data import ListData
from workbench.ranking.simcls import SimCLS
from workbench.ranking.summa_reranker import SummaReranker

KINDS = (SummaReranker, SimCLS)
TEXTS = ["the a it is one answer very much like that", "good bad question why? How, yes; no."]
TINY = TinyEncoder(hidden_size=16, layers=1, heads=2, intermediate=32, vocab_size=120)


def pointwise(kind, texts=TEXTS, measures=("good",), **options):
    """A built ranker."""
    torch.manual_seed(0)
    options = {"source_maxlength": 12, "candidate_maxlength": 16, "dropout": 0.0, **options}
    return kind(TINY, measures=list(measures), **options).build(texts)


def shaken(kind, **options):
    """One with weights far from the usual small ones, so that wrong tokens make wrong scores."""
    ranker = pointwise(kind, **options)
    with torch.no_grad():
        for parameter in ranker.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
    return ranker.eval()


def list_data(store, measures=("good",), **options):
    options = {"tokens_per_batch": 512, **options}
    return ListData(list(measures), **options).connect(store)

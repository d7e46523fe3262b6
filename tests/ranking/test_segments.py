import pytest
import torch

from workbench.errors import UnknownName
from workbench.models.encoder import TinyEncoder
from workbench.ranking.pair_ranker import PairRanker
from workbench.ranking.segments import segment_states, segments

TEXTS = ["what is red", "a rose is red", "no idea", "perhaps a rose"]


def test_each_token_belongs_to_the_segment_of_its_text():
    found = segments(torch.tensor([[1, 4, 7], [1, 3, 5]]), 9)
    assert found.tolist() == [[0, 0, 0, 1, 1, 1, 2, 2, 2], [0, 0, 1, 1, 2, 2, 2, 2, 2]]


def test_mean_states_are_those_of_a_loop_and_see_no_padding():
    torch.manual_seed(0)
    hidden, markers = torch.randn(2, 9, 4), torch.tensor([[1, 4, 7], [1, 3, 5]])
    mask = torch.ones(2, 9, dtype=torch.long)
    mask[1, 7:] = 0
    found = segment_states(hidden, markers, mask, "mean")
    for b, ends in enumerate([(0, 3, 6, 9), (0, 2, 4, 7)]):
        for k in range(3):
            naive = hidden[b, ends[k] : ends[k + 1]].mean(dim=0)
            torch.testing.assert_close(found[b, k], naive)
    by_marker = segment_states(hidden, markers, mask, "marker")
    assert (by_marker[1, 2] == hidden[1, 5]).all()


def test_unknown_pooling_is_refused_with_the_valid_ones():
    with pytest.raises(UnknownName, match="Did you mean 'marker'"):
        ranker(pooling="markers")


def ranker(**options):
    torch.manual_seed(0)
    tiny = TinyEncoder(hidden_size=16, layers=1, heads=2, intermediate=16)
    lengths = {"source_maxlength": 12, "candidate_maxlength": 12}
    return PairRanker(tiny, measures=["m"], **lengths, **options).build(TEXTS)


def test_segment_embeddings_reach_the_logits_and_learn(tmp_path):
    plain, told = ranker(), ranker(segment_embeddings=True)
    assert plain.segment_layer is None
    with torch.no_grad():
        told.segment_layer.weight[1, 0] += 1.0
    pair = ([TEXTS[0]], [TEXTS[1]], [TEXTS[2]])
    before = told.compare(*pair)
    with torch.no_grad():
        told.segment_layer.weight[1, 0] -= 1.0
    assert not torch.allclose(torch.tensor(before), torch.tensor(told.compare(*pair)), atol=1e-4)
    told.save_pretrained(tmp_path / "model")
    again = PairRanker.from_pretrained(tmp_path / "model")
    assert again.compare(*pair) == told.compare(*pair)


def test_the_segment_layer_learns_at_the_heads_rate():
    told = ranker(segment_embeddings=True)
    from workbench.models.optimizer import adamw

    rates = {
        name: group["lr"]
        for group in adamw(told.named_parameters(), told.head_names, 1e-5, 1e-3, 0.0).param_groups
        for name, parameter in told.named_parameters()
        if any(parameter is p for p in group["params"])
    }
    assert rates["segment_layer.weight"] == rates["head_layer.1.weight"] == 1e-3
    assert rates["pretrained_model.embeddings.word_embeddings.weight"] == 1e-5


def test_a_built_ranker_is_in_training_mode():
    assert all(module.training for module in ranker().modules())

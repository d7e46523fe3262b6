import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from workbench.errors import BadValue
from workbench.models.batches import TokenBatchSampler, token_batches

lengths = st.lists(st.integers(1, 60), max_size=80).map(lambda x: np.array(x, np.int64))


@settings(max_examples=50, deadline=None)
@given(lengths, st.integers(1, 300), st.one_of(st.none(), st.integers(0, 5)))
def test_each_sequence_once_and_no_batch_over_budget(length, budget, seed):
    batches = list(TokenBatchSampler(length, budget, seed))
    assert sorted(i for batch in batches for i in batch) == list(range(len(length)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * length[batch].max() <= budget


def test_batches_group_like_lengths_and_waste_little():
    length = np.random.default_rng(0).integers(10, 500, 2000)
    batches = token_batches(length, 8192)
    padded = sum(len(b) * length[b].max() for b in batches)
    assert length.sum() / padded > 0.95


def test_shuffles_by_seed():
    length = np.random.default_rng(0).integers(1, 9, 100)
    one, again, other = (list(TokenBatchSampler(length, 30, seed)) for seed in (1, 1, [1, 2]))
    assert one == again != other
    first = [length[batch].max() for batch in one]
    assert first != sorted(first, reverse=True)


@settings(max_examples=25, deadline=None)
@given(lengths, st.integers(1, 4))
def test_processes_share_out_all_batches_evenly(length, world):
    shares = [list(TokenBatchSampler(length, 100, 3, rank, world)) for rank in range(world)]
    assert len({len(share) for share in shares}) == 1
    seen = {i for share in shares for batch in share for i in batch}
    assert seen == set(range(len(length)))


def test_works_as_the_batch_sampler_of_a_loader():
    sampler = TokenBatchSampler(np.array([5, 1, 5, 1]), 10, 0)
    loader = DataLoader([10, 11, 12, 13], batch_sampler=sampler)
    assert len(loader) == len(sampler) == 2
    assert sorted(x for batch in loader for x in batch.tolist()) == [10, 11, 12, 13]


def test_a_budget_of_nothing_is_refused():
    with pytest.raises(BadValue, match="tokens_per_batch"):
        token_batches(np.array([1]), 0)

"""Drawing tokens so that an answer depends on its prompt and the seed, never on the batch."""

import hashlib
from collections.abc import Sequence

import torch
from torch import Tensor
from transformers import LogitsProcessor


class GumbelNoise(LogitsProcessor):
    """Adds Gumbel noise, so that the largest score is a draw from the scores' softmax.

    For greedy search. The noise is a stream of its own for every prompt, by seed and key, made
    on the CPU: it is the same on any device and in any company.

    Args:
        keys: [P] what the prompts' streams are named after.
        seed: of the whole.
    """

    def __init__(self, keys: Sequence[str], seed: int) -> None:
        self._streams = [torch.Generator().manual_seed(stream_seed(seed, key)) for key in keys]

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Noisy scores [P, V]."""
        waiting = torch.empty(scores.shape)
        for row, stream in zip(waiting, self._streams, strict=True):
            row.exponential_(generator=stream)
        # −log of an exponential draw is a Gumbel one; a draw of 0 is as good as the smallest.
        noise = -waiting.clamp(min=torch.finfo(waiting.dtype).tiny).log()
        return scores + noise.to(scores.device)


def stream_seed(seed: int, key: str) -> int:
    """Seed of one prompt's stream."""
    digest = hashlib.blake2b(f"{seed}\0{key}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1

"""Drawing tokens so that an answer depends on its prompt and the seed, never on the batch."""

import hashlib
from collections.abc import Sequence

import torch
from torch import Tensor


class Draws:
    """Draws a token a row: the largest of logits / temperature + Gumbel noise.

    The noise is a stream of its own for every prompt, by seed and key, made on the CPU: it is
    the same on any device and in any company.

    Args:
        keys: [P] what the prompts' streams are named after.
        seed: of the whole.
        temperature: positive.
        top_p: only the likeliest tokens that together have this probability are drawn from.
    """

    def __init__(self, keys: Sequence[str], seed: int, temperature: float, top_p: float) -> None:
        self.temperature, self.top_p = temperature, top_p
        self._streams = [torch.Generator().manual_seed(stream_seed(seed, key)) for key in keys]

    def __call__(self, scores: Tensor, prompt: Tensor) -> Tensor:
        """[R] tokens by scores [R, V] of rows that belong to the prompts [R]."""
        logits = nucleus(scores / self.temperature, self.top_p)
        waiting = torch.empty(logits.shape)
        for row, place in enumerate(prompt.tolist()):
            waiting[row].exponential_(generator=self._streams[place])
        # −log of an exponential draw is a Gumbel one; a draw of 0 is as good as the smallest.
        noise = -waiting.clamp(min=torch.finfo(waiting.dtype).tiny).log()
        return (logits + noise.to(logits.device)).argmax(dim=-1)


def nucleus(logits: Tensor, top_p: float) -> Tensor:
    """Logits [R, V], −inf outside the fewest likeliest tokens that reach probability `top_p`."""
    if top_p >= 1:
        return logits
    ordered, order = logits.sort(dim=-1, descending=True, stable=True)
    share = ordered.softmax(dim=-1)
    # A token stays while those before it have not reached the probability yet.
    beyond = share.cumsum(dim=-1) - share >= top_p
    return logits.masked_fill(torch.zeros_like(beyond).scatter(1, order, beyond), -torch.inf)


def stream_seed(seed: int, key: str) -> int:
    """Seed of one prompt's stream."""
    digest = hashlib.blake2b(f"{seed}\0{key}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1

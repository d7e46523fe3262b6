"""Embeddings that tell a token whose text it belongs to: the prompt, the left or the right one.

PairRM has none; its markers must learn from positions alone which words are theirs to judge.
Told so, a small encoder or a small training set learns many times faster.
"""

import torch
from torch import Tensor, nn


class SegmentEmbedding(nn.Embedding):
    """Three vectors, added to the embeddings of source, left and right tokens."""

    def __init__(self, width: int) -> None:
        super().__init__(3, width)
        nn.init.normal_(self.weight, std=0.02)  # as the encoders' own embeddings start

    def forward(self, embedded: Tensor, markers: Tensor) -> Tensor:  # type: ignore[override]
        """Adds to token embeddings [B, T, H] what `segments` says of markers [B, 3]."""
        told: Tensor = super().forward(segments(markers, embedded.shape[1]))
        return embedded + told


def segments(markers: Tensor, length: int) -> Tensor:
    """[B, T] int: 0 in the source segment, 1 in the left, 2 in the right one and in the padding.

    A candidate's segment begins with the CLS token before its marker.

    >>> segments(torch.tensor([[1, 4, 7]]), 9)
    tensor([[0, 0, 0, 1, 1, 1, 2, 2, 2]])
    """
    place = torch.arange(length, device=markers.device)
    begins = markers[:, 1:, None] - 1
    return (place >= begins).sum(dim=1)

"""Whose text a token belongs to: the prompt's, the left or the right candidate's.

PairRM tells its encoder only by the markers, whose hidden states stand for their segments: a
marker must learn from positions alone which words are its own to judge. `SegmentEmbedding` tells
each token, and `segment_states` can take the mean over a segment's tokens instead of its marker.
With either a small encoder or a small training set learns many times faster.
"""

import torch
from torch import Tensor, nn

from workbench.errors import UnknownName

POOLINGS = ("marker", "mean")


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


def segment_states(hidden: Tensor, markers: Tensor, attention_mask: Tensor, pooling: str) -> Tensor:
    """[B, 3, width] float32: what stands for the source, the left and the right segment.

    Args:
        hidden: [B, T, width], the encoder's last hidden state.
        markers: [B, 3] places of the source, left and right marker.
        attention_mask: [B, T], 1 where there is a token.
        pooling: "marker" (PairRM's) takes the markers' states, "mean" the mean over all tokens
            of a segment, as sentence encoders are trained to be read.
    """
    with torch.autocast(hidden.device.type, enabled=False):
        hidden = hidden.float()
        if pooling == "marker":
            rows = torch.arange(len(markers), device=hidden.device)[:, None]
            return hidden[rows, markers]
        place = segments(markers, hidden.shape[1])[:, None, :]
        own = (place == torch.arange(3, device=hidden.device)[:, None]) & (
            attention_mask[:, None, :] > 0
        )
        weight = own.to(hidden.dtype)
        return weight @ hidden / weight.sum(dim=-1, keepdim=True)


def check_pooling(pooling: str) -> None:
    """Raises UnknownName for a pooling that there is not."""
    if pooling not in POOLINGS:
        raise UnknownName("pooling", pooling, POOLINGS)

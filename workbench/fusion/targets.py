"""What a fuser learns to write: the reference's tokens, and what writing others costs."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from workbench.fusion.examples import CHUNK, IGNORED
from workbench.fusion.tokenised import plain_texts, token_ids


def target_arrays(fuser: Any, references: Sequence[str]) -> list[np.ndarray]:
    """Ids of references, framed as the model's answers are, at most `target_maxlength`.

    What is cut off has no end token, so that a fuser does not learn to stop there.
    """
    most, tokenizer = fuser.hparams["target_maxlength"], fuser.tokenizer
    first, end = frame(fuser)
    found = []
    for start in range(0, len(references), CHUNK):
        texts = references[start : start + CHUNK]
        plain = plain_texts(tokenizer, texts)
        ids = token_ids(tokenizer, plain.values())
        found += [np.array([*first, *ids[plain[text]], end][:most], np.int32) for text in texts]
    return found


def frame(fuser: Any) -> tuple[list[int], int]:
    """The tokens that every answer begins with (BART's `<s>`), and the one that ends it."""
    own = fuser.tokenizer.eos_token_id
    end = own if own in fuser.ends else fuser.ends[0]
    model = fuser.pretrained_model
    forced = getattr(model.generation_config, "forced_bos_token_id", None)
    return ([] if forced is None or fuser.causal else [int(forced)]), int(end)


def shifted(labels: Tensor, start: int, pad: int) -> Tensor:
    """What a decoder reads to write labels [B, T]: its first token, and all but the last.

    >>> shifted(torch.tensor([[5, 6, 1], [7, 1, -100]]), 2, 0).tolist()
    [[2, 5, 6], [2, 7, 1]]
    """
    begin = labels.new_full((len(labels), 1), start)
    read = torch.cat([begin, labels[:, :-1]], dim=1)
    return read.masked_fill(read == IGNORED, pad)


def answer_loss(logits: Tensor, labels: Tensor, causal: bool, smoothing: float) -> Tensor:
    """Mean cross-entropy of the labels that are learned.

    Args:
        logits: [B, T, V].
        labels: [B, T]; of a causal model each is written at the place before its own.
        causal: whether it is one.
        smoothing: share of each target's probability that is spread over the vocabulary
            (Szegedy et al., arXiv 1512.00567, section 7).
    """
    if causal:
        logits, labels = logits[:, :-1], labels[:, 1:]
    learned = labels != IGNORED
    # Chosen first: in float32 the prompt's logits would be the largest array of all.
    return functional.cross_entropy(
        logits[learned].float(), labels[learned], label_smoothing=smoothing
    )

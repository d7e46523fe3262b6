"""Which pairs come out as one and the same sequence of tokens."""

import numpy as np

from workbench.models.tokens import Tokens
from workbench.ranking.layout import FRAME


def distinct_sequences(
    tokens: Tokens, pairs: np.ndarray, shown: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Groups pairs by what a model sees of them.

    Candidates that differ only where they are cut, or in blanks, must tie exactly; two copies of
    a sequence in two batches would differ by rounding.

    Args:
        tokens: of the texts.
        pairs: [P, 3] indices of source, left and right text.
        shown: [P, 3] lengths of their segments, see `Layout.lengths`.

    Returns:
        [U] a pair of each group; [P] the group of each pair.

    >>> tokens = Tokens.joined([np.array(ids, np.int32) for ids in ([5], [6, 7], [6, 8])])
    >>> pairs = np.array([[0, 1, 2], [0, 2, 1]])
    >>> first, group = distinct_sequences(tokens, pairs, np.full((2, 3), 4))
    >>> first.tolist(), group.tolist()  # of each text only the first token is shown
    ([0], [0, 0])
    """
    count = shown - FRAME
    width = int(count.max(initial=0)) + 1
    cut, place = np.unique(pairs * width + count, return_inverse=True)
    seen: dict[bytes, int] = {}
    content = np.array(
        [
            seen.setdefault(tokens.ids[start : start + size].tobytes(), len(seen))
            for start, size in zip(tokens.start[cut // width], cut % width, strict=True)
        ],
        np.int64,
    )
    source, left, right = content[place.reshape(pairs.shape)].T
    _, sides = np.unique(left * len(seen) + right, return_inverse=True)
    _, first, group = np.unique(source + sides * len(seen), return_index=True, return_inverse=True)
    return first, group

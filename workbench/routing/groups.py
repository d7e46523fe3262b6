"""Groups of prompts that are of one kind, out of their tags."""

from collections.abc import Sequence

import numpy as np

from workbench.routing.enhancement import tag_places


def prompt_groups(tags: Sequence[Sequence[str]]) -> np.ndarray:
    """[Q] int64 group of each prompt: the commonest of its tags; -1 where it has none.

    Of equally common tags it is the first by name.
    """
    prompt, tag, names = tag_places(tags)
    size = np.bincount(tag, minlength=len(names))
    group = np.full(len(tags), -1, np.int64)
    # The last one written stays: rarest tags first, and among equals the last by name.
    order = np.lexsort((-tag, size[tag]))
    group[prompt[order]] = tag[order]
    return group

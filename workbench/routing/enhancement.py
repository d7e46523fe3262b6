"""Tag-based label enhancement: a prompt's rewards mixed with those that its tags have on average.

ZOOTER (Lu et al., NAACL 2024, arXiv 2311.08692), section 3.3: single rewards are noisy, and what
prompts of one kind have in common is less so.
"""

from collections.abc import Sequence

import numpy as np

from workbench.errors import BadValue


def enhanced_rewards(
    rewards: np.ndarray, tags: Sequence[Sequence[str]], beta: float, min_tag_prompts: int = 2
) -> np.ndarray:
    """`beta · reward + (1 − beta) · tag reward` [Q, L].

    The reward of an LLM on a tag is its mean over the prompts with that tag on which it has one; a
    prompt's tag reward is the mean over its tags. What is not known stays so: a missing reward is
    NaN after it too, and a prompt without any tag that counts keeps its own.

    Args:
        rewards: [Q, L], NaN where not measured.
        tags: of each prompt; a tag given twice counts once.
        beta: share of the prompt's own reward, 0 to 1; 1 changes nothing. The paper's best: 0.3.
        min_tag_prompts: tags of fewer prompts do not count: of a tag seen once the tag reward is
            the prompt's own.

    Raises:
        BadValue: beta outside 0 to 1, or tags of another number of prompts.
    """
    check_enhancement(beta, min_tag_prompts)
    if len(tags) != len(rewards):
        raise BadValue("number of tag lists", len(tags), f"{len(rewards)}, as of rewards")
    prompt, tag, names = tag_places(tags)
    size = np.bincount(tag, minlength=len(names))
    counts = size[tag] >= min_tag_prompts
    means = tag_rewards(rewards, prompt, tag, len(names))
    told = _mean_by(prompt[counts], means[tag[counts]], len(rewards))
    return np.where(np.isfinite(told), beta * rewards + (1.0 - beta) * told, rewards)


def tag_places(tags: Sequence[Sequence[str]]) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Places of tags: prompt [n] and tag [n] as indices, and the tags' names, sorted."""
    own = [sorted(set(given)) for given in tags]
    names = sorted({tag for given in own for tag in given})
    code = {name: place for place, name in enumerate(names)}
    prompt = np.repeat(np.arange(len(own)), np.array([len(given) for given in own], np.int64))
    return prompt, np.array([code[tag] for given in own for tag in given], np.int64), names


def tag_rewards(rewards: np.ndarray, prompt: np.ndarray, tag: np.ndarray, tags: int) -> np.ndarray:
    """[tags, L] mean reward of each LLM over the prompts with a tag, NaN where there is none."""
    return _mean_by(tag, rewards[prompt], tags)


def check_enhancement(beta: float, min_tag_prompts: int) -> None:
    """Raises BadValue for what cannot be."""
    if not 0.0 <= beta <= 1.0:
        raise BadValue("beta", beta, "a share from 0 to 1")
    if min_tag_prompts < 1:
        raise BadValue("min_tag_prompts", min_tag_prompts, "a positive number of prompts")


def _mean_by(group: np.ndarray, values: np.ndarray, groups: int) -> np.ndarray:
    """[groups, L] mean of the finite values [n, L] of each group; NaN where there is none."""
    known = np.isfinite(values)
    total, count = np.zeros((groups, values.shape[1])), np.zeros((groups, values.shape[1]))
    np.add.at(total, group, np.where(known, values, 0.0))
    np.add.at(count, group, known)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)

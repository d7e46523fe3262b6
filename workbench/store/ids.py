"""Text ids: hashes of what makes a row itself, so that the same row has the same id everywhere."""

import hashlib

SPLITS = ("train", "validation", "test")


def _digest(*parts: str) -> str:
    # Lengths keep ("ab", "c") and ("a", "bc") apart.
    joined = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.blake2b(joined.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def prompt_id(dataset: str, instruction: str, input: str) -> str:
    """Id of a prompt: a hash of its dataset, instruction and input (24 hex digits)."""
    return _digest("prompt", dataset, instruction, input)


def candidate_id(prompt_id: str, llm: str, decoding: str, text: str | None) -> str:
    """Id of a candidate: the same text from two LLMs is two candidates; None: it is not known."""
    if text is None:
        return _digest("candidate without text", prompt_id, llm, decoding)
    return _digest("candidate", prompt_id, llm, decoding, text)


def fusion_id(
    prompt_id: str, fuser: str, ranker: str, scheme: str, top_k: int, order: str, decoding: str
) -> str:
    """Id of a fusion: which candidates were shown is told by ranker, scheme, top_k and order."""
    return _digest("fusion", prompt_id, fuser, ranker, scheme, str(top_k), order, decoding)


def split_of(instruction: str, input: str) -> str:
    """Split of a prompt where its source has none: 60 / 15 / 25 by hash.

    The dataset is left out of the hash on purpose: a prompt that stands in two datasets falls
    into the same split of both, so that training on one cannot leak into a test on the other.
    """
    share = int(_digest("split", instruction, input)[:8], 16) / 16**8
    return "train" if share < 0.60 else "validation" if share < 0.75 else "test"

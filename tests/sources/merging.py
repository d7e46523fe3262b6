"""A naive merge of answers: the phrases that most of them have, in their usual order."""

import re
from collections import Counter, defaultdict

import numpy as np


def phrases(text: str) -> list[str]:
    """The phrases between an answer's commas and stops."""
    return [phrase.lower() for phrase in re.split(r"[,.]\s*", text) if phrase]


def merged(texts: list[str], least: int) -> str:
    """The phrases that stand in at least `least` texts, by their mean place."""
    votes: Counter[str] = Counter()
    places = defaultdict(list)
    for text in texts:
        found = list(dict.fromkeys(phrases(text)))
        for i, phrase in enumerate(found):
            votes[phrase] += 1
            places[phrase].append(i / len(found))
    kept = [phrase for phrase, count in votes.items() if count >= least]
    return ", ".join(sorted(kept, key=lambda phrase: np.mean(places[phrase])))

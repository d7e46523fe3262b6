"""Elo ratings, averaged over random sequences of the games."""

import math

import numpy as np

from workbench.aggregation.logits import check_positive, clean_logits, outside
from workbench.aggregation.preferences import order_free
from workbench.aggregation.seeds import check_seed, keys_or_shared, random_bits
from workbench.errors import BadValue

# Points by which a rating must be higher for odds of ten to one.
SCALE = 400.0
DECIMALS = 6
# Ratings that change in one step: so many that numpy is quick, so few that they fit into caches.
ROWS = 4096


def elo(
    L: np.ndarray,
    mask: np.ndarray,
    *,
    k: float = 16.0,
    sequences: int = 5,
    temperature: float = 1.0,
    seed: int = 0,
    keys: np.ndarray | None = None,
) -> np.ndarray:
    """Elo (The Rating of Chessplayers, 1978): each compared pair is one game, in random sequence.

    After a game between i and j, `R_i += k (S − E)` and `R_j −= k (S − E)`. The result S is soft,
    `σ(D_ij / temperature)` as in `bradley_terry`, of whose likelihood Elo is a stochastic ascent;
    with temperature 0 it is that of chess: 1, ½ or 0. `E = 1 / (1 + 10^((R_j − R_i) / 400))` was
    to be expected. All start at 0, which stays the mean; who was in no game stays at 0.

    Later games count for more. Hence the mean over `sequences` random sequences, each played
    forwards and backwards (Boubdir et al., "Elo Uncovered", 2023, advise such means). What chance
    leaves is some hundredths of a point: equal candidates differ by it, and so do the ratings
    where the columns stand in another order.

    Args:
        L: [Q, N, N] logits, NaN where not compared.
        mask: [Q, N] bool.
        k: the largest change in a game, > 0, in points. Towards 0 the order becomes that of the
            sums of S − ½.
        sequences: how many, ≥ 1.
        temperature: what D is divided by before it becomes a result, ≥ 0; 0: win, draw, loss.
        seed: of the sequences.
        keys: [Q] integers that stand for the prompts (`prompt_keys`): with them every prompt has
            sequences of its own, without them all share theirs.

    Returns:
        [Q, N] float64 ratings in points, mean 0 in each prompt, −inf outside the mask.

    Raises:
        BadValue: a parameter out of range, or a seed or keys that cannot be used.
    """
    check_positive(k=k)
    if sequences < 1:
        raise BadValue("sequences", sequences, "an integer ≥ 1")
    if not (math.isfinite(temperature) and temperature >= 0):
        raise BadValue("temperature", temperature, "a finite number ≥ 0")
    check_seed(seed)
    prompt = keys_or_shared(keys, len(mask))[:, None]
    D = order_free(clean_logits(L, mask))
    first, second = np.triu_indices(mask.shape[1], 1)
    games = D[:, first, second]
    if games.size == 0:
        return outside(np.zeros(mask.shape), mask)
    # S − ½, so that the same games with all results turned have exactly the ratings turned.
    with np.errstate(over="ignore"):
        surplus = np.tanh(games / (2 * temperature)) if temperature else np.sign(games)
    results = 0.5 * surplus.T
    total = np.zeros((mask.shape[1], len(mask)))
    at_once = max(1, ROWS // len(mask))
    for start in range(0, sequences, at_once):
        number = np.arange(start, min(start + at_once, sequences))[:, None, None]
        draws = random_bits(seed, number, prompt, first[None, :], second[None, :])
        # Games that did not take place come last, after the longest sequence that did.
        draws[:, np.isnan(games)] = np.iinfo(np.uint64).max
        order = np.argsort(draws, axis=2, kind="stable").reshape(-1, len(first)).T
        played = order[: int((~np.isnan(games)).sum(axis=1).max())]
        both_ways = np.concatenate([played, played[::-1]], axis=1)
        total += _rated(results, both_ways, first, second, k)
    mean = total.T / (2 * sequences)
    return outside(np.round(mean, DECIMALS) + 0.0, mask)


def _rated(
    results: np.ndarray, order: np.ndarray, first: np.ndarray, second: np.ndarray, k: float
) -> np.ndarray:
    """[N, Q] ratings after the games, summed over sequences.

    results [pairs, Q]: S − ½, or NaN; order [games, sequences · Q]: the pair of each game.
    """
    queries, rows = results.shape[1], np.arange(order.shape[1])
    half = 0.5 * math.log(10) / SCALE
    result = results[order, rows % queries]
    left = first[order] * len(rows) + rows
    # A game that did not take place is one against oneself, a draw as expected.
    right = np.where(np.isnan(result), left, second[order] * len(rows) + rows)
    ratings = np.zeros((int(second.max()) + 1) * len(rows))
    for one, other, surplus in zip(left, right, np.nan_to_num(result), strict=True):
        of_one, of_other = ratings[one], ratings[other]
        # E − ½ is half of tanh(half of the logit of E).
        change = k * (surplus - 0.5 * np.tanh(half * (of_one - of_other)))
        ratings[one] = of_one + change
        ratings[other] = of_other - change
    return ratings.reshape(-1, len(rows) // queries, queries).sum(axis=1)

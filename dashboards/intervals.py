"""How sure a share is."""

import numpy as np

Z = 1.959963984540054
"""Two-sided 95 %."""


def wilson(share: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Low and high ends of Wilson's 95 % interval (1927) of shares of `n` prompts.

    Where ties are split, a share is a mean of values within [0, 1], whose variance is at most that
    of a share of 0s and 1s: the interval is then too wide rather than too narrow.
    """
    share, n = np.asarray(share, float), np.asarray(n, float)
    middle = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * np.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    return np.clip(middle - half, 0, 1), np.clip(middle + half, 0, 1)

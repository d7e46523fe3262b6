"""How sure a share is."""

import numpy as np
import pyarrow as pa

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


def around(numbers: pa.Table, value: str, error: str = "error") -> pa.Table:
    """The table with `low` and `high`: the normal 95 % interval of the column `value`.

    Args:
        numbers: with a column of the values and one of their standard errors, NULL where one
            prompt alone was seen: then there is no interval.
        value, error: names of these columns.
    """
    middle, half = (numbers[name].to_numpy().astype(float) for name in (value, error))
    for name, end in (("low", middle - Z * half), ("high", middle + Z * half)):
        numbers = numbers.append_column(name, pa.array(end, pa.float64(), from_pandas=True))
    return numbers.drop_columns([error])

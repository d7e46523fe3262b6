"""What a few comparisons tell about all others: a Gaussian model of strengths, prompt by prompt.

`D_ij = s_i − s_j + ε_ij`, with strengths `s_i ~ N(0, ρ σ²)` and noise `ε_ij ~ N(0, σ²)`. Neither
the scale σ nor how consistent a ranker is, ρ, is known: σ² has the reference prior 1/σ², ρ is one
of `RATIOS`, equally likely before. Both are learnt from the prompt's own comparisons, in closed
form (conjugate Bayesian linear regression; Bishop, 2006, sections 3.3 to 3.5). Logits multiplied
by a factor therefore change no choice, and no prompt learns from another.
"""

from dataclasses import dataclass

import numpy as np

RATIOS = np.array([0.25, 2.0, 16.0, 128.0])
"""ρ: variance of the strengths over that of the noise, from rankers that nearly toss a coin to
those whose D is nearly a difference of scores."""


@dataclass
class Strengths:
    """The belief about Q prompts of n candidates, for each ρ apart; changed in place.

    Attributes:
        mean: [Q, R, n] of the strengths.
        spread: [Q, R, n, n] their covariance, in units of σ².
        misfit: [Q, R] sum of squared innovations, each over its variance: σ² times `count`.
        log_spread: [Q, R] sum of the log variances of the innovations.
        count: [Q] comparisons seen.
    """

    mean: np.ndarray
    spread: np.ndarray
    misfit: np.ndarray
    log_spread: np.ndarray
    count: np.ndarray

    @classmethod
    def before(cls, queries: int, n: int) -> "Strengths":
        """Nothing is compared yet."""
        spread = np.tile(RATIOS[:, None, None] * np.eye(n), (queries, 1, 1, 1))
        by_ratio = (queries, len(RATIOS))
        zeros = np.zeros((3, *by_ratio))
        return cls(np.zeros((*by_ratio, n)), spread, zeros[0], zeros[1], np.zeros(queries))

    def kept(self, rows: np.ndarray) -> "Strengths":
        """The belief about some of the prompts."""
        return Strengths(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))

    def observe(self, i: np.ndarray, j: np.ndarray, D: np.ndarray) -> None:
        """Learns D [Q] of one pair (i, j) in each prompt; i = j with D = 0 teaches nothing.

        A step of recursive least squares (a Kalman filter without motion).
        """
        column = _at(self.spread, i) - _at(self.spread, j)
        variance = 1.0 + _at(column, i) - _at(column, j)
        innovation = D[:, None] - _at(self.mean, i) + _at(self.mean, j)
        self.mean += column * (innovation / variance)[..., None]
        self.spread -= column[..., :, None] * (column / variance[..., None])[..., None, :]
        self.misfit += innovation**2 / variance
        self.log_spread += np.log(variance)
        self.count += i != j

    def known(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Mean [Q, n] and covariance [Q, n, n] of the strengths, and σ² [Q], ρ averaged out."""
        variance = self.misfit / np.maximum(self.count, 1.0)[:, None]
        tiny = np.finfo(float).tiny
        fit = -0.5 * self.log_spread
        fit -= 0.5 * self.count[:, None] * np.log(np.maximum(self.misfit, tiny))
        weight = np.exp(fit - fit.max(axis=1, keepdims=True))
        weight /= weight.sum(axis=1, keepdims=True)
        mean = (weight[..., None] * self.mean).sum(axis=1)
        covariance = np.einsum("qr,qrij->qij", weight * variance, self.spread)
        apart = self.mean - mean[:, None, :]
        covariance += np.einsum("qr,qri,qrj->qij", weight, apart, apart)
        return mean, covariance, (weight * variance).sum(axis=1)


def _at(values: np.ndarray, index: np.ndarray) -> np.ndarray:
    """values[q, …, index[q]]: an entry of the last axis for each prompt."""
    where = index.reshape((len(index),) + (1,) * (values.ndim - 1))
    return np.take_along_axis(values, where, axis=-1)[..., 0]

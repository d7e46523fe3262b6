"""Bradley–Terry strengths from soft wins, of all prompts at once."""

import numpy as np

from workbench.aggregation.logits import check_positive, clean_logits, outside, sigmoid
from workbench.aggregation.newton import maximise
from workbench.aggregation.preferences import order_free


def bradley_terry(
    L: np.ndarray, mask: np.ndarray, *, prior: float = 0.1, temperature: float = 1.0
) -> np.ndarray:
    """Bradley–Terry: the strengths under which the soft wins are most likely.

    Maximises, a prompt, `Σ_{i<j} p_ij log σ(θ_i − θ_j) + p_ji log σ(θ_j − θ_i) − prior/2 Σ θ_i²`
    over the compared pairs, with soft wins `p_ij = σ(D_ij / temperature)`. The prior keeps the
    strengths finite on separable data, a candidate without comparisons at 0, and the mean of
    each prompt at 0.

    Where every pair was compared the order of θ is that of `Σ_j p_ij`: the prior then changes
    scores but no rank, and only `temperature` does (towards 0: Copeland; large: MaxLogits).

    Args:
        L: [Q, N, N] logits, NaN where not compared.
        mask: [Q, N] bool.
        prior: precision of the Gaussian prior on each strength, > 0, per squared logit.
        temperature: what D is divided by before it becomes a probability, > 0.

    Returns:
        [Q, N] float64 strengths in logits, mean 0 in each prompt, −inf outside the mask.

    Raises:
        BadValue: a parameter that is not a finite positive number.
        NotConverged: a prompt whose strengths did not settle (a prior far too small).
    """
    check_positive(prior=prior, temperature=temperature)
    D = order_free(clean_logits(L, mask))
    compared = ~np.isnan(D)
    with np.errstate(over="ignore"):
        wins = np.where(compared, sigmoid(D / temperature), 0.0)
    diagonal = np.arange(mask.shape[1])

    def derivatives(rows: np.ndarray, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        gaps = theta[:, :, None] - theta[:, None, :]
        expected = np.where(compared[rows], sigmoid(gaps), 0.0)
        gradient = (wins[rows] - expected).sum(axis=2) - prior * theta
        curvature = expected * (1.0 - expected)
        hessian = -curvature
        hessian[:, diagonal, diagonal] += curvature.sum(axis=2) + prior
        return gradient, hessian

    asked = f"bradley_terry(prior={prior!r})"
    return outside(maximise(derivatives, np.zeros(mask.shape), asked), mask)

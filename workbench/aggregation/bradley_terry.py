"""Bradley–Terry strengths from soft wins, by a damped Newton method over all prompts at once."""

import math

import numpy as np

from workbench.aggregation.logits import clean_logits, outside, sigmoid
from workbench.aggregation.preferences import order_free
from workbench.errors import BadValue, NotConverged

MAX_STEPS = 100
# Newton converges quadratically: a last step under 1e-6 leaves an error of about its square, and
# rounding to digits that are known lets equal candidates tie exactly.
TOLERANCE = 1e-6
DECIMALS = 8


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
    for name, value in (("prior", prior), ("temperature", temperature)):
        if not (math.isfinite(value) and value > 0):
            raise BadValue(name, value, "a finite number > 0")
    D = order_free(clean_logits(L, mask))
    compared = ~np.isnan(D)
    with np.errstate(over="ignore"):
        wins = np.where(compared, sigmoid(D / temperature), 0.0)
    strengths = _newton(wins, compared, prior)
    # Adding 0 turns -0.0 into 0.0.
    return outside(np.round(strengths, DECIMALS) + 0.0, mask)


def _newton(wins: np.ndarray, compared: np.ndarray, prior: float) -> np.ndarray:
    """[Q, N] strengths; prompts that have converged leave the loop.

    The step length `log(1 + r) / r`, r the range of the Newton direction, is the damped step of
    generalised self-concordant functions (Sun and Tran-Dinh, 2019): it always converges, without
    a line search.
    """
    strengths = np.zeros(wins.shape[:2])
    active = np.arange(len(wins))
    diagonal = np.arange(wins.shape[1])
    if strengths.size == 0:
        return strengths
    for _ in range(MAX_STEPS):
        theta = strengths[active]
        expected = np.where(compared, sigmoid(theta[:, :, None] - theta[:, None, :]), 0.0)
        gradient = (wins - expected).sum(axis=2) - prior * theta
        curvature = expected * (1.0 - expected)
        hessian = -curvature
        hessian[:, diagonal, diagonal] += curvature.sum(axis=2) + prior
        direction = np.linalg.solve(hessian, gradient[:, :, None])[:, :, 0]
        reach = np.ptp(direction, axis=1)
        damping = np.where(reach > 0, np.log1p(reach) / np.where(reach > 0, reach, 1.0), 1.0)
        strengths[active] = theta + damping[:, None] * direction
        moving = reach > TOLERANCE
        active, wins, compared = active[moving], wins[moving], compared[moving]
        if not len(active):
            return strengths
    raise NotConverged(
        f"bradley_terry(prior={prior!r}): {len(active)} prompts have not converged after "
        f"{MAX_STEPS} steps (first row: {active[0]}); a larger prior mends it"
    )

"""A damped Newton method for the strengths of many prompts at once."""

from collections.abc import Callable

import numpy as np

from workbench.errors import NotConverged

MAX_STEPS = 100
# Newton converges quadratically: a last step under 1e-6 leaves an error of about its square, and
# rounding to digits that are known lets equal candidates tie exactly.
TOLERANCE = 1e-6
DECIMALS = 8

Derivatives = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


def maximise(derivatives: Derivatives, start: np.ndarray, asked: str) -> np.ndarray:
    """The strengths at which concave log-likelihoods, one a prompt, are greatest.

    The step length `log(1 + r) / r`, r the range of the Newton direction, is the damped step of
    generalised self-concordant functions (Sun and Tran-Dinh, 2019). The log of a sum of
    exponentials, and so every Luce model, is one: it always converges, without a line search.

    Args:
        derivatives: `(rows, theta) -> (gradient [R, N], negative Hessian [R, N, N])` of the rows
            [R] that are still moving at theta [R, N]; the Hessian is positive definite.
        start: [Q, N] float64 to start from.
        asked: scheme and parameters, for the message.

    Returns:
        [Q, N] float64 strengths, rounded to `DECIMALS`.

    Raises:
        NotConverged: strengths that did not settle in `MAX_STEPS` steps.
    """
    strengths = start.copy()
    active = np.arange(len(strengths))
    if strengths.size == 0:
        return strengths
    for _ in range(MAX_STEPS):
        theta = strengths[active]
        gradient, hessian = derivatives(active, theta)
        direction = np.linalg.solve(hessian, gradient[:, :, None])[:, :, 0]
        reach = np.ptp(direction, axis=1)
        damping = np.where(reach > 0, np.log1p(reach) / np.where(reach > 0, reach, 1.0), 1.0)
        strengths[active] = theta + damping[:, None] * direction
        active = active[reach > TOLERANCE]
        if not len(active):
            # Adding 0 turns -0.0 into 0.0.
            return np.round(strengths, DECIMALS) + 0.0
    raise NotConverged(
        f"{asked}: {len(active)} prompts have not converged after {MAX_STEPS} steps "
        f"(first row: {active[0]}); a larger prior mends it"
    )

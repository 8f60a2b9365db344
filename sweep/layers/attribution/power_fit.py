"""Relative power of each owner, learned from the windows where they have something to teach.

Ridge regression towards a prior, in relative terms (MAP estimate, solved by Gauss-Newton):

    E_w = s(t_w) sum_l p_l exp(theta_l) d_lw + noise,     theta_l ~ N(0, ln_sd_l^2)
    var(noise_w) = sigma^2 (1 + (M_w / mean M)^2) / 2      half from the window's ends, half from its content

M_w is the modelled energy, s a slow drift of the whole device's power: piecewise linear, ``KNOTS`` knots, neighbours
within ``DRIFT_SD`` of each other. Updates are stamped a little early or late, which moves energy between neighbours and
biases the fit (errors in variables). A bound on the bias is added to the covariance, and windows are merged in pairs to
where the expected error is least: long windows have relatively less of it, short ones see more of the layers.

A fit is trusted only if

    precise     its expected error, the bound on the bias included, is below that of the prior, and
    held out    it predicts blocks of time that it has not seen better than the prior does, a scale for each block set
                free (Wilcoxon signed-rank test over the blocks), and
    aligned     no delay of the sensor explains the windows better; where no delays are offered, theta must be plausible
                under the prior instead (chi-squared). A lagging sensor credits layers with their predecessors' joules,
                and held-out windows agree, because they lag too.

Otherwise the prior stands. Where the windows contradict it, the disagreement enters its uncertainty. A lagging counter
is best met by sharing out the delayed windows, with the prior: what is left of the lag would still bias a fit.

Limits: needs windows whose layers were all marked. Steps of equal composition teach nothing; doping them does. A lag
that is not offered as a delay is only seen if it is long and the prior knows better than "equal"; updates stamped late
by a twentieth of a tick bias a fit unseen. So stamp them at the middle between the two polls, and offer short delays.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from sweep.errors import LayerError
from sweep.layers.attribution.windows import Floats, Windows, check, checked_power, merge

KNOTS = 6
DRIFT_SD = 0.05
BLOCKS = 20
FOLDS = 5
LEAST_PER_BLOCK = 5
"""Windows without which a block does not count as held out."""
HELD_OUT_P = 1e-3
CONTRADICTION_P = 1e-3
DELAY_GAIN = 10.0
"""By how much ln(posterior) of a delayed sensor must exceed that of one without delay."""
ITERATIONS = 8
CONVERGED = 1e-6


class PowerFit(NamedTuple):
    """What the windows say about power, and whether to believe it.

    Attributes:
        power: shape ``(n_owners,)``, relative: the fitted one if accepted, else the prior.
        ln_cov: shape ``(n_owners, n_owners)``, covariance of ln(power).
        accepted: whether ``power`` is the fitted one.
        reason: why, in words.
        prior_error: relative RMS error of the prior's prediction on held-out windows; NaN if not tried.
        fitted_error: the same of the fitted power.
        delay: index of the delayed windows that explain the joules better than those without delay, and are to be
            shared out in their place; ``None`` if none does. Where it is a dead time without low pass, these windows
            may be fitted in turn.
    """

    power: Floats
    ln_cov: Floats
    accepted: bool
    reason: str
    prior_error: float = np.nan
    fitted_error: float = np.nan
    delay: int | None = None


class _Solution(NamedTuple):
    """A MAP estimate: theta, its covariance with the bound on the bias, and ln(posterior) but for a constant."""

    theta: Floats
    cov: Floats
    ln_posterior: float


def fit_power(windows: Windows, prior: ArrayLike, ln_sd: ArrayLike, *, delayed: Sequence[Windows] = ()) -> PowerFit:
    """Update relative powers on windows whose layers were all marked.

    Args:
        windows: in order of time; holes are left out.
        prior: shape ``(n_owners,)``, relative power, above 0.
        ln_sd: standard deviation of ln(prior), one for all owners or shape ``(n_owners,)``.
        delayed: the same windows with the owners' time as a late sensor would see it (``windows.sensed``).

    Raises:
        MeterError: if a window has negative joules.
        LayerError: if a window has joules but no time, or the prior or its spread is not positive.
    """
    check(windows)
    power = checked_power(windows, prior)
    sd = _checked_sd(ln_sd, len(power))
    kept = ~np.isnan(windows.energy_j) & (windows.seconds.sum(axis=1) > 0.0)
    usable = windows.where(kept)
    as_before = PowerFit(power, np.diag(sd**2), accepted=False, reason="")
    if len(usable.energy_j) < BLOCKS * LEAST_PER_BLOCK or not usable.energy_j.sum() > 0.0:
        return as_before._replace(reason=f"{len(usable.energy_j)} windows, {BLOCKS * LEAST_PER_BLOCK} are needed")
    merged, solution = _merged_solution(usable, power, sd)
    before, after = _held_out(merged, power, sd)
    tried = as_before._replace(prior_error=_rms(before), fitted_error=_rms(after))
    delay = _best_delay([late.where(kept) for late in delayed], power, sd, _solve(usable, power, sd).ln_posterior)
    if delay is not None:
        return tried._replace(reason="the counter lags behind the marks", delay=delay)
    if not delayed and _is_implausible(solution.theta / sd, usable):
        return _contradicted(
            tried, solution, "the windows contradict the prior: a lagging counter, or a spread too small"
        )
    if not _is_better(before, after):
        return tried._replace(reason="held-out windows fit no better than with the prior")
    if _expected_error(merged, power, solution.cov) >= _expected_error(merged, power, tried.ln_cov):
        return tried._replace(reason="the fitted powers are less certain than the prior")
    fitted = power * np.exp(solution.theta)
    return tried._replace(power=fitted, ln_cov=solution.cov, accepted=True, reason="held-out windows fit better")


def _contradicted(tried: PowerFit, solution: _Solution, reason: str) -> PowerFit:
    return tried._replace(ln_cov=tried.ln_cov + np.diag(solution.theta**2), reason=reason)


def _checked_sd(ln_sd: ArrayLike, n_owners: int) -> Floats:
    sd: Floats = np.broadcast_to(np.asarray(ln_sd, dtype=np.float64), (n_owners,)).copy()
    if not np.all(np.isfinite(sd) & (sd > 0.0)):
        raise LayerError(
            f"spread {ln_sd!r} of ln(power) is not positive", "give a standard deviation above 0, e.g. 0.1"
        )
    return sd


def _merged_solution(windows: Windows, power: Floats, sd: Floats) -> tuple[Windows, _Solution]:
    """The solution of least expected error over windows merged to 1, 2, 4 ... of them, as long as enough remain."""
    least = max(BLOCKS * LEAST_PER_BLOCK, 10 * len(power))
    candidates = [(windows, _solve(windows, power, sd))]
    while len(windows.energy_j) // 2 >= least:
        windows = merge(windows, len(windows.energy_j) // 2)
        candidates.append((windows, _solve(windows, power, sd)))
    return min(candidates, key=lambda candidate: _expected_error(candidate[0], power, candidate[1].cov))


def _expected_error(windows: Windows, power: Floats, ln_cov: Floats) -> float:
    """Mean variance of the owners' ln(power) against their common scale, weighted with energy."""
    weight = windows.seconds.sum(axis=0) * power
    weight = weight / weight.sum()
    contrast = np.eye(len(power)) - weight
    return float(weight @ np.diag(contrast @ ln_cov @ contrast.T))


def _solve(windows: Windows, power: Floats, sd: Floats) -> _Solution:
    """MAP estimate of theta, with a drift of the scale beside it."""
    n_owners = len(power)
    drift = _hats(len(windows.energy_j))
    precision = _precision(sd)
    x = np.concatenate([np.zeros(n_owners), np.full(KNOTS, np.log(_scale(windows, power)))])
    for _ in range(ITERATIONS):
        jacobian, residual, variance = _linearised(windows, power, drift, x)
        step = np.linalg.solve(
            _normal(jacobian, variance) + precision, jacobian.T @ (residual / variance) - precision @ x
        )
        x = x + np.clip(step, -1.0, 1.0)
        if np.abs(step).max() < CONVERGED:
            break
    jacobian, residual, variance = _linearised(windows, power, drift, x)
    ln_posterior = -0.5 * float(np.log(variance).sum() + x @ precision @ x)
    inverse = np.linalg.inv(_normal(jacobian, variance) + precision).astype(np.float64, copy=False)
    covariance = _robust(inverse, jacobian * (residual / variance)[:, None], precision)
    bias = inverse @ _end_scores(windows, jacobian, residual, variance)
    cov = covariance[:n_owners, :n_owners] + np.diag(bias[:n_owners] ** 2)
    return _Solution(x[:n_owners], cov, ln_posterior)


def _end_scores(windows: Windows, jacobian: Floats, residual: Floats, variance: Floats) -> Floats:
    """Bound on the scores (n_owners + KNOTS,) due to windows whose ends are stamped early or late.

    An end that is late by delta, in owner a of power q_a, adds delta to the time of a while the joules stay: the
    derivative grows by q_a delta, the residual falls by as much. An end lies in a as often as a's share of time. The
    bound is taken that all noise comes from ends, of which a window has two: mean(q^2 delta^2) = mean(r^2) / 2.
    """
    n_owners = windows.seconds.shape[1]
    seconds, joules = windows.seconds.sum(axis=0), jacobian[:, :n_owners].sum(axis=0)
    square = np.divide(joules**2, seconds, out=np.zeros(n_owners), where=seconds > 0.0)
    at_end = 0.5 * float(np.mean(residual**2))
    weights = np.concatenate([np.tile(square / square.sum(), (len(variance), 1)), _hats(len(variance))], axis=1)
    scores: Floats = -2.0 * at_end * (weights / variance[:, None]).sum(axis=0)
    return scores


def _linearised(windows: Windows, power: Floats, drift: Floats, x: Floats) -> tuple[Floats, Floats, Floats]:
    """Derivatives (n_windows, n_owners + KNOTS) of the modelled energy, residuals and their variances (n_windows,)."""
    n_owners = len(power)
    parts: Floats = windows.seconds * (power * np.exp(x[:n_owners])) * np.exp(drift @ x[n_owners:])[:, None]
    modelled = parts.sum(axis=1)
    residual = windows.energy_j - modelled
    relative = 0.5 * (1.0 + (modelled / modelled.mean()) ** 2)
    variance = relative * max(float(np.mean(residual**2 / relative)), (1e-9 * modelled.mean()) ** 2)
    return np.hstack([parts, modelled[:, None] * drift]), residual, variance


def _normal(jacobian: Floats, variance: Floats) -> Floats:
    product: Floats = jacobian.T @ (jacobian / variance[:, None])
    return product


def _robust(inverse: Floats, scores: Floats, precision: Floats) -> Floats:
    """Covariance with the larger of two variances: the posterior's, and the sandwich's over blocks of time.

    The sandwich holds where residuals of a block correlate, which the posterior does not know.
    """
    first = _block_starts(len(scores))
    blocks = np.add.reduceat(scores, first, axis=0)
    sandwich = inverse @ (blocks.T @ blocks * len(first) / (len(first) - 1) + precision) @ inverse
    factor = np.sqrt(np.maximum(1.0, np.diag(sandwich) / np.diag(inverse)))
    widened: Floats = inverse * factor[:, None] * factor
    return widened


def _held_out(windows: Windows, power: Floats, sd: Floats) -> tuple[Floats, Floats]:
    """Squared relative errors of each block (BLOCKS,), with the prior and with powers fitted on the other folds."""
    block = np.searchsorted(_block_starts(len(windows.energy_j)), np.arange(len(windows.energy_j)), side="right") - 1
    before, after = np.empty(BLOCKS), np.empty(BLOCKS)
    for fold in range(FOLDS):
        fitted = power * np.exp(_solve(windows.where(block % FOLDS != fold), power, sd).theta)
        for index in range(fold, BLOCKS, FOLDS):
            held_out = windows.where(block == index)
            before[index], after[index] = _error(held_out, power), _error(held_out, fitted)
    return before, after


def _error(windows: Windows, power: Floats) -> float:
    """Mean squared error over the squared mean energy, with the scale that fits best."""
    modelled = windows.seconds @ power
    scale = (windows.energy_j @ modelled) / (modelled @ modelled)
    mean_j = max(float(windows.energy_j.mean()), np.finfo(np.float64).tiny)
    return float(np.mean((windows.energy_j - scale * modelled) ** 2)) / mean_j**2


def _is_better(before: Floats, after: Floats) -> bool:
    if np.array_equal(before, after):
        return False
    return float(stats.wilcoxon(before - after, alternative="greater").pvalue) < HELD_OUT_P


def _is_implausible(deviations: Floats, windows: Windows) -> bool:
    """Whether theta / sd is larger than the prior allows, over owners that were seen at all."""
    seen = windows.seconds.sum(axis=0) > 0.0
    return float(stats.chi2.sf((deviations[seen] ** 2).sum(), seen.sum())) < CONTRADICTION_P


def _best_delay(delayed: Sequence[Windows], power: Floats, sd: Floats, undelayed: float) -> int | None:
    """Index of the delayed windows with the highest posterior, if it exceeds that without delay by ``DELAY_GAIN``."""
    if not delayed:
        return None
    gains = [_solve(windows, power, sd).ln_posterior - undelayed for windows in delayed]
    best = int(np.argmax(gains))
    return best if gains[best] > DELAY_GAIN else None


def _precision(sd: Floats) -> Floats:
    """Inverse covariance of theta and of the drift, (n_owners + KNOTS, n_owners + KNOTS); the drift's level is free."""
    precision = np.zeros((len(sd) + KNOTS, len(sd) + KNOTS))
    precision[: len(sd), : len(sd)] = np.diag(sd**-2)
    steps = np.diff(np.eye(KNOTS), axis=0) / DRIFT_SD
    precision[len(sd) :, len(sd) :] = steps.T @ steps
    return precision


def _hats(n: int) -> Floats:
    """Piecewise linear basis over n windows in order of time, (n, KNOTS); each row adds up to 1."""
    place = np.linspace(0.0, KNOTS - 1.0, n)
    hats: Floats = np.maximum(0.0, 1.0 - np.abs(place[:, None] - np.arange(KNOTS)))
    return hats


def _block_starts(n: int) -> NDArray[np.int64]:
    starts: NDArray[np.int64] = np.linspace(0, n, BLOCKS, endpoint=False).astype(np.int64)
    return starts


def _scale(windows: Windows, power: Floats) -> float:
    return float(windows.energy_j.sum() / (windows.seconds @ power).sum())


def _rms(squares: Floats) -> float:
    return float(np.sqrt(squares.mean()))

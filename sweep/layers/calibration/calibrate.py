"""The power of each layer, measured before the training: hot replay, then training with doped layers.

    replay    each distinct call alone                 -> prior power p, and how sure it is     a third of the budget
    doping    training steps, one layer repeated       -> windows -> ridge update of p          the rest

The update counts only if windows that it has not seen fit better with it (``power_fit``); else the replayed powers
stand, and without those all powers are equal. Owners that cannot be run alone (what a block does itself, the optimizer,
fetching data) start from the mean with a wide spread. A sensor that lags is found out, and the replayed powers stand:
they were measured in windows much longer than a lag.

The joules that this costs belong to the search. Limits: what a block does itself is neither replayed nor doped, so with
a counter that ticks every 100 ms its power mostly stays the mean, as the uncertainty of its row says; one batch, one
device; the step looks at its loss at its end, so on a GPU there are short gaps between steps, which count as fetching
data. It was not run on a GPU.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from sweep.energy.recorder import Recorder
from sweep.energy.timeline import Timeline
from sweep.layers.attribution.power import LN_POWER_SD, Calibration, Powers
from sweep.layers.attribution.power_fit import PowerFit, fit_power
from sweep.layers.attribution.table import Stretch
from sweep.layers.attribution.windows import Floats
from sweep.layers.calibration.doping import doped_stretches, taught
from sweep.layers.calibration.hot_replay import Measured, distinct_calls, replay
from sweep.layers.loops.loop import NoMarks, StepMarks
from sweep.layers.marking.owners import DATA, FIRST_LAYER, PREPROCESS, REST, Layers
from sweep.records import Domain, LayerMethod

REPLAY_SHARE = 1 / 3
"""Share of the budget for replay."""
UNSEEN_LN_SD = 1.0
"""Spread of ln(power) of what cannot be replayed: a device that waits for its host may idle at a fifth of its power."""
DOPED_LN_SD = 0.05
"""A repeated layer runs hot, so its fitted power differs from that in the model by about as much."""

Step = Callable[[StepMarks], None]


class _Learned(NamedTuple):
    """Powers of one domain, how many were replayed, and what the fit says."""

    powers: Powers
    replayed: int
    windows: int
    fit: PowerFit


def calibrate(
    model: nn.Module, step: Step, recorder: Recorder, *, budget_s: float, seed: int, synchronize: Callable[[], None]
) -> Calibration:
    """Measure relative powers.

    Args:
        model: a copy, which is trained and thrown away; torch's random state is as before afterwards.
        step: runs one training step of it.
        recorder: of a meter that reads sensors.
        budget_s: seconds that the measurement may take, about.
        seed: of the draws.
        synchronize: waits for the device.
    """
    device = next(model.parameters()).device
    layers = Layers()
    start_s = recorder.clock()
    with recorder.tick_stamped(), torch.random.fork_rng([device] if device.type == "cuda" else []):
        step(NoMarks())
        calls = distinct_calls(model, layers, lambda: step(NoMarks()))
        replayed = replay(calls, recorder, REPLAY_SHARE * budget_s, synchronize)
        left_s = budget_s - (recorder.clock() - start_s)
        modules = {owner: module for call in calls for owner, module in call.modules.items()}
        calls.clear()  # their inputs are as large as a step's
        stretches = doped_stretches(model, modules, step, recorder, left_s, seed, synchronize)
    spent_s = recorder.clock() - start_s
    learned = {
        domain.name: _learned(domain, replayed, stretches, recorder.timeline, len(layers))
        for domain in recorder.domains
    }
    additive = [learned[domain.name] for domain in recorder.domains if domain.additive]
    return Calibration(
        layers=tuple(layers.met),
        domains={name: part.powers for name, part in learned.items()},
        method=_method(additive),
        notes=(f"power of each layer calibrated in {spent_s:.0f} s", *(_note(name, p) for name, p in learned.items())),
    )


def _learned(
    domain: Domain,
    replayed: dict[int, dict[str, Measured]],
    stretches: Sequence[Stretch],
    timeline: Timeline,
    n_owners: int,
) -> _Learned:
    """Powers of one domain from both measurements."""
    known = {owner: by_domain[domain.name] for owner, by_domain in replayed.items() if domain.name in by_domain}
    power, ln_sd = _prior(known, n_owners)
    windows, delayed = taught(stretches, domain, timeline, n_owners)
    fit = fit_power(windows, power, ln_sd, delayed=delayed)
    if fit.accepted:
        ln_cov = fit.ln_cov + _hot_cov(windows.seconds.sum(axis=0) * fit.power, sorted(known))
    else:
        ln_cov = _as_published(fit.ln_cov, ln_sd)
    return _Learned(Powers(fit.power, ln_cov), len(known), len(windows.energy_j), fit)


def _hot_cov(energy_j: Floats, repeated: Sequence[int]) -> Floats:
    """Covariance of ln(power) because repeated layers run hot, of shape ``(n_owners, n_owners)``.

    The joules of the whole are known, so what repeated layers have too much the others have too little.
    """
    effect = np.zeros((len(energy_j), len(repeated)))
    others = np.ones(len(energy_j), dtype=bool)
    others[repeated] = False
    others_j = float(energy_j[others].sum())
    if others_j > 0.0:
        effect[others] = -energy_j[repeated] / others_j
        effect[others] *= min(1.0, UNSEEN_LN_SD / (DOPED_LN_SD * max(float(np.linalg.norm(effect[others][0])), 1e-9)))
    effect[repeated, np.arange(len(repeated))] = 1.0
    cov: Floats = effect @ effect.T * DOPED_LN_SD**2
    return cov


def _as_published(ln_cov: Floats, ln_sd: Floats) -> Floats:
    """The covariance of the prior, with the published spread for work that nothing is known of; waiting may be idle."""
    excess = np.maximum(ln_sd**2 - LN_POWER_SD**2, 0.0)
    excess[[DATA, PREPROCESS, REST]] = 0.0
    published: Floats = ln_cov - np.diag(excess)
    return published


def _prior(known: dict[int, Measured], n_owners: int) -> tuple[Floats, Floats]:
    """Relative power and its spread, of shape ``(n_owners,)`` each; the mean of what is known is 1."""
    ln_power, ln_sd = np.zeros(n_owners), np.full(n_owners, UNSEEN_LN_SD)
    mean = float(np.mean([measured.ln_power for measured in known.values()])) if known else 0.0
    for owner, measured in known.items():
        ln_power[owner], ln_sd[owner] = measured.ln_power - mean, measured.ln_sd
    return np.exp(ln_power), ln_sd


def _method(learned: Sequence[_Learned]) -> LayerMethod:
    """What all additive domains have reached."""
    if learned and all(part.fit.accepted for part in learned):
        return LayerMethod.DOPED
    if learned and all(part.replayed or part.fit.accepted for part in learned):
        return LayerMethod.REPLAY
    return LayerMethod.TIME


def _note(name: str, part: _Learned) -> str:
    """One domain in words."""
    passes = len(part.powers.power) - FIRST_LAYER
    held_out = ""
    if np.isfinite(part.fit.prior_error):
        held_out = f", held-out error {part.fit.prior_error:.1%} before and {part.fit.fitted_error:.1%} after the fit"
    kept = "fitted power is used" if part.fit.accepted else "it is not used"
    return (
        f"{name}: {part.replayed} of {passes} layer passes replayed; {part.windows} windows of training with doped "
        f"layers{held_out}: {part.fit.reason}, {kept}"
    )

"""Of what passes without layer marks are made: the shares of layers in marked ones, and giving them their part.

    share of a layer in forward passes = its weighted time in marked forward passes / weighted time of these passes

likewise for backward passes, in which the loss has a part as well. Each marked step is weighted with the steps that it
stands for (ratio estimator).
"""

import numpy as np

from sweep.layers.attribution.power import LN_POWER_SD
from sweep.layers.attribution.windows import Floats, composition
from sweep.layers.marking.owners import BACKWARD, FIRST_LAYER, FORWARD, LOSS, LOSS_BACKWARD, REST


def pass_shares(weight: Floats, seconds: Floats) -> Floats:
    """Shares of each owner in a forward and in a backward pass: shape ``(2, n_owners)``, rows sum to 1.

    Without any marked pass its joules are nobody's: ``REST``.

    Args:
        weight: shape ``(n_steps,)``.
        seconds: of marked steps, shape ``(n_steps, n_owners)``.
    """
    passes = _passes((weight @ seconds)[None, :])[:, 0]
    for row in passes:
        if not row.sum() > 0:
            row[REST] = 1.0
    shares: Floats = passes / passes.sum(axis=1, keepdims=True)
    return shares


def spread(values: Floats, shares: Floats) -> Floats:
    """Values by owner, those of unmarked passes given to their layers, those of the loss's backward to the loss.

    Args:
        values: shape ``(n_owners,)`` or ``(n_windows, n_owners)``.
        shares: from ``pass_shares``.
    """
    given: Floats = values + values[..., FORWARD, None] * shares[0] + values[..., BACKWARD, None] * shares[1]
    given[..., LOSS] += given[..., LOSS_BACKWARD]
    given[..., [FORWARD, BACKWARD, LOSS_BACKWARD]] = 0.0
    return given


def composition_rel_u(weight: Floats, steps_s: Floats, total_s: Floats) -> Floats:
    """Relative standard uncertainty of each owner's seconds, as far as they come from passes without marks.

    Args:
        weight: shape ``(n_steps,)``.
        steps_s: of marked steps, shape ``(n_steps, n_owners)``.
        total_s: of all steps, shape ``(n_owners,)``, before ``spread``.

    Returns:
        Shape ``(n_owners,)``; ``LN_POWER_SD`` of what was seen in one marked step only.
    """
    shares = pass_shares(weight, steps_s)
    u_s = np.zeros(len(total_s))
    for of_pass, share, pass_s in zip(_passes(steps_s), shares, total_s[[FORWARD, BACKWARD]], strict=True):
        if of_pass.any():
            rel_u = np.nan_to_num(composition(of_pass, weight).rel_u, nan=LN_POWER_SD)
            u_s += rel_u * share * pass_s
    u_s[LOSS] += u_s[LOSS_BACKWARD]
    seconds = spread(total_s, shares)
    return np.divide(u_s, seconds, out=np.zeros_like(u_s), where=seconds > 0)


def _passes(seconds: Floats) -> Floats:
    """The forward and the backward part of each step: ``(n_steps, n_owners)`` to ``(2, n_steps, n_owners)``."""
    passes = np.zeros((2, *seconds.shape))
    passes[0, :, FIRST_LAYER::2] = seconds[:, FIRST_LAYER::2]
    passes[1, :, FIRST_LAYER + 1 :: 2] = seconds[:, FIRST_LAYER + 1 :: 2]
    passes[1, :, LOSS_BACKWARD] = seconds[:, LOSS_BACKWARD]
    return passes

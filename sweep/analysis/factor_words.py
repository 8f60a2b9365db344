"""Why the energy differs, in words: ``batch_size explains 93 % (90 to 95) of the joules per epoch``."""

from sweep.analysis.anova import Decomposition, Effect
from sweep.analysis.energy_factors import Correlation, Decompositions, EnergyFactors
from sweep.analysis.wording import count

CALLED = {"energy_per_epoch": "joules per epoch", "epochs": "number of epochs", "energy": "energy of a training"}


def factor_sentences(found: EnergyFactors) -> tuple[str, ...]:
    """The finding, of all trials and of each paradigm; what limits it; and the correlations."""
    told = [sentence for group in found.groups for sentence in _ruled_by(group)]
    whole = found.groups[0]
    if whole.n_capped or whole.n_diverged:
        told.append(_censored(whole))
    made = [item for group in found.groups for item in group.by_response.values() if item is not None]
    if made and all(item.residual is None for item in made):
        told.append("Without repeats noise counts as an interaction, and the shares have no interval.")
    return (*told, *([] if not found.correlations else [_correlated(found.correlations)]))


def _ruled_by(group: Decompositions) -> tuple[str, ...]:
    """What rules the energy in one group of trials."""
    within = "Over all trials, " if group.paradigm is None else f"Within {group.paradigm}, "
    if group.missing is not None:
        return (f"{within}what explains the energy cannot be said: {group.missing}.",)
    parts = [_largest(name, group.by_response[name]) for name in ("energy_per_epoch", "epochs")]
    told = [f"{within}{', '.join(parts)}."]
    if group.from_epochs is not None:
        told.append(_from_epochs(group.from_epochs))
    return tuple(told)


def _from_epochs(part: float) -> str:
    """Which of the two factors the energy goes with; covariances, so that one may be above 100 %."""
    told = f"Of the variance of ln energy {100 * part:.0f} % goes with the number of epochs"
    if 0.0 <= part <= 1.0:
        return f"{told}, the rest with the joules per epoch."
    factor = "joules per epoch" if part > 1.0 else "number of epochs"
    return f"{told}: where the energy is high, the {factor} {'are' if part > 1.0 else 'is'} rather low."


def effect_name(effect: Effect) -> str:
    """``batch_size``, ``batch_size x lr``, or what stands for all higher interactions."""
    return " x ".join(effect.factors) or "higher interactions"


def share(effect: Effect) -> str:
    """``93 % (90 to 95)``; an effect without repeats has no interval."""
    text = f"{100 * effect.share:.0f} %"
    if effect.low is None or effect.high is None:
        return text
    return f"{text} ({100 * effect.low:.0f} to {100 * effect.high:.0f})"


def _largest(response: str, found: Decomposition | None) -> str:
    if found is None:
        return f"the {CALLED[response]} does not vary"
    effect = max(found.effects, key=lambda item: item.share)
    return f"{effect_name(effect)} explains {share(effect)} of the {CALLED[response]}"


def _censored(group: Decompositions) -> str:
    parts = []
    if group.n_capped:
        parts.append(f"{group.n_capped} reached the largest number of epochs")
    if group.n_diverged:
        parts.append(f"{group.n_diverged} diverged")
    return (
        f"Of {count(group.n_trials, 'trial')} {' and '.join(parts)}: they would have had another number of epochs, "
        "so the shares are of what was seen."
    )


def _correlated(found: tuple[Correlation, ...]) -> str:
    parts = [
        f"{item.name} does not vary ({item.n} trials)"
        if item.rho is None
        else f"{item.rho:.2f} with {item.name} ({item.n} trials)"
        for item in found
    ]
    return f"Rank correlation of the energy of a trial (Spearman): {', '.join(parts)}."

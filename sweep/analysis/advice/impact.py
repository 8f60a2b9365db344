"""What a saving is worth for each training and each year, in joules, CO2e and money.

A year is ``report.trainings_per_year`` trainings with the mean saving: the uncertainty of that mean does not average
out over them. The scatter of a single training is smaller than that over many, and left out.
"""

from sweep.analysis import wording
from sweep.analysis.footprint import Factors, saving_u_j
from sweep.analysis.footprint_words import co2e, money
from sweep.analysis.noise import Noise
from sweep.analysis.recommendation import Impact, Recommendation, Worth


def impact(item: Recommendation, factors: Factors, noise: Noise, trainings_per_year: float | None) -> Impact | None:
    """Of a recommendation; ``None`` where no saving is claimed, or only a bound of one."""
    if item.saving is None or item.saving.at_most or item.point is None or item.reference is None:
        return None
    energy_j, u_j = item.saving.energy_j, saving_u_j(item.point, item.reference, noise)
    n = trainings_per_year
    return Impact(
        per_training=factors.worth(energy_j, u_j),
        per_year=None if n is None else factors.worth(n * energy_j, n * u_j),
        trainings_per_year=n,
        currency=factors.config.currency,
        co2e_source=factors.intensity.source if factors.intensity else None,
    )


def impact_sentence(found: Impact, *, confirmed: bool = True) -> str:
    """What is saved, as a sentence without its full stop; the source of the intensity stands at its end."""
    each, all_of_them = ("saves", "save") if confirmed else ("would save", "would save")
    told = f"Each training {each} {_worth(found.per_training, found.currency)}"
    if found.per_year is not None and found.trainings_per_year is not None:
        rate = f"{found.trainings_per_year:g} trainings a year"
        told += f"; {rate} {all_of_them} {_worth(found.per_year, found.currency)}"
    return told if found.co2e_source is None else f"{told} (CO2e by {found.co2e_source})"


def _worth(worth: Worth, currency: str) -> str:
    parts = [wording.energy(worth.energy_j.value)]
    if worth.co2e_kg is not None:
        parts.append(f"{co2e(worth.co2e_kg)} of CO2e")
    if worth.money is not None:
        parts.append(money(worth.money, currency))
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)

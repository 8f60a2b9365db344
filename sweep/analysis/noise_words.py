"""What the intervals of quality are made of, in words, for the report's method. Plain text without markup."""

from sweep.analysis import wording
from sweep.analysis.bootstrap import Sampling
from sweep.analysis.noise import Noise


def noise_words(noise: Noise, quality_name: str, *, in_points: bool) -> str:
    """Sentences on what an interval of a difference of quality holds, and on what it does not.

    Args:
        noise: of the study.
        quality_name: as the objective names it.
        in_points: whether differences of quality are told in points of a hundred.
    """
    return f"{_repeats(noise, quality_name, in_points=in_points)} {_samples(noise.sampling, quality_name)}"


def _repeats(noise: Noise, quality_name: str, *, in_points: bool) -> str:
    if noise.quality_sd is None:
        return f"No setup was repeated, so how much {quality_name} varies from run to run is not known."
    sd = wording.gain(noise.quality_sd, in_points=in_points).lstrip("+")
    return (
        f"Intervals of {quality_name} hold the scatter from run to run (standard deviation {sd}, "
        f"{noise.quality_df} degree{'s' if noise.quality_df != 1 else ''} of freedom)."
    )


def _samples(sampling: Sampling | None, quality_name: str) -> str:
    if sampling is None:
        return "No scores of single validation samples were kept, so the choice of these samples is not in them."
    also = (
        f"What the choice of the validation samples makes of a difference of {quality_name} is told by a bootstrap "
        f"that resamples by {sampling.unit} ({sampling.n_units} of them, the same for both setups)."
    )
    if sampling.group is None or sampling.unit == sampling.group:
        return also
    return (
        f"{also} By {sampling.group} there are only {sampling.n_groups}, too few to resample: how much one differs "
        "from another is not known, and not in it."
    )

"""Joules: what meters report, and what intervals spent."""

from enum import StrEnum

from sweep.records.base import Joules, Record


class Provenance(StrEnum):
    """Where a joule comes from."""

    MEASURED = "measured"
    MODELLED = "modelled"
    REPLAYED = "replayed"


class Scope(StrEnum):
    """Whose joules a domain counts."""

    DEVICE = "device"
    """The whole device, whoever uses it."""
    PROCESS = "process"
    """What this process caused on a device that others may share."""


class Reading(Record, frozen=True, kw_only=True):
    """Cumulative joules of each domain at one time of the injected clock, wraps corrected."""

    time_s: float
    energy_j: Joules


class Domain(Record, frozen=True, kw_only=True):
    """A part of the machine whose energy a meter reports, e.g. ``gpu:0``, ``package:0``, ``cpu:process``.

    Attributes:
        scale_u_rel: relative standard uncertainty of the scale; the same factor for every interval, so it
            cancels when two setups on one machine are compared.
        random_u_rel: relative standard uncertainty from one repetition of the same work to the next.
        scope: whose joules these are; ``None`` in records of before version 3.
        tick_s: seconds between two updates of the counter; ``None`` if it may be read at any time.
        resolution_j: joules of the counter's last digit; ``None`` if not known.
        range_j: joules at which the counter starts over; ``None`` if it does not.
        max_power_w: above this the counter cannot be believed; ``None`` if there is no such power.
        additive: whether the domain is disjoint from the others and so enters the total.
        idle_power_w: power while nothing computes, in watts; ``None`` if not known.
        source: where the constants and the counter come from; the same in every session on a machine.
        note: what a reader must know, e.g. that others' work on the device is in it.
        above_idle: whether the joules beside it are those above its idle power alone; so in no record that was
            stored (``sweep.analysis.above_idle``).
    """

    name: str
    provenance: Provenance
    scale_u_rel: float
    random_u_rel: float
    scope: Scope | None = None
    tick_s: float | None = None
    resolution_j: float | None = None
    range_j: float | None = None
    max_power_w: float | None = None
    additive: bool = True
    idle_power_w: float | None = None
    source: str = ""
    note: str = ""
    above_idle: bool = False

    @property
    def kind(self) -> str:
        """What the domain is of: ``gpu`` in ``gpu:0``."""
        return self.name.partition(":")[0]


class DomainEnergy(Record, frozen=True, kw_only=True):
    """Energy of one domain over one interval, with standard uncertainties in joules.

    Attributes:
        energy_j: gross; ``None`` if not known.
        dynamic_j: above idle, ``energy_j - idle_power_w * duration``; ``None`` where the idle power is not known.
        polled_j: mean of the polled power times duration, equation 1 of "The Power of Training"; ``None`` if the
            meter polls no power.
        gap_s: seconds of the interval without a trusted reading; what that makes uncertain is in ``u_random_j``.
    """

    energy_j: float | None
    provenance: Provenance
    u_scale_j: float | None
    u_random_j: float | None
    additive: bool = True
    dynamic_j: float | None = None
    polled_j: float | None = None
    gap_s: float = 0.0


class Gap(Record, frozen=True, kw_only=True):
    """A stretch over which the counter of a domain could not be trusted, and its joules were estimated.

    Attributes:
        start_s: seconds of the timeline's clock.
        u_j: standard uncertainty of the joules of the stretch.
        reason: what happened, in words.
    """

    domain: str
    start_s: float
    end_s: float
    u_j: float
    reason: str


class IdlePower(Record, frozen=True, kw_only=True):
    """Power of a domain in a window in which the study did nothing.

    Attributes:
        power_w: by the counter; ``None`` if the counter did not tell.
        power_u_w: standard uncertainty, from readings alone.
        polled_w: mean of the polled power, for comparison.
        quiet: whether nothing else computed; only then it is subtracted.
        reason: why not.
    """

    domain: str
    power_w: float | None
    power_u_w: float | None
    polled_w: float | None = None
    duration_s: float
    quiet: bool
    reason: str = ""


class ActivityEnergy(Record, frozen=True, kw_only=True):
    """Energy of all intervals of one activity within one phase of a trial.

    Attributes:
        phase: the paradigm's phase, e.g. ``supervised`` or ``pretraining``.
        activity: ``data`` (model and data made ready for the phase), ``train``, ``validation``, ``checkpoint``, or
            ``other`` for what lies between.
        duration_s: summed wall time.
    """

    phase: str
    activity: str
    duration_s: float
    energy_j: Joules


class Conditions(Record, frozen=True, kw_only=True):
    """State of a device at one moment; ``None`` where no sensor tells.

    Attributes:
        utilisation: share of the time in which the device was busy, 0 to 1.
        memory_bytes: memory of the device in use.
        others: processes of others that compute on the device.
    """

    temperature_c: float | None = None
    clock_mhz: float | None = None
    utilisation: float | None = None
    memory_bytes: int | None = None
    others: int | None = None


class Sensors(Record, frozen=True, kw_only=True):
    """What the sensors of a device told over a trial; ``None`` where none does."""

    temperature_start_c: float | None = None
    temperature_max_c: float | None = None
    clock_mean_mhz: float | None = None
    utilisation_mean: float | None = None
    memory_max_bytes: int | None = None
    others_max: int | None = None

"""Joules: what meters report, and what intervals spent."""

from enum import StrEnum

from sweep.records.base import Joules, Record


class Provenance(StrEnum):
    """Where a joule comes from."""

    MEASURED = "measured"
    MODELLED = "modelled"
    REPLAYED = "replayed"


class Reading(Record, frozen=True, kw_only=True):
    """One reading of a meter: cumulative joules of each domain at one time of the injected clock."""

    time_s: float
    energy_j: Joules


class Domain(Record, frozen=True, kw_only=True):
    """A part of the machine whose energy a meter reports, e.g. ``gpu:0``, ``package:0``, ``cpu:process``.

    Attributes:
        scale_u_rel: relative standard uncertainty of the scale; the same factor for every interval, so it
            cancels when two setups on one machine are compared.
        random_u_rel: relative standard uncertainty from one repetition of the same work to the next.
        tick_s: seconds between two updates of the counter; ``None`` if it may be read at any time.
        additive: whether the domain is disjoint from the others and so enters the total.
        idle_power_w: power while nothing computes, in watts; ``None`` if not known.
        source: where the constants and the counter come from.
    """

    name: str
    provenance: Provenance
    scale_u_rel: float
    random_u_rel: float
    tick_s: float | None = None
    additive: bool = True
    idle_power_w: float | None = None
    source: str = ""


class DomainEnergy(Record, frozen=True, kw_only=True):
    """Energy of one domain over one interval, with standard uncertainties in joules."""

    energy_j: float | None
    provenance: Provenance
    u_scale_j: float | None
    u_random_j: float | None
    additive: bool = True


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
    """State of the hardware at one moment; ``None`` where no sensor tells."""

    temperature_c: float | None = None
    clock_mhz: float | None = None

"""From RAPL zones to domains: which count, which add up, and what their joules are worth.

    package:0        a socket: cores, caches, memory controller, integrated graphics
    package:0-die:1  a die of a socket that counts each die
    dram:0           the memory of the socket, outside its package
    core:0 uncore:0  parts of the package, so not additive
    psys:0           the whole platform; it holds the others, so it is additive only where it is alone

*Scale.* Package: readings follow the power at the plug closely (Khan et al., "RAPL in Action", ACM TOMPECS 3(2), 2018,
doi 10.1145/3177754); Intel measures since Haswell-EP (Hackenberg et al., IPDPSW 2015, doi 10.1109/IPDPSW.2015.70),
AMD models (Schoene et al., "Energy Efficiency Aspects of the AMD Zen 2 Architecture", arXiv:2108.00808). DRAM: an
offset that differs between machines and sockets, worst when idle (Desrochers et al., MEMSYS 2016,
doi 10.1145/2989081.2989088; Alt et al., ICPE 2024, doi 10.1145/3629526.3645052). The uncertainties below are our
reading of these, not figures of theirs; the one between repetitions is a start, until a study has its own.

Limits: vendors are not told apart. The tick is about 1 ms (Intel SDM volume 3B, "RAPL Interfaces") and jitters.
"""

from collections.abc import Iterable, Mapping

from sweep.energy.meter import Problem
from sweep.energy.powercap.zones import Zone
from sweep.errors import ConfigError
from sweep.records import Domain, Provenance, Scope

TICK_S = 1e-3
SCALE_U_REL = {"package": 0.1, "dram": 0.2, "psys": 0.1}
PART_SCALE_U_REL = 0.2
RANDOM_U_REL = 0.02
ADDITIVE = frozenset({"package", "dram"})
OTHER_KINDS = frozenset({"gpu", "cpu", "memory", "ane"})
"""Of domains that other meters tell."""

PEAK = 4
"""Power that a package may reach for a moment, in multiples of its design power: a 15 W laptop chip is allowed 57 W by
its short-term limit."""
LEAST_PEAK_W = 250.0
"""However small the design power, no less than this is called impossible."""
MAX_POWER_W = 2000.0
"""Where the kernel names no design power: four times the 500 W of the largest sockets."""
MAX_PLATFORM_POWER_W = 20e3
"""For ``psys``, which may include accelerators."""
READINGS_PER_RANGE = 2
"""A counter read this often while it runs through its range at full power cannot start over unseen."""


def name_zones(zones: Iterable[Zone]) -> tuple[dict[str, Zone], list[Problem]]:
    """One zone for each domain, the first that shows it; and what is wrong with the others."""
    named: dict[str, Zone] = {}
    problems: list[Problem] = []
    for zone in zones:
        if zone.domain is None:
            problems.append(Problem(zone.address, *zone.why_unknown()))
        elif zone.domain in named:
            why = f"it counts {zone.domain} a second time"
            problems.append(Problem(zone.address, why, f"nothing to do: {zone.domain} is read once"))
        else:
            named[zone.domain] = zone
    return named, problems


def keep_wanted(exclude: Iterable[str], domains: Iterable[str]) -> set[str]:
    """Names of the domains that are not excluded, by name or by kind.

    Of ``exclude``, names of other meters' kinds are passed over: one list may be for several meters.

    Raises:
        ConfigError: for a name of no kind at all, and for one of these domains' kinds that is not among them.
    """
    kinds = {name: name.partition(":")[0] for name in domains}
    excluded = set(exclude)
    foreign = OTHER_KINDS - set(kinds.values())
    for name in sorted(excluded - kinds.keys() - set(kinds.values())):
        if name.partition(":")[0] not in foreign:
            raise ConfigError(
                f"meter.exclude names {name}, which is not here", f"choose from {', '.join(kinds) or 'nothing'}"
            )
    return {name for name, kind in kinds.items() if not {name, kind} & excluded}


def make_domains(zones: Mapping[str, Zone], source: str) -> tuple[Domain, ...]:
    """The domains of the zones that are read.

    Args:
        zones: by the domain's name.
        source: how they are read.
    """
    alone = not any(zone.kind in ADDITIVE for zone in zones.values())
    return tuple(_domain(name, zone, source, alone=alone) for name, zone in zones.items())


def safe_interval_s(asked_s: float, domains: Iterable[Domain]) -> float:
    """Seconds between readings: as asked, or fewer where a counter could start over twice in between."""
    spans_s = [domain.range_j / domain.max_power_w for domain in domains if domain.range_j and domain.max_power_w]
    return min([asked_s, *(span_s / READINGS_PER_RANGE for span_s in spans_s)])


def _domain(name: str, zone: Zone, source: str, *, alone: bool) -> Domain:
    whole = "platform" if zone.kind == "psys" else "socket"
    return Domain(
        name=name,
        provenance=Provenance.MEASURED,
        scale_u_rel=SCALE_U_REL.get(zone.kind, PART_SCALE_U_REL),
        random_u_rel=RANDOM_U_REL,
        scope=Scope.DEVICE,
        tick_s=TICK_S,
        resolution_j=zone.resolution_j(),
        range_j=zone.range_j(),
        max_power_w=_max_power_w(zone),
        additive=zone.kind in ADDITIVE or (alone and zone.kind == "psys"),
        source=f"RAPL {zone.label}, {source} {zone.control_type}",
        note=f"the whole {whole}: the joules of every process on the machine are in it",
    )


def _max_power_w(zone: Zone) -> float:
    design_w = zone.design_power_w()
    if design_w is not None:
        return max(PEAK * design_w, LEAST_PEAK_W)
    return MAX_PLATFORM_POWER_W if zone.kind == "psys" else MAX_POWER_W

"""Watts of one logical core, for the modelled meter: from the processor's TDP, or averages of a fleet.

    TDP known     static = 0.1 TDP / threads      dynamic = 0.9 TDP / threads
    otherwise     static = 0.74 W                 dynamic = 2.76 W

``threads`` are the logical cores of one package. The first is CodeCarbon's model of a processor under load, TDP (0.1 +
0.9 load), shared by threads (codecarbon/external/hardware.py; its default takes the cube of the load, which cannot be
shared out among processes). The second are Cloud Carbon Footprint's averages for a thread of the AWS fleet, 0.74 W idle
and 3.5 W busy (cloudcarbonfootprint.org/docs/methodology, appendix I).

Scale. RAPL of the packages of eleven bare-metal servers (``benchmarks/table_model.py``, all Xeon, loads 0 to 100 %)
over the first model: geometric mean 1.23, root mean square in logarithms 0.35; 1.68 at a load of 10 %, 0.95 at full
load, where single servers are at 0.68 to 1.29. Over the fleet averages: 1.65 and 0.64. Hence relative scale
uncertainties of 0.4 and 0.65. The first busy cores of an idle package cost more than the last ones, which a model that
is linear in CPU time cannot know (0.12, 0.32, 0.75 and 1.02 of the TDP at loads of 0, 0.1, 0.5 and 1 in B. Davy,
"Building an AWS EC2 Carbon Emissions Dataset", 2021).

Limits: a TDP is what the cooling is built for, not a power; desktop processors draw up to twice of it in turbo. The
fleet averages are of whole servers, so memory is within them.
"""

from typing import NamedTuple

from sweep.energy.host.cpu_table import Entry, find, installed_table
from sweep.energy.host.processor import Processor

STATIC_SHARE = 0.1
FLEET_STATIC_W = 0.74
FLEET_DYNAMIC_W = 2.76
SCALE_U_REL = 0.4
FLEET_SCALE_U_REL = 0.65

_MEND = "set meter.static_power_w and meter.dynamic_power_w if you know better"


class CorePower(NamedTuple):
    """Power of one logical core.

    Attributes:
        static_w: whether or not it computes, in watts.
        dynamic_w: on top while it computes.
        scale_u_rel: relative standard uncertainty of both.
        origin: where they come from; the same in every session on a machine.
        note: why they are no better than that, and the mend; empty if they are from the table.
        whole_server: whether the power of memory and all else in a server is within them.
    """

    static_w: float
    dynamic_w: float
    scale_u_rel: float
    origin: str
    note: str
    whole_server: bool


def core_power(processor: Processor) -> CorePower:
    """The power of a core of this processor, from the table if it is there."""
    table = installed_table()
    if not processor.name:
        return _fleet("the system does not name the processor", _MEND)
    if table is None:
        return _fleet("the table of processors is not installed", "pip install 'sweep-energy[cpu-table]'")
    entry = find(processor.name, table.path)
    if entry is None:
        return _fleet(f"the table of {table.version} has no single entry for {processor.name!r}", _MEND)
    if processor.threads is None:
        return _fleet(
            f"how many logical cores share the {entry.tdp_w:g} W of {entry.name} is hidden from this machine", _MEND
        )
    return _shared(entry, processor.threads, table.version, is_virtual=processor.is_virtual)


def _shared(entry: Entry, threads: int, version: str, *, is_virtual: bool) -> CorePower:
    assumed = ", two threads a core assumed because a virtual machine does not tell" if is_virtual else ""
    return CorePower(
        STATIC_SHARE * entry.tdp_w / threads,
        (1 - STATIC_SHARE) * entry.tdp_w / threads,
        SCALE_U_REL,
        f"TDP {entry.tdp_w:g} W of {entry.name} over {threads} threads",
        f"TDP from the table of {version}{assumed}",
        whole_server=False,
    )


def _fleet(reason: str, mend: str) -> CorePower:
    return CorePower(
        FLEET_STATIC_W,
        FLEET_DYNAMIC_W,
        FLEET_SCALE_U_REL,
        "averages of the AWS fleet by Cloud Carbon Footprint",
        f"averages of a fleet, because {reason}: {mend}",
        whole_server=True,
    )

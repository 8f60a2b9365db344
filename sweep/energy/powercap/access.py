"""Why RAPL counters cannot be read here, and the least that must be granted.

Linux lets only root read ``energy_uj`` since version 5.10 (CVE-2020-8694, https://platypusattack.com): by its fine
readings one process can spy on another. Container runtimes hide the folder as well (GHSA-jq35-85cj-fj4p): Docker lays
an empty one over /sys/devices/virtual/powercap, so the links in /sys/class/powercap lead nowhere; what is mounted in
another place can be read.
"""

import os
from pathlib import Path

from sweep.energy.powercap.zones import Zone
from sweep.errors import MeterError, SensorAbsentError

DEFAULT_SYS = Path("/sys")


def why_absent(sys: Path, zones: list[Zone]) -> MeterError:
    """The error for a sysfs root below which no counter can be reached."""
    if zones:
        return MeterError(
            f"{zones[0].folder} leads nowhere: the container hides /sys/devices/virtual/powercap",
            "start it with -v /sys/devices/virtual/powercap:/host/sys/devices/virtual/powercap:ro and set "
            "meter.sysfs_root=/host/sys",
        )
    if sys != DEFAULT_SYS and not sys.is_dir():
        return MeterError(
            f"meter.sysfs_root={sys} is not a folder", "give the folder where sysfs is mounted, e.g. /sys"
        )
    return SensorAbsentError(
        f"there is no RAPL zone in {sys}/class/powercap: a virtual machine, a container without that folder, a "
        "processor without RAPL (ARM), a system other than Linux, or a kernel module that is not loaded",
        "on a machine of your own with an Intel processor (2011 on) or an AMD one (Zen on): sudo modprobe "
        "intel_rapl_msr; else take meter=estimated",
    )


def why_denied(path: Path) -> str:
    """What keeps us from reading a counter: its mode and the reason for it."""
    try:
        state = path.stat()
        rights = f"mode {state.st_mode & 0o777:04o}, owner {state.st_uid}, group {state.st_gid}"
    except OSError:
        rights = "in a folder that is closed to us"
    return f"{path} cannot be read ({rights}): Linux keeps it for root since CVE-2020-8694 (Platypus)"


COUNTERS = "/sys/class/powercap/intel-rapl*:*/energy_uj"
GRANT = (
    "let one small group read the counters and nothing else: "
    f"sudo chgrp GROUP {COUNTERS} && sudo chmod 0440 {COUNTERS}, and at every start by a udev rule: "
    'SUBSYSTEM=="powercap", ACTION=="add", KERNEL=="intel-rapl*:*", RUN+="/bin/chgrp GROUP /sys%p/energy_uj", '
    'RUN+="/bin/chmod 0440 /sys%p/energy_uj"'
)
"""The least privilege that does. By RUN, since GROUP and MODE of a udev rule are for device nodes. A group, not
``chmod a+r``: whoever reads the counters can spy on other processes by them. ``setcap cap_dac_read_search`` on the
interpreter, or sudo, would open every file to every script."""


def is_denied(path: Path) -> bool:
    """Whether a file is there, but not for us."""
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
    except PermissionError:
        return True
    except OSError:
        return False
    return False

"""The RAPL zones that Linux shows in sysfs: found, named, and what must be known of them.

    class/powercap/intel-rapl:0         -> ../../devices/virtual/powercap/intel-rapl/intel-rapl:0
        name                  package-0, package-0-die-1, psys, dram, core, uncore
        energy_uj             the counter, in microjoules
        max_energy_range_uj   its highest value
        constraint_*_max_power_uw
    class/powercap/intel-rapl:0:0       a part of that package, e.g. its DRAM
    class/powercap/intel-rapl-mmio:0    the same package again, by memory-mapped registers

(Documentation/power/powercap/powercap.rst and Documentation/ABI/testing/sysfs-class-powercap in the kernel tree; AMD's
counters carry the same names.) A zone is found through the class or the device folder, through links or plain copies,
and counted once: the kernel gives every zone of the machine a name of its own.

The counter is a register of 32 bits (``ENERGY_STATUS_MASK`` in drivers/powercap/intel_rapl_common.c), so its unit is
max_energy_range / (2^32 - 1), 61 uJ on most Intel and 15 uJ on AMD, and it starts over at 2^32 units.

Limits: only control types whose name begins with ``intel-rapl``; others (dtpm, arm-scmi) count no energy.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

REGISTER = 1 << 32
MSR = "intel-rapl"
"""Control type whose registers are read through the MSRs (or TPMI); the others repeat some of its zones."""

ADDRESS = re.compile(r"(intel-rapl(?:-[a-z]+)*)((?::\d+)*)")
PACKAGE = re.compile(r"package-(\d+)(?:-die-(\d+))?")
PSYS = re.compile(r"psys(?:-(\d+))?")
PARTS = ("dram", "core", "uncore")


class Zone(NamedTuple):
    """One RAPL counter.

    Attributes:
        address: the kernel's own name, e.g. ``intel-rapl:0:1``.
        folder: where its files are.
        label: the content of ``name``; ``None`` if it leads nowhere.
        domain: our name, e.g. ``dram:0``; ``None`` for a label that we do not know.
    """

    address: str
    folder: Path
    label: str | None
    domain: str | None

    @property
    def counter(self) -> Path:
        """The file with the microjoules."""
        return self.folder / "energy_uj"

    @property
    def control_type(self) -> str:
        """How the register is read, e.g. ``intel-rapl-mmio``."""
        return self.address.partition(":")[0]

    @property
    def kind(self) -> str:
        """What is counted, e.g. ``package``; empty for a label that we do not know."""
        return (self.domain or "").partition(":")[0]

    @property
    def socket(self) -> str | None:
        """The socket of a die of several, e.g. ``0`` of ``package:0-die:1``."""
        number, die, _ = (self.domain or "").partition("-die:")
        return number.partition(":")[2] if die else None

    def is_within(self, address: str) -> bool:
        """Whether the zone is the one at an address, or a part of it."""
        return f"{self.address}:".startswith(f"{address}:")

    def why_unknown(self) -> tuple[str, str]:
        """Why a zone has no domain, and what to do about it."""
        if self.label is None:
            return "it leads nowhere", "mount /sys/devices/virtual/powercap as well"
        why = f"its name {self.label!r} is none of package-N, package-N-die-M, dram, core, uncore, psys"
        return why, "nothing to do: it is left out of all sums"

    def range_j(self) -> float | None:
        """Joules at which the counter starts over; ``None`` if the kernel does not tell."""
        unit_j = self.resolution_j()
        return None if unit_j is None else unit_j * REGISTER

    def resolution_j(self) -> float | None:
        """Joules of one unit of the register."""
        highest_uj = _number(self.folder / "max_energy_range_uj")
        return highest_uj / 1e6 / (REGISTER - 1) if highest_uj else None

    def design_power_w(self) -> float | None:
        """The highest power that a constraint of the zone may be set to; ``None`` if the kernel does not tell."""
        limits_uw = [_number(path) or 0 for path in self.folder.glob("constraint_*_max_power_uw")]
        return max(limits_uw) / 1e6 if any(limits_uw) else None


def find_zones(sys: Path) -> list[Zone]:
    """All zones below a sysfs root, those that lead nowhere too.

    In the kernel's order, packages before their parts; those of the MSRs before others.
    """
    folders: dict[str, Path] = {}
    for base in (sys / "class" / "powercap", sys / "devices" / "virtual" / "powercap"):
        for folder in _walk(base):
            if folder.name not in folders or not folders[folder.name].exists():
                folders[folder.name] = folder
    labels = {address: _text(folder / "name") for address, folder in folders.items()}
    return [
        Zone(address, folders[address], labels[address], domain_name(labels[address], labels.get(_parent(address))))
        for address in sorted(folders, key=_order)
        if ":" in address
    ]


def domain_name(label: str | None, parent: str | None) -> str | None:
    """Our name for a zone, by its own label and its parent's: ``dram`` in ``package-1-die-0`` is ``dram:1-die:0``."""
    if label is None:
        return None
    if whole := PSYS.fullmatch(label):
        return f"psys:{whole[1] or 0}"
    package = PACKAGE.fullmatch(label if label not in PARTS else parent or "")
    if package is None:
        return None
    place = package[1] if package[2] is None else f"{package[1]}-die:{package[2]}"
    return f"{label if label in PARTS else 'package'}:{place}"


def _walk(folder: Path) -> Iterator[Path]:
    """Control types and zones below, but not through the links ``device`` and ``subsystem``, which lead back."""
    try:
        children = [child for child in folder.iterdir() if ADDRESS.fullmatch(child.name)]
    except OSError:
        return
    for child in children:
        yield child
        yield from _walk(child)


def _parent(address: str) -> str:
    return address.rpartition(":")[0]


def _order(address: str) -> tuple[str, list[int]]:
    control_type, *numbers = address.split(":")
    return control_type, [int(number) for number in numbers]


def _number(path: Path) -> int | None:
    text = _text(path)
    return int(text) if text is not None and text.isdecimal() else None


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None

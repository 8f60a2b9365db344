"""Which processor this is, and how many logical cores share its power.

    Linux     /proc/cpuinfo: "model name", "siblings" (logical cores of one package), the flag "hypervisor"
    macOS     sysctl: machdep.cpu.brand_string, hw.logicalcpu, kern.hv_vmm_present
    others    platform.processor()

(Documentation/arch/x86/topology.rst in the kernel tree; sysctl(3).) Sockets need no counting: a package's power is
shared by the package's own logical cores, so what one core is charged does not depend on how many packages there are.

Limits. A virtual machine shows its own cores, not those of the processor below: there the number is known only where
the name tells it ("64-Core", AMD), with two threads a core assumed, which all EPYC processors have and some clouds
switch off. Linux on ARM names no model. Of hybrid processors all logical cores are taken as equal. On Windows
platform.processor() gives family and stepping, no model name.
"""

import platform
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_CORES_IN_NAME = re.compile(r"\b(\d+)-Core\b")


class Processor(NamedTuple):
    """A processor as the system tells it.

    Attributes:
        name: the model; empty if the system does not tell.
        threads: logical cores of one package; ``None`` if not known.
        is_virtual: whether this is a virtual machine, which sees only some of them.
    """

    name: str
    threads: int | None
    is_virtual: bool = False


def read_processor(proc: Path = Path("/proc"), system: str | None = None) -> Processor:
    """The processor of this machine.

    Args:
        proc: where Linux keeps ``cpuinfo``.
        system: as ``platform.system()`` names it, which is the default.
    """
    system = system or platform.system()
    if system == "Linux":
        return _from_cpuinfo(proc / "cpuinfo")
    if system == "Darwin":
        threads = _sysctl("hw.logicalcpu")
        return _shared(
            _sysctl("machdep.cpu.brand_string"),
            int(threads) if threads.isdecimal() else None,
            is_virtual=_sysctl("kern.hv_vmm_present") == "1",
        )
    return Processor(platform.processor(), None)


def _from_cpuinfo(path: Path) -> Processor:
    fields = dict(_first_block(path))
    siblings = fields.get("siblings", "")
    return _shared(
        fields.get("model name", ""),
        int(siblings) if siblings.isdecimal() else None,
        is_virtual="hypervisor" in fields.get("flags", "").split(),
    )


def _first_block(path: Path) -> Iterator[tuple[str, str]]:
    """Keys and values of the first logical core; the others say the same."""
    try:
        with path.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if not line.strip():
                    return
                key, _, value = line.partition(":")
                yield key.strip(), value.strip()
    except OSError:
        return


def _shared(name: str, threads: int | None, *, is_virtual: bool) -> Processor:
    """The processor, with the logical cores that a virtual machine hides."""
    if is_virtual:
        cores = _CORES_IN_NAME.search(name)
        threads = 2 * int(cores[1]) if cores else None
    return Processor(name, threads or None, is_virtual)


def _sysctl(name: str) -> str:
    """One value of macOS's kernel; empty if it does not tell."""
    try:
        done = subprocess.run(  # noqa: S603 - the names are the constants above
            ["/usr/sbin/sysctl", "-n", name], capture_output=True, text=True, timeout=5, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()

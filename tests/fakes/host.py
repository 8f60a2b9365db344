"""A fake machine: procfs and the cgroups of sysfs, laid out as the kernel does."""

import os
from pathlib import Path

GIB = 1 << 30
BLOCK = """processor\t: {number}
vendor_id\t: {vendor}
model name\t: {name}
physical id\t: {package}
siblings\t: {siblings}
cpu cores\t: {cores}
flags\t\t: fpu vme de{flags}
power management:

"""


class Host:
    """Writes ``proc`` and ``sys`` below a folder.

    Attributes:
        proc: stands for /proc.
        sysfs: stands for /sys.
    """

    def __init__(self, root: Path) -> None:
        self.proc, self.sysfs = root / "proc", root / "sys"
        self.cgroups = self.sysfs / "fs" / "cgroup"
        (self.proc / "self").mkdir(parents=True)
        self.cgroups.mkdir(parents=True)

    def processor(self, name: str, *, packages: int = 1, siblings: int = 2, is_virtual: bool = False) -> None:
        """Write cpuinfo: each package has ``siblings`` logical cores, two a core."""
        blocks = [
            BLOCK.format(
                number=number,
                vendor="AuthenticAMD" if "AMD" in name else "GenuineIntel",
                name=name,
                package=number // siblings,
                siblings=siblings,
                cores=max(siblings // 2, 1),
                flags=" hypervisor" if is_virtual else "",
            )
            for number in range(packages * siblings)
        ]
        (self.proc / "cpuinfo").write_text("".join(blocks))

    def hold(self, held_bytes: int) -> None:
        """Let the process hold so much memory."""
        pages = held_bytes // os.sysconf("SC_PAGE_SIZE")
        (self.proc / "self" / "statm").write_text(f"{2 * pages} {pages} 435 406 0 123 0\n")

    def group(self, *lines: str) -> None:
        """Write /proc/self/cgroup."""
        (self.proc / "self" / "cgroup").write_text("".join(f"{line}\n" for line in lines))

    def limit(self, path: str, text: str) -> None:
        """Write a file of the cgroup tree."""
        file = self.cgroups / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{text}\n")

"""Where a process runs, as far as that decides what can be measured: machine, container, other programs.

    virtual     the hypervisor's bit among the flags of /proc/cpuinfo (``sweep.energy.host.processor``)
    container   the files that Docker and Podman leave, the variables of systemd and Kubernetes
    programs    utime + stime of /proc/<pid>/stat (proc(5)), between two looks

Limits: a container can hide that it is one; in it only its own programs have names, while their share of the cores is
known for the whole host (``sweep.energy.host.neighbours``).
"""

import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from sweep.doctor.findings import Program, Surroundings
from sweep.energy.host.container import read_limits
from sweep.energy.host.neighbours import family
from sweep.energy.host.processor import read_processor
from sweep.records import LoadCheck

LEAST_CORES = 0.02
MOST_PROGRAMS = 3
WAIT_POLICY = "OMP_WAIT_POLICY"


class Times(NamedTuple):
    """CPU time of a program so far."""

    name: str
    cpu_s: float


def program_times(proc: Path = Path("/proc")) -> dict[int, Times]:
    """CPU time of all programs that can be seen, by process id; nothing where there is no procfs."""
    try:
        tick_s = 1.0 / os.sysconf("SC_CLK_TCK")
        pids = [int(path.name) for path in proc.iterdir() if path.name.isdecimal()]
    except (OSError, ValueError, AttributeError):
        return {}
    found = {}
    for pid in pids:
        try:
            head, _, fields = (proc / str(pid) / "stat").read_text(errors="replace").rpartition(")")
            user, system = fields.split()[11:13]
            found[pid] = Times(head.partition("(")[2], tick_s * (int(user) + int(system)))
        except (OSError, ValueError):  # it has gone
            continue
    return found


def busiest(before: Mapping[int, Times], after: Mapping[int, Times], duration_s: float) -> list[Program]:
    """Programs of others that computed between two looks, the busiest first."""
    own = family()
    found = [
        Program(pid=pid, name=now.name, cores=(now.cpu_s - (before[pid].cpu_s if pid in before else 0.0)) / duration_s)
        for pid, now in after.items()
        if pid not in own
    ]
    ranked = sorted(found, key=lambda program: -program.cores)
    return [program for program in ranked if program.cores >= LEAST_CORES][:MOST_PROGRAMS]


def container(root: Path = Path("/"), environ: Mapping[str, str] = os.environ) -> str:
    """What kind of container this is; empty if nothing shows."""
    if "KUBERNETES_SERVICE_HOST" in environ:
        return "kubernetes"
    if (root / ".dockerenv").exists():
        return "docker"
    if (root / "run" / ".containerenv").exists():
        return "podman"
    return environ.get("container", "")


def surroundings(load: LoadCheck | None, programs: list[Program], sysfs: Path) -> Surroundings:
    """Where this process runs.

    Args:
        load: of other programs meanwhile.
        programs: the busiest of them.
        sysfs: where sysfs is mounted, for the limits of a container.
    """
    processor, limits = read_processor(), read_limits(sysfs=sysfs)
    return Surroundings(
        system=f"{platform.system()} {platform.release()}".strip(),
        processor=processor.name,
        is_virtual=processor.is_virtual,
        container=container(),
        machine_cores=os.cpu_count(),
        cores=limits.cores,
        memory_limit_bytes=limits.memory_bytes,
        wait_policy=os.environ.get(WAIT_POLICY),
        other_cpu_share=None if load is None else load.other_cpu_share,
        wait_share=None if load is None else load.wait_share,
        programs=programs,
    )

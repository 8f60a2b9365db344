"""What the findings mean: a grade, what the numbers are worth, and what would make them worth more.

    measured    every domain of the total has a sensor
    mixture     some have one, others are modelled: to be reported apart
    modelled    none has

QEMU passes RAPL on to a guest only where it was told so (qemu.org/docs/master/specs/rapl-msr.html); without that the
kernel's driver finds no domains in a KVM guest (linux commit "powercap / RAPL: reduce message loglevel", 2016).
"""

from collections.abc import Iterator, Sequence

from sweep.analysis import wording
from sweep.doctor.findings import DomainFinding, Shortage, Surroundings
from sweep.energy.checks.load import THRESHOLD

MEASURED, MIXTURE, MODELLED = "measured", "mixture", "modelled"


def grade(domains: Sequence[DomainFinding]) -> str:
    """One word for the domains that enter the total."""
    kinds = {domain.is_measured for domain in domains if domain.additive}
    if kinds == {True}:
        return MEASURED
    return MIXTURE if any(domain.is_measured for domain in domains) else MODELLED


def verdict(domains: Sequence[DomainFinding], around: Surroundings) -> str:
    """What energy numbers on this machine are worth, as sentences."""
    return " ".join([*_worth(domains), *_standing(domains), *_shared(domains, around)])


def would_help(
    domains: Sequence[DomainFinding],
    problems: Sequence[Shortage],
    absences: Sequence[Shortage],
    around: Surroundings,
) -> list[str]:
    """What would make more joules measured, each as one sentence."""
    found = [f"{problem.what}: {problem.mend}." for problem in problems if not problem.mend.startswith("nothing to do")]
    unmeasured = any(absence.what == "cpu" for absence in absences) and not any(
        domain.is_measured and domain.name.startswith("package") for domain in domains
    )
    if unmeasured:
        found.append(f"cpu: {_for_a_processor(around)}.")
    if any(absence.what == "gpu" for absence in absences) and not any(item.name.startswith("gpu") for item in domains):
        found.append("gpu: if there is one, load its driver; a container is started with --gpus all.")
    return list(dict.fromkeys(found))


def _worth(domains: Sequence[DomainFinding]) -> Iterator[str]:
    measured = [domain for domain in domains if domain.is_measured and domain.additive]
    modelled = [domain for domain in domains if not domain.is_measured and domain.additive]
    if measured:
        yield f"Measured: {_with_scale(measured)}; the scale cancels when setups on this machine are compared."
    if modelled and not measured:
        yield (
            f"No joule here is measured; all are modelled: {_with_scale(modelled)}. They rank setups that compute on "
            "this machine and are no absolute figures."
        )
    elif modelled:
        yield f"Modelled: {_with_scale(modelled)}. Report them apart: their sum is one of unlike joules."


def _with_scale(domains: Sequence[DomainFinding]) -> str:
    return ", ".join(f"{domain.name} (scale ±{wording.share(domain.scale_u_rel)})" for domain in domains)


def _standing(domains: Sequence[DomainFinding]) -> Iterator[str]:
    """Counters that do not count."""
    measured = [domain for domain in domains if domain.is_measured]
    still = [domain.name for domain in measured if not domain.moves]
    if still and len(still) == len(measured):
        yield "No counter moved, so no joule can be claimed until they do."
    elif still:
        names = ", ".join(still)
        yield f"{names} did not move, so no joule can be claimed there; meter.exclude leaves out what never does."


def _shared(domains: Sequence[DomainFinding], around: Surroundings) -> Iterator[str]:
    """Whether others' work is in the numbers."""
    if around.other_cpu_share is not None:
        whole = any(domain.is_measured and domain.moves for domain in domains)
        effect = "their joules are in these numbers" if whole else "that makes runs less alike"
        share = wording.share(around.other_cpu_share)
        if around.other_cpu_share > THRESHOLD:
            yield f"The machine is shared: other programs used {share} of its cores, and {effect}."
        else:
            yield f"Other programs used only {share} of its cores meanwhile."
    on_devices = [domain.name for domain in domains if domain.others]
    if on_devices:
        yield f"Other processes hold {', '.join(on_devices)}, and their joules are in it."


def _for_a_processor(around: Surroundings) -> str:
    """Why there is no RAPL, and where there is."""
    if around.is_virtual:
        return (
            "this is a virtual machine, and hypervisors seldom pass the processor's counters on (QEMU can: RAPL MSR "
            "support); run on the machine itself"
        )
    if around.container:
        return (
            "this is a container; start it with -v /sys/devices/virtual/powercap:/host/sys/devices/virtual/powercap:ro "
            "and set meter.sysfs_root=/host/sys, with the right to read the counters there"
        )
    if around.system.startswith("Darwin"):
        return "on Apple Silicon the extra zeus reads the chip's own counters: pip install 'sweep-energy[zeus]'"
    if around.system.startswith("Linux"):
        return "load the driver of the counters (sudo modprobe intel_rapl_msr), on an Intel processor or AMD's Zen"
    return "RAPL is read on Linux only"

"""Several domains with a planted truth, hung on the records of ``factories``.

``sensed`` divides each trial's joules among domains; two sets of them stand for two machines. Planted everywhere:
``DYNAMIC`` of the joules are above idle, and polled power says ``POLLED`` times what the counter says.
"""

import math
from collections.abc import Mapping, Sequence

import msgspec

from sweep.records import (
    Conditions,
    Domain,
    DomainEnergy,
    IdlePower,
    Joules,
    LoadCheck,
    Provenance,
    Scope,
    Sensors,
    SessionRecord,
    Steadiness,
    StudyData,
    TrialRecord,
)
from tests.factories import sixteen

DYNAMIC, POLLED = 0.6, 1.03
SHARES = {"gpu:0": 0.6, "package:0": 0.3, "dram:0": 0.1, "psys:0": 2.0, "cpu:process": 0.3, "memory:process": 0.1}
"""Of the total; that of psys:0 does not count."""


def _domain(name: str, provenance: Provenance, scope: Scope, *, additive: bool = True, note: str = "") -> Domain:
    measured = provenance is Provenance.MEASURED
    return Domain(
        name=name,
        provenance=provenance,
        scope=scope,
        scale_u_rel=0.05 if measured else 0.3,
        random_u_rel=0.01,
        tick_s=0.1 if measured else None,
        resolution_j=0.001 if measured else None,
        additive=additive,
        source="a counter" if measured else "a table",
        note=note,
    )


SERVER = (
    _domain("package:0", Provenance.MEASURED, Scope.DEVICE, note="work of others on the package is in it"),
    _domain("dram:0", Provenance.MEASURED, Scope.DEVICE),
    _domain("gpu:0", Provenance.MEASURED, Scope.DEVICE),
    _domain("psys:0", Provenance.MEASURED, Scope.DEVICE, additive=False),
)
"""A machine whose every joule is measured."""

CLOUD = (
    _domain("gpu:0", Provenance.MEASURED, Scope.DEVICE),
    _domain("cpu:process", Provenance.MODELLED, Scope.PROCESS),
    _domain("memory:process", Provenance.MODELLED, Scope.PROCESS),
)
"""A machine that shows its GPU only."""

CLOUD_LABEL = "gpu:0 (whole device, measured) + cpu:process, memory:process (this process, modelled)"


def sensed(data: StudyData, domains: Sequence[Domain] = SERVER) -> StudyData:
    """The study on a machine with these domains; totals stay what they were."""
    return msgspec.structs.replace(
        data,
        study=msgspec.structs.replace(data.study, domains=list(domains)),
        trials=[divided(trial, domains) for trial in data.trials],
        sessions=[_session(session, domains) for session in data.sessions],
    )


def divided(trial: TrialRecord, domains: Sequence[Domain] = SERVER) -> TrialRecord:
    """The trial with its joules divided among the domains, with sensors and a steady power."""
    total_j = trial.energy_spent_j
    sensors = Sensors(
        temperature_start_c=40.0 + trial.number,
        temperature_max_c=60.0 + trial.number,
        clock_mean_mhz=1500.0,
        utilisation_mean=0.8,
        memory_max_bytes=2**31,
        others_max=0,
    )
    points = [
        msgspec.structs.replace(
            point,
            conditions=Conditions(temperature_c=50.0, clock_mhz=1500.0, utilisation=0.9, memory_bytes=2**30, others=1),
        )
        for point in trial.trajectory
    ]
    return msgspec.structs.replace(
        trial,
        domains={domain.name: _energy(domain, total_j) for domain in domains},
        energy_dynamic_j=None if total_j is None else DYNAMIC * total_j,
        sensors={domain.name: sensors for domain in domains if domain.provenance is Provenance.MEASURED},
        steadiness=Steadiness(drift_rel=0.01, u_rel=0.01, steady=True),
        machine=msgspec.structs.replace(trial.machine, compute="cuda:0"),
        trajectory=points,
    )


def with_gap(trial: TrialRecord, domain: str, gap_s: float, u_random_j: float) -> TrialRecord:
    """The trial with ``gap_s`` of a domain bridged."""
    energy = msgspec.structs.replace(trial.domains[domain], gap_s=gap_s, u_random_j=u_random_j)
    return msgspec.structs.replace(trial, domains=trial.domains | {domain: energy})


def disturbed(trial: TrialRecord, *reasons: str, domains: Sequence[str] = ()) -> TrialRecord:
    """The trial with other programs beside it."""
    load = LoadCheck(
        wait_share=None, contaminated=True, other_cpu_share=0.25, domains=list(domains), reasons=list(reasons)
    )
    return msgspec.structs.replace(trial, load=load)


def idle(domain: str, power_w: float | None, *, u_w: float = 0.1, quiet: bool = True, reason: str = "") -> IdlePower:
    """An idle power by the counter, with a polled one 1 W above."""
    return IdlePower(
        domain=domain,
        power_w=power_w,
        power_u_w=None if power_w is None else u_w,
        polled_w=None if power_w is None else power_w + 1.0,
        duration_s=10.0,
        quiet=quiet,
        reason=reason,
    )


def with_idle(data: StudyData, before: Sequence[IdlePower], after: Sequence[IdlePower]) -> StudyData:
    """The study with idle powers at both ends of its last session."""
    last = msgspec.structs.replace(data.sessions[-1], idle_before=list(before), idle_after=list(after))
    return msgspec.structs.replace(data, sessions=[*data.sessions[:-1], last])


def _energy(domain: Domain, total_j: float | None) -> DomainEnergy:
    known = None if total_j is None else SHARES[domain.name] * total_j
    measured = domain.provenance is Provenance.MEASURED
    return DomainEnergy(
        energy_j=known,
        provenance=domain.provenance,
        u_scale_j=None if known is None else domain.scale_u_rel * known,
        u_random_j=None if known is None else domain.random_u_rel * known,
        additive=domain.additive,
        dynamic_j=None if known is None else DYNAMIC * known,
        polled_j=POLLED * known if measured and known is not None else None,
    )


def _session(session: SessionRecord, domains: Sequence[Domain]) -> SessionRecord:
    def split(joules: Mapping[str, float | None]) -> Joules:
        items = list(joules.values())
        total_j = None if None in items else math.fsum(item for item in items if item is not None)
        return {domain.name: None if total_j is None else SHARES[domain.name] * total_j for domain in domains}

    return msgspec.structs.replace(
        session,
        energy_j=split(session.energy_j),
        trials_j=split(session.trials_j),
        test_j=split(session.test_j),
    )


def worn() -> StudyData:
    """Sixteen setups with everything that makes joules worth less: one trial each."""
    data = sensed(sixteen(1))
    records = list(data.trials)
    redo = msgspec.structs.replace(records[2], number=16)
    records[0] = with_gap(records[0], "gpu:0", 0.5, 9.0)
    records[1] = disturbed(records[1], "a game ran on gpu:0", domains=["gpu:0"])
    records[2] = disturbed(records[2], "a build ran", domains=["package:0"])
    records[3] = msgspec.structs.replace(records[3], steadiness=Steadiness(drift_rel=0.12, u_rel=0.01, steady=False))
    data = msgspec.structs.replace(data, trials=[*records, redo])
    return with_idle(
        data,
        [idle("package:0", 12.0), idle("gpu:0", 35.0), idle("dram:0", None, quiet=False, reason="a build ran")],
        [idle("package:0", 15.0), idle("gpu:0", 35.4), idle("dram:0", 2.1)],
    )

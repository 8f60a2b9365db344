"""Energy of the trials that ``_generated`` makes up: domains, activities and layers that add up."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from sweep.records import (
    ActivityEnergy,
    Domain,
    DomainEnergy,
    Joules,
    LayerEnergy,
    LayerMethod,
    LayerShape,
    LayerTable,
    Pass,
    Provenance,
    Row,
    Scope,
)

EPOCH_S = 4.0
SCALE_U_REL, RANDOM_U_REL = 0.05, 0.01
DYNAMIC_SHARE = 0.7
STEPS, MARKED_STEPS = 1000, 8
SHARES = {"gpu:0": 0.8, "cpu:process": 0.2}
"""Of a trial's joules, by domain."""

DOMAINS = (
    Domain(
        name="gpu:0",
        provenance=Provenance.REPLAYED,
        scope=Scope.DEVICE,
        scale_u_rel=SCALE_U_REL,
        random_u_rel=RANDOM_U_REL,
        idle_power_w=20.0,
        source="made up",
    ),
    Domain(
        name="cpu:process",
        provenance=Provenance.MODELLED,
        scope=Scope.PROCESS,
        scale_u_rel=SCALE_U_REL,
        random_u_rel=RANDOM_U_REL,
        idle_power_w=5.0,
        source="made up",
    ),
)
ACTIVITIES = {"data": 0.03, "train": 0.85, "validation": 0.10, "other": 0.02}
ROWS = {Row.DATA: 0.05, Row.PREPROCESS: 0.02, Row.LOSS: 0.01, Row.OPTIMIZER: 0.08, Row.VALIDATION: 0.10, Row.REST: 0.02}
"""Shares of what is no layer; layers have the rest, a third of it in the forward pass."""
WHOLE_STEPS = (Row.LOSS, Row.OPTIMIZER)
"""Rows that every marked step has."""


def u_scale_j(energy_j: float) -> float:
    """Standard uncertainty of the scale."""
    return SCALE_U_REL * energy_j


def u_random_j(energy_j: float) -> float:
    """Standard uncertainty from run to run."""
    return RANDOM_U_REL * energy_j


def dynamic_j(energy_j: float) -> float:
    """Joules above idle."""
    return DYNAMIC_SHARE * energy_j


def by_domain(energy_j: float) -> Joules:
    """Joules divided among the domains."""
    return {name: share * energy_j for name, share in SHARES.items()}


def totals(energy_j: float, spent_j: float) -> dict[str, Any]:
    """Fields of a trial that is charged with ``energy_j`` and spent ``spent_j``."""
    return {
        "energy_j": energy_j,
        "energy_spent_j": spent_j,
        "energy_u_scale_j": u_scale_j(energy_j),
        "energy_u_random_j": u_random_j(energy_j),
        "energy_dynamic_j": dynamic_j(energy_j),
        "domains": {domain.name: _domain_energy(domain, SHARES[domain.name] * spent_j) for domain in DOMAINS},
    }


def _domain_energy(domain: Domain, energy_j: float) -> DomainEnergy:
    return DomainEnergy(
        energy_j=energy_j,
        provenance=domain.provenance,
        u_scale_j=u_scale_j(energy_j),
        u_random_j=u_random_j(energy_j),
        dynamic_j=dynamic_j(energy_j),
    )


def activities(phases: Mapping[str, float]) -> list[ActivityEnergy]:
    """Activities of phases with their joules."""
    return [
        ActivityEnergy(phase=phase, activity=name, duration_s=share * joules / 50.0, energy_j=by_domain(share * joules))
        for phase, joules in phases.items()
        for name, share in ACTIVITIES.items()
    ]


def layer_table(phase: str, energy_j: float, n_layers: int, noise: np.random.Generator) -> LayerTable:
    """A table of one phase whose rows sum to its joules."""
    shares = list(_shares(n_layers))
    steps = noise.lognormal(0.0, 0.15, size=(len(shares), MARKED_STEPS)) * (energy_j / STEPS)
    return LayerTable(
        phase=phase,
        method=LayerMethod.TIME,
        steps=STEPS,
        marked_steps=MARKED_STEPS,
        marking_s=0.01,
        rows=[
            _row(name, pass_, share * energy_j, (share * own).round(9).tolist())
            for (name, pass_, share), own in zip(shares, steps, strict=True)
        ],
        shapes=[_shape(index) for index in range(n_layers)],
    )


def _shares(n_layers: int) -> Iterator[tuple[str, Pass | None, float]]:
    """Name, pass and share of every row; later layers are dearer."""
    for row, share in ROWS.items():
        yield str(row), None, share
    left, weights = 1.0 - sum(ROWS.values()), range(1, n_layers + 1)
    for index, weight in enumerate(weights):
        part = left * weight / sum(weights)
        yield _layer(index), Pass.FORWARD, part / 3.0
        yield _layer(index), Pass.BACKWARD, part * 2.0 / 3.0


def _layer(index: int) -> str:
    return f"stage{index // 5}.block{index % 5}.conv"


def _row(name: str, pass_: Pass | None, energy_j: float, steps_j: list[float]) -> LayerEnergy:
    return LayerEnergy(
        layer=name,
        type="" if pass_ is None else "Conv2d",
        pass_=pass_,
        duration_s=energy_j / 50.0,
        energy_j=by_domain(energy_j),
        energy_u_random_j=0.1 * energy_j,
        dynamic_j=by_domain(dynamic_j(energy_j)),
        flops=None if pass_ is None else round(1e10 * energy_j),
        steps_j=steps_j if pass_ is not None or name in WHOLE_STEPS else [],
    )


def _shape(index: int) -> LayerShape:
    return LayerShape(
        layer=_layer(index),
        type="Conv2d",
        parameters=1000 * (index + 1),
        calls=1,
        macs=10_000_000 * (index + 1),
        flops=20_000_000 * (index + 1),
        flops_backward=40_000_000 * (index + 1),
        bytes_in=100_000,
        bytes_out=100_000,
        bytes_weights=4000 * (index + 1),
        inputs=[[64, 32, 28, 28]],
        outputs=[[64, 32, 28, 28]],
    )

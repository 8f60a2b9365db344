"""Layer tables and energy per step with a planted truth, hung on the records of ``factories``."""

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from sweep.records import (
    Conditions,
    LayerEnergy,
    LayerMethod,
    LayerTable,
    Pass,
    Row,
    StudyData,
    TrialRecord,
)
from tests.factories import DOMAIN, nasty, trial

ROWS = {Row.DATA: 0.05, Row.PREPROCESS: 0.02, Row.LOSS: 0.01, Row.OPTIMIZER: 0.08, Row.VALIDATION: 0.10, Row.REST: 0.02}
"""Planted shares of what is no layer; layers have the rest, a third of it in the forward pass."""

STEPS = 100
MARKED_STEPS = 10


def resnet_layers() -> dict[str, tuple[str, float]]:
    """Layers of a ResNet-18: type and weight, the model's own operations and a block's addition among them."""
    layers = {"": ("ResNet", 0.1), "conv1": ("Conv2d", 1.2), "bn1": ("BatchNorm2d", 0.3), "relu": ("ReLU", 0.1)}
    for stage in range(1, 5):
        for block in range(2):
            path = f"layer{stage}.{block}"
            layers[path] = ("BasicBlock", 0.05)
            for index in (1, 2):
                layers[f"{path}.conv{index}"] = ("Conv2d", 1.0 + 0.1 * stage)
                layers[f"{path}.bn{index}"] = ("BatchNorm2d", 0.2 / stage)
            if stage > 1 and block == 0:
                layers[f"{path}.downsample.0"] = ("Conv2d", 0.3)
    return layers | {"avgpool": ("AdaptiveAvgPool2d", 0.02), "fc": ("Linear", 0.15)}


def layer_table(
    energy_j: float | None = 100.0,
    *,
    phase: str = "supervised",
    layers: Mapping[str, tuple[str, float]] | None = None,
    domains: Mapping[str, float] | None = None,
    method: LayerMethod = LayerMethod.TIME,
    notes: Sequence[str] = (),
    seed: int = 0,
) -> LayerTable:
    """A table whose rows sum to ``energy_j`` in each domain, times the domain's factor."""
    layers = resnet_layers() if layers is None else layers
    whole = sum(weight for _, weight in layers.values())
    shares = [(str(row), "", None, share) for row, share in ROWS.items()]
    for name, (kind, weight) in layers.items():
        part = (1.0 - sum(ROWS.values())) * weight / whole
        shares += [(name, kind, Pass.FORWARD, part / 3.0), (name, kind, Pass.BACKWARD, 2.0 * part / 3.0)]  # type: ignore[list-item]
    rng = random.Random(seed)
    factors = {DOMAIN: 1.0} if domains is None else domains
    return LayerTable(
        phase=phase,
        method=method,
        steps=STEPS,
        marked_steps=MARKED_STEPS,
        rows=[_row(rng, item, energy_j, factors) for item in shares],
        notes=list(notes),
    )


def with_layers(
    record: TrialRecord,
    *,
    step_j: Callable[[int], float] | None = None,
    temperature_c: Callable[[int], float] | None = None,
    notes: Sequence[str] = (),
    layers: Mapping[str, tuple[str, float]] | None = None,
) -> TrialRecord:
    """The record with a table that sums to its joules, and ``step_j(epoch)`` joules in each of its steps."""
    cost_j = step_j or (lambda _: 0.01)
    points = [
        msgspec.structs.replace(
            point,
            steps=STEPS,
            train_j=STEPS * cost_j(point.epoch),
            conditions=Conditions(temperature_c=temperature_c(point.epoch)) if temperature_c else None,
        )
        for point in record.trajectory
    ]
    table = layer_table(record.energy_spent_j, notes=notes, layers=layers, seed=record.number)
    return msgspec.structs.replace(record, trajectory=points, layers=[table])


def layered(data: StudyData, *, warm_up_rel: float = 0.05, noise_rel: float = 0.003, **options: Any) -> StudyData:
    """The study with layers in every trial that has joules, and a first epoch dearer by ``warm_up_rel``."""
    rng = random.Random(11)

    def cost_j(epoch: int) -> float:
        return 0.02 * (1.0 + (warm_up_rel if epoch == 1 else 0.0)) * (1.0 + rng.gauss(0.0, noise_rel))

    trials = [
        record if record.energy_spent_j is None else with_layers(record, step_j=cost_j, **options)
        for record in data.trials
    ]
    return msgspec.structs.replace(data, trials=trials)


def _row(
    rng: random.Random,
    item: tuple[str, str, Pass | None, float],
    energy_j: float | None,
    factors: Mapping[str, float],
) -> LayerEnergy:
    name, kind, pass_, share = item
    whole_j = None if energy_j is None else energy_j * share
    sampled = whole_j is not None and name not in (Row.DATA, Row.PREPROCESS, Row.VALIDATION, Row.REST)
    return LayerEnergy(
        layer=name,
        type=kind,
        pass_=pass_,
        duration_s=10.0 * share,
        energy_j={domain: None if whole_j is None else factor * whole_j for domain, factor in factors.items()},
        energy_u_random_j=None if whole_j is None else 0.1 * whole_j,
        dynamic_j={domain: None if whole_j is None else 0.5 * factor * whole_j for domain, factor in factors.items()},
        flops=None if pass_ is None else round(1e12 * share),
        steps_j=[whole_j / STEPS * rng.lognormvariate(0.0, 0.15) for _ in range(MARKED_STEPS) if whole_j is not None]
        if sampled
        else [],
    )


def nasty_layers() -> StudyData:
    """``nasty`` with layers, classes, phases and notes whose names try to be markup."""
    data = nasty()
    evil = data.study.name
    record = trial(0, data.trials[0].params, qualities=(0.5, 0.6, 0.7, 0.8, 0.8))
    record = with_layers(record, layers={evil: (evil, 1.0), f"{evil}.0": (evil, 1.0)}, notes=[evil])
    points = [msgspec.structs.replace(point, phase=evil) for point in record.trajectory]
    tables = [msgspec.structs.replace(table, phase=phase) for phase in (evil, "other") for table in record.layers]
    record = msgspec.structs.replace(record, trajectory=points, layers=tables)
    return msgspec.structs.replace(data, trials=[record, *data.trials[1:]])

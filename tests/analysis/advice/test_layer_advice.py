"""Layers that are worth a trial, on tables with planted joules and FLOPs."""

from collections.abc import Mapping

import msgspec

from sweep.analysis.advice.layers import HYPOTHESIS
from sweep.analysis.recommendation import Kind, Recommendation
from sweep.analysis.summary import summarise
from sweep.records import LayerTable
from tests.factories import repeats, study
from tests.layer_factories import layer_table


def _advice(
    layers: Mapping[str, tuple[str, float]], flops: Mapping[str, float], u_rel: float = 0.0
) -> list[Recommendation]:
    """Of a study whose layers have these weights in joules, and these FLOPs in each pass."""
    table = _with_work(layer_table(30.0, layers=layers), flops, u_rel)
    records = [msgspec.structs.replace(t, layers=[table]) for t in repeats({"lr": 0.1}, [(0.5, 0.8, 0.9)] * 2)]
    return list(summarise(study(records)).recommendations.of(Kind.LAYER))


def _with_work(table: LayerTable, flops: Mapping[str, float], u_rel: float) -> LayerTable:
    rows = [
        msgspec.structs.replace(
            row,
            flops=flops.get(row.layer) if row.type else None,
            energy_u_random_j=u_rel * sum(item or 0.0 for item in row.energy_j.values()),
        )
        for row in table.rows
    ]
    return msgspec.structs.replace(table, rows=rows)


def test_a_layer_that_costs_much_for_little_work_is_worth_a_trial() -> None:
    layers = {"conv": ("Conv2d", 3.0), "act": ("GELU", 1.0)}
    (found,) = [item for item in _advice(layers, {"conv": 99e6, "act": 1e6}) if "act" in item.action]
    # Layers have 0.72 of 30 J, a quarter of it this one
    assert (
        "Layer act (GELU) takes 18.0 % ± 0.0 of the joules of a training (5.40 J) for 1.0 % of the layers' FLOPs"
        in found.action
    )
    assert found.saving is not None
    assert found.saving.at_most
    assert HYPOTHESIS in found.caveats
    assert (found.point, found.confirmed, found.impact, found.change) == (None, False, None, {})


def test_a_layer_whose_joules_are_its_work_is_only_told_if_it_is_the_dearest_by_far() -> None:
    even = {f"conv{index}": ("Conv2d", 1.0) for index in range(8)}
    assert _advice(even, dict.fromkeys(even, 1e6)) == []
    (dear,) = _advice({**even, "conv0": ("Conv2d", 9.0)}, {**dict.fromkeys(even, 1e6), "conv0": 9e6})
    assert dear.action.startswith("Layer conv0 (Conv2d) takes 40")
    assert dear.action.endswith("making it smaller is worth a trial")


def test_an_uncertain_share_is_not_told() -> None:
    layers = {"conv": ("Conv2d", 3.0), "act": ("GELU", 1.0)}
    assert not _advice(layers, {"conv": 99e6, "act": 1e6}, u_rel=1.0)


def test_one_layer_alone_cannot_be_replaced_by_another() -> None:
    assert _advice({"conv": ("Conv2d", 1.0)}, {"conv": 1e6}) == []


def test_without_counted_flops_no_layer_is_odd() -> None:
    even = {f"conv{index}": ("Conv2d", 1.0) for index in range(8)}
    assert _advice(even, {}) == []

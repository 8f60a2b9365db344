"""Layer tables summed over domains and averaged over trials."""

import math
from itertools import groupby

import msgspec
import pytest

from sweep.analysis.layers import MODEL, breakdown, layer_rows
from sweep.analysis.summary import summarise
from sweep.records import Domain, LayerMethod, Pass, Provenance, Row, StopReason
from tests.factories import DOMAIN, repeats, study, trial
from tests.layer_factories import ROWS, layer_table, layered, with_layers


def _domain(name: str, provenance: Provenance = Provenance.MEASURED, *, additive: bool = True) -> Domain:
    return Domain(name=name, provenance=provenance, scale_u_rel=0.05, random_u_rel=0.01, additive=additive)


COVERED = {DOMAIN: _domain(DOMAIN)}
THREE = {
    "package:0": _domain("package:0"),
    "gpu:0": _domain("gpu:0", Provenance.MODELLED),
    "psys": _domain("psys", additive=False),
}


def test_a_row_is_the_sum_of_its_additive_domains_and_says_where_they_come_from() -> None:
    table = layer_table(100.0, domains={"package:0": 0.75, "gpu:0": 0.25, "psys": 5.0})
    rows = {(row.layer, row.pass_): row for row in layer_rows(table, THREE)}
    assert rows["loss", None].energy_j == pytest.approx(1.0)
    assert rows["loss", None].dynamic_j == pytest.approx(0.5)
    assert breakdown([table], THREE).energy_j == pytest.approx(100.0)
    assert breakdown([table], THREE).provenance == "measured + modelled"


def test_shares_sum_to_one_and_hold_what_was_planted() -> None:
    rows = layer_rows(layer_table(), COVERED)
    assert math.fsum(row.share or 0.0 for row in rows) == pytest.approx(1.0)
    assert {row.layer: row.share for row in rows if row.pass_ is None} == pytest.approx(ROWS)


def test_the_models_own_operations_have_a_name_and_a_layer_called_data_is_not_the_row() -> None:
    rows = layer_rows(layer_table(layers={"": ("Net", 1.0), "data": ("Linear", 1.0)}), COVERED)
    assert [row.layer for row in rows if row.pass_ is Pass.FORWARD] == [MODEL, "data"]
    mean = breakdown([layer_table(layers={"data": ("Linear", 1.0)})] * 2, COVERED)
    assert [row.pass_ for row in mean.rows if row.layer == Row.DATA] == [None, Pass.FORWARD, Pass.BACKWARD]


def test_the_mean_keeps_the_sum_where_a_table_lacks_a_row() -> None:
    one, other = layer_table(90.0, layers={"a": ("Linear", 1.0)}), layer_table(30.0, layers={"b": ("Linear", 1.0)})
    mean = breakdown([one, other], COVERED)
    assert mean.energy_j == pytest.approx(60.0)
    rows = {row.layer: row for row in mean.rows if row.pass_ is Pass.FORWARD}
    assert rows["a"].energy_j == pytest.approx(one.rows[-2].energy_j[DOMAIN] / 2)  # type: ignore[operator]
    assert rows["a"].share == pytest.approx(rows["a"].energy_j / 60.0)  # type: ignore[operator]


def test_each_phase_is_averaged_over_the_trials_that_have_it() -> None:
    pretraining = layer_table(300.0, phase="pretraining")
    mean = breakdown([pretraining, layer_table(100.0), layer_table(50.0)], COVERED)
    assert mean.phases == ("pretraining", "supervised")
    sums = {
        phase: math.fsum(row.energy_j or 0.0 for row in rows)
        for phase, rows in groupby(mean.rows, key=lambda row: row.phase)
    }
    assert sums == pytest.approx({"pretraining": 300.0, "supervised": 75.0})
    assert (mean.steps, mean.marked_steps) == (300, 30)


def test_the_uncertainty_of_a_mean_is_not_reduced_and_samples_are_joined() -> None:
    mean = breakdown([layer_table(100.0), layer_table(100.0, seed=1)], COVERED)
    row = next(row for row in mean.rows if row.layer == "conv1")
    assert row.energy_u_random_j == pytest.approx(0.1 * row.energy_j)  # type: ignore[operator]
    assert len(row.steps_j) == 20


def test_unknown_joules_stay_unknown() -> None:
    mean = breakdown([layer_table(100.0), layer_table(None)], COVERED)
    assert mean.energy_j is None
    assert {row.energy_j for row in mean.rows} == {None}
    assert {row.share for row in mean.rows} == {None}


def test_flops_per_joule_need_both() -> None:
    rows = {(row.layer, row.pass_): row for row in layer_rows(layer_table(100.0), COVERED)}
    conv = rows["conv1", Pass.FORWARD]
    assert conv.flops_per_j == pytest.approx(1e10, rel=1e-6)
    assert rows["loss", None].flops_per_j is None


def test_costliest_rows_come_first_and_unknown_ones_last() -> None:
    table = layer_table()
    unknown = msgspec.structs.replace(table.rows[0], energy_j={DOMAIN: None})
    found = breakdown([msgspec.structs.replace(table, rows=[unknown, *table.rows[1:]])], COVERED).by_energy
    assert found[-1].layer == Row.DATA
    joules = [row.energy_j for row in found[:-1] if row.energy_j is not None]
    assert joules == sorted(joules, reverse=True)


def test_notes_and_methods_are_told_once() -> None:
    tables = [layer_table(notes=["compiled"]), layer_table(notes=["compiled", "b"], method=LayerMethod.REPLAY)]
    mean = breakdown(tables, COVERED)
    assert mean.notes == ("compiled", "b")
    assert mean.methods == (LayerMethod.TIME, LayerMethod.REPLAY)


class TestOfAStudy:
    """Which setup the report shows."""

    def test_it_is_the_recommended_setup_with_all_its_trials(self) -> None:
        cheap = repeats({"lr": 0.1}, [(0.8, 0.9), (0.8, 0.91)], epoch_j=(10.0, 20.0))
        dear = repeats({"lr": 0.2}, [(0.8, 0.9)], first=2, epoch_j=100.0, contaminated=True)
        summary = summarise(layered(study([*cheap, *dear])))
        assert summary.recommendations.primary is not None
        assert summary.layers is not None
        assert (summary.layers.numbers, summary.layers.is_recommended) == ((0, 1), True)
        assert summary.layers.params == {"lr": 0.1}
        assert summary.layers.breakdown.energy_j == pytest.approx(30.0)
        assert summary.layers.disturbed == ()

    def test_without_a_recommendation_it_is_the_first_trial_that_has_layers(self) -> None:
        failed = [trial(n, {"lr": n}, stop_reason=StopReason.DIVERGED, contaminated=True) for n in range(3)]
        summary = summarise(study([failed[0], *(with_layers(record) for record in failed[1:])]))
        assert summary.layers is not None
        assert (summary.layers.numbers, summary.layers.is_recommended) == ((1,), False)
        assert summary.layers.disturbed == (1,)

    def test_records_without_layers_have_none(self) -> None:
        assert summarise(study([trial()])).layers is None


def test_the_price_of_marking_is_a_share_of_the_tables_that_know_it() -> None:
    plain = layer_table()
    seconds = math.fsum(row.duration_s for row in plain.rows)
    priced = msgspec.structs.replace(plain, marking_s=0.02 * seconds)
    assert breakdown([plain], COVERED).marking_share is None
    assert breakdown([plain, priced, priced], COVERED).marking_share == pytest.approx(0.02)

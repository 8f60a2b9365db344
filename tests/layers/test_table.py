"""From a hand-made log of marks and a hand-made timeline to rows."""

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from sweep.energy.timeline import Timeline
from sweep.layers.attribution.power import AT_MOST, LN_POWER_SD, Calibration, Powers, WindowLog
from sweep.layers.attribution.table import SAMPLE, LayerLedger, MarkedStep, Stretch
from sweep.layers.marking.marks import Segments
from sweep.layers.marking.owners import (
    BACKWARD,
    DATA,
    FIRST_LAYER,
    FORWARD,
    LOSS,
    LOSS_BACKWARD,
    OPTIMIZER,
    REST,
    Layers,
)
from sweep.records import Domain, LayerEnergy, LayerMethod, Pass, Provenance, Reading

PSU = Domain(name="psu", provenance=Provenance.MEASURED, scale_u_rel=0.0, random_u_rel=0.0)
FAN = Domain(name="fan", provenance=Provenance.MEASURED, scale_u_rel=0.0, random_u_rel=0.0, additive=False)
A, B = FIRST_LAYER + 2, FIRST_LAYER + 4
"""Forward owners of the layers "0" and "1"; that of the model itself comes first."""


def layers_of(n: int = 2) -> Layers:
    layers = Layers()
    layers.add(nn.Sequential(*(nn.Identity() for _ in range(n))))
    return layers


def timeline_of(times_s: Sequence[float], *domains: tuple[Domain, Sequence[float | None]]) -> Timeline:
    timeline = Timeline([domain for domain, _ in domains])
    for index, time_s in enumerate(times_s):
        timeline.append(Reading(time_s=time_s, energy_j={d.name: values[index] for d, values in domains}))
    return timeline


def stretch_of(log: Sequence[tuple[float, int]], end_s: float, marked: Sequence[MarkedStep] = ()) -> Stretch:
    """Segments from (seconds since the stretch began, owner)."""
    starts_s, owners = np.array([s for s, _ in log], dtype=float), np.array([owner for _, owner in log])
    return Stretch(Segments(starts_s, owners), float(starts_s[0]), end_s, list(marked))


def by_name(rows: Sequence[LayerEnergy]) -> dict[tuple[str, Pass | None], LayerEnergy]:
    return {(row.layer, row.pass_): row for row in rows}


def psu_j(row: LayerEnergy) -> float:
    joules = row.energy_j["psu"]
    assert joules is not None
    return joules


MARKED_STEP = [
    (0.0, DATA),
    (1.0, A),
    (3.0, B),
    (4.0, LOSS),
    (5.0, LOSS_BACKWARD),
    (6.0, B + 1),
    (9.0, A + 1),
    (10.0, OPTIMIZER),
]
PLAIN_STEP = [(12.0, DATA), (13.0, FORWARD), (16.0, LOSS), (17.0, BACKWARD), (22.0, OPTIMIZER)]


def test_unmarked_passes_are_made_like_marked_ones() -> None:
    ledger = LayerLedger(layers_of(), [PSU])
    timeline = timeline_of([0, 12, 24], (PSU, [0, 120, 360]))  # 10 W, then 20 W
    ledger.fold(stretch_of(MARKED_STEP + PLAIN_STEP, 24.0, [MarkedStep(1, 7, 1)]), timeline)
    joules = {key: psu_j(row) for key, row in by_name(ledger.rows()).items()}
    assert joules == pytest.approx(
        {
            ("0", Pass.FORWARD): 20 + 60 * 2 / 3,
            ("0", Pass.BACKWARD): 10 + 100 / 5,
            ("1", Pass.FORWARD): 10 + 60 / 3,
            ("1", Pass.BACKWARD): 30 + 100 * 3 / 5,
            ("data", None): 10 + 20,
            ("loss", None): 10 + 20 + 10 + 100 / 5,
            ("optimizer", None): 20 + 40,
        }
    )
    seconds = {key: row.duration_s for key, row in by_name(ledger.rows()).items()}
    assert seconds["0", Pass.FORWARD] == pytest.approx(2 + 2)
    assert sum(seconds.values()) == pytest.approx(24)


def test_a_marked_step_counts_for_the_steps_that_it_stands_for() -> None:
    ledger = LayerLedger(layers_of(), [PSU])
    log = [(0.0, A), (1.0, REST), (2.0, B), (3.0, FORWARD)]
    ledger.fold(stretch_of(log, 13.0, [MarkedStep(0, 1, 1), MarkedStep(2, 3, 9)]), timeline_of([0, 13], (PSU, [0, 13])))
    rows = by_name(ledger.rows())
    assert psu_j(rows["0", Pass.FORWARD]) == pytest.approx(1 + 1)
    assert psu_j(rows["1", Pass.FORWARD]) == pytest.approx(1 + 9)


def test_without_marked_steps_passes_are_nobodys() -> None:
    ledger = LayerLedger(layers_of(), [PSU])
    ledger.fold(stretch_of([(0.0, FORWARD), (2.0, BACKWARD)], 5.0), timeline_of([0, 5], (PSU, [0, 50])))
    (row,) = ledger.rows()
    assert (row.layer, row.energy_u_random_j) == ("rest", 0.0)
    assert psu_j(row) == pytest.approx(50)


def test_no_stretch_is_no_row() -> None:
    assert LayerLedger(layers_of(), [PSU]).rows() == []


def test_layers_that_are_met_later_join_the_table() -> None:
    layers = layers_of(1)
    ledger = LayerLedger(layers, [PSU])
    timeline = timeline_of([0, 20], (PSU, [0, 20]))
    ledger.fold(stretch_of([(0.0, A)], 10.0, [MarkedStep(0, 1, 1)]), timeline)
    layers.add(nn.Sequential(nn.Identity(), nn.Identity()))
    later = len(layers) - 2
    ledger.fold(stretch_of([(10.0, later), (14.0, A)], 20.0, [MarkedStep(0, 2, 1)]), timeline)
    joules = [psu_j(row) for row in ledger.rows()]
    assert joules == pytest.approx([16, 4])


@pytest.mark.parametrize(("unknown", "u_known"), [("psu", False), ("fan", True)])
def test_a_domain_that_is_unknown_somewhere_is_unknown_in_every_row(unknown: str, *, u_known: bool) -> None:
    ledger = LayerLedger(layers_of(), [PSU, FAN])
    values = {"psu": [0.0, 10.0, 20.0, 30.0], "fan": [0.0, 1.0, 2.0, 3.0]}
    holey: dict[str, list[float | None]] = {name: [*known] for name, known in values.items()}
    holey[unknown][3] = None
    timeline = timeline_of([0, 10, 20, 30], (PSU, holey["psu"]), (FAN, holey["fan"]))
    ledger.fold(stretch_of([(0.0, A), (5.0, LOSS)], 10.0, [MarkedStep(0, 1, 1)]), timeline)
    ledger.fold(stretch_of([(11.0, A), (15.0, LOSS)], 25.0, [MarkedStep(0, 1, 1)]), timeline)
    for row in ledger.rows():
        assert row.energy_j[unknown] is None
        assert row.energy_j["fan" if unknown == "psu" else "psu"] is not None
        assert (row.energy_u_random_j is not None) == u_known


def test_a_hole_within_a_stretch_is_crossed() -> None:
    ledger = LayerLedger(layers_of(), [PSU])
    timeline = timeline_of([0, 4, 10], (PSU, [0, None, 100]))
    ledger.fold(stretch_of([(0.0, A), (5.0, LOSS)], 10.0, [MarkedStep(0, 1, 1)]), timeline)
    assert [psu_j(row) for row in ledger.rows()] == pytest.approx([50, 50])


def test_joules_above_idle_are_told_where_the_idle_power_is_known() -> None:
    idle = Domain(name="psu", provenance=Provenance.MEASURED, scale_u_rel=0.0, random_u_rel=0.0, idle_power_w=4.0)
    ledger = LayerLedger(layers_of(), [idle, FAN])
    timeline = timeline_of([0, 10], (idle, [0, 100]), (FAN, [0, 1]))
    ledger.fold(stretch_of([(0.0, A), (2.0, LOSS)], 10.0, [MarkedStep(0, 1, 1)]), timeline)
    layer, loss = ledger.rows()
    assert layer.dynamic_j == {"psu": pytest.approx(12)}
    assert loss.dynamic_j == {"psu": pytest.approx(48)}


def test_device_times_that_stray_are_kept_in_order() -> None:
    ledger = LayerLedger(layers_of(), [PSU])
    log = Segments(np.array([-0.1, 3.0, 2.9, 11.0]), np.array([DATA, A, B, LOSS]))
    ledger.fold(Stretch(log, 0.0, 10.0, [MarkedStep(1, 3, 1)]), timeline_of([0, 10], (PSU, [0, 100])))
    rows = ledger.rows()
    assert sum(map(psu_j, rows)) == pytest.approx(100, rel=1e-12)
    assert min(row.duration_s for row in rows) > 0


def test_single_steps_are_thinned_to_a_sample() -> None:
    ledger = LayerLedger(layers_of(), [PSU])
    log = [(float(index), A) for index in range(100)]
    marked = [MarkedStep(index, index + 1, 1) for index in range(100)]
    ledger.fold(stretch_of(log, 100.0, marked), timeline_of([0, 100], (PSU, [0, 200])))
    (row,) = ledger.rows()
    assert row.steps_j == pytest.approx([2.0] * SAMPLE)


@st.composite
def random_logs(draw: st.DrawFn) -> tuple[Stretch, Timeline, float]:
    lengths = draw(st.lists(st.floats(1e-6, 10.0), min_size=1, max_size=40))
    owners = draw(st.lists(st.integers(0, B + 1), min_size=len(lengths), max_size=len(lengths)))
    edges_s = np.concatenate([[0.0], np.cumsum(lengths)])
    cuts = sorted(draw(st.sets(st.integers(0, len(lengths)), max_size=6)))
    marked = [MarkedStep(a, b, draw(st.integers(1, 20))) for a, b in itertools.pairwise(cuts)]
    n_readings = draw(st.integers(2, 30))
    powers = draw(st.lists(st.floats(0.0, 1e3), min_size=n_readings - 1, max_size=n_readings - 1))
    times_s = np.linspace(0.0, edges_s[-1], n_readings)
    joules = np.concatenate([[0.0], np.cumsum(np.diff(times_s) * powers)])
    timeline = timeline_of(list(times_s), (PSU, list(joules)))
    return stretch_of(list(zip(edges_s[:-1], owners, strict=True)), float(times_s[-1]), marked), timeline, joules[-1]


@pytest.mark.parametrize("calibrated", [False, True])
@settings(max_examples=60, deadline=None)
@given(random_logs(), st.lists(st.floats(0.1, 10.0), min_size=B + 2, max_size=B + 2))
def test_rows_sum_to_the_stretch_and_none_is_negative(
    calibrated: bool, case: tuple[Stretch, Timeline, float], power: list[float]
) -> None:
    stretch, timeline, total_j = case
    layers = layers_of()
    calibration = calibration_of(layers, np.array(power)) if calibrated else None
    ledger = LayerLedger(layers, [PSU], calibration)
    ledger.fold(stretch, timeline)
    rows = ledger.rows()
    assert math.fsum(map(psu_j, rows)) == pytest.approx(total_j, rel=1e-9, abs=1e-9)
    assert math.fsum(row.duration_s for row in rows) == pytest.approx(stretch.end_s, rel=1e-9)
    assert all(psu_j(row) >= 0 for row in rows)
    assert all(row.energy_u_random_j is not None and row.energy_u_random_j >= 0 for row in rows)
    assert len(by_name(rows)) == len(rows)


def calibration_of(
    layers: Layers, power: "np.ndarray[tuple[int], np.dtype[np.float64]]", ln_sd: float = 0.05
) -> Calibration:
    powers = Powers(power, np.eye(len(power)) * ln_sd**2)
    return Calibration(tuple(layers.met), {"psu": powers}, LayerMethod.DOPED)


class Truth:
    """Steps of layers with powers of their own, seen by a counter every ``reading_s`` seconds."""

    def __init__(self, seed: int, *, n_steps: int = 60, reading_s: float = 5.0) -> None:
        random = np.random.default_rng(seed)
        n_layers = 5
        self.layers = layers_of(n_layers)
        forward = [FIRST_LAYER + 2 * index for index in range(1, n_layers + 1)]
        order = [DATA, *forward, LOSS, *(owner + 1 for owner in reversed(forward)), OPTIMIZER]
        self.power = random.lognormal(0.0, 0.3, len(self.layers))
        mean_s = random.lognormal(-3.0, 0.5, len(self.layers))
        seconds = (mean_s[order] * random.lognormal(0.0, 0.1, (n_steps, len(order)))).ravel()
        owners = np.tile(order, n_steps)
        edges_s = np.concatenate([[0.0], np.cumsum(seconds)])
        joules = seconds * self.power[owners]
        self.energy_j = np.bincount(owners, joules, len(self.layers))
        shown = np.append(np.arange(0.0, edges_s[-1], reading_s), edges_s[-1])
        self.timeline = timeline_of(
            list(shown), (PSU, list(np.interp(shown, edges_s, np.append(0, np.cumsum(joules)))))
        )
        marked_step = random.random(n_steps) < 0.2
        marked_step[0] = True
        blob = owners.copy()
        hidden = ~np.repeat(marked_step, len(order))
        is_layer = owners >= FIRST_LAYER
        blob[hidden & is_layer & (owners % 2 == FIRST_LAYER % 2)] = FORWARD
        blob[hidden & is_layer & (owners % 2 != FIRST_LAYER % 2)] = BACKWARD
        marked = [
            MarkedStep(len(order) * step, len(order) * (step + 1), 5) for step in np.flatnonzero(marked_step).tolist()
        ]
        self.stretch = Stretch(Segments(edges_s[:-1], blob), 0.0, float(edges_s[-1]), marked)

    def hits_and_errors(self, calibration: Calibration | None) -> tuple[list[bool], list[float]]:
        """Whether the 95 % interval of each layer holds its true joules, and the relative errors."""
        ledger = LayerLedger(self.layers, [PSU], calibration)
        ledger.fold(self.stretch, self.timeline)
        rows = [row for row in ledger.rows() if row.pass_ is not None]
        names = {
            (name, p): FIRST_LAYER + 2 * i + j
            for i, (name, _) in enumerate(self.layers.met)
            for j, p in enumerate(Pass)
        }
        true_j = [self.energy_j[names[row.layer, row.pass_]] for row in rows if row.pass_]
        off = [psu_j(row) - true for row, true in zip(rows, true_j, strict=True)]
        hits = [abs(d) <= 1.96 * (row.energy_u_random_j or 0.0) for d, row in zip(off, rows, strict=True)]
        return hits, [d / true for d, true in zip(off, true_j, strict=True)]


def test_intervals_by_time_cover_the_truth_under_the_published_spread_of_power() -> None:
    results = [Truth(seed).hits_and_errors(None) for seed in range(30)]
    hits = np.concatenate([hits for hits, _ in results])
    errors = np.concatenate([errors for _, errors in results])
    assert 0.9 <= hits.mean() < 1.0
    assert 0.15 < np.sqrt(np.mean(errors**2)) < 0.5


def test_intervals_with_powers_cover_the_truth_and_errors_shrink() -> None:
    hits, errors = [], []
    for seed in range(30):
        truth = Truth(seed)
        noise = np.random.default_rng([seed, 1]).lognormal(0.0, 0.05, len(truth.power))
        result = truth.hits_and_errors(calibration_of(truth.layers, truth.power * noise))
        hits += result[0]
        errors += result[1]
    assert 0.9 <= np.mean(hits) < 1.0
    assert np.sqrt(np.mean(np.square(errors))) < 0.07


def test_powers_weigh_time_within_windows() -> None:
    layers = layers_of()
    power = np.ones(len(layers))
    power[A] = 3.0
    ledger = LayerLedger(layers, [PSU], calibration_of(layers, power))
    log = [(0.0, A), (5.0, LOSS)]
    ledger.fold(stretch_of(log, 10.0, [MarkedStep(0, 1, 1)]), timeline_of([0, 10], (PSU, [0, 100])))
    layer, loss = ledger.rows()
    assert [psu_j(layer), psu_j(loss)] == pytest.approx([75, 25])
    assert layer.steps_j == pytest.approx([75])


def test_equal_powers_divide_by_time() -> None:
    truth = Truth(3)
    _, by_time = truth.hits_and_errors(None)
    _, equal = truth.hits_and_errors(calibration_of(truth.layers, np.ones(len(truth.layers))))
    assert equal == pytest.approx(by_time, abs=0.01)


def test_an_unknown_stretch_makes_calibrated_rows_unknown_too() -> None:
    layers = layers_of()
    ledger = LayerLedger(layers, [PSU], calibration_of(layers, np.ones(len(layers))))
    timeline = timeline_of([0, 10, 20], (PSU, [0, 10, None]))
    ledger.fold(stretch_of([(0.0, A)], 10.0), timeline)
    ledger.fold(stretch_of([(10.0, A)], 15.0), timeline)
    (row,) = ledger.rows()
    assert (row.energy_j, row.energy_u_random_j) == ({"psu": None}, None)


def test_a_layer_that_was_not_calibrated_has_the_mean_power_and_the_full_spread() -> None:
    known = layers_of(1)
    power = np.full(len(known), 2.0)
    calibration = calibration_of(known, power)
    power, ln_cov = calibration.of("psu", layers_of(2).met)
    assert power == pytest.approx(2.0)
    assert np.sqrt(np.diag(ln_cov)) == pytest.approx([0.05] * len(known) + [LN_POWER_SD] * 2)


def test_powers_follow_a_layer_to_another_number() -> None:
    first, second = Layers(), Layers()
    a, b = nn.Linear(1, 1), nn.ReLU()
    first.add(nn.ModuleDict({"a": a, "b": b}))
    second.add(nn.ModuleDict({"b": b, "a": a}))
    power = np.arange(1.0, len(first) + 1)
    moved, _ = calibration_of(first, power).of("psu", second.met)
    assert moved[second.owner(a) :][:2] == pytest.approx(power[first.owner(a) :][:2])
    assert moved[second.owner(b) :][:2] == pytest.approx(power[first.owner(b) :][:2])


def test_windows_of_a_long_training_stay_few_and_whole() -> None:
    ticking = Domain(name="psu", provenance=Provenance.MEASURED, scale_u_rel=0, random_u_rel=0, tick_s=0.01)
    times_s = np.arange(0.0, 200.0, 0.1)
    timeline = timeline_of(list(times_s), (ticking, list(7 * times_s)))
    log = WindowLog(ticking)
    for start in range(0, 190, 10):
        log.fold(Segments(np.array([float(start), start + 5.0]), np.array([A, B])), start + 10.0, timeline, B + 1)
    windows = log.windows(B + 2)
    assert windows is not None
    assert AT_MOST / 2 < len(windows.energy_j) <= 2 * AT_MOST
    assert windows.energy_j.sum() == pytest.approx(7 * 190)
    assert windows.seconds.sum(axis=0)[[A, B]] == pytest.approx([95, 95])

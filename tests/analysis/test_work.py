"""Joules of measured work and their uncertainty."""

import math

import pytest

from sweep.analysis.work import Amount, activity_j, mean, small_energy, told
from tests.work_factories import codec_trial, measured, worked


def test_uncertainty_of_one_activity() -> None:
    trial = codec_trial()
    found = activity_j(measured([trial], random_u_rel=0.03, tick_s=0.1), trial, "compress", "compress")
    assert found is not None
    # 20 J in 4 s are 5 W, so a tick is 0.5 J, at two ends
    assert found.value == 20.0
    assert found.u_scale == pytest.approx(6.0)
    assert found.u_random == pytest.approx(math.sqrt(0.6**2 + 2 * 0.5**2 / 12))


def test_two_seconds_leave_two_per_cent_with_a_tick_of_a_tenth() -> None:
    trial = worked(0, {"lr": 0.1}, {}, {("inference", "batch_1"): (2.0, 50.0)})
    found = activity_j(measured([trial], tick_s=0.1), trial, "inference", "batch_1")
    assert found is not None
    assert found.u_random / found.value == pytest.approx(0.0204, abs=1e-4)


def test_unknown_joules_and_absent_rows_stay_unknown() -> None:
    trial = worked(0, {"lr": 0.1}, {}, {("compress", "compress"): (2.0, None)})
    data = measured([trial])
    assert activity_j(data, trial, "compress", "compress") is None
    assert activity_j(data, trial, "compress", "read") is None


def test_the_mean_has_the_larger_of_spread_and_meter() -> None:
    spread = mean([Amount(10.0, 1.0, 0.1), Amount(14.0, 1.4, 0.1)])
    assert spread is not None
    assert (spread.value, spread.u_scale) == (12.0, pytest.approx(1.2))
    assert spread.u_random == pytest.approx(math.sqrt(8) / math.sqrt(2))
    meter = mean([Amount(10.0, 0.0, 3.0), Amount(10.0, 0.0, 3.0)])
    assert meter is not None
    assert meter.u_random == pytest.approx(3.0 / math.sqrt(2))
    assert mean([Amount(1.0, 0.0, 0.0), None]) is None
    assert mean([]) is None


@pytest.mark.parametrize(
    ("joules", "text"),
    [(2.5, "2.50 J"), (0.0025, "2.5 mJ"), (2.5e-6, "2.5 µJ"), (3e-8, "30 nJ"), (0.0, "0 J"), (5e3, "5.00 kJ")],
)
def test_small_energies_have_a_prefix(joules: float, text: str) -> None:
    assert small_energy(joules) == text


def test_words_of_an_amount() -> None:
    assert told(Amount(0.002, 0.0003, 0.0004)) == "2 mJ ± 25 %"
    assert told(None) == "unknown"

"""Domains: their idle power, their joules in each setup, and equation 1."""

import msgspec
import pytest

from sweep.analysis.domains import domain_rows, polled_ratios, setup_domains, training_sensors
from sweep.analysis.setups import setups
from sweep.records import Sensors, StopReason, StudyData
from tests.energy_factories import CLOUD, DYNAMIC, POLLED, SHARES, divided, idle, sensed, with_idle
from tests.factories import repeats, sixteen, study, trial


def _data(n: int = 2) -> StudyData:
    return sensed(study(repeats({"lr": 0.1}, [(0.5,)] * n, epoch_j=[100.0 * (k + 1) for k in range(n)])))


class TestIdle:
    """Idle power before the first session and after the last."""

    @pytest.mark.parametrize(
        ("before_w", "after_w", "u_w", "moved"),
        [
            (10.0, 11.5, 0.1, True),
            (10.0, 8.5, 0.1, True),
            (10.0, 10.9, 0.1, False),  # less than 10 %
            (10.0, 11.5, 0.6, False),  # within 2 sqrt(0.6^2 + 0.6^2) = 1.70
            (10.0, 11.8, 0.6, True),
            (10.0, None, 0.1, None),
            (None, 10.0, 0.1, None),
        ],
    )
    def test_it_has_moved_beyond_10_per_cent_and_two_u(
        self, before_w: float | None, after_w: float | None, u_w: float, moved: bool | None
    ) -> None:
        data = with_idle(_data(), [idle("gpu:0", before_w, u_w=u_w)], [idle("gpu:0", after_w, u_w=u_w)])
        row = next(row for row in domain_rows(data) if row.domain.name == "gpu:0")
        assert row.has_moved is moved

    def test_a_window_that_was_not_quiet_is_not_compared(self) -> None:
        data = with_idle(_data(), [idle("gpu:0", 10.0)], [idle("gpu:0", 99.0, quiet=False)])
        row = next(row for row in domain_rows(data) if row.domain.name == "gpu:0")
        assert row.after is not None
        assert row.moved_rel is None
        assert row.has_moved is None

    def test_before_is_of_the_first_session_that_knows_it_and_after_of_the_last(self) -> None:
        data = _data()
        (empty,) = data.sessions
        sessions = [
            msgspec.structs.replace(empty, idle_before=[idle("gpu:0", before_w)], idle_after=[idle("gpu:0", after_w)])
            for before_w, after_w in ((None, 1.0), (2.0, 3.0), (4.0, 5.0), (6.0, None))
        ]
        rows = domain_rows(msgspec.structs.replace(data, sessions=[empty, *sessions, empty]))
        gpu = next(row for row in rows if row.domain.name == "gpu:0")
        assert gpu.before is not None
        assert gpu.after is not None
        assert (gpu.before.power_w, gpu.after.power_w) == (2.0, 5.0)

    def test_domains_without_idle_power_have_none(self) -> None:
        rows = domain_rows(sixteen(1))
        assert [(row.domain.name, row.before, row.after, row.moved_rel) for row in rows] == [
            ("cpu:process", None, None, None)
        ]


class TestSetups:
    """Means over the trials of a setup."""

    def test_each_domain_has_its_mean(self) -> None:
        (setup,) = setups(_data())
        found = setup_domains(setup)
        assert list(found) == ["package:0", "dram:0", "gpu:0", "psys:0"]
        for name, mean in found.items():
            assert mean.energy_j == pytest.approx(150.0 * SHARES[name])
            assert mean.dynamic_j == pytest.approx(150.0 * SHARES[name] * DYNAMIC)
            assert mean.polled_j == pytest.approx(150.0 * SHARES[name] * POLLED)
        assert setup.dynamic_j == pytest.approx(150.0 * DYNAMIC)

    def test_one_unknown_makes_a_mean_unknown_not_smaller(self) -> None:
        data = _data()
        first = data.trials[0]
        unknown = msgspec.structs.replace(first.domains["gpu:0"], energy_j=None, dynamic_j=None)
        lacking = {name: item for name, item in first.domains.items() if name != "dram:0"} | {"gpu:0": unknown}
        first = msgspec.structs.replace(first, domains=lacking, energy_dynamic_j=None)
        (setup,) = setups(msgspec.structs.replace(data, trials=[first, *data.trials[1:]]))
        found = setup_domains(setup)
        assert found["gpu:0"][:2] == (None, None)
        assert found["dram:0"].energy_j is None
        assert found["package:0"].energy_j is not None
        assert setup.dynamic_j is None

    def test_a_setup_without_a_completed_trial_has_no_joules(self) -> None:
        (setup,) = setups(sensed(study([trial(stop_reason=StopReason.CRASHED)])))
        assert setup_domains(setup) == {}
        assert setup.dynamic_j is None


class TestPolled:
    """Equation 1 beside the counter."""

    def test_the_ratio_has_its_spread(self) -> None:
        data = sensed(study(repeats({"lr": 0.1}, [(0.5,)] * 2, epoch_j=(100.0, 100.0))), CLOUD)
        trials = [
            msgspec.structs.replace(
                record,
                domains=record.domains
                | {"gpu:0": msgspec.structs.replace(record.domains["gpu:0"], energy_j=60.0, polled_j=polled_j)},
            )
            for record, polled_j in zip(data.trials, (57.0, 66.0), strict=True)
        ]
        (found,) = polled_ratios(msgspec.structs.replace(data, trials=trials))
        assert (found.domain, found.n, found.energy_j, found.polled_j) == ("gpu:0", 2, 60.0, 61.5)
        assert found.mean == pytest.approx(1.025)
        assert (found.low, found.high) == pytest.approx((0.95, 1.1))
        assert found.sd == pytest.approx(0.15 / 2**0.5)

    def test_models_and_failures_have_none(self) -> None:
        assert polled_ratios(sixteen(1)) == ()
        assert polled_ratios(sensed(study([trial(stop_reason=StopReason.DIVERGED)]))) == ()

    def test_one_trial_claims_no_spread(self) -> None:
        assert {item.sd for item in polled_ratios(sensed(study([trial()])))} == {None}


class TestTrainingSensors:
    """Of the device that trained."""

    @pytest.mark.parametrize(
        ("compute", "domain"),
        [("cuda:0", "gpu:0"), ("cuda:1", "gpu:1"), ("cuda:7", "gpu:0"), ("cpu", "package:0"), ("mps", "gpu:0")],
    )
    def test_the_device_is_found(self, compute: str, domain: str) -> None:
        names = ("dram:0", "gpu:0", "gpu:1", "cpu:process", "package:0")
        told = {name: Sensors(temperature_max_c=float(index)) for index, name in enumerate(names)}
        record = divided(trial())
        machine = msgspec.structs.replace(record.machine, compute=compute)
        record = msgspec.structs.replace(record, sensors=told, machine=machine)
        assert training_sensors(record) is told[domain]

    def test_the_cpu_process_stands_in_where_no_package_is_read(self) -> None:
        told = {"cpu:process": Sensors(temperature_max_c=50.0)}
        assert training_sensors(msgspec.structs.replace(trial(), sensors=told)).temperature_max_c == 50.0

    def test_nothing_is_told_without_its_sensor(self) -> None:
        assert training_sensors(trial()) == Sensors()
        other = msgspec.structs.replace(trial(), sensors={"gpu:0": Sensors(temperature_max_c=50.0)})
        assert training_sensors(other) == Sensors()

"""How many repeats tell two setups apart, against the exact power of the t test; and the spread of known work."""

import itertools

import pytest
from scipy import stats

from sweep.doctor import spread as module
from sweep.doctor.spread import LEVEL, fixed_work, repeat_work, repeats_needed, spread
from sweep.energy.meter import Meter
from sweep.energy.recorder import Recorder
from sweep.records import Domain, Joules, Provenance
from tests.clocks import FakeTime


def exact_power(n: int, sd_rel: float, difference: float = 0.05) -> float:
    df = 2 * n - 2
    shift = difference / sd_rel * (n / 2) ** 0.5
    return 1.0 - float(stats.nct.cdf(stats.t.ppf(1 - LEVEL / 2, df), df, shift))


@pytest.mark.parametrize("sd_rel", [0.011, 0.02, 0.03, 0.05, 0.1, 0.3])
def test_the_repeats_suffice_and_are_not_many_more(sd_rel: float) -> None:
    n = repeats_needed(sd_rel)
    assert exact_power(n, sd_rel) >= 0.78
    assert exact_power(n - 2, sd_rel) < 0.8 if n > 3 else n >= 2


def test_the_repeats_of_a_textbook() -> None:
    assert repeats_needed(0.05) == 17  # R: power.t.test(delta=1, sd=1, power=0.8) gives 16.7
    assert repeats_needed(0.0) == 2
    assert repeats_needed(0.1, difference=0.1) == 17


class WorkMeter(Meter):
    """Each piece of work costs the next of ``costs_j``; the processor alone counts it."""

    poll_interval_s = 3600.0

    def __init__(self, costs_j: list[float]) -> None:
        self.costs_j = itertools.cycle(costs_j)
        self.spent_j = 0.0

    def open(self) -> None: ...

    def close(self) -> None: ...

    @property
    def domains(self) -> tuple[Domain, ...]:
        return tuple(
            Domain(name=name, provenance=Provenance.MEASURED, scale_u_rel=0.1, random_u_rel=0.0)
            for name in ("package:0", "dram:0", "gpu:0")
        )

    def read(self) -> Joules:
        return {"package:0": self.spent_j, "dram:0": 0.0, "gpu:0": 2 * self.spent_j}


@pytest.fixture
def recorded() -> dict[str, module.Spread]:
    clock, meter = FakeTime(), WorkMeter([9.0, 10.0, 11.0, 10.0, 10.0])

    def work() -> None:
        clock.now_s += 0.5
        meter.spent_j += next(meter.costs_j)

    with Recorder(meter, clock) as recorder:
        intervals = repeat_work(recorder, work)
        return {domain.name: spread(recorder, domain, intervals) for domain in recorder.domains}


def test_the_spread_of_work_with_known_joules(recorded: dict[str, module.Spread]) -> None:
    found = recorded["package:0"]
    assert (found.runs, found.run_s, found.mean_j) == (10, 0.5, pytest.approx(10.0))
    assert found.sd_rel == pytest.approx((4 / 9) ** 0.5 / 10)
    assert found.repeats == repeats_needed(0.0666666)


def test_a_counter_that_did_not_count_has_no_spread(recorded: dict[str, module.Spread]) -> None:
    found = recorded["dram:0"]
    assert (found.mean_j, found.sd_rel, found.repeats) == (None, None, None)
    assert "did not count" in found.reason


def test_a_device_that_did_not_work_has_no_spread(recorded: dict[str, module.Spread]) -> None:
    assert recorded["gpu:0"].repeats is None
    assert "no work was put on it" in recorded["gpu:0"].reason


def test_a_slow_machine_does_it_less_often() -> None:
    clock, meter = FakeTime(), WorkMeter([1.0])

    def work() -> None:
        clock.now_s += 3.0

    with Recorder(meter, clock) as recorder:
        assert len(repeat_work(recorder, work)) == module.LEAST_RUNS


def test_the_work_takes_about_as_long_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = itertools.count()
    monkeypatch.setattr(module, "TRY_S", 5.0)
    monkeypatch.setattr(module, "RUN_S", 20.0)
    done: list[int] = []
    monkeypatch.setattr(module.np, "matmul", lambda *_, **__: done.append(1))
    work = fixed_work(lambda: float(next(ticks)))
    tried = len(done)
    work()
    assert len(done) - tried == pytest.approx(20, abs=4)

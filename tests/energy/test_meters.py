"""The contract of all meters, for whatever is registered.

A meter that needs a sensor is given a fake one: add it to ``CASES``. One that is registered and not there fails.
"""

import inspect
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from fakes.gpu import FakeGpu
from fakes.nvml import fake_nvml, no_nvml
from fakes.power import constant
from fakes.powercap import intel
from omegaconf import OmegaConf

from sweep.energy.meter import Meter
from sweep.energy.recorder import Recorder
from sweep.errors import MeterError
from sweep.records import Provenance, Scope
from sweep.registry import build, discover

METERS = discover("sweep.energy.meters", Meter)
ROOT = Path(__file__).parents[2]
NEEDS = {"replay": {"path": str(ROOT / "tests" / "recordings" / "estimated.jsonl"), "repeat": True}}
"""Options that a meter cannot do without."""
POWERS_W = {"0": 120.0, "0:0": 80.0, "0:1": 9.0}


def _sysfs(stack: ExitStack, folder: Path) -> dict[str, str]:
    """A server with one socket, busy in real time."""
    tree = intel(folder)
    stack.enter_context(tree.running(POWERS_W))
    return {"sysfs_root": str(tree.root)}


def _gpus(stack: ExitStack) -> None:
    stack.enter_context(fake_nvml([FakeGpu(power=constant(250.0))]))


def _as_it_is(name: str) -> Callable[[ExitStack, Path], Meter]:
    return lambda stack, folder: METERS[name](**NEEDS.get(name, {}))


def _rapl(stack: ExitStack, folder: Path) -> Meter:
    return METERS["rapl"](**_sysfs(stack, folder))


def _nvml(stack: ExitStack, folder: Path) -> Meter:
    _gpus(stack)
    return METERS["nvml"]()


def _pyjoules(stack: ExitStack, folder: Path) -> Meter:
    _gpus(stack)
    return METERS["pyjoules"](**_sysfs(stack, folder))


def _auto(stack: ExitStack, folder: Path) -> Meter:
    _gpus(stack)
    return METERS["auto"](**_sysfs(stack, folder))


def _zeus(stack: ExitStack, folder: Path) -> Meter:
    pytest.importorskip("zeus")
    _gpus(stack)
    return METERS["zeus"]()


CASES: dict[str, Callable[[ExitStack, Path], Meter]] = {
    "auto": _auto,
    "estimated": _as_it_is("estimated"),
    "nvml": _nvml,
    "pyjoules": _pyjoules,
    "rapl": _rapl,
    "replay": _as_it_is("replay"),
    "zeus": _zeus,
}
"""What each registered meter is tried on: a stack for its fakes, and a folder."""


@pytest.fixture(params=sorted(METERS))
def meter(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Meter]:
    """Each registered meter, on its fake."""
    assert request.param in CASES, f"meter {request.param} is registered: say in CASES what it is tried on"
    with ExitStack() as stack:
        stack.enter_context(no_nvml())
        yield CASES[request.param](stack, tmp_path)


def test_the_meters_of_this_package_are_found() -> None:
    assert {"auto", "estimated", "nvml", "pyjoules", "rapl", "replay", "zeus"} <= set(METERS)


def test_domains_are_named_once_and_judged(meter: Meter) -> None:
    with meter:
        domains = meter.domains
    assert domains
    assert len({domain.name for domain in domains}) == len(domains)
    for domain in domains:
        assert domain.provenance in Provenance
        assert domain.scale_u_rel >= 0
        assert domain.random_u_rel >= 0
        assert domain.source
        if domain.provenance is not Provenance.REPLAYED:  # an old recording tells no scope
            assert isinstance(domain.scope, Scope)
        assert domain.provenance is not Provenance.MEASURED or domain.tick_s
        assert domain.max_power_w is None or domain.max_power_w > 0
        assert domain.range_j is None or domain.range_j > 0
    assert any(domain.additive for domain in domains)


def test_domains_are_the_same_each_time(meter: Meter) -> None:
    with meter:
        first = meter.domains
    time.sleep(0.02)
    with meter:
        assert meter.domains == first


def test_readings_name_the_domains_and_never_fall(meter: Meter) -> None:
    with meter:
        names = {domain.name for domain in meter.domains}
        before = dict.fromkeys(names, 0.0)
        for _ in range(50):
            reading = meter.read()
            assert set(reading) == names
            for name, energy_j in reading.items():
                assert energy_j is not None, name
                assert energy_j >= before[name]
                before[name] = energy_j


def test_works_beside_its_counters(meter: Meter) -> None:
    with meter:
        names = {domain.name for domain in meter.domains}
        assert set(meter.power_w()) <= names
        assert set(meter.conditions()) <= names
        for problem in meter.problems:
            assert problem.what
            assert problem.why
            assert problem.mend


def test_closes_unopened(meter: Meter) -> None:
    meter.close()


def test_closes_twice_and_refuses_to_read_closed(meter: Meter) -> None:
    meter.open()
    meter.close()
    meter.close()
    with pytest.raises(MeterError, match="closed"):
        meter.read()


def test_reads_from_several_threads(meter: Meter) -> None:
    errors: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(100):
                with meter.set_apart():
                    meter.read()
        except BaseException as err:
            errors.append(err)

    with meter:
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not errors


def test_set_apart_may_be_nested(meter: Meter) -> None:
    with meter, meter.set_apart(), meter.set_apart():
        meter.read()


def test_fills_a_timeline(meter: Meter) -> None:
    with Recorder(meter) as recorder:
        start_s, end_s = recorder.mark(), recorder.mark()
        recorder.settle()
        energy = recorder.timeline.energy(start_s, end_s)
        assert set(energy) == {domain.name for domain in recorder.domains}
    assert recorder.failures == 0


@pytest.mark.parametrize("name", sorted(METERS))
def test_its_config_file_names_all_options_with_their_defaults(name: str) -> None:
    path = ROOT / "conf" / "meter" / f"{name}.yaml"
    config = OmegaConf.to_container(OmegaConf.load(path))
    assert path.read_text().startswith("# ")
    assert isinstance(config, dict)
    assert config.pop("record", False) is False  # the study's, not the meter's
    options = {
        key: param.default
        for key, param in inspect.signature(METERS[name]).parameters.items()
        if param.kind is not param.POSITIONAL_ONLY
    }
    defaults = {key: "???" if value is inspect.Parameter.empty else _plain(value) for key, value in options.items()}
    assert {key: value for key, value in config.items() if key != "_target_"} == defaults
    ready = {str(key): value for key, value in config.items()} | NEEDS.get(name, {})
    assert type(build(ready, Meter, "meter")) is METERS[name]


def _plain(value: object) -> object:
    """As YAML has it."""
    return list(value) if isinstance(value, tuple) else value

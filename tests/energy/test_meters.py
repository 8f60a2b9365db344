"""The contract of all meters, for whatever is registered."""

import threading
from pathlib import Path

import pytest

from sweep.energy.meter import Meter
from sweep.energy.recorder import Recorder
from sweep.errors import MeterError
from sweep.records import Provenance
from sweep.registry import build, discover

METERS = discover("sweep.energy.meters", Meter)
ROOT = Path(__file__).parents[2]
NEEDS = {"replay": {"path": str(ROOT / "tests" / "recordings" / "estimated.jsonl"), "repeat": True}}
"""Options that a meter cannot do without."""


@pytest.fixture(params=sorted(METERS))
def meter(request: pytest.FixtureRequest) -> Meter:
    """Each registered meter; skipped where its sensor is missing."""
    made = METERS[request.param](**NEEDS.get(request.param, {}))
    try:
        made.open()
    except MeterError as err:
        pytest.skip(f"no {request.param} here: {err}")
    made.close()
    return made


def test_the_meters_of_this_package_are_found() -> None:
    assert {"estimated", "replay"} <= set(METERS)


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


def test_readings_name_the_domains_and_never_fall(meter: Meter) -> None:
    with meter:
        names = {domain.name for domain in meter.domains}
        before = dict.fromkeys(names, 0.0)
        for _ in range(50):
            reading = meter.read()
            assert set(reading) == names
            for name, energy_j in reading.items():
                assert energy_j is not None
                assert energy_j >= before[name]
                before[name] = energy_j


def test_counts_from_open(meter: Meter) -> None:
    with meter:
        for _ in range(2000):
            meter.read()
    with meter:
        assert all(energy_j is not None and energy_j < 1.0 for energy_j in meter.read().values())


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
    assert set(energy) == {domain.name for domain in meter.domains}
    assert recorder.failures == 0


@pytest.mark.parametrize("name", sorted(METERS))
def test_its_config_file_names_all_options_with_their_defaults(name: str) -> None:
    import inspect

    from omegaconf import OmegaConf

    path = ROOT / "conf" / "meter" / f"{name}.yaml"
    config = OmegaConf.to_container(OmegaConf.load(path))
    assert path.read_text().startswith("# ")
    assert isinstance(config, dict)
    options = {
        key: param.default
        for key, param in inspect.signature(METERS[name]).parameters.items()
        if param.kind is not param.POSITIONAL_ONLY
    }
    defaults = {key: "???" if value is inspect.Parameter.empty else value for key, value in options.items()}
    assert {key: value for key, value in config.items() if key != "_target_"} == defaults
    ready = {str(key): value for key, value in config.items()} | NEEDS.get(name, {})
    assert type(build(ready, Meter, "meter")) is METERS[name]

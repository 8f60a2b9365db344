"""Which processor, and how many logical cores share its power."""

from pathlib import Path

import pytest
from fakes.host import Host

from sweep.energy.host import processor
from sweep.energy.host.processor import Processor, read_processor

XEON = "Intel(R) Xeon(R) Gold 6226R CPU @ 2.90GHz"


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_threads_are_those_of_one_package(host: Host) -> None:
    host.processor(XEON, packages=2, siblings=32)
    assert read_processor(host.proc, "Linux") == Processor(XEON, 32)


def test_a_virtual_machine_does_not_tell_the_threads(host: Host) -> None:
    host.processor(XEON, siblings=2, is_virtual=True)
    assert read_processor(host.proc, "Linux") == Processor(XEON, None, is_virtual=True)


def test_a_virtual_machine_on_amd_tells_cores_in_the_name(host: Host) -> None:
    host.processor("AMD EPYC 7763 64-Core Processor", siblings=2, is_virtual=True)
    assert read_processor(host.proc, "Linux").threads == 128


def test_a_system_without_model_name(host: Host) -> None:
    (host.proc / "cpuinfo").write_text("processor\t: 0\nCPU implementer\t: 0x41\nsiblings\t: 0\n\n")
    assert read_processor(host.proc, "Linux") == Processor("", None)
    assert read_processor(host.proc / "none", "Linux") == Processor("", None)


@pytest.mark.parametrize(("vmm", "threads"), [("0", 8), ("1", None)])
def test_macos(monkeypatch: pytest.MonkeyPatch, vmm: str, threads: int | None) -> None:
    told = {"machdep.cpu.brand_string": "Apple M1", "hw.logicalcpu": "8", "kern.hv_vmm_present": vmm}
    monkeypatch.setattr(processor, "_sysctl", told.get)
    assert read_processor(system="Darwin") == Processor("Apple M1", threads, is_virtual=vmm == "1")


def test_a_sysctl_that_is_missing_tells_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **options: object) -> None:
        raise FileNotFoundError

    monkeypatch.setattr(processor.subprocess, "run", fail)
    assert read_processor(system="Darwin") == Processor("", None)


def test_windows_says_what_python_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor.platform, "processor", lambda: "Intel64 Family 6 Model 142 Stepping 12, GenuineIntel")
    assert read_processor(system="Windows").threads is None

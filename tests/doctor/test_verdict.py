"""What findings are said to be worth, and what would help."""

from typing import Any

import msgspec
import pytest

from sweep.doctor.findings import DomainFinding, Shortage, Spread, Surroundings, Ticking
from sweep.doctor.verdict import grade, verdict, would_help
from sweep.records import Provenance, Scope

STILL = Ticking(looked_s=2.0, look_s=1e-4, moves=0, tick_s=None, step_j=None, at_every_look=False)
MOVING = Ticking(looked_s=2.0, look_s=1e-4, moves=2000, tick_s=1e-3, step_j=0.04, at_every_look=False)
ALONE = Surroundings(
    system="Linux 6.1",
    processor="Example CPU",
    is_virtual=False,
    container="",
    machine_cores=8,
    cores=8.0,
    memory_limit_bytes=None,
    wait_policy="PASSIVE",
    other_cpu_share=0.01,
    wait_share=0.0,
    programs=[],
)
NO_RAPL = Shortage(what="cpu", why="there is no RAPL zone", mend="look elsewhere")
NO_GPU = Shortage(what="gpu", why="there is no driver", mend="choose another meter")


def domain(name: str, provenance: Provenance = Provenance.MEASURED, **changes: Any) -> DomainFinding:
    base = DomainFinding(
        name=name,
        provenance=provenance,
        scope=Scope.DEVICE,
        additive=True,
        scale_u_rel=0.1,
        random_u_rel=0.02,
        resolution_j=None,
        ticking=MOVING,
        idle=None,
        static_power_w=None,
        others=None,
        spread=Spread(runs=10, run_s=0.3),
        source="test",
        note="",
    )
    return msgspec.structs.replace(base, **changes)


PACKAGE, MODEL = domain("package:0"), domain("cpu:process", Provenance.MODELLED, scale_u_rel=0.65)


def around(**changes: Any) -> Surroundings:
    return msgspec.structs.replace(ALONE, **changes)


@pytest.mark.parametrize(
    ("domains", "word"),
    [
        ([PACKAGE], "measured"),
        ([MODEL], "modelled"),
        ([domain("gpu:0"), MODEL], "mixture"),
        ([PACKAGE, domain("memory:process", Provenance.MODELLED, additive=False)], "measured"),
        ([domain("core:0", additive=False), MODEL], "mixture"),
    ],
)
def test_one_word_for_what_is_added_up(domains: list[DomainFinding], word: str) -> None:
    assert grade(domains) == word


def test_measured_joules_tell_their_scale_and_that_it_cancels() -> None:
    text = verdict([PACKAGE, domain("core:0", additive=False)], ALONE)
    assert "Measured: package:0 (scale ±10 %); the scale cancels" in text
    assert "core:0" not in text
    assert "modelled" not in text.lower()


def test_modelled_joules_are_never_called_measured() -> None:
    text = verdict([MODEL], ALONE)
    assert text.startswith("No joule here is measured; all are modelled: cpu:process (scale ±65 %)")
    assert "no absolute figures" in text


def test_a_mixture_is_to_be_reported_apart() -> None:
    text = verdict([domain("gpu:0"), MODEL], ALONE)
    assert "Measured: gpu:0" in text
    assert "Modelled: cpu:process" in text
    assert "Report them apart" in text


def test_of_counters_that_stand_still_nothing_is_claimed() -> None:
    assert "No counter moved, so no joule can be claimed" in verdict([domain("package:0", ticking=STILL)], ALONE)
    text = verdict([PACKAGE, domain("dram:0", ticking=STILL)], ALONE)
    assert "dram:0 did not move, so no joule can be claimed there" in text


def test_a_shared_machine_is_called_one() -> None:
    busy = around(other_cpu_share=0.4)
    assert "other programs used 40 % of its cores, and their joules are in these numbers" in verdict([PACKAGE], busy)
    assert "makes runs less alike" in verdict([MODEL], busy)
    assert "shared" not in verdict([PACKAGE], ALONE)
    assert "Other" not in verdict([PACKAGE], around(other_cpu_share=None))
    assert "Other processes hold gpu:0" in verdict([domain("gpu:0", others=2)], ALONE)


def test_a_missing_right_comes_with_its_mend() -> None:
    problem = Shortage(what="dram:0", why="mode 0400", mend="chgrp it")
    harmless = Shortage(what="package:0-die:1", why="a mirror", mend="nothing to do: package:0-die:0 has all")
    assert would_help([PACKAGE], [problem, harmless], [], ALONE) == ["dram:0: chgrp it."]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"is_virtual": True, "container": "docker"}, "this is a virtual machine"),
        ({"container": "docker"}, "-v /sys/devices/virtual/powercap"),
        ({}, "modprobe intel_rapl_msr"),
        ({"system": "Darwin 24.1"}, "zeus"),
        ({"system": "Windows 11"}, "on Linux only"),
    ],
)
def test_why_there_is_no_rapl(changes: dict[str, Any], words: str) -> None:
    (text,) = would_help([MODEL], [], [NO_RAPL], around(**changes))
    assert text.startswith("cpu: ")
    assert words in text


def test_an_absent_gpu_is_mentioned_unless_another_meter_told_it() -> None:
    assert would_help([MODEL], [], [NO_GPU, NO_GPU], ALONE) == [
        "gpu: if there is one, load its driver; a container is started with --gpus all."
    ]
    assert would_help([domain("gpu:0")], [], [NO_GPU], ALONE) == []

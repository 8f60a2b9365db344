"""Watts of a core: the processor's own where they can be known, else a fleet's, and never without saying so."""

from pathlib import Path

import pytest

from sweep.energy.host import core_power as module
from sweep.energy.host.core_power import FLEET_DYNAMIC_W, FLEET_SCALE_U_REL, FLEET_STATIC_W, SCALE_U_REL, core_power
from sweep.energy.host.cpu_table import Table
from sweep.energy.host.processor import Processor

EPYC = "AMD EPYC 7763 64-Core Processor"


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Table:
    path = tmp_path / "cpu_power.csv"
    path.write_text("Name,TDP\nAMD EPYC 7763,280.0\n")
    made = Table(path, "CodeCarbon 3.3.2")
    monkeypatch.setattr(module, "installed_table", lambda: made)
    return made


def test_all_threads_of_a_package_together_have_its_tdp(table: Table) -> None:
    power = core_power(Processor(EPYC, 128))
    assert 128 * power.static_w == pytest.approx(28)
    assert 128 * (power.static_w + power.dynamic_w) == pytest.approx(280)
    assert power.origin == "TDP 280 W of AMD EPYC 7763 over 128 threads"
    assert not power.whole_server


def test_the_version_of_the_table_is_no_part_of_the_origin(table: Table) -> None:
    """The origin is in the study's fingerprint: an update that leaves the watts alone must not refuse a resume."""
    power = core_power(Processor(EPYC, 128))
    assert "3.3.2" in power.note
    assert "3.3.2" not in power.origin


def test_a_virtual_machine_says_what_is_assumed(table: Table) -> None:
    assert "two threads a core assumed" in core_power(Processor(EPYC, 128, is_virtual=True)).note
    assert "assumed" not in core_power(Processor(EPYC, 128)).note


@pytest.mark.parametrize(
    ("processor", "reason"),
    [
        (Processor("", None), "does not name the processor"),
        (Processor("AMD EPYC", 2), "no single entry for 'AMD EPYC'"),
        (Processor("AMD EPYC 7763", None, is_virtual=True), "how many logical cores share the 280 W of AMD EPYC 7763"),
    ],
)
def test_without_an_answer_the_averages_stand_in_and_say_why(table: Table, processor: Processor, reason: str) -> None:
    power = core_power(processor)
    assert (power.static_w, power.dynamic_w) == (FLEET_STATIC_W, FLEET_DYNAMIC_W)
    assert reason in power.note
    assert "meter.static_power_w" in power.note
    assert power.scale_u_rel > core_power(Processor(EPYC, 128)).scale_u_rel
    assert power.whole_server


def test_without_the_table_the_note_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "installed_table", lambda: None)
    assert "pip install 'sweep-energy[cpu-table]'" in core_power(Processor(EPYC, 128)).note


def test_the_page_on_modelled_joules_states_the_constants_of_the_code() -> None:
    page = (Path(__file__).parents[3] / "docs" / "modelled.md").read_text(encoding="utf-8")
    assert f"| {FLEET_STATIC_W} W x usable cores |" in page
    assert f"| {FLEET_DYNAMIC_W} W |" in page
    assert f"| scale uncertainty (relative, standard) | {SCALE_U_REL} | {FLEET_SCALE_U_REL} |" in page

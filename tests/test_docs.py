"""Pages that are made from the code are up to date, and what pages point to exists."""

import re
from pathlib import Path

import pytest
from fault_table import faults, render

from sweep.energy.host import core_power
from sweep.energy.meters.estimated import EstimatedMeter
from sweep.energy.nvml import gpu
from sweep.energy.powercap import domains as rapl

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])


def test_the_fault_table_is_up_to_date() -> None:
    assert (ROOT / "docs" / "faults.md").read_text() == render(faults()), "python tests/fault_table.py > docs/faults.md"


def test_no_case_stands_twice() -> None:
    cases = [fault.case for fault in faults()]
    assert len(cases) >= 60
    assert [case for case in cases if cases.count(case) > 1] == []


def test_a_mark_without_an_outcome_is_refused(tmp_path: Path) -> None:
    (tmp_path / "test_x.py").write_text("@pytest.mark.fault('only a case')\ndef test_y() -> None: ...\n")
    with pytest.raises(ValueError, match="the outcome"):
        faults(tmp_path)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?://|#)([^)#\s]+)", page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_tables_are_whole(page: Path) -> None:
    """Each row has as many cells as its head; a lone | in a cell would break it."""
    for block in re.findall(r"(?:^\|.*\n)+", page.read_text(), re.MULTILINE):
        widths = {len(re.findall(r"(?<!\\)\|", row)) for row in block.splitlines()}
        assert len(widths) == 1, block


def test_the_uncertainties_on_the_page_are_those_of_the_code() -> None:
    modelled = EstimatedMeter().domains[0].random_u_rel
    said = re.findall(r"^\| .* \| ([\d.]+) \| ([\d.]+) \|$", (ROOT / "docs" / "joules.md").read_text(), re.MULTILINE)
    assert [(float(scale), float(random)) for scale, random in said] == [
        (rapl.SCALE_U_REL["package"], rapl.RANDOM_U_REL),
        (rapl.SCALE_U_REL["dram"], rapl.RANDOM_U_REL),
        (gpu.SCALE_U_REL, gpu.COUNTER_U_REL),
        (gpu.SCALE_U_REL, gpu.INTEGRAL_U_REL),
        (gpu.SCALE_U_REL, gpu.PART_TIME_U_REL),
        (core_power.SCALE_U_REL, modelled),
        (core_power.FLEET_SCALE_U_REL, modelled),
    ]

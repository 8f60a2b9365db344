"""The report under axe-core: nothing that keeps people out, in both schemes, with everything unfolded."""

import importlib.resources
import importlib.util
import os
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from sweep.report.build import write_report
from tests.browser.reading import visited
from tests.energy_factories import sensed
from tests.factories import sixteen
from tests.layer_factories import layered

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PACKAGE = "axe_playwright_python"
SERIOUS = ("serious", "critical")


@pytest.fixture(scope="module")
def axe() -> str:
    """Source of axe-core; without it the test is skipped, or fails if SWEEP_REQUIRE_TOOLS=1."""
    if importlib.util.find_spec(PACKAGE) is None:
        reason = "axe-core is not installed (pip install axe-playwright-python)"
        if os.environ.get("SWEEP_REQUIRE_TOOLS") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return (importlib.resources.files(PACKAGE) / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(sensed(layered(sixteen(1))), tmp_path_factory.mktemp("report"))


@pytest.mark.parametrize(
    ("scheme", "rules"),
    [("light", {}), ("dark", {"runOnly": ["color-contrast"]})],  # colours are all that dark changes
    ids=["light", "dark"],
)
def test_no_serious_violation(browser: Browser, report: Path, axe: str, scheme: str, rules: dict[str, Any]) -> None:
    with visited(browser, report, scheme=scheme) as visit:
        visit.draw_all()
        visit.page.evaluate("document.querySelectorAll('details').forEach(item => { item.open = true; })")
        visit.page.evaluate(axe)
        found = visit.page.evaluate(
            "rules => axe.run({ exclude: ['.main-svg *'] }, { resultTypes: ['violations'], ...rules })", rules
        )
        assert found["passes"]
        told = [(item["id"], item["nodes"][0]["html"]) for item in found["violations"] if item["impact"] in SERIOUS]
        assert told == []


def test_the_check_finds_a_violation_where_there_is_one(browser: Browser, report: Path, axe: str) -> None:
    with visited(browser, report) as visit:
        visit.page.evaluate("document.getElementById('trials-text').labels[0].remove()")
        visit.page.evaluate(axe)
        found = visit.page.evaluate("axe.run('#trials', { resultTypes: ['violations'] })")
        assert "label" in {item["id"] for item in found["violations"]}


def test_everything_that_reacts_is_reached_by_keyboard(browser: Browser, report: Path) -> None:
    with visited(browser, report) as visit:
        page = visit.page
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.locator('input[name="unit"][value="J"]').focus()
        page.keyboard.press("ArrowRight")
        assert page.evaluate("document.activeElement.value") == "Wh"
        assert "Wh" in page.locator("#decision .number data:visible").inner_text()
        page.locator("#point-select").focus()
        page.keyboard.press("ArrowDown")
        assert page.evaluate("document.activeElement.id") == "point-select"
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"

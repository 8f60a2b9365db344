"""The page of a measured window in headless Chromium: every chart draws, offline, without a word on the console."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from sweep.report.energy_charts import energy_figures
from sweep.report.energy_page import write_page
from tests.browser.reading import ARGUMENTS
from tests.report.windows import measured

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", [400, 1200])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_draws_offline(require_tool: Callable[[str], str], tmp_path: Path, scheme: str, width: int) -> None:
    window = measured(title="<img src=x onerror=alert(1)>")
    path = write_page(window, tmp_path / "energy.html")
    complaints: list[str] = []
    requests: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=require_tool("chromium"), args=ARGUMENTS)
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(path.as_uri())
        for name in energy_figures(window):
            page.locator(f"#chart-{name} .main-svg").first.wait_for()
        overflow = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        browser.close()
    assert complaints == []
    assert requests == [path.as_uri()]
    assert overflow <= 0

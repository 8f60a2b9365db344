"""The page of a measured window in headless Chromium: every chart draws, offline, without a word on the console."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from sweep.report.energy_charts import energy_figures
from sweep.report.energy_page import write_page
from tests.browser.reading import visited
from tests.report.windows import measured

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", [400, 1200])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_draws_offline(browser: Browser, tmp_path: Path, scheme: str, width: int) -> None:
    window = measured(title="<img src=x onerror=alert(1)>")
    path = write_page(window, tmp_path / "energy.html")
    with visited(browser, path, width=width, height=900, scheme=scheme) as visit:
        for name in energy_figures(window):
            visit.page.locator(f"#chart-{name} .main-svg").first.wait_for()
        assert visit.complaints == []
        assert visit.requests == [path.as_uri()]
        assert visit.scroll_width() <= width

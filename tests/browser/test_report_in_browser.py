"""The report in headless Chromium: every chart draws, offline, without a word on the console."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from sweep.report.build import write_report
from tests.energy_factories import worn
from tests.factories import sixteen, study, trial
from tests.layer_factories import layered, nasty_layers
from tests.paradigm_factories import heads, nasty_paradigms, three_paradigms

pytestmark = pytest.mark.browser

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
STUDIES = {
    "no trial": study([]),
    "one trial": study([trial()]),
    "48 trials": sixteen(3),
    "layers": layered(sixteen(1)),
    "several domains": worn(),
    "markup in names": nasty_layers(),
    "three paradigms": three_paradigms(2),
    "heads": heads(2),
    "markup in paradigms": nasty_paradigms(),
    "long names": study([trial(params={"n" * 300: "v" * 900})], name="long" * 100, quality_name="q" * 200),
}
N_CHARTS = {
    "no trial": 0,
    "one trial": 4,
    "48 trials": 8,
    "layers": 11,
    "several domains": 8,
    "markup in names": 11,
    "three paradigms": 9,
    "heads": 9,
    "markup in paradigms": 10,
    "long names": 4,
}


@pytest.fixture(scope="module")
def browser(require_tool: Callable[[str], str]) -> Iterator[Browser]:
    executable = require_tool("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("reports")
    return {name: write_report(data, folder / str(n)) for n, (name, data) in enumerate(STUDIES.items())}


class Visit:
    """A page with everything it complained about and everything it asked for."""

    def __init__(self, page: Page, report: Path) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        page.goto(report.as_uri())
        for plot in page.locator(".plot").all():
            plot.locator(".xtick, .slice").first.wait_for(state="attached")


@pytest.mark.parametrize("name", STUDIES)
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_every_chart_draws_offline_and_in_silence(
    browser: Browser, reports: dict[str, Path], name: str, scheme: str, width: int
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)  # type: ignore[arg-type]
    visit = Visit(context.new_page(), reports[name])
    page = visit.page
    assert page.locator(".plot").count() == N_CHARTS[name]
    assert page.locator(".plot:has(svg.main-svg)").count() == N_CHARTS[name]
    assert page.locator(".plot:not(:has(.trace, .heatmaplayer image, .bars))").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert visit.complaints == []
    assert [url for url in visit.requests if not url.startswith(("file:", "data:", "blob:"))] == []
    context.close()


def test_text_stands_out_from_its_ground_in_both_schemes(browser: Browser, reports: dict[str, Path]) -> None:
    inks = {}
    for scheme in ("light", "dark"):
        context = browser.new_context(color_scheme=scheme)  # type: ignore[arg-type]
        page = Visit(context.new_page(), reports["48 trials"]).page
        inks[scheme] = page.evaluate(
            "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor,"
            " getComputedStyle(document.querySelector('.plot .xtitle')).fill]"
        )
        context.close()
    for text, ground, title in inks.values():
        assert text == title
        assert text != ground
    assert inks["light"][0] != inks["dark"][0]


def test_the_charts_follow_a_change_of_scheme(browser: Browser, reports: dict[str, Path]) -> None:
    context = browser.new_context(color_scheme="light")
    page = Visit(context.new_page(), reports["one trial"]).page
    title = page.locator(".plot .xtitle").first
    before = title.evaluate("element => getComputedStyle(element).fill")
    page.emulate_media(color_scheme="dark")
    expect(title).not_to_have_css("fill", before)
    context.close()


def test_no_name_runs_as_script(browser: Browser, reports: dict[str, Path]) -> None:
    context = browser.new_context()
    page = context.new_page()
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    Visit(page, reports["markup in names"])
    assert dialogs == []
    assert page.locator("h1").inner_text() == "<script>alert(1)</script>[red]"
    context.close()


def test_an_image_of_a_chart_can_be_exported(browser: Browser, reports: dict[str, Path]) -> None:
    context = browser.new_context()
    visit = Visit(context.new_page(), reports["48 trials"])
    size = visit.page.evaluate(
        "Plotly.toImage('chart-total_energy', {format: 'png', width: 400, height: 300}).then(url => url.length)"
    )
    assert size > 5_000
    assert visit.complaints == []
    context.close()


def test_a_box_of_the_treemap_can_be_entered(browser: Browser, reports: dict[str, Path]) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    visit = Visit(context.new_page(), reports["layers"])
    boxes = visit.page.locator("#chart-layer_energy .treemap g.slice")
    assert boxes.filter(has_text="optimizer").count() == 1
    boxes.filter(has_text="layer4").click(position={"x": 40, "y": 9})  # its head; the boxes in it cover the rest
    expect(boxes.filter(has_text="optimizer")).to_have_count(0)
    expect(boxes.filter(has_text="conv2").first).to_be_visible()
    assert visit.complaints == []
    context.close()


def test_hovering_a_layer_tells_its_joules(browser: Browser, reports: dict[str, Path]) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = Visit(context.new_page(), reports["layers"]).page
    page.locator("#chart-layer_energy .treemap g.slice").filter(has_text="optimizer").hover()
    expect(page.locator("#chart-layer_energy .hovertext")).to_contain_text("J ±")
    context.close()


def test_the_page_forbids_scripts_that_are_not_its_own(browser: Browser, reports: dict[str, Path]) -> None:
    context = browser.new_context()
    page = Visit(context.new_page(), reports["one trial"]).page
    page.evaluate(
        "() => { const s = document.createElement('script'); s.textContent = 'window.ran = true';"
        " document.body.append(s); }"
    )
    assert page.evaluate("window.ran") is None
    context.close()

"""The report in headless Chromium: every chart draws, offline, without a word on the console, and everything reacts."""

import csv
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from benchmarks._generated import generated
from sweep.analysis.summary import summarise
from sweep.report.build import write_report
from sweep.report.options import with_options
from sweep.report.recommended import RELATIVE_PATH
from tests.browser.reading import Visit, visited
from tests.energy_factories import sensed, worn
from tests.factories import sixteen, study, trial
from tests.layer_factories import layered, nasty_layers
from tests.paradigm_factories import heads, nasty_paradigms, three_paradigms

pytestmark = pytest.mark.browser

SENSED = sensed(layered(sixteen(3)))
STUDIES = {
    "no trial": study([]),
    "one trial": study([trial()]),
    "48 trials": SENSED,
    "several domains": worn(),
    "markup in names": nasty_layers(),
    "three paradigms": three_paradigms(2),
    "heads": heads(2),
    "markup in paradigms": nasty_paradigms(),
    "long names": study([trial(params={"n" * 300: "v" * 900})], name="long" * 100, quality_name="q" * 200),
}
LOOKS = [("light", 1280, name) for name in STUDIES if "markup" not in name] + [  # those have a test of their own
    ("dark", 390, name) for name in ("48 trials", "three paradigms", "long names")
]


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("reports")
    return {name: write_report(data, folder / str(n)) for n, (name, data) in enumerate(STUDIES.items())}


@pytest.mark.parametrize(("scheme", "width", "name"), LOOKS)
def test_every_chart_draws_offline_and_in_silence(
    browser: Browser, reports: dict[str, Path], scheme: str, width: int, name: str
) -> None:
    with visited(browser, reports[name], width=width, height=844, scheme=scheme) as visit:
        visit.draw_all()
        plots = visit.page.locator(".plot")
        assert (plots.count() > 0) == (name != "no trial")
        assert visit.page.locator(".plot:has(svg.main-svg)").count() == plots.count()
        assert visit.page.locator(".plot:not(:has(.trace, .heatmaplayer image, .bars, .slice))").count() == 0
        assert visit.scroll_width() <= width
        assert visit.complaints == []
        assert visit.foreign == []


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_the_first_screen_holds_the_sentence_three_numbers_and_the_front(
    browser: Browser, reports: dict[str, Path], width: int, height: int
) -> None:
    primary = summarise(STUDIES["three paradigms"]).recommendations.primary
    assert primary is not None
    with visited(browser, reports["three paradigms"], width=width, height=height) as visit:
        page = visit.page
        page.locator("#chart-front .xtick").first.wait_for(state="attached")
        expect(page.locator("#decision .action:visible")).to_have_text(f"{primary.action}.")
        assert page.locator("#decision .number:visible").count() == 3
        for part in (".action", ".numbers", "#chart-front .xtitle"):
            box = page.locator(f"#decision {part}").first.bounding_box()
            assert box is not None
            assert box["y"] + box["height"] <= height


def test_a_click_on_the_front_fixes_a_point_and_gives_its_yaml(browser: Browser, reports: dict[str, Path]) -> None:
    report = reports["48 trials"]
    recommended = (report.parent / RELATIVE_PATH).read_text(encoding="utf-8")
    with visited(browser, report) as visit:
        page = visit.page
        yaml = page.locator("#point-yaml")
        expect(yaml).to_have_text(recommended)
        first = page.locator("#chart-front .trace.scatter:has(.points path) .points path").first
        first.wait_for(state="attached")
        box = first.bounding_box()
        assert box is not None
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        expect(page.locator(".picked")).to_contain_text("epoch 1:")
        details = page.locator("#point-details")
        start = summarise(SENSED).front[0]
        expect(details).to_contain_text(f"batch_size {start.setup.params['batch_size']}, lr {start.setup.params['lr']}")
        expect(details).to_contain_text("±")
        assert "max_epochs: 1\n" in yaml.inner_text()
        page.locator("#point-select").select_option(index=4)
        expect(page.locator("#point-yaml")).not_to_contain_text("max_epochs: 1\n")
        assert visit.complaints == []


def test_energies_follow_the_unit_everywhere(browser: Browser, reports: dict[str, Path]) -> None:
    with visited(browser, reports["48 trials"]) as visit:
        page = visit.page
        visit.draw_all()
        before = page.locator("#decision .number data:visible")
        joules = float(before.get_attribute("value") or "")
        ticks = page.locator("#chart-front .xtick").all_text_contents()
        visit.choose("unit", "Wh")
        expect(before).to_have_text(f"{1000 * joules / 3600:.1f} mWh")
        expect(page.locator("#chart-front .xtitle")).to_contain_text("measured Wh)")
        assert page.locator("#chart-front .xtick").all_text_contents() != ticks
        spelled = re.compile(r"\d [kMm]?J\b")
        assert spelled.findall(page.locator("main").inner_text()) == []
        assert spelled.findall(page.locator("#chart-front").get_attribute("aria-label") or "") == []
        visit.choose("unit", "gCO2e")
        expect(before).to_contain_text("g CO2e")
        expect(page.locator("#why-unit")).to_contain_text("kg a kWh")
        visit.choose("unit", "J")
        expect(before).to_have_text(re.compile(r" J$"))
        expect(page.locator("#chart-front .xtitle")).to_contain_text("measured J)")
        assert page.locator("#chart-front .xtick").all_text_contents() == ticks
        assert visit.complaints == []


def test_a_sentence_and_the_number_beside_it_are_rounded_alike(browser: Browser, reports: dict[str, Path]) -> None:
    with visited(browser, reports["heads"]) as visit:  # 48.48 J are 6.47 mg, 48.5 J would be 6.48 mg
        visit.choose("unit", "gCO2e")
        number = visit.page.locator("#decision .number data:visible").inner_text()
        expect(visit.page.locator("#decision .action:visible")).to_contain_text(f"for {number};")


def test_the_view_above_idle_shows_smaller_joules_and_says_so(browser: Browser, reports: dict[str, Path]) -> None:
    with visited(browser, reports["48 trials"]) as visit:
        page = visit.page
        visit.draw_all()
        number = page.locator("#decision .number data:visible")
        total = float(number.get_attribute("value") or "")
        visit.choose("view", "idle")
        assert float(number.get_attribute("value") or "") < 0.9 * total
        expect(page.locator("#chart-front .xtitle")).to_contain_text("above idle")
        expect(page.locator("#recommendations .idle .soft").first).to_contain_text("above idle")
        expect(page.locator("#trials-table th", has_text="energy above idle")).to_be_visible()
        expect(page.locator("#ledger")).to_contain_text("counts all joules")
        assert visit.complaints == []


def test_without_idle_power_the_view_is_off_and_says_why(browser: Browser, reports: dict[str, Path]) -> None:
    with visited(browser, reports["three paradigms"]) as visit:
        expect(visit.page.locator('input[value="idle"]')).to_be_disabled()
        expect(visit.page.locator("#why-view")).to_contain_text("the idle power of cpu:process is not known")


def test_the_slider_tells_the_joules_at_its_number_and_marks_it(browser: Browser, reports: dict[str, Path]) -> None:
    with visited(browser, reports["three paradigms"]) as visit:
        page = visit.page
        visit.draw_all()
        slider, told = page.locator("#reuses-slider"), page.locator("#reuses-told")
        slider.focus()
        page.keyboard.press("Home")
        expect(page.locator("#reuses-count")).to_have_text("1")
        once = [float(item.get_attribute("value") or "") for item in told.locator("li data").all()]
        page.keyboard.press("End")
        expect(page.locator("#reuses-count")).to_have_text("any number of")
        never = [float(item.get_attribute("value") or "") for item in told.locator("li data").all()]
        assert never[0] < once[0]
        assert never[1] == once[1]
        assert page.locator("#chart-break_even .shapelayer path").count() >= 1
        assert visit.complaints == []


def test_trials_sort_filter_and_turn_pages(browser: Browser, reports: dict[str, Path]) -> None:
    with visited(browser, reports["48 trials"]) as visit:
        page, table = visit.page, visit.page.locator("#trials-table")
        heading = table.locator("th", has_text="energy").filter(visible=True)
        heading.get_by_role("button").click()
        expect(heading).to_have_attribute("aria-sort", "ascending")
        joules = [float(item.get_attribute("value") or "") for item in table.locator("tbody td.total data").all()]
        assert joules == sorted(joules)
        heading.get_by_role("button").press("Enter")
        expect(heading).to_have_attribute("aria-sort", "descending")
        page.locator("#trials-text").fill("4096")
        expect(page.locator("#trials-count")).to_have_text("12 of 48 trials")
        assert table.locator("tbody tr").count() == 12
        page.locator("#trials-state").select_option("early stopping")
        expect(page.locator("#trials-count")).to_have_text("12 of 48 trials")


def test_a_table_sorted_in_another_unit_goes_back_to_joules(browser: Browser, reports: dict[str, Path]) -> None:
    with visited(browser, reports["48 trials"]) as visit:
        page = visit.page
        heading = page.locator("#trials-table th", has_text="energy").filter(visible=True)
        cells = page.locator("#trials-table tbody td.total")
        heading.get_by_role("button").click()
        before = cells.all_inner_texts()
        visit.choose("unit", "Wh")
        heading.get_by_role("button").click()
        heading.get_by_role("button").click()
        expect(cells).not_to_have_text(before)
        visit.choose("unit", "J")
        expect(cells).to_have_text(before)


def test_every_table_and_chart_downloads_exact_numbers(
    browser: Browser, reports: dict[str, Path], tmp_path: Path
) -> None:
    with visited(browser, reports["48 trials"]) as visit:
        page = visit.page
        visit.draw_all()
        visit.choose("unit", "Wh")  # what is downloaded stays in joules
        assert page.locator("figure:has(.plot)").count() == page.locator("figure button.csv").count()
        with page.expect_download() as found:
            page.locator("#trials button.csv").click()
        found.value.save_as(tmp_path / "trials.csv")
        rows = list(csv.DictReader((tmp_path / "trials.csv").read_text(encoding="utf-8").splitlines()))
        assert {int(row["trial"]): float(row["energy (J)"]) for row in rows} == {
            record.number: record.energy_j for record in SENSED.trials
        }
        with page.expect_download() as found:
            page.locator("#decision button.csv").click()
        found.value.save_as(tmp_path / "front.csv")
        points = list(csv.reader((tmp_path / "front.csv").read_text(encoding="utf-8").splitlines()))
        best = summarise(SENSED).front[-1]
        joules = [float(row[1]) for row in points[1:] if row[0] == "front"]
        assert best.energy_j in joules
        assert _downloaded(visit, "#ledger button.csv", tmp_path)[0][:3] == ["session", "trials run", "duration"]
        layers = _downloaded(visit, "#layers details:visible button.csv", tmp_path)
        assert layers[0][:5] == ["layer", "type", "pass", "energy (J)", "energy (J), aside"]
        assert all(float(row[3]) > 0 for row in layers[1:])
        steps = _downloaded(visit, "figure:has(#chart-layer_steps) button.csv", tmp_path)
        assert all(row[2] for row in steps[1:])
        assert visit.complaints == []
        assert visit.foreign == []


def test_tables_of_short_texts_download_with_all_digits(browser: Browser, tmp_path: Path) -> None:
    data = with_options(three_paradigms(2), {"report.footprint.grid": "DEU", "report.footprint.price_per_kwh": 0.3})
    summary = summarise(data)
    with visited(browser, write_report(data, tmp_path)) as visit:
        head, *rows = _downloaded(visit, "#footprint button.csv", tmp_path)
        for row, expected in zip(rows, summary.footprint.rows, strict=True):
            for name, unit, amount in (("CO2e", "kg", expected.co2e_kg), ("money", "EUR", expected.money)):
                assert amount is not None
                told, spread = row[head.index(name)].split(f" {unit} ")
                assert float(told) == amount.value
                assert [float(item) for item in spread.strip("()").split(" to ")] == [amount.low, amount.high]
        head, *rows = _downloaded(visit, "#paradigms .scroll + .tools button.csv", tmp_path)
        items = [item for item in summary.paradigms.break_even[0].items if item.trainings is not None]
        assert items
        downloaded = {row[head.index("break-even")]: row[head.index("interval")] for row in rows}
        for item in items:
            assert item.interval is not None
            told = [None if end == "never" else float(end) for end in downloaded[repr(item.trainings)].split(" to ")]
            assert told == [item.interval.low, item.interval.high]
        assert visit.complaints == []


def _downloaded(visit: Visit, button: str, folder: Path) -> list[list[str]]:
    """Rows of what a button downloads."""
    visit.page.evaluate("document.querySelectorAll('details').forEach(item => { item.open = true; })")
    with visit.page.expect_download() as found:
        visit.page.locator(button).filter(visible=True).first.click()
    found.value.save_as(folder / "downloaded.csv")
    return list(csv.reader((folder / "downloaded.csv").read_text(encoding="utf-8").splitlines()))


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_moves_when_a_chart_is_drawn(browser: Browser, reports: dict[str, Path], width: int) -> None:
    tops = "[...document.querySelectorAll('main h2, .plot')].map(item => [item.id, item.getBoundingClientRect().top])"
    with visited(browser, reports["several domains"], width=width) as visit:
        before = visit.page.evaluate(tops)
        visit.draw_all()
        assert visit.page.locator(".plot .main-svg").count() > 10
        after = visit.page.evaluate(tops)
    assert [name for (name, old), (_, new) in zip(before, after, strict=True) if abs(new - old) > 2] == []


def test_a_static_table_sorts_by_its_numbers(browser: Browser, reports: dict[str, Path]) -> None:
    with visited(browser, reports["48 trials"]) as visit:
        setups = visit.page.locator("#setups .total table")
        setups.locator("th button", has_text="accuracy").click()
        expect(setups.locator("th", has_text="accuracy")).to_have_attribute("aria-sort", "ascending")
        told = setups.locator("tbody td:nth-child(4)").all()
        qualities = [float(cell.get_attribute("data-exact") or "") for cell in told]
        assert qualities == sorted(qualities)
        assert len(qualities) == 16


@pytest.mark.parametrize("way", ["system", "switch"])
def test_text_and_charts_follow_a_change_of_scheme(browser: Browser, reports: dict[str, Path], way: str) -> None:
    with visited(browser, reports["one trial"]) as visit:
        page = visit.page
        title = page.locator("#chart-front .xtitle")
        inks = "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
        title.wait_for(state="attached")
        light, before = page.evaluate(inks), title.evaluate("element => getComputedStyle(element).fill")
        if way == "system":
            page.emulate_media(color_scheme="dark")
        else:
            visit.choose("theme", "dark")
        expect(title).not_to_have_css("fill", before)
        dark = page.evaluate(inks)
        assert dark[0] != dark[1]
        assert dark[0] != light[0]
        assert title.evaluate("element => getComputedStyle(element).fill") == dark[0]


def test_it_prints_every_section_in_light_colours(browser: Browser, reports: dict[str, Path]) -> None:
    with visited(browser, reports["48 trials"], scheme="dark") as visit:
        page = visit.page
        page.evaluate(
            "addEventListener('beforeprint', () => { window.paper = ["
            "document.querySelectorAll('.plot .main-svg').length, document.querySelectorAll('.plot').length,"
            "Math.max(...[...document.querySelectorAll('.plot .main-svg')].map(svg => svg.width.baseVal.value)),"
            "document.documentElement.dataset.theme, document.querySelectorAll('main details:not([open])').length]; })"
        )
        text = page.pdf(prefer_css_page_size=True)
        drawn, plots, width, theme, closed = page.evaluate("window.paper")
        assert text.startswith(b"%PDF")
        assert drawn >= plots > 0
        assert width <= 720
        assert theme == "light"
        assert closed == 0
        assert page.evaluate("document.documentElement.dataset.theme") is None
        assert visit.complaints == []


@pytest.mark.parametrize("name", ["markup in names", "markup in paradigms"])
def test_no_name_runs_as_script(browser: Browser, reports: dict[str, Path], name: str) -> None:
    with visited(browser, reports[name]) as visit:
        visit.draw_all()
        visit.choose("unit", "Wh")
        assert visit.page.locator("h1").inner_text() == STUDIES[name].study.name
        assert visit.complaints == []


def test_an_image_of_a_chart_can_be_exported(browser: Browser, reports: dict[str, Path]) -> None:
    with visited(browser, reports["48 trials"]) as visit:
        visit.draw_all()
        size = visit.page.evaluate(
            "Plotly.toImage('chart-total_energy', {format: 'png', width: 400, height: 300}).then(url => url.length)"
        )
        assert size > 5_000
        assert visit.complaints == []


def test_a_box_of_the_treemap_can_be_entered(browser: Browser, reports: dict[str, Path]) -> None:
    with visited(browser, reports["48 trials"]) as visit:
        visit.draw_all()
        boxes = visit.page.locator("#chart-layer_energy .treemap g.slice")
        assert boxes.filter(has_text="optimizer").count() == 1
        boxes.filter(has_text="layer4").click(position={"x": 40, "y": 9})  # its head; the boxes in it cover the rest
        expect(boxes.filter(has_text="optimizer")).to_have_count(0)
        expect(boxes.filter(has_text="conv2").first).to_be_visible()
        assert visit.complaints == []


def test_hovering_a_layer_tells_its_joules_in_the_unit(browser: Browser, reports: dict[str, Path]) -> None:
    with visited(browser, reports["48 trials"]) as visit:
        visit.draw_all()
        visit.choose("unit", "Wh")
        visit.page.locator("#chart-layer_energy .treemap g.slice").filter(has_text="optimizer").hover()
        expect(visit.page.locator("#chart-layer_energy .hovertext")).to_contain_text("Wh ±")


def test_the_page_forbids_scripts_that_are_not_its_own(browser: Browser, reports: dict[str, Path]) -> None:
    with visited(browser, reports["one trial"]) as visit:
        visit.page.evaluate(
            "() => { const s = document.createElement('script'); s.textContent = 'window.ran = true';"
            " document.body.append(s); }"
        )
        assert visit.page.evaluate("window.ran") is None


def test_a_command_is_copied(browser: Browser, reports: dict[str, Path]) -> None:
    with visited(browser, reports["48 trials"]) as visit:
        visit.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        button = visit.page.locator('[data-copy="command-train"]')
        button.click()
        expect(button).to_have_text("Copied")
        assert "+experiment=recommended" in visit.page.evaluate("navigator.clipboard.readText()")


@pytest.mark.slow
@pytest.mark.parametrize("n_trials", [1_500, pytest.param(10_000, marks=pytest.mark.long)])
def test_thousands_of_trials_draw_sort_and_filter_in_silence(browser: Browser, tmp_path: Path, n_trials: int) -> None:
    report = write_report(generated(n_trials, n_epochs=20, n_layers=4), tmp_path)
    assert report.stat().st_size <= 15_000_000
    with visited(browser, report) as visit:
        page = visit.page
        visit.draw_all()
        page.locator("#trials-text").fill("baseline")
        expect(page.locator("#trials-count")).to_contain_text(f"of {n_trials} trials")
        assert page.locator("#trials-table tbody tr").count() == 50
        heading = page.locator("#trials-table th", has_text="accuracy")
        heading.get_by_role("button").click()
        expect(heading).to_have_attribute("aria-sort", "ascending")
        page.locator("#trials-after").click()
        expect(page.locator("#trials-page")).to_contain_text("page 2 of")
        page.locator("#point-select").select_option(index=2)
        expect(page.locator("#point-yaml")).to_contain_text("max_epochs:")
        visit.choose("unit", "gCO2e")
        assert visit.complaints == []
        assert visit.foreign == []

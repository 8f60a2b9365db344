"""The report is valid, self-contained HTML that no name can break out of."""

import base64
import hashlib
import json
import re
from pathlib import Path

import html5lib
import pytest

from sweep.analysis.above_idle import above_idle
from sweep.analysis.summary import summarise
from sweep.records import StopReason, StudyData
from sweep.report import html
from sweep.report.trials_view import FIRST_ROWS
from tests.energy_factories import CLOUD, CLOUD_LABEL, sensed, worn
from tests.factories import repeats, sixteen, study, trial
from tests.layer_factories import layered, nasty_layers

FAILED = study([trial(0, qualities=(), epoch_j=None, stop_reason=StopReason.CRASHED, message="boom")])
WORN = worn()
STUDIES = {
    "no trial": study([]),
    "one trial": study([trial()]),
    "all failed": FAILED,
    "three repeats": sixteen(3),
    "one repeat": sixteen(1),
    "markup in names": nasty_layers(),
    "layers": layered(sixteen(1), notes=["the model was compiled"]),
    "several domains": WORN,
    "a long name": study([trial(params={"n" * 300: "v" * 900})], name="long " * 200),
}


@pytest.fixture(scope="module", params=list(STUDIES.values()), ids=list(STUDIES))
def page(request: pytest.FixtureRequest) -> str:
    return _render(request.param)


def _render(data: StudyData) -> str:
    dynamic = above_idle(data)
    idle = None if dynamic is None else html.view_of(summarise(dynamic))
    return html.render(html.view_of(summarise(data)), Path("reports/x"), idle)


def _section(page: str, name: str) -> str:
    found = re.search(rf'<section id="{name}"[^>]*>(.*?)</section>', page, flags=re.DOTALL)
    assert found is not None
    return found[1]


def _without_plotly(page: str) -> str:
    return re.sub(r"<script>.*?</script>", "<script></script>", page, flags=re.DOTALL)


def test_it_is_valid_html(page: str) -> None:
    html5lib.HTMLParser(strict=True).parse(_without_plotly(page))


def test_nothing_is_fetched(page: str) -> None:
    links = re.findall(r"""(?:src|href|action)=["']?([^"'\s>]+)""", _without_plotly(page))
    assert [link for link in links if not link.startswith("#")] == ["data:,"]
    assert "url(" not in _without_plotly(page)


def test_the_policy_allows_exactly_the_scripts_in_the_file(page: str) -> None:
    scripts = re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL)
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    assert re.findall(r"sha256-([^&']*)", policy[1].replace("&#39;", "'")) == digests
    assert "default-src" in policy[1]
    assert "unsafe-eval" not in policy[1]
    assert "script-src 'unsafe-inline'" not in policy[1].replace("&#39;", "'")


def test_names_are_text_everywhere() -> None:
    page = _render(nasty_layers())
    assert "<script>alert" not in page
    assert "<b>x</b>" not in page
    assert "&lt;script&gt;alert(1)" in page
    figures = re.search(r'id="figures">(.*?)</script>', page, flags=re.DOTALL)
    assert figures is not None
    assert "<script" not in json.dumps(json.loads(figures[1]))


def test_figures_are_plain_json(page: str) -> None:
    figures = re.search(r'id="figures">(.*?)</script>', page, flags=re.DOTALL)
    if figures is None:
        assert "Nothing to draw yet" in page
        return
    for figure in json.loads(figures[1]).values():
        assert {trace["type"] for trace in figure["data"]} <= {"scatter", "heatmap", "bar", "treemap", "violin"}


def test_the_recommendation_comes_first_with_its_numbers() -> None:
    page = _render(sixteen(3))
    primary = summarise(sixteen(3)).recommendations.primary
    assert primary is not None
    assert page.index(primary.action) < page.index('id="chart-front"')
    assert "of the joules saved against the most accurate setup" in page
    assert "python -m sweep --config-dir reports/x/conf +experiment=recommended" in page


def test_the_notice_of_the_data_and_its_mend_are_a_banner() -> None:
    page = _render(study([trial()], notice="These data are synthetic.", mend="sweep fetch pamap2"))
    assert page.index("These data are synthetic.") < page.index('id="recommendations"')
    assert "sweep fetch pamap2" in page


def test_one_repeat_is_said_to_be_unconfirmed() -> None:
    assert "Not confirmed." in _render(sixteen(1))
    assert "Not confirmed." not in _render(sixteen(2))


def test_modelled_joules_are_called_modelled() -> None:
    page = _render(sixteen(1))
    assert "modelled J" in page
    assert "no sensor was read" in page


def test_a_failure_shows_its_message_and_no_recommendation() -> None:
    page = _render(FAILED)
    assert "Nothing can be recommended: all 1 trials failed." in page
    assert "boom" in page
    assert "+experiment=recommended" not in page


def test_without_scripts_the_first_trials_are_there_and_the_data_hold_all() -> None:
    page = _render(study(repeats({"lr": 0.1}, [(0.5,)] * 60)))
    trials = _section(page, "trials")
    assert trials.count("<tr>") == 1 + FIRST_ROWS
    assert "The first 50; trials.csv has all." in trials
    data = re.search(r'id="page-data">(.*?)</script>', page, flags=re.DOTALL)
    assert data is not None
    assert [row[0] for row in json.loads(data[1])["trials"]["rows"]] == list(range(60))


def test_a_number_of_joules_carries_its_exact_value() -> None:
    primary = summarise(sixteen(3)).recommendations.primary
    assert primary is not None
    assert primary.point is not None
    assert f'<data value="{primary.point.energy_j!r}">' in _section(_render(sixteen(3)), "decision")


def test_every_id_is_its_own() -> None:
    found = re.findall(r' id="([^"]+)"', _without_plotly(_render(sensed(layered(sixteen(2))))))
    assert len(found) == len(set(found))


def test_each_section_that_depends_on_it_stands_there_for_both_views() -> None:
    page = _render(sensed(layered(sixteen(2))))
    for name in ("decision", "recommendations", "setups", "layers", "factors", "hypervolume"):
        section = _section(page, name)
        assert "idle" in re.findall(r'class="(?:[a-z]+ )*(total|idle)"', section), name
        assert "above idle" in section, name
    assert "The ledger counts all joules" in _section(page, "ledger")
    assert 'class="idle"' not in _render(sixteen(2))


def test_every_link_of_the_contents_leads_somewhere(page: str) -> None:
    links = re.findall(r'href="#([^"]+)"', _without_plotly(page))
    assert set(links) <= set(re.findall(r' id="([^"]+)"', page))


def test_layers_have_a_table_with_its_notes_and_drift_a_sentence() -> None:
    page = _render(layered(sixteen(1), noise_rel=0.0, notes=["the model was compiled"]))
    table = page[page.index('<section id="layers">') : page.index('<section id="setups">')]
    assert "Energy per step in the first epoch was 5 % above the later median (p &lt; 0.001, 16 trials)." in table
    assert "The recommended setup: " in table
    assert "<td>layer4.1.conv2</td><td>Conv2d</td><td>backward</td>" in table
    assert "the model was compiled." in table
    assert "These joules are modelled, not measured." in table


def test_two_phases_are_told_apart() -> None:
    page = _render(nasty_layers())
    assert '<th scope="col">phase</th>' in page
    assert '<th scope="col">phase</th>' not in _render(layered(sixteen(1)))


def test_the_label_stands_wherever_a_total_does() -> None:
    page = _render(sensed(sixteen(1), CLOUD))
    sections = dict(re.findall(r'<section id="(\w+)">(.*?)</section>', page, flags=re.DOTALL))
    assert CLOUD_LABEL in page[: page.index('<section id="recommendations">')]
    for name in ("hypervolume", "setups", "trials", "ledger", "sources"):
        assert CLOUD_LABEL in sections[name]
    assert "joules of cpu:process, memory:process are modelled, not measured" in sections["recommendations"]
    assert "energy is measured" not in page


def test_where_the_joules_are_from_has_its_tables() -> None:
    page = _render(WORN)
    sources = page[page.index('<section id="sources">') : page.index('<section id="provenance">')]
    assert re.findall(r"<h3>(.*?)</h3>", sources) == [
        "Domains",
        "Counter and polled power",
        "Joules that were bridged",
        "Trials in which other programs ran",
        "Trials of unsteady power",
        "Sensors over the trials",
    ]
    assert "study.redo=contaminated does them again" in sources
    assert "done again as trial 16" in page
    assert "done again: trial 2." in page


def test_joules_above_idle_stand_beside_the_gross_ones_where_they_are_known() -> None:
    head = '<th scope="col" class="n">above idle</th>'
    known, unknown = _render(sensed(sixteen(1))), _render(sixteen(1))
    assert head in known[known.index('<section id="setups">') :]
    assert head not in unknown

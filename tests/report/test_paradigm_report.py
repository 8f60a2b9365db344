"""Paradigms in the report: sections, tables, charts and JSON; and nothing of them where there are none."""

import io
import json
import re
from pathlib import Path

import html5lib
import msgspec
import pytest
from rich.console import Console

from sweep.analysis.summary import summarise
from sweep.records import StudyData
from sweep.report import html
from sweep.report.charts import break_even, heads_energy, variance_shares
from sweep.report.console import print_closing
from sweep.report.json_report import to_dict
from sweep.report.notes import study_note
from sweep.report.paradigm_tables import factors_view, paradigms_view
from tests.factories import sixteen, study, trial
from tests.paradigm_factories import heads, nasty_paradigms, three_paradigms, triple

STUDIES = {
    "two repeats": three_paradigms(2),
    "one repeat, cached": three_paradigms(1, cached=True),
    "heads": heads(2),
    "markup in names": nasty_paradigms(),
}


def _without_scripts(page: str) -> str:
    return re.sub(r"<script>.*?</script>", "<script></script>", page, flags=re.DOTALL)


@pytest.mark.parametrize("data", STUDIES.values(), ids=STUDIES.keys())
class TestEveryStudy:
    """Whatever the paradigms are."""

    def test_the_page_is_valid_and_no_name_is_markup(self, data: StudyData) -> None:
        page = html.render(html.view_of(summarise(data)), Path("reports/x"))
        html5lib.HTMLParser(strict=True).parse(_without_scripts(page))
        assert "<script>alert" not in page
        assert page.index('<section id="paradigms">') < page.index('<section id="factors">') < page.index('"layers"')

    def test_each_row_has_a_cell_a_column(self, data: StudyData) -> None:
        summary = summarise(data)
        for view in (paradigms_view(summary), factors_view(summary)):
            assert view is not None
            for table in view.tables:
                assert {len(row) for row in table.rows} == {len(table.columns)}

    def test_it_is_json(self, data: StudyData) -> None:
        assert json.loads(json.dumps(to_dict(data), allow_nan=False))["paradigms"]["means"]


def test_a_study_without_paradigms_says_nothing_of_them() -> None:
    page = html.render(html.view_of(summarise(sixteen(1))), Path("reports/x"))
    assert '<section id="paradigms">' not in page
    assert "Break-even" not in page
    assert to_dict(sixteen(1))["paradigms"] is None
    assert to_dict(sixteen(1))["break_even"] == []
    assert "batch_size explains" in page


def test_nothing_varies_so_nothing_explains() -> None:
    page = html.render(html.view_of(summarise(study([trial()]))), Path("reports/x"))
    assert '<section id="factors">' not in page
    assert to_dict(study([trial()]))["factors"] is None


def test_break_even_in_json_has_one_entry_a_setup() -> None:
    entries = to_dict(study(triple([(100.0, 20.0, 40.0)])))["break_even"]
    assert entries == [
        {
            "params": {"batch_size": 64, "lr": 0.1},
            "paradigm": "pretrain_frozen",
            "cached_features": False,
            "trainings": pytest.approx(5.0),
            "never": False,
            "interval": None,
            "pretraining_j": 100.0,
            "downstream_j": 20.0,
            "baseline_j": 40.0,
            "reason": None,
            "n": 1,
            "trials": [0, 1],
            "diverged": [],
            "quality_gap": 0.0,
            "quality_gap_u": None,
            "verdict": "comparable",
        }
    ]
    assert len(to_dict(three_paradigms(2))["break_even"]) == 32


def test_the_lines_cross_where_the_equation_says() -> None:
    numbers = break_even.info(summarise(study(triple([(100.0, 20.0, 40.0)]))))
    assert numbers is not None
    (panel,) = numbers.panels
    (pair,) = panel.pairs
    assert pair.crossing is not None
    assert (pair.crossing.x, pair.crossing.energy_j) == (pytest.approx(5.0), pytest.approx(200.0))
    assert (pair.pretrained_j[0], pair.baseline_j[0]) == (100.0, 0.0)
    assert pair.x[-1] == pytest.approx(7.0)
    assert pair.pretrained_j[-1] < pair.baseline_j[-1]
    assert not panel.log


def test_lines_that_never_cross_are_drawn_without_a_mark() -> None:
    numbers = break_even.info(summarise(study(triple([(100.0, 50.0, 40.0)]))))
    assert numbers is not None
    assert numbers.panels[0].pairs[0].crossing is None
    assert len(break_even.plot(numbers).data) == 2


def test_an_interval_that_holds_never_is_cut_at_the_edge() -> None:
    energies = [(100.0, 38.0, 40.0), (100.0, 42.0, 41.0), (100.0, 36.0, 42.0)]
    numbers = break_even.info(summarise(study(triple(energies))))  # type: ignore[arg-type]
    assert numbers is not None
    pair = numbers.panels[0].pairs[0]
    assert pair.crossing is not None
    assert pair.crossing.high == pair.x[-1]
    assert "to never" in pair.crossing.hover


def test_cached_features_have_a_panel_that_says_so() -> None:
    numbers = break_even.info(summarise(three_paradigms(1, cached=True)))
    assert numbers is not None
    assert [panel.title for panel in numbers.panels] == [
        "pretrain_frozen (features cached) against the baseline",
        "pretrain_finetune against the baseline",
    ]


def test_the_shares_of_a_bar_sum_to_100() -> None:
    numbers = variance_shares.info(summarise(three_paradigms(2)))
    assert numbers is not None
    bars = zip(*(part.shares for part in numbers.parts), strict=True)
    assert [sum(item or 0.0 for item in bar) for bar in bars] == pytest.approx([100.0] * len(numbers.bars))
    assert numbers.bars[3] == "baseline:<br>joules per epoch"
    assert numbers.parts[-1].name == "repeats"


def test_heads_stand_one_on_another_beside_the_whole() -> None:
    numbers = heads_energy.info(summarise(heads(1)))
    assert numbers is not None
    assert [(bars.name, bars.is_single, bars.energy_j[0]) for bars in numbers.bars] == [
        ("singletask.identity", True, pytest.approx(100.0)),
        ("singletask.pose", True, pytest.approx(60.0)),
        ("multitask", False, pytest.approx(96.0)),
    ]


def test_the_label_stands_beside_the_joules() -> None:
    page = html.render(html.view_of(summarise(three_paradigms(2))), Path("reports/x"))
    sections = dict(re.findall(r'<section id="(\w+)">(.*?)</section>', page, flags=re.DOTALL))
    for name in ("paradigms", "factors"):
        assert "Energy is cpu:process (modelled)." in sections[name]
    assert "From " in sections["paradigms"]
    assert "that share a pretraining on" in sections["paradigms"]


def test_the_note_and_the_console_say_the_same() -> None:
    summary = summarise(three_paradigms(2))
    stream = io.StringIO()
    print_closing(summary, Path("reports/x"), Console(file=stream, width=10_000))
    sentence = "From 2 trainings that share a pretraining on"
    assert sentence in stream.getvalue()
    assert sentence in study_note(summary)


@pytest.mark.parametrize(
    ("current", "told"),
    [
        (
            {"batch_size": 64, "lr": 0.001},
            "with the recommendation instead of your current setup. Your current setup is",
        ),
        ({"batch_size": 7}, "nothing can be said: batch_size 7 is not among the setups of this search."),
    ],
)
def test_the_users_current_setup_is_a_reference_of_the_ledger(current: dict[str, float], told: str) -> None:
    data = sixteen(2)
    config = data.study.config | {"study": {"current": current}}
    data = msgspec.structs.replace(data, study=msgspec.structs.replace(data.study, config=config))
    page = html.render(html.view_of(summarise(data)), Path("reports/x"))
    ledger = page[page.index('<section id="ledger">') :]
    assert told in " ".join(ledger.split())
    assert to_dict(data)["ledger"]["payback"][0]["reference"] == "current_setup"

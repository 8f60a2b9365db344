"""The numbers behind the page's switches: the front's points, the slider, the trials, the third unit."""

import math

import pytest

from sweep.analysis.summary import summarise
from sweep.records import TestResult
from sweep.report.front_view import front_view
from sweep.report.recommendation_view import MAX_EVIDENCE, TITLES, cards
from sweep.report.reuses_view import reuses_view
from sweep.report.sections import OTHERS, charts, draw
from sweep.report.trials_view import FIRST_ROWS, trials_view
from sweep.report.units import co2e_unit
from tests.energy_factories import sensed
from tests.factories import repeats, sixteen, study, trial
from tests.paradigm_factories import three_paradigms


def test_each_point_of_the_front_can_be_picked_with_its_exact_numbers() -> None:
    summary = summarise(sixteen(3))
    view = front_view(summary, None)
    assert [tuple(place) for place in view["front"]] == [
        (summary.setups.index(point.setup), point.epoch) for point in summary.front
    ]
    for (index, epoch), point in zip(view["front"], summary.front, strict=True):
        assert view["points"][index][epoch][:5] == [
            point.energy_j,
            point.energy_sd_j,
            point.quality,
            point.quality_sd,
            point.n,
        ]


def test_points_that_only_the_chart_shows_can_be_picked_too() -> None:
    summary = summarise(sixteen(2))
    figure = charts({"total": draw(summary)}).figures["total"]["front"]
    view = front_view(summary, figure)
    places = {(int(i), int(e)) for trace in figure.data if trace.customdata is not None for i, e in trace.customdata}
    assert places
    assert all(view["points"][index][epoch] for index, epoch in places)


def test_test_quality_is_told_of_tested_points_only() -> None:
    records = repeats({"lr": 0.1}, [(0.5, 0.8), (0.5, 0.7)])
    tests = [TestResult(number=n, epoch=2, weights_epoch=2, quality=q) for n, q in ((0, 0.7), (1, 0.6))]
    summary = summarise(study(records, tests=tests))
    points = front_view(summary, None)["points"][0]
    assert points[2][7] == pytest.approx([0.65, math.sqrt(0.005), 2])
    assert points[1][7] is None


def test_the_slider_starts_from_what_a_training_is_charged_with() -> None:
    summary = summarise(three_paradigms(2))
    view = reuses_view(summary)
    assert view is not None
    found = summary.paradigms.amortisation
    assert found is not None
    for row in found.rows:
        assert row.point is not None
        step = next(s for s in view["steps"] if s["reuses"] == (None if math.isinf(row.reuses) else row.reuses))
        charged_j = step["downstream_j"] + step["pretraining_j"] / row.reuses
        assert charged_j == pytest.approx(row.point.energy_j)
    reuses = [math.inf if step["reuses"] is None else step["reuses"] for step in view["steps"]]
    assert reuses == sorted(reuses)
    for line in view["paradigms"]:
        assert line["pretraining_j"] / line["trainings"] + line["downstream_j"] == pytest.approx(line["baseline_j"])


def test_without_a_pretraining_there_is_no_slider() -> None:
    assert reuses_view(summarise(sixteen(1))) is None


def test_trials_hold_exact_numbers_and_only_the_first_rows_as_text() -> None:
    data = sensed(study(repeats({"lr": 0.1}, [(0.5,)] * (FIRST_ROWS + 5))))
    view = trials_view(summarise(data))
    assert len(view.rows) == FIRST_ROWS + 5
    assert len(view.first) == FIRST_ROWS
    names = [column.name for column in view.columns]
    joules, idle = names.index("energy"), names.index("energy above idle")
    assert [row[joules] for row in view.rows] == [record.energy_j for record in data.trials]
    assert [row[idle] for row in view.rows] == [record.energy_dynamic_j for record in data.trials]
    assert all(len(row) == len(names) for row in (*view.rows, *view.first))


def test_a_param_that_is_none_is_told_apart_from_one_that_a_trial_does_not_have() -> None:
    data = study([trial(0, {"rows": None, "lr": 0.1}), trial(1, {"rows": 5000, "lr": 0.1}), trial(2, {"lr": 0.1})])
    view = trials_view(summarise(data))
    column = [item.name for item in view.columns].index("rows")
    assert [row[column] for row in view.rows] == ["None", 5000, None]
    assert [row[column] for row in view.first] == ["None", "5000", ""]


def test_grams_of_co2e_are_by_the_central_intensity_and_the_pue() -> None:
    found = summarise(sixteen(1)).footprint
    unit = co2e_unit(found)
    assert found.intensity is not None
    assert unit.g_per_j == pytest.approx(1000 * found.intensity.kg_per_kwh * found.config.pue / 3.6e6)
    assert found.intensity.source in unit.told


def test_every_recommendation_has_a_card_with_what_it_rests_on() -> None:
    summary = summarise(sixteen(3))
    made = cards(summary)
    assert [card.action for card in made] == [item.action for item in summary.recommendations.items]
    assert [card.primary for card in made].count(True) == 1
    for card, item in zip(made, summary.recommendations.items, strict=True):
        assert card.titles[0] == TITLES[item.kind]
        assert dict(card.facts)["Confidence"]
        assert bool(card.overrides) == bool(item.change)
        assert all(f"{number}" in card.evidence for number in item.evidence[:MAX_EVIDENCE])


def test_a_chart_that_no_section_names_stands_among_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sweep.report.sections.GROUPS", {"decision": ("front",)})
    found = charts({"total": draw(summarise(study([trial()])))}).groups
    assert [place.name for place in found["decision"]] == ["front"]
    orders = [place.chart.order for place in found[OTHERS]]
    assert "learning_curves" in [place.name for place in found[OTHERS]]
    assert orders == sorted(orders)

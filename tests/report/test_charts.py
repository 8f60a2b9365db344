"""What every chart must do, over the registry."""

import json
import re
from collections.abc import Callable
from functools import cache

import pytest

from sweep.analysis.summary import Summary, summarise
from sweep.records import StopReason, StudyData, TrialRecord
from sweep.registry import discover
from sweep.report.chart import Chart, Drawn
from sweep.report.charts import (
    quality,
)
from tests.factories import sixteen, study, trial
from tests.layer_factories import layered, nasty_layers
from tests.paradigm_factories import heads, nasty_paradigms, three_paradigms

CHARTS = discover("sweep.report.charts", Chart)  # type: ignore[type-abstract]


ENERGY_AXES = {"x", "y", "z", "values"}
NO_JOULES = {"drift", "power", "quality", "total_energy", "variance_shares"}
"""Charts of shares, ratios, watts and quality."""


@pytest.fixture(params=CHARTS.values(), ids=CHARTS.keys())
def chart(request: pytest.FixtureRequest) -> Chart:
    made: Chart = request.param()
    return made


@cache
def _summary(make: Callable[[], StudyData]) -> Summary:
    return summarise(make())


def _sixteen() -> StudyData:
    return layered(sixteen(2))


def _three() -> StudyData:
    return three_paradigms(1)


def _heads() -> StudyData:
    return heads(1)


def _drawn(chart: Chart, *makers: Callable[[], StudyData]) -> Drawn:
    """Of the first study that has something to draw in it."""
    found = next((made for make in makers if (made := chart.draw(_summary(make)))), None)
    assert found is not None
    return found


def _everywhere(chart: Chart) -> Drawn:
    return _drawn(chart, _sixteen, _three, _heads)


class TestContract:
    """Every registered chart."""

    def test_it_has_a_title_a_caption_and_a_place_of_its_own(self, chart: Chart) -> None:
        assert chart.title
        assert chart.caption.endswith(".")
        assert [cls.order for cls in CHARTS.values()].count(chart.order) == 1

    def test_it_draws_a_study_and_needs_no_webgl(self, chart: Chart) -> None:
        figure = _everywhere(chart).figure
        assert {trace.type for trace in figure.data} <= {"scatter", "heatmap", "bar", "treemap", "violin"}
        assert figure.layout.xaxis.title.text or {trace.type for trace in figure.data} == {"treemap"}

    def test_it_is_told_in_words_with_numbers(self, chart: Chart) -> None:
        alt = _everywhere(chart).alt
        assert re.search(r"\d", alt)
        assert alt.endswith(".")
        assert "<br>" not in alt
        assert "&" not in alt
        assert len(alt) < 1500

    def test_its_axes_of_joules_are_named(self, chart: Chart) -> None:
        figure = _everywhere(chart).figure
        named = figure.layout.meta["energy"]
        assert set(named) <= ENERGY_AXES
        assert bool(named) == (type(chart).__module__.rpartition(".")[2] not in NO_JOULES)
        titles = [figure.layout[f"{axis}axis"].title.text or "" for axis in "xy"]
        for axis, title in zip("xy", titles, strict=True):
            assert (axis in named) == bool(re.search(r"\bJ\b", title))

    def test_energies_in_its_texts_are_spelled_in_one_way(self, chart: Chart) -> None:
        """So that the page can tell them in another unit: no number with a J that ``wording.energy`` did not write."""
        drawn = _everywhere(chart).figure.to_json()
        assert not re.search(r"%\{[^}]*\}\s*[kMGm]?J\b", drawn)
        assert not re.search(r"\d[kMGm]?J\b", drawn)

    def test_it_has_words_for_a_study_of_records_of_version_1(self, chart: Chart) -> None:
        made = chart.draw(summarise(sixteen(1)))
        assert made or chart.nothing.endswith(".") or chart.nothing == ""

    def test_it_has_nothing_to_draw_without_trials(self, chart: Chart) -> None:
        assert chart.draw(summarise(study([]))) is None

    @pytest.mark.parametrize(
        "records",
        [
            [trial(0, qualities=(), epoch_j=None, stop_reason=StopReason.CRASHED)],
            [trial(0, stop_reason=StopReason.CRASHED), trial(1, stop_reason=StopReason.DIVERGED)],
            [trial(0)],
            [trial(0, qualities=(0.5,))],
            [trial(0, epoch_j=0.0)],
            [trial(n, {"lr": 0.1 / (n + 1)}) for n in range(3)],
        ],
        ids=["nothing known", "all failed", "one trial", "one epoch", "no joules", "one dimension"],
    )
    def test_it_survives_small_and_broken_studies(self, chart: Chart, records: list[TrialRecord]) -> None:
        made = chart.draw(summarise(study(records)))
        assert made is None or (made.figure.data and made.alt)

    def test_no_name_is_markup(self, chart: Chart) -> None:
        made = _drawn(chart, nasty_layers, nasty_paradigms)
        drawn = json.dumps(json.loads(made.figure.to_json()))
        assert "<script" not in drawn
        assert "<b>" not in drawn
        assert "&lt;" not in made.alt

    def test_joules_say_where_they_come_from(self, chart: Chart) -> None:
        assert "modelled" in _everywhere(chart).figure.to_json() or isinstance(chart, quality.Quality)

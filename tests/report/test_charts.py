"""What every chart must do, over the registry, and the numbers of each."""

import json

import msgspec
import pytest
from plotly.graph_objects import Figure

from sweep.analysis.summary import summarise
from sweep.records import Provenance, StopReason
from sweep.registry import discover
from sweep.report.chart import MAX_POINTS, Chart, thin
from sweep.report.charts import (
    energy_by_domain,
    energy_per_epoch,
    front,
    learning_curves,
    quality,
    search_cost,
    total_energy,
)
from tests.energy_factories import CLOUD, divided, sensed
from tests.factories import DOMAIN, repeats, sixteen, study, trial
from tests.layer_factories import layered, nasty_layers
from tests.paradigm_factories import heads, nasty_paradigms, three_paradigms

CHARTS = discover("sweep.report.charts", Chart)  # type: ignore[type-abstract]


@pytest.fixture(params=CHARTS.values(), ids=CHARTS.keys())
def chart(request: pytest.FixtureRequest) -> Chart:
    made: Chart = request.param()
    return made


def _of_paradigms(chart: Chart) -> Figure | None:
    """Of a study with the paradigms that a chart may need."""
    return chart.figure(summarise(three_paradigms(1))) or chart.figure(summarise(heads(1)))


class TestContract:
    """Every registered chart."""

    def test_it_has_a_title_a_caption_and_a_place_of_its_own(self, chart: Chart) -> None:
        assert chart.title
        assert chart.caption.endswith(".")
        assert [cls.order for cls in CHARTS.values()].count(chart.order) == 1

    def test_it_draws_a_study_and_needs_no_webgl(self, chart: Chart) -> None:
        figure = chart.figure(summarise(layered(sixteen(2)))) or _of_paradigms(chart)
        assert isinstance(figure, Figure)
        assert {trace.type for trace in figure.data} <= {"scatter", "heatmap", "bar", "treemap", "violin"}
        assert figure.layout.xaxis.title.text or {trace.type for trace in figure.data} == {"treemap"}

    def test_it_has_words_for_a_study_of_records_of_version_1(self, chart: Chart) -> None:
        figure = chart.figure(summarise(sixteen(1)))
        assert figure or chart.nothing.endswith(".") or (chart.nothing == "" and _of_paradigms(chart))

    def test_it_has_nothing_to_draw_without_trials(self, chart: Chart) -> None:
        assert chart.figure(summarise(study([]))) is None

    def test_it_survives_a_study_in_which_everything_failed(self, chart: Chart) -> None:
        failed = trial(0, qualities=(), epoch_j=None, stop_reason=StopReason.CRASHED)
        figure = chart.figure(summarise(study([failed])))
        assert figure is None or figure.data

    def test_no_name_is_markup(self, chart: Chart) -> None:
        figure = chart.figure(summarise(nasty_layers())) or chart.figure(summarise(nasty_paradigms()))
        assert figure is not None
        drawn = json.dumps(json.loads(figure.to_json()))
        assert "<script" not in drawn
        assert "<b>" not in drawn

    def test_joules_say_where_they_come_from(self, chart: Chart) -> None:
        figure = chart.figure(summarise(layered(sixteen(1)))) or _of_paradigms(chart)
        assert figure is not None
        assert "modelled" in figure.to_json() or isinstance(chart, quality.Quality)


def test_front_marks_the_envelope_and_the_recommendation_with_their_spread() -> None:
    records = repeats({"lr": 0.1}, [(0.5, 0.8), (0.7, 0.8)], epoch_j=(9.0, 11.0))
    numbers = front.info(summarise(study(records)))
    assert numbers is not None
    assert numbers.front.energy_j == [10.0, 20.0]
    assert numbers.front.quality == pytest.approx([0.6, 0.8])
    assert numbers.front.quality_sd == pytest.approx([0.02**0.5, 0.0])
    assert numbers.recommended.quality == pytest.approx([0.8])
    assert not numbers.log_energy
    assert numbers.energy_title == "Energy of the training (modelled J)"


def test_an_excluded_setup_is_drawn_and_says_why_it_is_off_the_front() -> None:
    records = [trial(0), trial(1, repeat=1, stop_reason=StopReason.DIVERGED)]
    numbers = front.info(summarise(study(records)))
    assert numbers is not None
    assert "off the front: diverged in trial 1" in numbers.trajectories[0].labels[0]
    assert numbers.front.energy_j == []


def test_total_energy_puts_the_worst_cell_at_100_per_cent() -> None:
    numbers = total_energy.info(summarise(sixteen(2)))
    assert numbers is not None
    (panel,) = numbers.panels
    shares = [item for row in panel.values for item in row if item is not None]
    assert max(shares) == 100.0
    assert panel.values[0][0] == 100.0
    assert panel.cells[0][0] == "100<br>0.58"


def test_a_setup_that_failed_cheaply_gets_no_colour() -> None:
    numbers = total_energy.info(summarise(three_paradigms(2)))
    assert numbers is not None
    assert [panel.title for panel in numbers.panels] == ["baseline", "pretrain_frozen", "pretrain_finetune"]
    dull = {panel.title: [[item is not None for item in row] for row in panel.dull] for panel in numbers.panels}
    assert dull["pretrain_frozen"] == [[True, False, False, False]] * 4
    assert not any(item for row in dull["baseline"] + dull["pretrain_finetune"] for item in row)
    assert numbers.panels[1].lit[0][0] is None
    assert numbers.panels[1].values[0][0] is not None


def test_qualities_of_different_heads_are_not_held_against_each_other() -> None:
    numbers = total_energy.info(summarise(heads(2)))
    assert numbers is not None
    assert all(item is None for panel in numbers.panels for row in panel.dull for item in row)


def test_energy_per_epoch_and_quality_hold_the_planted_numbers() -> None:
    summary = summarise(sixteen(2, quality_sd=0.0, energy_rel_sd=0.0))
    joules, reached = energy_per_epoch.info(summary), quality.info(summary)
    assert joules is not None
    assert reached is not None
    assert joules.panels[0].cells[2] == ["10.00"] * 4
    assert reached.panels[0].values[0][2] == pytest.approx(0.93, abs=0.002)


def test_learning_curves_hold_every_trial_and_are_thinned() -> None:
    long = trial(1, {"lr": 0.01}, qualities=[0.5] * 500)
    numbers = learning_curves.info(summarise(study([trial(0, {"lr": 0.1}), long])))
    assert numbers is not None
    assert numbers.groups == ["lr 0.01", "lr 0.1"]
    assert len(numbers.curves[1].energy_j) <= MAX_POINTS
    assert numbers.curves[1].energy_j[-1] == 5000.0


def test_search_cost_bars_sum_to_the_total() -> None:
    summary = summarise(study([trial(0), trial(1, {"lr": 9.0}, stop_reason=StopReason.DIVERGED)]))
    numbers = search_cost.info(summary)
    assert numbers is not None
    assert numbers.parts == ["completed trials", "failed trials", "test evaluation", "overhead"]
    assert sum(numbers.energy_j) == pytest.approx(summary.ledger.total_j)


def test_search_cost_names_what_is_unknown() -> None:
    numbers = search_cost.info(summarise(study([trial(0), trial(1, epoch_j=None)])))
    assert numbers is not None
    assert numbers.unknown == ["completed trials", "overhead"]


class TestEnergyByDomain:
    """Stacked bars of the domains."""

    def test_the_parts_of_a_bar_sum_to_the_energy_of_the_setup(self) -> None:
        summary = summarise(sensed(sixteen(2)))
        numbers = energy_by_domain.info(summary)
        assert numbers is not None
        assert [part.name for part in numbers.parts] == [
            "package:0 (measured)",
            "dram:0 (measured)",
            "gpu:0 (measured)",
        ]
        bars = zip(*(joules for part in numbers.parts for joules in (part.active_j, part.idle_j)), strict=True)
        gross = sorted(setup.final.energy_j for setup in summary.setups if setup.final)
        assert [sum(item or 0.0 for item in bar) for bar in bars] == pytest.approx(gross)
        assert numbers.parts[2].active_j[0] == pytest.approx(0.6 * 0.6 * gross[0])

    def test_provenance_is_a_pattern_and_a_word(self) -> None:
        numbers = energy_by_domain.info(summarise(sensed(sixteen(1), CLOUD)))
        assert numbers is not None
        assert [(part.name, part.pattern) for part in numbers.parts] == [
            ("gpu:0 (measured)", ""),
            ("cpu:process (modelled)", "/"),
            ("memory:process (modelled)", "/"),
        ]
        assert len({part.colour for part in numbers.parts}) == 3
        assert "(measured + modelled J)" in numbers.energy_title

    def test_replayed_joules_look_like_neither(self) -> None:
        replayed = [msgspec.structs.replace(domain, provenance=Provenance.REPLAYED) for domain in CLOUD]
        numbers = energy_by_domain.info(summarise(sensed(sixteen(1), replayed)))
        assert numbers is not None
        assert {part.pattern for part in numbers.parts} == {"."}
        assert len(set(energy_by_domain.PATTERNS.values())) == len(Provenance)

    def test_without_idle_power_the_bar_is_not_split(self) -> None:
        numbers = energy_by_domain.info(summarise(study([trial()])))
        assert numbers is not None
        (part,) = numbers.parts
        assert (part.active_j, part.idle_j) == ([30.0], [None])
        assert part.hovers == ["the only setup<br>cpu:process: 30.0 J"]

    @pytest.mark.parametrize(("dynamic_j", "split"), [(-5.0, (0.0, 30.0)), (99.0, (30.0, 0.0))])
    def test_noise_of_the_idle_power_keeps_the_bar_whole(self, dynamic_j: float, split: tuple[float, float]) -> None:
        record = trial()
        energy = msgspec.structs.replace(record.domains[DOMAIN], dynamic_j=dynamic_j)
        record = msgspec.structs.replace(record, domains={DOMAIN: energy})
        numbers = energy_by_domain.info(summarise(study([record])))
        assert numbers is not None
        assert (numbers.parts[0].active_j, numbers.parts[0].idle_j) == ([split[0]], [split[1]])

    def test_an_unknown_domain_is_no_bar_and_said_on_hover(self) -> None:
        record = divided(trial())
        unknown = msgspec.structs.replace(record.domains["dram:0"], energy_j=None, dynamic_j=None)
        record = msgspec.structs.replace(record, domains=record.domains | {"dram:0": unknown})
        data = sensed(study([trial()]))
        numbers = energy_by_domain.info(summarise(msgspec.structs.replace(data, trials=[record])))
        assert numbers is not None
        assert numbers.parts[1].active_j == [None]
        assert numbers.parts[1].hovers[0].endswith("dram:0: unknown")

    def test_of_many_setups_some_are_drawn_and_it_says_so(self) -> None:
        records = [trial(n, {"lr": n / 100}, epoch_j=10.0 + n) for n in range(60)]
        numbers = energy_by_domain.info(summarise(study(records)))
        assert numbers is not None
        assert len(numbers.setups) <= energy_by_domain.MAX_SETUPS
        assert numbers.parts[0].active_j[-1] == 207.0
        assert f"{len(numbers.setups)} of 60 setups" in numbers.energy_title


@pytest.mark.parametrize("length", [0, 1, 59, 60, 61, 500])
def test_thinning_keeps_the_last_and_stays_below_its_limit(length: int) -> None:
    kept = thin(range(length))
    assert len(kept) <= MAX_POINTS
    assert kept[-1:] == list(range(length))[-1:]
    assert kept == sorted(kept)

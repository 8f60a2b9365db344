"""The numbers of each chart, on studies of known truth."""

import msgspec
import pytest

from sweep.analysis.summary import summarise
from sweep.analysis.thin import thin
from sweep.records import Provenance, StopReason
from sweep.report import heat_chart
from sweep.report.chart import MAX_POINTS, PALETTE, text
from sweep.report.charts import (
    energy_by_domain,
    energy_per_epoch,
    front,
    hypervolume,
    learning_curves,
    power,
    quality,
    search_cost,
    total_energy,
    variance_shares,
)
from tests.energy_factories import CLOUD, divided, sensed
from tests.factories import DOMAIN, repeats, sixteen, study, trial
from tests.paradigm_factories import heads, three_paradigms


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
    assert "off the front: diverged in trial 1" in numbers.trajectories[0].name
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
    assert joules.panels[0].cells[2] == ["10.0 J"] * 4
    assert reached.panels[0].values[0][2] == pytest.approx(0.93, abs=0.002)


def test_learning_curves_hold_every_trial_and_are_thinned() -> None:
    long = trial(1, {"lr": 0.01}, qualities=[0.5] * 500)
    numbers = learning_curves.info(summarise(study([trial(0, {"lr": 0.1}), long])))
    assert numbers is not None
    assert numbers.groups == ["lr 0.01", "lr 0.1"]
    (curve,) = [curve for curve in numbers.curves if curve.name.startswith("trial 1:")]
    assert len(curve.energy_j) <= MAX_POINTS
    assert curve.energy_j[-1] == 5000.0


def test_of_many_trials_the_recommended_curves_are_always_among_those_drawn() -> None:
    records = [trial(n, {"lr": n}, qualities=(0.1, 0.2), repeat=0) for n in range(300)]
    records += repeats({"lr": 999}, [(0.5, 0.9), (0.5, 0.9)], first=300)
    numbers = learning_curves.info(summarise(study(records)))
    assert numbers is not None
    assert len(numbers.curves) <= learning_curves.MAX_CURVES
    assert [curve.name for curve in numbers.curves if curve.is_recommended] == [
        "trial 300: lr 999",
        "trial 301: lr 999",
    ]
    assert [curve.is_recommended for curve in numbers.curves[-2:]] == [True, True]
    assert numbers.n_trials == 302
    title = learning_curves.plot(numbers).layout.xaxis.title.text
    assert title.endswith(f"<br>{len(numbers.curves)} of 302 trials")


def test_a_heat_map_is_told_by_its_lowest_and_highest_cells() -> None:
    records = [trial(n, {"lr": lr, "batch_size": 64}, epoch_j=10.0 + n) for n, lr in enumerate((0.1, 0.2, 0.3))]
    numbers = energy_per_epoch.info(summarise(study(records)))
    assert numbers is not None
    told = "modelled J per epoch: lowest 10.0 J at lr 0.1; highest 12.0 J at lr 0.3."
    assert heat_chart.alt(numbers) == told


def test_long_labels_leave_room_for_the_cells_and_stay_whole_on_hover() -> None:
    long = "adamw_without_a_single_space"
    records = [trial(n, {"optimizer": name, "lr": n % 2}) for n, name in enumerate(("sgd", "sgd", long, long))]
    numbers = energy_per_epoch.info(summarise(study(records)))
    assert numbers is not None
    assert numbers.row_ticks == ["sgd", "adamw_without…"]
    figure = heat_chart.plot(numbers)
    assert figure.data[0].y == ("sgd", long)
    assert figure.layout.yaxis.ticktext == ("sgd", "adamw_without…")


def test_the_title_of_a_heat_map_fits_on_a_phone_however_many_dimensions_it_is_a_mean_over() -> None:
    names = [f"objective.a_rather_long_name_{n}" for n in range(5)]
    records = [trial(n, {name: (n >> bit) % 2 for bit, name in enumerate(names)}) for n in range(32)]
    numbers = energy_per_epoch.info(summarise(study(records)))
    assert numbers is not None
    lines = heat_chart.plot(numbers).layout.title.text.split("<br>")
    assert "mean over" in lines[1]
    assert max(map(len, lines)) <= heat_chart.MAX_LINE


def test_the_panels_of_a_heat_map_are_named_for_whoever_downloads_them() -> None:
    numbers = energy_per_epoch.info(summarise(three_paradigms(1)))
    assert numbers is not None
    named = {trace.name for trace in heat_chart.plot(numbers).data}
    assert named == {"baseline", "pretrain_frozen", "pretrain_finetune"}


def test_more_effects_than_colours_are_told_apart_by_patterns() -> None:
    names = "abcd"
    records = [
        trial(n, {name: (n >> bit) % 2 for bit, name in enumerate(names)}, epoch_j=1.0 + n * n) for n in range(16)
    ]
    numbers = variance_shares.info(summarise(study(records)))
    assert numbers is not None
    assert len(numbers.parts) > len(PALETTE)
    assert len({(part.colour, part.pattern) for part in numbers.parts}) == len(numbers.parts)


def test_quotes_in_a_name_are_quotes_since_plotly_does_not_know_their_entities() -> None:
    assert text("a \"b\" & 'c' <d>") == "a \"b\" &amp; 'c' &lt;d&gt;"


def test_a_long_name_of_the_quality_leaves_the_axis_title_on_the_chart() -> None:
    data = study(repeats({"lr": 0.1}, [(0.5, 0.8)]), quality_name="q" * 200)
    for chart in (front, learning_curves):
        numbers = chart.info(summarise(data))
        assert numbers is not None
        assert len(chart.plot(numbers).layout.yaxis.title.text) <= 45


def test_power_names_the_phases_where_there_are_several() -> None:
    summary = summarise(three_paradigms(1))
    numbers = power.info(summary)
    assert numbers is not None
    assert numbers.bands == []
    first = summary.data.trials[0]
    points = [
        msgspec.structs.replace(point, phase="pretraining" if point.epoch <= 2 else "supervised")
        for point in first.trajectory
    ]
    record = msgspec.structs.replace(first, trajectory=points)
    numbers = power.info(summarise(study([record])))
    assert numbers is not None
    assert [(band.name, band.start_s, band.end_s) for band in numbers.bands] == [
        ("pretraining", 0.0, 1.0),
        ("supervised", 1.0, points[-1].duration_s),
    ]
    assert {note.text for note in power.plot(numbers).layout.annotations} >= {"pretraining", "supervised"}


def test_hypervolume_needs_two_trials_and_points_where_almost_all_was_found() -> None:
    assert hypervolume.info(summarise(study([trial(0)]))) is None
    records = [trial(n, {"lr": n}, qualities=(0.5, 0.8 if n else 0.6, 0.9)) for n in range(5)]
    numbers = hypervolume.info(summarise(study(records)))
    assert numbers is not None
    assert numbers.n_trials == 5
    assert len(numbers.spent_j) == 3  # the first, the one that found more, and the last
    assert numbers.reached[0] == 60.0


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
    kept = thin(range(length), MAX_POINTS)
    assert len(kept) <= MAX_POINTS
    assert kept[-1:] == list(range(length))[-1:]
    assert kept == sorted(kept)

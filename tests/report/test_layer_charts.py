"""The numbers of the layer charts and of the table, from tables with and without a study."""

import dataclasses
import math
from collections import defaultdict

import msgspec
import pytest

from sweep.analysis.drift import drift
from sweep.analysis.layers import Breakdown, breakdown
from sweep.analysis.summary import summarise
from sweep.records import Domain, LayerMethod, Pass, Provenance, Row
from sweep.report import layer_table
from sweep.report.chart import MAX_POINTS
from sweep.report.charts import drift as drift_chart
from sweep.report.charts import layer_energy, layer_steps
from sweep.report.layer_chart import COLOURS, of_setup, short
from tests.factories import DOMAIN, repeats, study, trial
from tests.layer_factories import layer_table as table
from tests.layer_factories import layered, with_layers

COVERED = {DOMAIN: Domain(name=DOMAIN, provenance=Provenance.MEASURED, scale_u_rel=0.05, random_u_rel=0.01)}


def _found(**options: object) -> Breakdown:
    return breakdown([table(**options)], COVERED)  # type: ignore[arg-type]


def _treemap(found: Breakdown) -> layer_energy.TreemapInfo:
    numbers = layer_energy.info(found, "my model")
    assert numbers is not None
    return numbers


class TestTreemap:
    """Boxes by module path."""

    @pytest.mark.parametrize("found", [_found(), breakdown([table(), table(phase="other")], COVERED)])
    def test_every_box_is_the_sum_of_the_boxes_in_it(self, found: Breakdown) -> None:
        numbers = _treemap(found)
        inside: dict[str, list[float]] = defaultdict(list)
        for parent, value in zip(numbers.parents, numbers.values, strict=True):
            inside[parent].append(value)
        for box, value in zip(numbers.ids, numbers.values, strict=True):
            assert box not in inside or math.fsum(inside[box]) == pytest.approx(value, rel=1e-12)
        assert inside[""] == pytest.approx([found.energy_j])
        assert len(set(numbers.ids)) == len(numbers.ids)

    def test_a_path_nests_and_ends_in_its_passes(self) -> None:
        numbers = _treemap(_found())
        box = numbers.ids[numbers.labels.index("conv2")]
        leaves = [label for label, parent in zip(numbers.labels, numbers.parents, strict=True) if parent == box]
        assert sorted(leaves) == ["backward", "forward"]
        way = []
        while box:
            index = numbers.ids.index(box)
            way.append(numbers.labels[index])
            box = numbers.parents[index]
        assert way == ["conv2", "1 BasicBlock", "layer4", "model", "training"]

    def test_what_is_no_layer_stands_beside_the_model(self) -> None:
        numbers = _treemap(_found())
        root = numbers.ids[0]
        tops = {label for label, parent in zip(numbers.labels, numbers.parents, strict=True) if parent == root}
        assert tops == {"model", *Row}

    def test_names_that_meet_ours_stay_apart(self) -> None:
        layers = {"": ("Net", 1.0), "loss": ("L", 1.0), "loss.forward": ("F", 1.0), "(model)": ("M", 1.0)}
        numbers = _treemap(_found(layers=layers))
        assert numbers.labels.count("loss") == 2
        assert numbers.labels.count("(model)") == 2
        assert numbers.labels.count("forward") == 5
        assert numbers.values[0] == pytest.approx(100.0)

    def test_a_leaf_says_its_joules_its_share_and_its_joules_per_flop(self) -> None:
        numbers = _treemap(_found(layers={"conv": ("Conv2d", 1.0)}))
        leaf = numbers.labels.index("backward")
        assert numbers.hovers[leaf] == ("conv backward (Conv2d)<br>48.0 J ± 4.80 J, 48 %<br>100 mJ per GFLOP")
        assert numbers.colours[leaf] == COLOURS[Pass.BACKWARD]
        assert numbers.of == ["my model; measured J"]

    def test_the_modules_of_a_large_model_are_joined_from_below_and_nothing_is_lost(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(layer_energy, "MAX_LEAVES", 40)
        numbers = _treemap(_found())
        assert numbers.values[0] == pytest.approx(100.0)
        assert "conv2" not in numbers.labels
        block = numbers.ids[numbers.labels.index("1 BasicBlock")]
        leaf = next(index for index, parent in enumerate(numbers.parents) if parent == block)
        planted_j = [row.energy_j or 0.0 for row in _found().rows if row.path.startswith("layer4.1")][1::2]
        assert len(planted_j) == 5
        assert numbers.values[leaf] == pytest.approx(math.fsum(planted_j))
        assert numbers.hovers[leaf] == "layer4.1 backward<br>5.70 J, 5.7 %"
        assert sum(label in ("forward", "backward", *Row) for label in numbers.labels) <= 40

    def test_without_joules_there_is_nothing_to_draw(self) -> None:
        assert layer_energy.info(_found(energy_j=None), "x") is None
        assert layer_energy.info(_found(energy_j=0.0), "x") is None

    def test_it_draws_without_a_study(self) -> None:
        figure = layer_energy.plot(_treemap(_found()))
        assert figure.data[0].branchvalues == "total"


class TestSteps:
    """Violins of single steps."""

    def test_the_costliest_layers_come_first_and_what_is_no_layer_last(self) -> None:
        numbers = layer_steps.info(_found())
        assert numbers is not None
        assert numbers.labels[0].startswith("layer4.")
        assert numbers.labels[layer_steps.MOST :] == ["optimizer", "loss"]
        assert {violin.pass_ for violin in numbers.violins if violin.label == numbers.labels[0]} == {
            Pass.FORWARD,
            Pass.BACKWARD,
        }
        assert len(numbers.violins) == 2 * layer_steps.MOST + 2

    def test_samples_are_those_of_the_record_and_many_are_thinned(self) -> None:
        single = table(layers={"a": ("Linear", 1.0)})
        row, other = single.rows[-2:]
        many = msgspec.structs.replace(other, steps_j=[float(n) for n in range(1000, 0, -1)])
        numbers = layer_steps.info(breakdown([msgspec.structs.replace(single, rows=[row, many])], COVERED))
        assert numbers is not None
        samples = {len(violin.energy_j): violin.energy_j for violin in numbers.violins}
        assert samples[len(row.steps_j)] == sorted(row.steps_j)
        assert max(samples) <= layer_steps.MAX_SAMPLES
        assert samples[max(samples)][-1] == 1000.0

    def test_layers_that_are_small_beside_the_optimizer_get_a_logarithmic_axis(self) -> None:
        flat, steep = (layer_steps.info(_found(layers={str(n): ("L", 1.0) for n in range(size)})) for size in (4, 400))
        assert flat is not None
        assert steep is not None
        assert (flat.log_energy, steep.log_energy) == (False, True)

    def test_layers_whose_short_names_are_alike_stay_apart(self) -> None:
        paths = ["loss", *(f"{side}.blocks.11.attention.projection" for side in ("encoder", "decoder"))]
        numbers = layer_steps.info(_found(layers=dict.fromkeys(paths, ("Linear", 1.0))))
        assert numbers is not None
        assert len(set(numbers.labels)) == 5  # loss is a row, too
        assert len({(violin.label, violin.pass_) for violin in numbers.violins}) == len(numbers.violins) == 8

    @pytest.mark.parametrize(("n_steps", "points"), [(0, None), (1, "all"), (4, "all"), (5, False)])
    def test_a_row_seen_in_too_few_steps_has_points_instead_of_a_distribution(
        self, n_steps: int, points: str | bool | None
    ) -> None:
        single = table()
        rows = [msgspec.structs.replace(row, steps_j=row.steps_j[:n_steps]) for row in single.rows]
        numbers = layer_steps.info(breakdown([msgspec.structs.replace(single, rows=rows)], COVERED))
        drawn = [] if numbers is None else list(layer_steps.plot(numbers).data)
        assert {violin.points for violin in drawn} == (set() if points is None else {points})

    def test_a_numbered_layer_says_its_type_and_its_phase_where_there_are_two(self) -> None:
        tables = [table(layers={"net.0": ("Linear", 1.0)}, phase=phase) for phase in ("one", "two")]
        numbers = layer_steps.info(breakdown(tables, COVERED))
        assert numbers is not None
        assert "one<br>net.0<br>Linear" in numbers.labels
        assert "two<br>loss" in numbers.labels


class TestDrift:
    """Lines of energy per step."""

    def test_lines_are_relative_and_the_median_needs_three(self) -> None:
        lengths = (6, 6, 6, 9)
        records = [
            with_layers(trial(n, {"lr": n}, qualities=(0.5,) * length), step_j=lambda k: 1.1 if k == 1 else 1.0)
            for n, length in enumerate(lengths)
        ]
        found = drift(study(records))
        assert found is not None
        numbers = drift_chart.info(found, "modelled")
        assert numbers is not None
        assert [line.relative[0] for line in numbers.lines] == pytest.approx([1.1] * 4)
        assert numbers.median_epochs == [1, 2, 3, 4, 5, 6]
        assert numbers.median == pytest.approx([1.1, 1, 1, 1, 1, 1])

    def test_many_trials_are_thinned(self) -> None:
        data = layered(study([trial(n, {"lr": n}, qualities=(0.5,) * 4) for n in range(3 * MAX_POINTS)]))
        found = drift(data)
        assert found is not None
        numbers = drift_chart.info(found, "modelled")
        assert numbers is not None
        assert len(numbers.lines) <= MAX_POINTS


class TestTable:
    """The table in words."""

    def test_rows_come_costliest_first_with_their_numbers(self) -> None:
        view = layer_table.table_view(_found(layers={"conv": ("Conv2d", 1.0)}), "my model")
        assert view.title == "My model: 100 J (measured)"
        assert view.rows[0] == (
            "supervised",
            "conv",
            "Conv2d",
            "backward",
            "48.0 J ± 4.80 J",
            "48 %",
            "100 mJ",
            "24.0 J",
        )
        assert view.has_dynamic
        assert view.rows[0].plain == ("conv", "Conv2d", "backward", "48.0 J ± 4.80 J", "48 %", "100 mJ")
        assert view.rows[2] == ("supervised", "validation", "", "", "10.0 J ± 1.00 J", "10 %", "", "5.00 J")
        assert not view.several_phases
        assert view.total == "100 J"

    def test_method_and_marked_steps_are_told(self) -> None:
        (note,) = layer_table.table_view(_found(method=LayerMethod.DOPED), "x").notes
        assert "calibrated by repeating layers" in note
        assert "marked on 10 of 100 training steps" in note

    def test_the_price_of_marking_is_told_where_it_is_known(self) -> None:
        found = dataclasses.replace(_found(), marking_share=0.0123)
        assert any(
            "Marking layers took 1.23 % of the time" in note for note in layer_table.table_view(found, "x").notes
        )

    def test_what_a_reader_must_know_is_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(layer_table, "MAX_ROWS", 3)
        covered = {DOMAIN: msgspec.structs.replace(COVERED[DOMAIN], provenance=Provenance.MODELLED)}
        view = layer_table.table_view(breakdown([table(notes=["compiled"])], covered), "x", disturbed=(3, 4))
        assert len(view.rows) == 3
        assert any(note.startswith("The 3 costliest of ") for note in view.notes)
        assert "These joules are modelled, not measured." in view.notes
        assert "Other programs disturbed trial 3, 4." in view.notes
        assert view.notes[-1] == "compiled."

    def test_unknown_is_called_unknown_and_small_is_not_nothing(self) -> None:
        unknown = layer_table.table_view(_found(energy_j=None), "x")
        assert (unknown.rows[0].energy, unknown.rows[0].share, unknown.total) == ("unknown",) * 3
        small = layer_table.table_view(_found(layers={"a": ("A", 1e6), "b": ("B", 1.0)}), "x")
        assert small.rows[-1].share == "< 0.1 %"


def test_the_title_says_which_setup_and_which_trials() -> None:
    records = [*repeats({"lr": 0.1}, [(0.8, 0.9)] * 2), trial(2, {"lr": 0.2}, qualities=(0.1, 0.2))]
    layers = summarise(layered(study(records))).layers
    assert layers is not None
    assert of_setup(layers, ("lr",)) == "the recommended setup: lr 0.1 (mean of trials 0, 1)"
    failed = summarise(layered(study([]))).layers
    assert failed is None


def test_long_paths_are_cut_at_their_front() -> None:
    assert short("encoder.layers.11.attention.self.query") == "….attention.self.query"
    assert short("fc") == "fc"

"""What Optuna dashboard is to show: figures small enough for a database, files of a trial, pictures."""

import json
import math
import xml.etree.ElementTree as ET
from io import BytesIO

import msgspec
import pandas as pd
import pytest
from optuna_dashboard._custom_plot_data import is_valid_graph_object_id
from plotly import graph_objects as go

from sweep.analysis.summary import summarise
from sweep.records import StopReason, StudyData, TrialRecord
from sweep.report.curve_picture import curve_picture
from sweep.report.dashboard import MAX_BYTES, MOST_PX, SHOWN, study_view, trial_view
from sweep.report.slim import slim
from tests.factories import nasty, sixteen, study, trial
from tests.layer_factories import layered
from tests.paradigm_factories import three_paradigms

SVG = "{http://www.w3.org/2000/svg}"


def drawn(data: StudyData) -> dict[str, dict[str, object]]:
    return {drawing.name: json.loads(drawing.json) for drawing in study_view(summarise(data)).drawings}


def test_figures_of_what_the_dashboard_lacks_are_small_and_titled() -> None:
    view = study_view(summarise(sixteen(3)))
    assert {"learning_curves", "hypervolume"} <= {drawing.name for drawing in view.drawings} <= set(SHOWN)
    for drawing in view.drawings:
        assert len(drawing.json) <= MAX_BYTES
        assert is_valid_graph_object_id(drawing.name)
        figure = json.loads(drawing.json)
        assert "template" not in figure["layout"]
        assert figure["layout"]["title"]["text"]
        assert "bdata" not in drawing.json  # the dashboard's Plotly is older than that spelling of numbers
    assert "1024 instead of 64 saves" in view.note


def test_no_figure_is_taller_than_its_place_in_the_dashboard() -> None:
    figures = drawn(layered(three_paradigms(1)))
    assert set(figures) == set(SHOWN)
    for figure in figures.values():
        layout = figure["layout"]
        assert isinstance(layout, dict)
        assert layout["height"] <= MOST_PX


@pytest.mark.parametrize("data", [study(), study([trial(stop_reason=StopReason.CRASHED, qualities=())])])
def test_a_study_with_nothing_to_draw_has_a_note(data: StudyData) -> None:
    view = study_view(summarise(data))
    assert "Nothing can be recommended" in view.note
    assert "learning_curves" not in {drawing.name for drawing in view.drawings}


def test_names_in_figures_and_files_are_text() -> None:
    data = nasty()
    for figure in drawn(data).values():
        assert "<script" not in json.dumps(figure)
    for record in data.trials:
        for file in trial_view(data, record).files:
            if file.name.endswith(".svg"):
                assert b"<script" not in file.content
                ET.fromstring(file.content)


# -- figures made small -----------------------------------------------------------------------------------------------


def lines(n_lines: int, n_points: int, label: str = "trial 7, epoch 12") -> go.Figure:
    figure = go.Figure()
    for line in range(n_lines):
        x = [float(index) + 1 / 3 for index in range(n_points)]
        y = [line / 7 + item for item in x]
        figure.add_scatter(x=x, y=y, text=[label] * n_points, error_x={"array": x}, hovertemplate="%{text}")
    return figure


def test_a_small_figure_keeps_all_its_points_and_five_digits() -> None:
    text = slim(lines(1, 4), 10_000)
    assert text is not None
    assert json.loads(text)["data"][0]["x"] == [0.33333, 1.3333, 2.3333, 3.3333]


def test_a_large_figure_loses_points_at_equal_distances_but_never_the_last() -> None:
    text = slim(lines(60, 200), MAX_BYTES)
    assert text is not None
    assert len(text) <= MAX_BYTES
    for trace in json.loads(text)["data"]:
        assert 8 <= len(trace["x"]) < 200
        assert len(trace["x"]) == len(trace["y"]) == len(trace["error_x"]["array"])
        assert trace["x"][-1] == 199.33
        assert len(trace.get("text", trace["x"])) == len(trace["x"])


def test_a_figure_that_cannot_be_made_small_is_left_out() -> None:
    bars = go.Figure(go.Bar(x=[f"layer {index}" for index in range(5000)], y=[1.0] * 5000))
    assert slim(bars, MAX_BYTES) is None


def test_a_treemap_loses_its_smallest_boxes_and_no_box_the_one_around_it() -> None:
    n = 2000
    ids = ["root", *(f"m{index}" for index in range(40)), *(f"leaf{index}" for index in range(n))]
    parents = ["", *["root"] * 40, *(f"m{index % 40}" for index in range(n))]
    leaves = [1e5 / 3 * (index + 1) for index in range(n)]
    values = [math.fsum(leaves), *(math.fsum(leaves[index::40]) for index in range(40)), *leaves]
    figure = go.Figure(
        go.Treemap(ids=ids, parents=parents, values=values, labels=ids, text=ids, customdata=ids, branchvalues="total")
    )
    text = slim(figure, MAX_BYTES)
    assert text is not None
    (trace,) = json.loads(text)["data"]
    assert len(trace["ids"]) == len(trace["values"]) < n
    assert set(trace["parents"]) <= {"", *trace["ids"]}
    kept = dict(zip(trace["ids"], trace["values"], strict=True))
    for box, value in kept.items():  # Plotly draws nothing at all if a box is smaller than what is in it
        inside = [kept[name] for name, around in zip(trace["ids"], trace["parents"], strict=True) if around == box]
        assert math.fsum(inside) <= value * (1 + 1e-12)
    assert "leaf1999" in trace["ids"]
    assert "leaf0" not in trace["ids"]


# -- files of a trial -------------------------------------------------------------------------------------------------


def test_a_trial_has_its_layers_and_its_curve_as_files() -> None:
    data = layered(study([trial(), trial(1, {"batch_size": 128, "lr": 0.1})]))
    record = data.trials[0]
    files = {file.name: file for file in trial_view(data, record).files}
    assert set(files) == {"layers.csv", "learning_curve.csv", "learning_curve.svg"}
    table = pd.read_csv(BytesIO(files["layers.csv"].content))
    assert set(table.number) == {record.number}
    assert table.energy_j.sum() == pytest.approx(record.energy_spent_j)
    curve = pd.read_csv(BytesIO(files["learning_curve.csv"].content))
    assert list(curve.quality) == [point.quality for point in record.trajectory]


def test_a_trial_that_crashed_at_once_has_a_note_and_no_empty_files() -> None:
    record = trial(stop_reason=StopReason.CRASHED, qualities=(), message="RuntimeError")
    view = trial_view(study([record]), record)
    assert "RuntimeError" in view.note
    assert view.files == ()


# -- the picture ------------------------------------------------------------------------------------------------------


def picture(record: TrialRecord) -> ET.Element:
    text = curve_picture(study([record]).study, record)
    assert text is not None
    return ET.fromstring(text)


def places(root: ET.Element) -> list[tuple[float, float]]:
    line = root.find(f"{SVG}polyline")
    assert line is not None
    return [(float(x), float(y)) for x, _, y in (pair.partition(",") for pair in line.attrib["points"].split())]


def test_the_picture_rises_with_quality_and_runs_with_joules() -> None:
    at = places(picture(trial(qualities=(0.5, 0.8, 0.65), epoch_j=10.0)))
    (x1, y1), (x2, y2), (x3, y3) = at
    assert x2 - x1 == pytest.approx(x3 - x2, abs=0.2)  # an epoch is 10 J
    assert (y1 - y3) / (y1 - y2) == pytest.approx(0.5, abs=0.01)  # 0.65 lies half-way; y runs downwards


def test_the_picture_names_axes_ticks_and_the_best_epoch() -> None:
    words = [element.text or "" for element in picture(trial(qualities=(0.5, 0.8, 0.65))).iter(f"{SVG}text")]
    assert "Trial 0: batch_size 64, lr 0.1" in words
    assert "Energy of the trial so far (modelled J)" in words
    assert {"10.0 J", "20.0 J", "30.0 J"} <= set(words)
    assert "Validation accuracy" in words
    assert "best: epoch 2" in words


@pytest.mark.parametrize("qualities", [(0.5,), (0.0, 0.0), (1e-12, 2e-12), (-3e5, 4e9), (0.7,) * 3])
def test_any_curve_stays_within_the_picture(qualities: tuple[float, ...]) -> None:
    for x, y in places(picture(trial(qualities=qualities))):
        assert 78 <= x <= 616
        assert 44 <= y <= 348


def test_without_joules_the_picture_is_against_epochs() -> None:
    words = [element.text for element in picture(trial(epoch_j=None)).iter(f"{SVG}text")]
    assert "Epoch" in words


def test_without_validated_epochs_there_is_no_picture() -> None:
    record = trial(qualities=(None, None))
    assert curve_picture(study([record]).study, record) is None


def test_a_name_that_xml_cannot_hold_does_not_break_the_picture() -> None:
    record = msgspec.structs.replace(trial(), params={"a\x00\x1b\ufffe<b>&": "\ud800"})
    text = curve_picture(study([record]).study, record)
    assert text is not None
    ET.fromstring(text.encode())


def test_break_even_and_layers_are_drawn_where_they_are_known() -> None:
    assert "break_even" in drawn(three_paradigms())
    assert "layer_energy" in drawn(layered(study([trial(), trial(1, {"batch_size": 128, "lr": 0.1})])))

"""Charts and page of a measured window."""

import dataclasses
import json
import re

import msgspec
import pytest

from sweep.analysis.measured import epochs_frame, overall_decrease_j, rows_frame, windows_frame
from sweep.report.energy_charts import (
    energy_figures,
    layers_info,
    loss_energy_info,
    loss_info,
    passes_info,
    windows_info,
)
from sweep.report.energy_page import notebook_table, render
from tests.energy_factories import CLOUD, CLOUD_LABEL
from tests.report.windows import measured


def test_joules_of_each_pass() -> None:
    numbers = passes_info(measured())
    assert numbers is not None
    assert numbers.labels == ["backward", "forward", "data"]
    assert [(name, joules) for name, _, joules, _ in numbers.series] == [
        ("forward", [None, 30.0, None]),
        ("backward", [60.0, None, None]),
        ("no layer", [None, None, 10.0]),
    ]
    assert "measured J" in numbers.title


def test_forward_and_backward_of_each_layer() -> None:
    numbers = layers_info(measured())
    assert numbers is not None
    assert numbers.labels == ["block.conv", "(model)"]
    assert [joules for _, _, joules, _ in numbers.series] == [[20.0, 10.0], [40.0, 20.0]]


def test_loss_and_joules_for_each_unit_of_decrease() -> None:
    losses, energies = loss_info(measured()), loss_energy_info(measured())
    assert losses is not None
    assert energies is not None
    assert (losses.epochs, losses.values) == ([1, 2, 3], [3.0, 1.0, 1.5])
    assert (energies.epochs, energies.values) == ([2], [20.0])
    assert overall_decrease_j(measured().epochs) == pytest.approx(80.0 / 1.5)


def test_named_windows() -> None:
    numbers = windows_info(measured())
    assert numbers is not None
    assert numbers.labels == ["tokenise"]
    assert numbers.series[0][2] == [7.0]


def test_tables_keep_what_is_unknown_unknown() -> None:
    frame = rows_frame(measured(known=False))
    assert frame["energy_j"].isna().all()
    assert frame["share"].isna().all()
    assert rows_frame(measured())["flops_per_j"].tolist()[:2] == pytest.approx([1e9, 1e9])
    assert epochs_frame([]).empty
    assert windows_frame([]).empty


def test_charts_without_numbers_are_left_out() -> None:
    assert set(energy_figures(measured())) >= {"passes", "layers", "layer_energy", "layer_steps", "loss", "windows"}
    assert set(energy_figures(measured(known=False))) == {"loss"}


@pytest.mark.parametrize("known", [True, False])
def test_the_page_is_whole(known: bool) -> None:
    page = render(measured(known=known, title="<b>Net</b>"))
    assert "<b>Net</b>" not in page
    assert "&lt;b&gt;Net" in page
    block = re.search(r'<script type="application/json" id="figures">(.*?)</script>', page, re.DOTALL)
    assert block is not None
    assert set(json.loads(block[1])) == set(energy_figures(measured(known=known)))
    ours = page.partition('<script type="application/json"')[0]
    assert ("100 J" in ours) == known
    assert ("unknown" in ours) != known
    assert not re.search(r'(src|href)="http', ours)


def test_the_page_says_what_its_total_is_a_sum_of() -> None:
    found = dataclasses.replace(measured(), sources=CLOUD)
    assert f"energy is {CLOUD_LABEL}." in render(found)
    assert measured().label == "measured"


def test_joules_above_idle_have_a_column_where_they_are_known() -> None:
    found = measured()
    known = {name: msgspec.structs.replace(energy, dynamic_j=42.0) for name, energy in found.domains.items()}
    assert "above idle" not in render(found)
    page = render(dataclasses.replace(found, domains=known))
    assert "above idle" in page
    assert ">42.0 J<" in page


def test_a_notebook_shows_a_table() -> None:
    shown = notebook_table(measured(title="<b>Net</b>"))
    assert "<td>block.conv</td>" in shown
    assert "&lt;b&gt;Net" in shown
    assert "a note." in shown

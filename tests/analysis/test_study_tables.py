"""Tables made trial by trial: the same text as of the whole frames, whatever the trials bring."""

import msgspec
import pytest

from sweep.analysis import csv_text as csv_module
from sweep.analysis.csv_text import csv_text
from sweep.analysis.tables import domains_frame, epochs_frame, layers_frame, trials_frame
from sweep.records import StudyData
from tests.energy_factories import sensed
from tests.factories import sixteen, study, trial
from tests.layer_factories import layered, nasty_layers
from tests.tables import tables

FRAMES = {"trials": trials_frame, "epochs": epochs_frame, "layers": layers_frame, "domains": domains_frame}


def _with_a_late_domain() -> StudyData:
    """The last trial has a domain that neither the study nor the trials before it know."""
    data = layered(sixteen(1))
    *others, last = data.trials
    rows = [msgspec.structs.replace(row, energy_j=row.energy_j | {"late": 1.0}) for row in last.layers[0].rows]
    changed = msgspec.structs.replace(
        last,
        domains=last.domains | {"late": next(iter(last.domains.values()))},
        layers=[msgspec.structs.replace(last.layers[0], rows=rows), *last.layers[1:]],
    )
    return msgspec.structs.replace(data, trials=[*others, changed])


STUDIES = {
    "repeats": sixteen(2),
    "sensors and layers": sensed(layered(sixteen(1))),
    "names of users": nasty_layers(),
    "no trial": study([]),
    "out of order": study([trial(1), trial(0)]),
    "late domain": _with_a_late_domain(),
}


@pytest.mark.parametrize("rows_at_once", [1, 7, 10_000])
@pytest.mark.parametrize("data", STUDIES.values(), ids=STUDIES)
def test_the_tables_are_those_of_the_frames(
    data: StudyData, rows_at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_module, "ROWS_AT_ONCE", rows_at_once)
    assert tables(data) == {f"{name}.csv": csv_text(frame(data)) for name, frame in FRAMES.items()}


def test_trials_are_asked_for_once() -> None:
    data = layered(sixteen(1))
    trials = iter(data.trials)
    assert tables(data, trials) == tables(data)
    assert next(trials, None) is None

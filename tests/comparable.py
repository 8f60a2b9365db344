"""Two studies of one experiment on two machines, with a planted truth.

``laptop`` is ``factories.sixteen`` again on another machine: every joule is ``FACTOR`` times as much there, but a batch
of 64 takes ``SLOW_64`` times that again, so that the order of the setups is nearly, not wholly, the same.
"""

from typing import Any

import msgspec

from sweep.records import Machine, StudyData, TrialRecord
from tests.energy_factories import SERVER, sensed
from tests.factories import sixteen

FACTOR, SLOW_64 = 3.0, 1.5
LAPTOP = Machine(
    host="laptop",
    system="macOS 15",
    compute="mps",
    model="Example M1",
    cores=10,
    threads=10,
    wait_policy="PASSIVE",
    software={"python": "3.12.1", "torch": "2.13.0"},
)


def workstation(n_repeats: int = 3) -> StudyData:
    """The first study: modelled joules."""
    return sixteen(n_repeats)


def laptop(n_repeats: int = 3, *, measured: bool = False, seed: int = 8) -> StudyData:
    """The second: the same setups, other seeds and another machine."""
    data = sixteen(n_repeats, seed=seed)
    trials = [scaled(trial, FACTOR * (SLOW_64 if trial.params["batch_size"] == 64 else 1.0)) for trial in data.trials]
    study = msgspec.structs.replace(data.study, name="sixteen on a laptop", machine=LAPTOP)
    data = msgspec.structs.replace(data, study=study, trials=trials)
    return sensed(data, SERVER) if measured else data


def scaled(trial: TrialRecord, factor: float) -> TrialRecord:
    """The trial with all its joules multiplied."""

    def times(item: float | None) -> float | None:
        return None if item is None else factor * item

    names = ("energy_j", "energy_spent_j", "energy_u_scale_j", "energy_u_random_j", "energy_to_best_j")
    return msgspec.structs.replace(
        trial,
        **{name: times(getattr(trial, name)) for name in names},
        trajectory=[msgspec.structs.replace(point, energy_j=times(point.energy_j)) for point in trial.trajectory],
    )


def with_config(data: StudyData, section: str, /, **options: Any) -> StudyData:
    """The study with options of its config set."""
    config = data.study.config | {section: {**data.study.config.get(section, {}), **options}}
    return with_study(data, config=config)


def with_study(data: StudyData, /, **fields: Any) -> StudyData:
    """The study with fields of its record set."""
    return msgspec.structs.replace(data, study=msgspec.structs.replace(data.study, **fields))

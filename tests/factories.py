"""Studies with a planted truth: what a test knows about the answer before it asks.

``trial`` makes one record from a curve of qualities and joules; ``study`` puts records into a StudyData;
``sixteen`` is a plausible study of the paper's 16 setups with chosen noise.
"""

import itertools
import math
import random
from collections.abc import Mapping, Sequence
from typing import Any

from sweep.records import (
    RESULTS,
    ActivityEnergy,
    DataInfo,
    Dimension,
    Domain,
    DomainEnergy,
    LoadCheck,
    Machine,
    Provenance,
    SessionRecord,
    State,
    StopReason,
    StudyData,
    StudyRecord,
    TestResult,
    TrajectoryPoint,
    TrialRecord,
)

DOMAIN = "cpu:process"
BATCH_SIZES = (64, 256, 1024, 4096)
LEARNING_RATES = (0.1, 0.01, 0.001, 0.0001)

MACHINE = Machine(
    host="bench",
    system="Linux 6.1",
    compute="cpu",
    model="Example CPU",
    cores=2,
    threads=2,
    wait_policy="PASSIVE",
    software={"python": "3.11.9", "torch": "2.13.0"},
)


def trial(
    number: int = 0,
    params: Mapping[str, Any] | None = None,
    *,
    qualities: Sequence[float | None] = (0.5, 0.7, 0.8),
    epoch_j: float | None = 10.0,
    tail_j: float = 0.0,
    repeat: int = 0,
    stop_reason: StopReason = StopReason.EARLY_STOPPING,
    prefix_is_run: bool = True,
    contaminated: bool = False,
    random_u_rel: float = 0.0,
    message: str | None = None,
    imported_from: str | None = None,
) -> TrialRecord:
    """A record whose epoch k has the k-th quality and costs ``epoch_j``; ``tail_j`` comes after the last."""
    points = [
        TrajectoryPoint(
            phase="supervised",
            epoch=epoch,
            loss=1.0 / epoch,
            val_loss=1.1 / epoch,
            quality=quality,
            energy_j=None if epoch_j is None else epoch_j * epoch,
            duration_s=0.5 * epoch,
        )
        for epoch, quality in enumerate(qualities, start=1)
    ]
    known = [(quality, -epoch) for epoch, quality in enumerate(qualities, 1) if quality is not None]
    quality, best = max(known) if known else (None, None)
    energy_j = None if epoch_j is None else epoch_j * len(points) + tail_j
    scale_j, random_j = (None, None) if energy_j is None else (0.3 * energy_j, random_u_rel * energy_j)
    return TrialRecord(
        number=number,
        params=dict(params if params is not None else {"batch_size": 64, "lr": 0.1}),
        seed=1000 + number,
        repeat=repeat,
        paradigm="baseline",
        state=State.COMPLETE if stop_reason in RESULTS else State.FAIL,
        stop_reason=stop_reason,
        message=message,
        quality=quality,
        best_epoch=None if best is None else -best,
        energy_to_best_j=None if best is None or epoch_j is None else -best * epoch_j,
        epochs=len(points),
        effective_batch_size=64,
        energy_j=energy_j,
        energy_spent_j=energy_j,
        energy_u_scale_j=scale_j,
        energy_u_random_j=random_j,
        domains={
            DOMAIN: DomainEnergy(
                energy_j=energy_j, provenance=Provenance.MODELLED, u_scale_j=scale_j, u_random_j=random_j
            )
        },
        activities=[ActivityEnergy(phase="supervised", activity="train", duration_s=1.0, energy_j={DOMAIN: energy_j})],
        trajectory=points,
        prefix_is_run=prefix_is_run,
        load=LoadCheck(wait_share=0.4 if contaminated else 0.01, contaminated=contaminated),
        machine=MACHINE,
        started_at="2025-01-02T03:04:05+00:00",
        duration_s=0.5 * len(points),
        config_digest=f"digest{number}",
        imported_from=imported_from,
    )


def study(
    trials: Sequence[TrialRecord] = (),
    *,
    name: str = "example",
    tests: Sequence[TestResult] = (),
    sessions: Sequence[SessionRecord] | None = None,
    dimensions: Sequence[Dimension] | None = None,
    quality_name: str = "accuracy",
    n_val: int = 400,
    notice: str | None = None,
    mend: str | None = None,
    repeats: int | None = None,
) -> StudyData:
    """A study around the records; dimensions and one session are derived where not given."""
    records = list(trials)
    return StudyData(
        study=StudyRecord(
            name=name,
            created_at="2025-01-02T03:00:00+00:00",
            command="python -m sweep +experiment=example",
            quality_name=quality_name,
            dimensions=list(_dimensions(records) if dimensions is None else dimensions),
            repeats=repeats or 1 + max((record.repeat for record in records), default=0),
            n_trials_planned=len(records) or None,
            config=config(name),
            fingerprint={"data": "abc"},
            data=DataInfo(
                source="synthetic" if notice else "local",
                description="windows of body-worn sensors",
                digest="0123456789abcdef",
                split="by subject: validation 5, test 6",
                n_train=2000,
                n_val=n_val,
                n_test=400,
                notice=notice,
                mend=mend,
            ),
            domains=[
                Domain(
                    name=DOMAIN,
                    provenance=Provenance.MODELLED,
                    scale_u_rel=0.3,
                    random_u_rel=0.02,
                    source="4 W a busy core",
                )
            ],
            machine=MACHINE,
        ),
        trials=records,
        sessions=[session(records)] if sessions is None and records else list(sessions or []),
        tests=list(tests),
    )


def config(name: str = "example") -> dict[str, Any]:
    """A resolved config of the shape that a study stores."""
    return {
        "objective": {"_target_": "objectives.windows.Windows", "path": "data.npz", "val_subjects": [5]},
        "paradigms": {"baseline": {"_target_": "sweep.paradigms.baseline.Baseline"}},
        "search": {
            "sampler": "grid",
            "n_trials": None,
            "space": {"batch_size": list(BATCH_SIZES), "lr": list(LEARNING_RATES), "paradigm": ["baseline"]},
            "vary": {},
        },
        "meter": {"_target_": "sweep.energy.meters.estimated.EstimatedMeter", "static_power_w": 10.0},
        "trainer": {"batch_size": 256, "lr": 1e-05, "max_epochs": 60, "patience": 8},
        "study": {"name": name, "dir": f"reports/{name}", "repeats": 2, "seed": 0, "import_from": "old"},
        "report": {},
    }


def session(records: Sequence[TrialRecord], *, test_j: float = 5.0, overhead_j: float = 20.0) -> SessionRecord:
    """The session in which these records were made."""
    own = [record for record in records if record.imported_from is None]
    spent = [record.energy_spent_j for record in own]
    trials_j = None if None in spent else math.fsum(item for item in spent if item is not None)
    return SessionRecord(
        started_at="2025-01-02T03:00:00+00:00",
        command="python -m sweep +experiment=example",
        duration_s=600.0,
        energy_j={DOMAIN: None if trials_j is None else trials_j + test_j + overhead_j},
        trials_j={DOMAIN: trials_j},
        test_j={DOMAIN: test_j},
        trials=[record.number for record in own],
    )


def repeats(
    params: Mapping[str, Any],
    curves: Sequence[Sequence[float | None]],
    *,
    first: int = 0,
    epoch_j: float | Sequence[float] = 10.0,
    **options: Any,
) -> list[TrialRecord]:
    """One record for each curve: the repeats of one setup, numbered from ``first``."""
    costs = [epoch_j] * len(curves) if isinstance(epoch_j, int | float) else epoch_j
    return [
        trial(first + index, params, qualities=curve, epoch_j=cost, repeat=index, **options)
        for index, (curve, cost) in enumerate(zip(curves, costs, strict=True))
    ]


def sixteen(n_repeats: int = 3, *, quality_sd: float = 0.004, energy_rel_sd: float = 0.01, seed: int = 7) -> StudyData:
    """The paper's 16 setups: batch size rules joules an epoch, learning rate the quality and the epochs.

    Planted: lr 0.01 is the best at every batch size; batch 64 is the most accurate (0.93) and batch 1024 is
    0.2 points behind at a quarter of the joules an epoch; batch 4096 is 6 points behind.
    """
    rng = random.Random(seed)
    ceiling = {64: 0.93, 256: 0.925, 1024: 0.928, 4096: 0.87}
    epoch_j = {64: 40.0, 256: 20.0, 1024: 10.0, 4096: 8.0}
    loss = {0.1: 0.15, 0.01: 0.0, 0.001: 0.04, 0.0001: 0.35}
    epochs = {0.1: 10, 0.01: 20, 0.001: 30, 0.0001: 40}
    records: list[TrialRecord] = []
    setups = list(itertools.product(BATCH_SIZES, LEARNING_RATES))
    for index in range(n_repeats):
        for batch_size, lr in rng.sample(setups, len(setups)):
            top = ceiling[batch_size] - loss[lr] + rng.gauss(0.0, quality_sd)
            length = epochs[lr] + rng.randrange(3)
            curve = [round(top * (1 - math.exp(-7 * k / length)), 6) for k in range(1, length + 1)]
            cost = epoch_j[batch_size] * (1 + rng.gauss(0.0, energy_rel_sd))
            params = {"batch_size": batch_size, "lr": lr, "paradigm": "baseline"}
            records.append(trial(len(records), params, qualities=curve, epoch_j=cost, tail_j=0.5, repeat=index))
    return study(records, name="sixteen setups")


def nasty() -> StudyData:
    """Names that try to be markup, everywhere a user can put one, with a failed and an interrupted trial."""
    evil = "<script>alert(1)</script>[red]"
    params = {evil: "<b>x</b>", "lr": 0.1}
    records = [
        *repeats(params, [(0.5, 0.8), (0.5, 0.81)]),
        *repeats({**params, "lr": 0.01}, [(0.5, 0.7)], first=2, contaminated=True),
        trial(3, params, qualities=(), epoch_j=None, stop_reason=StopReason.CRASHED, message=evil),
        trial(4, {**params, "lr": 9.0}, qualities=(0.1,), stop_reason=StopReason.DIVERGED, message=evil),
    ]
    return study(records, name=evil, quality_name=evil, notice=f"Data are {evil}", mend=f"sweep fetch {evil}")


def _dimensions(records: Sequence[TrialRecord]) -> list[Dimension]:
    names = list(dict.fromkeys(name for record in records for name in record.params))
    return [
        Dimension(
            name=name,
            key=name if name == "paradigm" or "." in name else f"trainer.{name}",
            values=list(dict.fromkeys(r.params[name] for r in records if name in r.params)),
        )
        for name in names
    ]

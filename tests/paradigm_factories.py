"""Studies of several learning paradigms with planted joules, hung on the records of ``factories``."""

import itertools
import random
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from sweep.records import Pretraining, StudyData, TrajectoryPoint, TrialRecord
from tests.factories import BATCH_SIZES, LEARNING_RATES, study, trial

PRETRAINING_EPOCHS = 2


def pretrained(
    record: TrialRecord,
    pretraining_j: float | None,
    *,
    key: str = "key",
    number: int | None = None,
    reused: bool = False,
    shares: float = 1.0,
    u_j: float | None = 0.0,
) -> TrialRecord:
    """The record with a pretraining before it: what it had before is what follows now."""
    charged = None if pretraining_j is None else pretraining_j / shares
    points = [
        TrajectoryPoint(
            phase="pretraining",
            epoch=epoch,
            loss=1.0,
            val_loss=1.0,
            quality=None,
            energy_j=None if charged is None else charged * epoch / PRETRAINING_EPOCHS,
            duration_s=0.5 * epoch,
        )
        for epoch in range(1, PRETRAINING_EPOCHS + 1)
    ]
    later = [msgspec.structs.replace(point, energy_j=_plus(point.energy_j, charged)) for point in record.trajectory]
    spent = record.energy_j if reused else _plus(record.energy_j, pretraining_j)
    return msgspec.structs.replace(
        record,
        trajectory=points + later,
        energy_j=_plus(record.energy_j, charged),
        energy_to_best_j=_plus(record.energy_to_best_j, charged),
        energy_spent_j=spent,
        pretraining_shares=shares,
        pretraining=Pretraining(
            key=key,
            number=record.number if number is None else number,
            reused=reused,
            energy_j=pretraining_j,
            energy_u_random_j=u_j,
            epochs=PRETRAINING_EPOCHS,
            duration_s=1.0,
        ),
    )


def _plus(energy_j: float | None, more_j: float | None) -> float | None:
    return None if energy_j is None or more_j is None else energy_j + more_j


def run(
    number: int,
    paradigm: str,
    energy_j: float | None,
    *,
    repeat: int = 0,
    quality: float = 0.9,
    epochs: int = 4,
    params: Mapping[str, Any] | None = None,
    **options: Any,
) -> TrialRecord:
    """One trial of a paradigm whose (downstream) joules are ``energy_j`` and whose last epoch is the best."""
    curve = [quality * epoch / epochs for epoch in range(1, epochs + 1)]
    own = {**(params or {"batch_size": 64, "lr": 0.1}), "paradigm": paradigm}
    epoch_j = None if energy_j is None else energy_j / epochs
    record = trial(number, own, qualities=curve, epoch_j=epoch_j, repeat=repeat, **options)
    return msgspec.structs.replace(record, paradigm=paradigm)


def triple(
    energies: Sequence[tuple[float | None, float | None, float | None]],
    *,
    params: Mapping[str, Any] | None = None,
    first: int = 0,
    qualities: tuple[float, float] = (0.9, 0.9),
    keys: Sequence[str] | None = None,
    paradigm: str = "pretrain_frozen",
) -> list[TrialRecord]:
    """Frozen and baseline of one setup: (pretraining, downstream, baseline) joules of each repeat."""
    records = []
    for repeat, (pretraining_j, downstream_j, baseline_j) in enumerate(energies):
        number = first + 2 * repeat
        frozen = run(number, paradigm, downstream_j, repeat=repeat, quality=qualities[0], params=params)
        key = keys[repeat] if keys else f"{first}-{repeat}"
        records.append(pretrained(frozen, pretraining_j, key=key))
        records.append(run(number + 1, "baseline", baseline_j, repeat=repeat, quality=qualities[1], params=params))
    return records


def three_paradigms(n_repeats: int = 2, *, energy_rel_sd: float = 0.03, cached: bool = False) -> StudyData:
    """The 16 setups as baseline, frozen and finetuned; the frozen encoder loses quality at lr 0.0001.

    Planted: an epoch's joules follow the batch size, the number of epochs the learning rate; a frozen epoch costs half,
    a finetuned one nine tenths, and a pretraining three baseline trainings; at batch size 4096 freezing saves nothing.
    """
    rng = random.Random(11)
    epoch_j = {64: 40.0, 256: 20.0, 1024: 10.0, 4096: 8.0}
    epochs = {0.1: 6, 0.01: 12, 0.001: 18, 0.0001: 24}
    records: list[TrialRecord] = []
    for repeat, batch_size, lr in itertools.product(range(n_repeats), BATCH_SIZES, LEARNING_RATES):
        params = {"batch_size": batch_size, "lr": lr}
        whole_j = epoch_j[batch_size] * epochs[lr]
        key, pretraining_j = f"{batch_size}-{lr}-{repeat}", 3.0 * whole_j * (1 + rng.gauss(0.0, energy_rel_sd))
        first: int | None = None
        part = {"baseline": 1.0, "pretrain_frozen": 1.02 if batch_size == 4096 else 0.5, "pretrain_finetune": 0.9}
        for paradigm, share in part.items():
            own_j = whole_j * share * (1 + rng.gauss(0.0, energy_rel_sd))
            lost = 0.3 if paradigm == "pretrain_frozen" and lr == 0.0001 else 0.0
            quality = 0.92 - 0.01 * lr - lost + rng.gauss(0.0, 0.003)
            record = run(
                len(records), paradigm, own_j, repeat=repeat, quality=quality, epochs=epochs[lr], params=params
            )
            if paradigm != "baseline":
                record = pretrained(record, pretraining_j, key=key, number=first, reused=first is not None)
                first = record.number if first is None else first
            if cached and paradigm == "pretrain_frozen":
                record = msgspec.structs.replace(record, results={"cached_features": 1.0})
            records.append(record)
    return study(records, name="three paradigms")


def heads(n_repeats: int = 2) -> StudyData:
    """Identity and pose, one by one and together, at two batch sizes: together costs 0.6 of the sum."""
    records: list[TrialRecord] = []
    for repeat, batch_size in itertools.product(range(n_repeats), (64, 256)):
        params = {"batch_size": batch_size, "lr": 0.01}
        scale = (64 / batch_size) ** 0.5 * (1.0 + 0.02 * repeat)
        singles = {"singletask.identity": (100.0, 0.8), "singletask.pose": (60.0, 0.7)}
        for paradigm, (energy_j, quality) in singles.items():
            records.append(run(len(records), paradigm, energy_j * scale, repeat=repeat, quality=quality, params=params))
        both = run(len(records), "multitask", 96.0 * scale, repeat=repeat, quality=0.76, epochs=3, params=params)
        records.append(msgspec.structs.replace(both, qualities={"identity": 0.82, "pose": 0.70}))
    return study(records, name="heads")


def nasty_paradigms() -> StudyData:
    """Names that try to be markup, in the setups of every paradigm."""
    evil = "<script>alert(1)</script><b>x</b>"
    records = [
        record
        for first, params in enumerate(({evil: evil}, {evil: f"{evil}2"}))
        for record in triple([(10.0, 2.0, 4.0), (12.0, 2.0, 4.0)], params=params, first=10 * first)
    ]
    for paradigm in (f"singletask.{evil}", "multitask"):
        for params in ({evil: evil}, {evil: f"{evil}2"}):
            records.append(run(100 + len(records), paradigm, 10.0, params=params))
    return study(records, name=evil)

"""What makes a study, and a trial, the same as another: fingerprints and digests.

A study is resumed only if nothing in its fingerprint changed; a record is taken over only if its config digest is
the one that the new study would give it.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sweep.config import SweepConfig, digest, plain, pretraining_shares
from sweep.energy.recorder import Recorder
from sweep.errors import StudyError
from sweep.records import DataInfo, Dimension, Domain, Machine, StudyRecord
from sweep.study.search_space import total_trials
from sweep.study.store import StudyStore
from sweep.training import device as devices


def describe(
    config: SweepConfig,
    dims: Sequence[Dimension],
    name: str,
    command: str,
    info: DataInfo,
    quality_name: str,
    recorder: Recorder,
) -> StudyRecord:
    """The record of the study, with its fingerprint."""
    options = plain(config)
    machine = devices.describe(config.trainer, devices.choose(config.trainer.device))
    swept = {d.key for d in dims}
    fixed = {k: v for k, v in options["trainer"].items() if f"trainer.{k}" not in swept and k != "device"}
    fingerprint = {
        "space": {d.name: _space_entry(d) for d in dims},
        "objective": objective_identity(options["objective"]),
        "paradigms": options["paradigms"],
        "trainer": fixed,
        "seed": config.study.seed,
        "energy": pretraining_shares(config.study.energy),
        **environment(info, recorder.domains, machine),
    }
    return StudyRecord(
        name=name,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        command=command,
        quality_name=quality_name,
        dimensions=list(dims),
        repeats=config.study.repeats,
        n_trials_planned=total_trials(config.search, dims, config.study.repeats),
        config=options,
        fingerprint=fingerprint,
        data=info,
        domains=list(recorder.domains),
        machine=machine,
    )


def _space_entry(dimension: Dimension) -> Any:
    if dimension.values is not None:
        return dimension.values
    return {"low": dimension.low, "high": dimension.high, "log": dimension.log, "step": dimension.step}


def refuse_other(store: StudyStore, study: StudyRecord) -> None:
    """Refuse to mix two studies in one folder.

    Raises:
        StudyError: with every difference, and how to go on.
    """
    old = store.study_record()
    if old is None:
        return
    differences = fingerprint_differences(old.fingerprint, study.fingerprint)
    if differences:
        raise StudyError(
            f"{store.folder} holds a study that differs in {'; '.join(differences)}",
            f"set study.name=<another>, and study.import_from={store.folder} to take over what still applies",
        )


def fingerprint_differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What differs between two fingerprints, as ``topic.key: old -> new``."""
    found: list[str] = []
    for key in sorted({*old, *new}):
        before, after = old.get(key), new.get(key)
        if isinstance(before, dict) and isinstance(after, dict):
            found += [f"{key}.{line}" for line in fingerprint_differences(before, after)]
        elif before != after:
            found.append(f"{key}: {before!r} -> {after!r}")
    return found


def config_digest(
    config: SweepConfig, paradigm: str, info: DataInfo, domains: tuple[Domain, ...], machine: Machine
) -> str:
    """Hash of everything that determines a trial's result but its seed."""
    options = plain(config)
    return digest(
        {
            "objective": objective_identity(options["objective"]),
            "trainer": {key: value for key, value in options["trainer"].items() if key != "device"},
            "paradigm": [paradigm, options["paradigms"].get(paradigm.partition(".")[0])],
            "shares": pretraining_shares(config.study.energy),
            **environment(info, domains, machine),
        }
    )


def objective_identity(options: dict[str, Any]) -> dict[str, Any]:
    """An objective's options without where the data lie: their digest tells what they are."""
    return {key: value for key, value in options.items() if key not in ("path", "source")}


def environment(info: DataInfo, domains: tuple[Domain, ...], machine: Machine) -> dict[str, Any]:
    """What must be the same for two trials to be comparable, apart from options."""
    return {
        "data": {"source": info.source, "digest": info.digest, "split": info.split, "notice": info.notice},
        "domains": {d.name: [str(d.provenance), d.source] for d in domains},
        "hardware": {key: getattr(machine, key) for key in ("compute", "model", "cores", "wait_policy")},
    }

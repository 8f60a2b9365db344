"""Whether two studies can be compared, and in what they differ.

Studies of different objectives, or of differently named qualities, are refused. Everything else is listed: what was
trained on (data, split), how (options of the training), what joules are (domains, whose they are, provenance), and the
machine. A difference is *serious* where it changes what a number means: then the numbers of both studies are not of
the same thing, and every reader is told so before the first of them.

Limits: options are compared as the configs have them. Equal options of different versions of the code are equal here.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from sweep.analysis import wording
from sweep.errors import StudyError
from sweep.records import DataInfo, StudyData

MISSING = "not there"
SECTIONS = ("objective", "trainer", "paradigms", "layers", "meter")
STUDY_KEYS = ("repeats", "seed", "energy", "cooldown_s", "warmup_s")
TRAINING = ("objective", "trainer", "paradigms")


class Unlike(NamedTuple):
    """One thing in which the studies differ.

    Attributes:
        a: of the first study, as text.
        b: of the second.
        means: what follows for the comparison; empty if nothing does.
        serious: whether it changes what a number means.
    """

    topic: str
    a: str
    b: str
    means: str = ""
    serious: bool = False


def refuse_others(a: StudyData, b: StudyData) -> None:
    """Refuse studies that are not of the same experiment.

    Raises:
        StudyError: if the objectives or the names of the qualities differ.
    """
    kinds = tuple(data.study.config.get("objective", {}).get("_target_", MISSING) for data in (a, b))
    if kinds[0] != kinds[1]:
        raise StudyError(
            f"the studies are of different objectives ({kinds[0]} and {kinds[1]})",
            "compare two studies of the same experiment",
        )
    names = a.study.quality_name, b.study.quality_name
    if names[0] != names[1]:
        raise StudyError(
            f"the studies have different qualities ({names[0]} and {names[1]})",
            "compare two studies of the same experiment",
        )


def differences(a: StudyData, b: StudyData) -> tuple[Unlike, ...]:
    """In what the studies differ, the serious first."""
    found = [*_joules(a, b), *_data(a, b), *_options(a, b), *_machine(a, b)]
    return tuple(sorted(found, key=lambda item: not item.serious))


def _joules(a: StudyData, b: StudyData) -> Iterator[Unlike]:
    first, second = (wording.energy_label(data.study.domains) for data in (a, b))
    if first == second:
        return
    kinds = [wording.provenance(data.study.domains) for data in (a, b)]
    if kinds[0] != kinds[1]:
        means = (
            f"{kinds[0]} joules stand beside {kinds[1]} ones: the order of the setups within each study can be "
            "compared, a ratio of joules between the studies says as much of the meters as of the machines"
        )
    else:
        means = "the totals are sums of different domains, so a ratio of joules holds that difference too"
    yield Unlike("joules", first, second, means, serious=True)


def _data(a: StudyData, b: StudyData) -> Iterator[Unlike]:
    first, second = a.study.data, b.study.data
    if first.digest != second.digest:
        yield Unlike("data", _named(first), _named(second), "qualities and joules are of different data", serious=True)
    if first.split != second.split:
        yield Unlike("split", first.split, second.split, "qualities are of different samples", serious=True)


def _options(a: StudyData, b: StudyData) -> Iterator[Unlike]:
    swept = {dimension.key for data in (a, b) for dimension in data.study.dimensions}
    first, second = _flat(a), _flat(b)
    for key in dict.fromkeys([*first, *second]):
        told = str(first.get(key, MISSING)), str(second.get(key, MISSING))
        if key in swept or told[0] == told[1]:
            continue
        is_training = key.partition(".")[0] in TRAINING
        means = "the trainings are not the same" if is_training else ""
        yield Unlike(key, told[0], told[1], means, serious=is_training)


def _machine(a: StudyData, b: StudyData) -> Iterator[Unlike]:
    first, second = a.study.machine, b.study.machine
    for name in ("host", "model", "compute", "system", "cores", "threads", "wait_policy"):
        told = str(getattr(first, name)), str(getattr(second, name))
        if told[0] != told[1]:
            yield Unlike(f"machine: {name}", told[0], told[1])
    for name in sorted({*first.software, *second.software}):
        versions = first.software.get(name, MISSING), second.software.get(name, MISSING)
        if versions[0] != versions[1]:
            yield Unlike(f"software: {name}", versions[0], versions[1])


def _named(data: DataInfo) -> str:
    return f"{data.description or data.source} ({data.source}, digest {data.digest})"


def _flat(data: StudyData) -> dict[str, Any]:
    config = data.study.config
    found = {key: item for name in SECTIONS for key, item in _leaves(config.get(name, {}), name)}
    study = config.get("study", {})
    return found | {f"study.{name}": study[name] for name in STUDY_KEYS if name in study}


def _leaves(section: Mapping[str, Any], where: str) -> Iterator[tuple[str, Any]]:
    for name, item in section.items():
        if isinstance(item, Mapping) and item:
            yield from _leaves(item, f"{where}.{name}")
        else:
            yield f"{where}.{name}", item

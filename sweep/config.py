"""The typed config: frozen dataclasses, one a config group.

YAML and the command line only fill these; ``sweep.compose`` turns a composed Hydra config into one ``SweepConfig``,
once, and nothing below it sees a ``DictConfig``. Sections that describe a plug-in (``objective``, ``meter``,
``paradigms.<name>``) stay plain mappings with ``_target_``: their options are the constructor's annotated parameters
and are checked when the plug-in is built (``sweep.registry.build``).
"""

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from enum import StrEnum
from typing import Any

from sweep.errors import ConfigError
from sweep.typed import freeze, unknown_mend


class Optimizer(StrEnum):
    """Optimizers of torch.optim."""

    adam = "adam"
    adamw = "adamw"
    sgd = "sgd"


class Schedule(StrEnum):
    """Learning-rate schedules. ``cosine`` depends on ``max_epochs``, so its prefixes are not shorter runs."""

    constant = "constant"
    cosine = "cosine"


class Monitor(StrEnum):
    """What early stopping watches on the validation split."""

    quality = "quality"
    loss = "loss"


class LayerMode(StrEnum):
    """Whether and how joules are divided among layers.

    Attributes:
        calibrated: the power of each layer is measured before the training; needs a sensor.
    """

    off = "off"
    sampled = "sampled"
    calibrated = "calibrated"


class WaitPolicy(StrEnum):
    """Whether OpenMP threads sleep (passive) or spin (active) while they wait."""

    passive = "passive"
    active = "active"


class Redo(StrEnum):
    """Which settled trials are run again.

    Attributes:
        contaminated: those whose joules or time belong in part to other programs, once in a session.
    """

    nothing = "nothing"
    contaminated = "contaminated"


class Sampler(StrEnum):
    """How setups are chosen."""

    grid = "grid"
    random = "random"
    tpe = "tpe"
    nsga2 = "nsga2"
    qmc = "qmc"


@dataclass(frozen=True)
class TrainerConfig:
    """How one setup is trained.

    Attributes:
        lr: learning rate.
        momentum: of SGD; the Adam family has its own.
        max_epochs: upper bound of the epochs of a phase.
        patience: epochs without improvement of ``monitor`` after which training stops.
        min_delta: smallest change of ``monitor`` that counts as an improvement.
        eval_batch_size: of validation and test; the same for every setup.
        device: ``auto`` (cuda, else mps, else cpu) or a torch device.
        threads: CPU threads of torch; null for the cores this process may use.
        wait_policy: of OpenMP threads; set before torch loads.
    """

    batch_size: int = 256
    lr: float = 1e-3
    weight_decay: float = 0.0
    optimizer: Optimizer = Optimizer.adam
    momentum: float = 0.9
    schedule: Schedule = Schedule.constant
    max_epochs: int = 100
    patience: int = 10
    min_delta: float = 0.0
    monitor: Monitor = Monitor.quality
    eval_batch_size: int = 1024
    device: str = "auto"
    threads: int | None = None
    wait_policy: WaitPolicy = WaitPolicy.passive

    def __post_init__(self) -> None:
        """Check the ranges."""
        for name in ("batch_size", "eval_batch_size", "max_epochs", "patience"):
            _at_least(f"trainer.{name}", getattr(self, name), 1)
        for name in ("weight_decay", "momentum", "min_delta"):
            _at_least(f"trainer.{name}", getattr(self, name), 0)
        if self.threads is not None:
            _at_least("trainer.threads", self.threads, 1)
        if not 0 < self.lr < math.inf:
            raise ConfigError(f"trainer.lr={self.lr} is not in (0, inf)", "set trainer.lr to a positive number")


@dataclass(frozen=True)
class LayersConfig:
    """How the energy of layers is measured.

    Attributes:
        every: layers are marked on one step in so many, drawn at random.
        calibration_s: seconds that the calibration of one model and batch size may take.
        operators: training steps under torch's profiler after each trial, for the time of each operator; 0 for none.
    """

    mode: LayerMode = LayerMode.sampled
    every: int = 20
    calibration_s: float = 60.0
    operators: int = 0

    def __post_init__(self) -> None:
        """Check the ranges."""
        _at_least("layers.every", self.every, 1)
        _at_least("layers.operators", self.operators, 0)
        if not 0 < self.calibration_s < math.inf:
            raise ConfigError(
                f"layers.calibration_s={self.calibration_s} is not in (0, inf)", "set layers.calibration_s=60"
            )


@dataclass(frozen=True)
class SearchConfig:
    """What is searched, and how.

    Attributes:
        space: dimensions by name; a list of values, or ``{low, high, log, step}``. Nested names are config
            keys: ``{trainer: {weight_decay: [0, 0.1]}}``.
        vary: dimensions from the command line; an entry replaces that of ``space`` whole, null removes it.
        n_trials: trials to end with, repeats included; null for the whole grid.
    """

    space: dict[str, Any] = field(default_factory=dict)
    vary: dict[str, Any] = field(default_factory=dict)
    sampler: Sampler = Sampler.grid
    n_trials: int | None = None

    def __post_init__(self) -> None:
        """Check the ranges."""
        if self.n_trials is not None:
            _at_least("search.n_trials", self.n_trials, 1)


@dataclass(frozen=True)
class StudyConfig:
    """Which study, and where.

    Attributes:
        name: null for the experiment's name, with the data's source where it may change.
        dir: null for ``reports/`` and a safe form of the name.
        repeats: runs of each setup, each with a seed of its own.
        seed: of everything random.
        import_from: folder of a study whose records are taken over where they still apply.
        test: whether the recommended setups are evaluated on the test split.
        redo: trials to run again although they are settled.
        idle_s: seconds in which the idle power of measured domains is taken, before the first trial and after the
            last; 0 to leave it out.
        cooldown_s: seconds to wait before each trial, so that devices cool down.
        warmup_s: seconds to train before each trial without counting it, so that devices warm up.
        energy: what a trial is charged with of a pretraining that it shares: ``total``, all of it, or
            ``{amortised: {reuses: N}}`` (or ``amortised(reuses=N)``), one part in N.
        current: the setup that is trained today, by dimension; what the search is weighed against.
    """

    name: str | None = None
    dir: str | None = None
    repeats: int = 1
    seed: int = 0
    import_from: str | None = None
    test: bool = True
    redo: Redo = Redo.nothing
    idle_s: float = 5.0
    cooldown_s: float = 0.0
    warmup_s: float = 0.0
    energy: Any = "total"
    current: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the ranges."""
        for name in ("idle_s", "cooldown_s", "warmup_s"):
            _at_least(f"study.{name}", getattr(self, name), 0)
        _at_least("study.repeats", self.repeats, 1)
        _at_least("study.seed", self.seed, 0)
        pretraining_shares(self.energy)


def pretraining_shares(energy: Any) -> float:
    """Trainings among which the joules of a pretraining are divided, from ``study.energy``; 1 for ``total``.

    Raises:
        ConfigError: for anything else than ``total`` and ``amortised`` with at least one reuse.
    """
    if energy == "total":
        return 1.0
    reuses: Any = None
    if isinstance(energy, str) and (found := re.fullmatch(r"amortised\(reuses=([^)]*)\)", energy.replace(" ", ""))):
        reuses = found[1]
    elif isinstance(energy, Mapping) and set(energy) == {"amortised"} and isinstance(energy["amortised"], Mapping):
        reuses = energy["amortised"].get("reuses") if set(energy["amortised"]) == {"reuses"} else None
    try:
        shares = float(reuses)
    except (TypeError, ValueError):
        shares = math.nan
    if not 1 <= shares < math.inf:
        raise ConfigError(
            f"study.energy={energy!r} is neither total nor amortised over 1 or more reuses",
            "write study.energy=total or study.energy={amortised:{reuses:10}}",
        )
    return shares


@dataclass(frozen=True)
class FootprintConfig:
    """How joules become CO2e and money.

    Attributes:
        grid: ``world``, a country (``DEU``, ``Germany``), ``baler_deck`` (0.954 lb/kWh), or kgCO2e a kWh as a number.
        grid_u_rel: relative standard uncertainty of the intensity; null for that of its source.
        pue: energy of the site over that of its computers (power usage effectiveness); 1 counts the computers only.
        price_per_kwh: in ``currency``; null to count no money.
    """

    grid: str | float = "world"
    grid_u_rel: float | None = None
    pue: float = 1.0
    price_per_kwh: float | None = None
    currency: str = "EUR"

    def __post_init__(self) -> None:
        """Check the ranges."""
        if not isinstance(self.grid, str):
            _at_least("report.footprint.grid", self.grid, 0)
        _at_least("report.footprint.pue", self.pue, 1)
        for name in ("grid_u_rel", "price_per_kwh"):
            if getattr(self, name) is not None:
                _at_least(f"report.footprint.{name}", getattr(self, name), 0)


@dataclass(frozen=True)
class ReportConfig:
    """What the report claims.

    Attributes:
        confidence: level of the intervals behind a recommendation.
        trainings_per_year: how often the recommended setup will be trained; null gives no numbers of a year.
        budget_j: joules that one training may cost; null for no such limit.
        budget_s: seconds that one training may take; null for no such limit.
        footprint: CO2e and money.
    """

    confidence: float = 0.95
    trainings_per_year: float | None = None
    budget_j: float | None = None
    budget_s: float | None = None
    footprint: FootprintConfig = field(default_factory=FootprintConfig)

    def __post_init__(self) -> None:
        """Check the ranges."""
        if not 0.5 <= self.confidence < 1:
            raise ConfigError(f"report.confidence={self.confidence} is not in [0.5, 1)", "set report.confidence=0.95")
        for name in ("trainings_per_year", "budget_j", "budget_s"):
            number = getattr(self, name)
            if number is not None and not 0 < number < math.inf:
                raise ConfigError(
                    f"report.{name}={number} is no positive number", f"set report.{name} above 0, or to null for none"
                )


@dataclass(frozen=True)
class SweepConfig:
    """The whole config of one run."""

    objective: dict[str, Any] = field(default_factory=dict)
    paradigms: dict[str, Any] = field(default_factory=dict)
    search: SearchConfig = field(default_factory=SearchConfig)
    meter: dict[str, Any] = field(default_factory=dict)
    trainer: TrainerConfig = field(default_factory=TrainerConfig)
    layers: LayersConfig = field(default_factory=LayersConfig)
    study: StudyConfig = field(default_factory=StudyConfig)
    report: ReportConfig = field(default_factory=ReportConfig)


def _at_least(key: str, value: float, least: float) -> None:
    if not value >= least:
        raise ConfigError(f"{key}={value} is below {least}", f"set {key} to {least} or more")
    if value == math.inf:
        raise ConfigError(f"{key}={value} is not finite", f"set {key} to a number")


def with_value(config: SweepConfig, key: str, value: Any) -> SweepConfig:
    """The config with one dotted key set.

    Args:
        config: stays as it is.
        key: e.g. ``trainer.lr`` or ``objective.model.width``.
        value: checked against the key's type where the core schema knows it.

    Raises:
        ConfigError: if no such key exists, or the value does not fit.
    """
    section, _, rest = key.partition(".")
    names = [f.name for f in fields(config)]
    if section not in names or not rest:
        raise ConfigError(f"{key} is not a config key", unknown_mend(section, names))
    current = getattr(config, section)
    if is_dataclass(current):
        changed: Any = freeze(type(current), {**asdict(current), rest: value}, section)  # type: ignore[arg-type]
    else:
        changed = _nested(current, rest.split("."), value, section)
    return replace(config, **{section: changed})


def _nested(mapping: dict[str, Any], path: list[str], value: Any, where: str) -> dict[str, Any]:
    head, rest = path[0], path[1:]
    if not rest:
        return {**mapping, head: value}
    inner = mapping.get(head)
    if inner is not None and not isinstance(inner, dict):
        raise ConfigError(f"{where}.{head} is not a section", f"sweep {where}.{head} itself")
    return {**mapping, head: _nested(inner or {}, rest, value, f"{where}.{head}")}


def plain(config: SweepConfig) -> dict[str, Any]:
    """The config as nested dicts of plain values, fit for YAML and JSON."""
    return {key: _plain(value) for key, value in asdict(config).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, StrEnum) else value


def digest(value: Any) -> str:
    """Short hash of plain data, independent of the order of keys."""
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]

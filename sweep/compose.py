"""From a command line to one typed config: the only place that knows Hydra's composition.

The schema is first in the defaults list, so YAML typos and ``trainer.lrr=1`` are refused by OmegaConf; what gets past
it (``+trainer.lrr=1``) is refused when the composed mapping becomes frozen dataclasses. OmegaConf cannot compose
frozen dataclasses, hence the unfrozen twins.

Configs are searched in the shipped ``conf``, then in ``conf`` of the current folder and in every ``--config-dir``. A
file that stands in two of them with different content is refused: Hydra would take the first without a word.
"""

import itertools
import shlex
from collections.abc import Sequence
from dataclasses import MISSING, dataclass, field, fields, is_dataclass, make_dataclass
from pathlib import Path
from typing import Any, ClassVar, get_type_hints

from hydra import compose, initialize_config_dir
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ValueType
from hydra.core.plugins import Plugins
from hydra.errors import HydraException, OverrideParseException
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from sweep.config import SweepConfig
from sweep.errors import ConfigError
from sweep.records import Dimension
from sweep.study import search_space
from sweep.typed import freeze, unknown_mend

PRIMARY = "sweep_config"
SCHEMA = "sweep_schema"
GROUPS = ("experiment", "objective", "paradigm", "search", "meter", "trainer", "layers", "study", "report")


@dataclass(frozen=True)
class Composed:
    """A checked config and what it was composed from.

    Attributes:
        label: name of the experiment, or of the objective where none was chosen.
    """

    config: SweepConfig
    dimensions: list[Dimension]
    label: str


def conf_dir() -> Path:
    """The shipped configs: inside the package when installed, beside it in a checkout."""
    inside = Path(__file__).parent / "conf"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "conf"


class UserConfigs(SearchPathPlugin):
    """Adds the user's folders behind the shipped one; Hydra makes the instances, hence the class attribute."""

    folders: ClassVar[tuple[Path, ...]] = ()

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Called by Hydra."""
        for folder in self.folders:
            search_path.append(provider="user", path=f"file://{folder}")


def prepare(config_dirs: Sequence[Path] = ()) -> None:
    """Register the schema and the folders to search; call before any composing.

    Raises:
        ConfigError: for a folder that does not exist, or a file that stands in two folders.
    """
    for folder in config_dirs:
        if not folder.is_dir():
            raise ConfigError(f"--config-dir {folder} is not a folder", "give a folder of YAML files")
    candidates = [Path.cwd() / "conf", *config_dirs]
    folders = [f.resolve() for f in candidates if f.is_dir() and f.resolve() != conf_dir().resolve()]
    UserConfigs.folders = tuple(dict.fromkeys(folders))
    _refuse_duplicates([conf_dir(), *UserConfigs.folders])
    ConfigStore.instance().store(SCHEMA, node=_twin(SweepConfig))
    if UserConfigs not in Plugins.instance().discover(SearchPathPlugin):
        Plugins.instance().register(UserConfigs)


def _refuse_duplicates(folders: Sequence[Path]) -> None:
    for first, second in itertools.combinations(folders, 2):
        for path in sorted(second.rglob("*.yaml")):
            other = first / path.relative_to(second)
            if other.is_file() and other.read_bytes() != path.read_bytes():
                raise ConfigError(
                    f"{path} and {other} have the same name, and only one could be read",
                    f"rename {path}",
                )


def _twin(cls: type) -> type:
    """An unfrozen dataclass with the fields of a frozen one, for OmegaConf."""
    hints = get_type_hints(cls)
    twins: list[tuple[str, Any, Any]] = []
    for f in fields(cls):
        kind = hints[f.name]
        if is_dataclass(kind):
            kind = _twin(kind)  # type: ignore[arg-type]
            twins.append((f.name, kind, field(default_factory=kind)))
        elif f.default_factory is not MISSING:
            twins.append((f.name, kind, field(default_factory=f.default_factory)))
        else:
            twins.append((f.name, kind, field(default=f.default)))
    return make_dataclass(cls.__name__, twins)


def compose_config(overrides: Sequence[str]) -> Composed:
    """Compose and check; ``prepare`` comes first.

    Raises:
        ConfigError: in the words of this project, whatever Hydra said.
    """
    for override in overrides:
        if override.startswith("experiment="):
            raise ConfigError(f"{override} sets a group that has no default", f"write +{override}")
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(conf_dir()), version_base="1.3"):
            cfg = compose(PRIMARY, overrides=list(overrides), return_hydra_config=True)
            choices = dict(cfg.hydra.runtime.choices)
            with_hydra = OmegaConf.masked_copy(cfg, [str(key) for key in cfg if key != "hydra"])
        return finish(with_hydra, choices, overrides)
    except (HydraException, OmegaConfBaseException) as err:
        raise _in_our_words(err) from err


def jobs(overrides: Sequence[str]) -> list[list[str]]:
    """The command lines of a multirun: the product of the values that its overrides list.

    Empty where only Hydra knows the values (``glob``, ``interval``).

    Raises:
        ConfigError: if an override cannot be read.
    """
    try:
        parsed = OverridesParser.create().parse_overrides(list(overrides))
    except HydraException as err:
        raise _in_our_words(err) from err
    if any(item.value_type in (ValueType.GLOB_CHOICE_SWEEP, ValueType.INTERVAL_SWEEP) for item in parsed):
        return []
    columns = [
        [f"{item.get_key_element()}={value}" for value in item.sweep_string_iterator()]
        if item.is_sweep_override()
        else [text]
        for text, item in zip(overrides, parsed, strict=True)
    ]
    return [list(row) for row in itertools.product(*columns)]


def finish(cfg: DictConfig, choices: dict[str, Any], overrides: Sequence[str]) -> Composed:
    """Make the typed config from what Hydra composed.

    Args:
        cfg: the composed config without Hydra's own node.
        choices: option chosen in each group.
        overrides: as written on the command line.

    Raises:
        ConfigError: for anything that cannot be run.
    """
    try:
        mapping = OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True, enum_to_str=True)
    except OmegaConfBaseException as err:
        raise _in_our_words(err) from err
    config = freeze(SweepConfig, mapping)  # type: ignore[arg-type]
    dims = search_space.dimensions(config)
    search_space.refuse_overridden(dims, overrides)
    search_space.paradigm_of(config, {d.name: (d.values or [None])[0] for d in dims})
    if config.search.sampler == "grid":
        search_space.grid(dims)
    elif config.search.n_trials is None:
        raise ConfigError(
            f"search.sampler={config.search.sampler} has no end",
            "set search.n_trials, e.g. search.n_trials=32",
        )
    label = choices.get("experiment") or choices.get("objective") or "study"
    return Composed(config, dims, str(label))


def _in_our_words(err: Exception) -> ConfigError:
    text = str(err).replace("\n", " ").strip()
    cause = str(err.__cause__).split("\n")[0] if err.__cause__ else ""
    if isinstance(err, MissingMandatoryValue):
        key = str(getattr(err, "full_key", "") or "a value")
        return ConfigError(f"{key} has no value", f"set {key}=...")
    if isinstance(err, OverrideParseException):
        return _unreadable(err.override)
    if "You must specify 'objective'" in text:
        names = ", ".join(options("experiment"))
        return ConfigError("no experiment is chosen", f"add +experiment=<name>, one of: {names}")
    for group in GROUPS:
        if f"Could not find '{group}/" in text or f"Could not find '{group}@" in text:
            name = text.split(f"'{group}", 1)[1].split("'")[0].lstrip("/").split("/")[-1]
            plus = "+" if group == "experiment" else ""
            return ConfigError(f"there is no {group} {name}", unknown_mend(name, options(group), f"{plus}{group}", "="))
    if "Multiple values for experiment" in text:
        return ConfigError("experiment is set twice", "write +experiment=<name>, once")
    if "Could not override" in text or "is not in struct" in text or "not in '" in text:
        return _unknown_key(text)
    if "Error merging override" in text:
        override = text.split("Error merging override", 1)[1].strip()
        return _bad_merge(override, cause)
    return ConfigError(f"the config cannot be composed ({text}{f'; {cause}' if cause else ''})", "see sweep --help")


def _unreadable(override: str) -> ConfigError:
    key, equals, value = override.partition("=")
    if not equals:
        return ConfigError(f"{override} cannot be composed", "write key=value; see sweep --help")
    quoted = shlex.quote(f'{key}="{value}"')
    return ConfigError(f"{override} cannot be composed", f"check its brackets, or quote its value: {quoted}")


def _unknown_key(text: str) -> ConfigError:
    key = text.split("'")[1] if "'" in text else text
    if key.startswith(("search.vary.", "search.space.")):
        name = key.split(".", 2)[2]
        return ConfigError(f"{key} is no dimension yet", f"write ++search.vary.{name}=...")
    section, _, name = key.rpartition(".")
    sections = get_type_hints(SweepConfig)
    kind = sections.get(section)
    if kind is not None and is_dataclass(kind):
        return ConfigError(f"{key} is not an option", unknown_mend(name, [f.name for f in fields(kind)], section))
    if not section:
        return ConfigError(f"{key} is not an option", unknown_mend(key, sections))
    return ConfigError(
        f"{key} is not an option listed in the config",
        f"if the class takes it, write ++{key}=...; see sweep --help",
    )


def _bad_merge(override: str, cause: str) -> ConfigError:
    key = override.lstrip("+").split("=")[0]
    if key.startswith("search.space."):
        return ConfigError(
            f"{override} cannot replace what is there", f"write ++search.vary.{key.split('.', 2)[2]}=..."
        )
    return ConfigError(f"{override} does not fit ({cause})", f"give {key} a value of its type")


def folders() -> list[Path]:
    """Every folder that is searched for configs, the shipped one first."""
    return [conf_dir(), *UserConfigs.folders]


def options(group: str) -> dict[str, str]:
    """Names in a config group, each with the sentence in its file's first line. Imports nothing."""
    found: dict[str, str] = {}
    for folder in folders():
        for path in sorted((folder / group).glob("*.yaml")):
            found.setdefault(path.stem, _first_comment(path))
    return found


def objective_target(name: str) -> str:
    """Importable path of the class of an objective's config.

    Raises:
        ConfigError: if the config names none.
    """
    composed = compose_config([f"objective={name}"])
    return str(composed.config.objective["_target_"])


def _first_comment(path: Path) -> str:
    """The first comment of a YAML file; Hydra wants its own ``# @package`` line before it."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        if not line.startswith("# @"):
            return line.removeprefix("#").strip()
    return ""

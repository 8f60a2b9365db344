"""Mappings into typed, frozen values, strictly.

``freeze(cls, mapping)`` makes a dataclass from a mapping, nested dataclasses included, and refuses unknown keys
and wrong types; ``bind(func, mapping)`` does the same for the annotated parameters of a callable. Conversion is
msgspec's; the wording of the errors is ours, because they are the first thing a user of a config meets.
"""

import dataclasses
import difflib
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar, get_args, get_type_hints

import msgspec

from sweep.errors import ConfigError

T = TypeVar("T")


def freeze(cls: type[T], mapping: Mapping[str, Any], where: str = "") -> T:
    """Make a dataclass from a mapping.

    Args:
        cls: a dataclass, usually frozen.
        mapping: plain values by field name; missing ones take their defaults.
        where: dotted place of the mapping in the config, for errors.

    Raises:
        ConfigError: for an unknown key, a missing one without default, or a value of the wrong type.
    """
    hints = get_type_hints(cls)
    fields = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    required = [
        name
        for name, field in fields.items()
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    ]
    return cls(**_convert(mapping, {name: hints[name] for name in fields}, required, where))


def bind(func: Callable[..., Any], mapping: Mapping[str, Any], where: str = "") -> dict[str, Any]:
    """Convert a mapping to the annotated keyword arguments of a callable.

    Raises:
        ConfigError: as ``freeze``; also where a parameter has no annotation to check against.
    """
    target = func.__init__ if inspect.isclass(func) else func
    hints = get_type_hints(target)
    params = [
        param
        for param in inspect.signature(func).parameters.values()
        if param.kind in (param.KEYWORD_ONLY, param.POSITIONAL_OR_KEYWORD)
    ]
    required = [param.name for param in params if param.default is param.empty]
    return _convert(mapping, {param.name: hints.get(param.name, Any) for param in params}, required, where)


def _convert(
    mapping: Mapping[str, Any], hints: Mapping[str, Any], required: Iterable[str], where: str
) -> dict[str, Any]:
    for key in mapping:
        if key not in hints:
            raise ConfigError(f"{_join(where, key)} is not an option", unknown_mend(str(key), hints, where))
    for name in required:
        if name not in mapping:
            raise ConfigError(f"{_join(where, name)} has no value", f"set {_join(where, name)}=...")
    return {key: _value(value, hints[key], _join(where, key)) for key, value in mapping.items()}


def _value(value: Any, hint: Any, where: str) -> Any:
    nested = next((c for c in (hint, *get_args(hint)) if dataclasses.is_dataclass(c)), None)
    if nested is not None and isinstance(value, Mapping):
        return freeze(nested, value, where)  # type: ignore[arg-type]
    try:
        return msgspec.convert(value, hint)
    except msgspec.ValidationError as err:
        reason = str(err)
        raise ConfigError(
            f"{where}={value!r} does not fit ({reason[:1].lower()}{reason[1:]})",
            f"give a value of type {type_name(hint)}",
        ) from err


def unknown_mend(key: str, known: Iterable[str], where: str = "", joint: str = ".") -> str:
    """The next step after an unknown name: the nearest known one, written ``<where><joint><name>``, and the list."""
    names = sorted(known)
    near = difflib.get_close_matches(key, names, n=1)
    hint = f"did you mean {where}{joint if where else ''}{near[0]}? " if near else ""
    listing = ", ".join(names) if names else "none"
    return f"{hint}use one of: {listing}"


def type_name(hint: Any) -> str:
    """A type as a reader would write it."""
    if inspect.isclass(hint) and hasattr(hint, "__members__"):
        return " | ".join(hint.__members__)
    return getattr(hint, "__name__", None) if inspect.isclass(hint) else str(hint).replace("typing.", "")  # type: ignore[return-value]


def _join(where: str, key: str) -> str:
    return f"{where}.{key}" if where else str(key)

"""Plug-ins: found, located, checked and built; no list of them exists anywhere.

A family (meters, paradigms, charts, commands) is a package whose modules each define subclasses of one base:
``discover``. A config names a class by its importable path in ``_target_``, and the remaining keys are its
constructor's annotated parameters: ``build``.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Mapping
from typing import Any, TypeVar

from sweep.errors import ConfigError, SweepError
from sweep.typed import bind

T = TypeVar("T")


def discover(package: str, base: type[T]) -> dict[str, type[T]]:
    """All concrete subclasses of ``base`` defined in the modules of a package, by module name.

    Modules whose name starts with an underscore are private and left out.
    """
    found: dict[str, type[T]] = {}
    path = importlib.import_module(package).__path__
    for info in sorted(pkgutil.iter_modules(path), key=lambda info: info.name):
        if info.name.startswith("_"):
            continue
        module = importlib.import_module(f"{package}.{info.name}")
        for _, cls in inspect.getmembers(module, inspect.isclass):
            if issubclass(cls, base) and cls.__module__ == module.__name__ and not inspect.isabstract(cls):
                found[info.name] = cls
    return found


def locate(target: str, base: type[T], where: str) -> type[T]:
    """Import the class named ``package.module.Class``.

    Raises:
        ConfigError: if it cannot be imported, or is not a subclass of ``base``.
    """
    module_name, _, name = target.rpartition(".")
    try:
        cls = getattr(importlib.import_module(module_name), name)
    except Exception as err:  # a user's module raises what it likes
        raise ConfigError(
            f"{where}._target_={target} cannot be imported ({type(err).__name__}: {err})",
            "give package.module.Class; the current folder is importable",
        ) from err
    if not (inspect.isclass(cls) and issubclass(cls, base)):
        raise ConfigError(
            f"{where}._target_={target} is not a {base.__name__}",
            f"name a subclass of {base.__module__}.{base.__name__}",
        )
    return cls


def check(spec: Mapping[str, Any], base: type[T], where: str) -> tuple[type[T], dict[str, Any]]:
    """The class that a config section names, and its options in their types; builds nothing.

    Args:
        spec: ``_target_`` and the options of the class.
        base: the family's contract.
        where: the section's name, for errors.

    Raises:
        ConfigError: for an unknown class, an unknown option or a value of the wrong type.
    """
    if not spec.get("_target_"):
        raise ConfigError(f"{where} names no class", f"choose one: {where}=<name>, or {where}._target_=...")
    cls = locate(str(spec["_target_"]), base, where)
    return cls, bind(cls, {key: value for key, value in spec.items() if key != "_target_"}, where)


def build(spec: Mapping[str, Any], base: type[T], where: str) -> T:
    """Make the object that a config section describes.

    Raises:
        ConfigError: as ``check``, and where the constructor raises something that is no SweepError.
    """
    cls, options = check(spec, base, where)
    try:
        return cls(**options)
    except SweepError:
        raise
    except Exception as err:  # a user's constructor raises what it likes
        raise ConfigError(
            f"{where}: {cls.__name__} cannot be made ({type(err).__name__}: {err})",
            "check its options; --traceback shows where it fails",
        ) from err

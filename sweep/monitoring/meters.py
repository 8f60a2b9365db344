"""The meter of a monitor: a name, a class path with options, or an object; one that is in use is not shared."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sweep.energy.meter import Meter
from sweep.energy.meters.auto import AutoMeter
from sweep.errors import MeterError
from sweep.registry import build, discover

MeterSpec = Meter | str | Mapping[str, Any] | None
_in_use: list[Meter] = []


def meter_of(spec: MeterSpec) -> Meter:
    """The meter that is meant.

    Args:
        spec: ``None`` for all that can be measured here, and a model for a processor that nothing measures.

    Raises:
        MeterError: for a name that is not registered, or what is none of these.
        ConfigError: for options that the class does not take.
    """
    if spec is None:
        return AutoMeter()
    if isinstance(spec, Meter):
        return spec
    if isinstance(spec, Mapping):
        return build(spec, Meter, "meter")  # type: ignore[type-abstract]
    found = discover("sweep.energy.meters", Meter)  # type: ignore[type-abstract]
    if not isinstance(spec, str) or spec not in found:
        raise MeterError(
            f"meter={spec!r} is no meter",
            f'give one of {", ".join(found)}, a Meter, or {{"_target_": "package.module.Class"}}',
        )
    cls = found[spec]
    return build({"_target_": f"{cls.__module__}.{cls.__qualname__}"}, Meter, "meter")  # type: ignore[type-abstract]


@contextmanager
def reserved(meter: Meter) -> Iterator[None]:
    """Keep a meter to one monitor: a second one that opens it would start its counters anew.

    Raises:
        MeterError: if it is in use.
    """
    if any(item is meter for item in _in_use):
        raise MeterError(
            f"this {type(meter).__name__} is already read by another monitor", "give each monitor a meter of its own"
        )
    _in_use.append(meter)
    try:
        yield
    finally:
        _in_use[:] = [item for item in _in_use if item is not meter]

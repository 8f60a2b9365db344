"""Mappings into typed values, and the words of the refusals."""

from dataclasses import dataclass, field
from typing import Literal

import pytest

from sweep.errors import ConfigError
from sweep.typed import bind, freeze


@dataclass(frozen=True)
class Model:
    width: int = 8
    name: str = "cnn"


class Plugin:
    def __init__(
        self,
        path: str,
        subjects: list[int] | None = None,
        model: Model = Model(),
        kind: Literal["a", "b"] = "a",
        rate: float = 0.5,
    ) -> None:
        pass


@dataclass(frozen=True)
class Outer:
    model: Model = field(default_factory=Model)


def test_nested_mappings_become_dataclasses() -> None:
    assert freeze(Outer, {"model": {"width": 3}}) == Outer(Model(width=3))
    assert bind(Plugin, {"path": "x", "model": {"width": 3}, "rate": 1})["model"] == Model(width=3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, r"objective\.path has no value: set objective\.path="),
        ({"path": "x", "pth": 1}, r"objective\.pth is not an option: did you mean objective\.path\?"),
        ({"path": 3}, r"objective\.path=3 does not fit .*type str"),
        ({"path": "x", "subjects": ["a"]}, r"objective\.subjects=\['a'\] does not fit"),
        (
            {"path": "x", "model": {"widht": 3}},
            r"objective\.model\.widht is not an option: did you mean objective\.model\.width",
        ),
        ({"path": "x", "model": {"width": 1.5}}, r"objective\.model\.width=1\.5 does not fit"),
        ({"path": "x", "kind": "c"}, r"objective\.kind='c' does not fit"),
    ],
)
def test_refusals_name_the_place_and_the_next_step(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        bind(Plugin, options, "objective")

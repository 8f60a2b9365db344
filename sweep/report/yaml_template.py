"""The experiment that trains any setup of a study, as a template: one text for all of them, with slots for the values.

A page that offers thousands of setups to copy holds the study's config once. ``filled`` is what its script does:
join the pieces, with the slots' values in their places. The result says the same as ``recommended_yaml`` does of that
setup; a value that is a list or a mapping stands on one line.

Limits: setups with unlike dimensions (conditional search spaces) need a template each.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sweep.records import StudyData
from sweep.report.recommended import config_yaml, setup_config, value_yaml

EPOCH = -1
"""The slot of ``trainer.max_epochs``; the others count the names."""

_SLOT = re.compile('"\ue000(-?[0-9]+)\ue001"')
"""A value that no config holds: its signs belong to no alphabet."""


class Template(NamedTuple):
    """Text with slots.

    Attributes:
        names: of the dimensions, in the order of the slots.
        pieces: text, and between two texts the number of a slot.
    """

    names: tuple[str, ...]
    pieces: tuple[str | int, ...]

    def filled(self, params: Mapping[str, Any], max_epochs: int) -> str:
        """The experiment that trains one setup."""
        values = {EPOCH: value_yaml(max_epochs)} | {
            slot: value_yaml(params[name]) for slot, name in enumerate(self.names)
        }
        return "".join(piece if isinstance(piece, str) else values[piece] for piece in self.pieces)


def template(data: StudyData, names: Sequence[str]) -> Template:
    """The template of the setups with these dimensions."""
    params = {name: _slot(slot) for slot, name in enumerate(names)}
    text = config_yaml(setup_config(data, params, _slot(EPOCH)))
    pieces = [int(item) if index % 2 else item for index, item in enumerate(_SLOT.split(text))]
    return Template(tuple(names), tuple(pieces))


def _slot(number: int) -> str:
    return f"\ue000{number}\ue001"

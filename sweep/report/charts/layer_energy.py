"""Treemap of a training's joules by module path, with the passes as leaves.

    training > [phase >] model > layer1 > 0 > conv1 > forward, backward
                       > data, loss, optimizer, validation, rest ...

Every box is the sum of the boxes in it. Rows of no or unknown joules are not drawn. Where there would be more than
``MAX_LEAVES`` leaves, modules are joined from the deepest level upwards; layers.csv has all.
"""

import math
import textwrap
from collections.abc import Mapping
from typing import NamedTuple

from plotly import graph_objects as go

from sweep.analysis import wording
from sweep.analysis.layers import MODEL, Breakdown, LayerRow
from sweep.analysis.summary import Summary
from sweep.records import Pass
from sweep.report.chart import Chart, Drawn, drawn, ground, mark_energy, plain, text
from sweep.report.layer_chart import COLOURS, NOT_MEASURED, hover, of_setup, share_of

MAX_LEAVES = 600
N_TOLD = 3
"""Boxes that the text tells."""
MAX_LINE, MAX_LINES = 46, 4
TRAINING, MODULES, OWN = "training", "model", "."
"""Steps of a path. No name of a module holds a dot, so those that begin with one are ours: ``.`` is what the model
computes itself, ``.forward`` a pass."""
GREYS = ("#6b7785", "#7f8a97", "#949eaa", "#a8b1bb", "#bcc4cc")
"""Of the boxes around the leaves by depth; opaque, so that the text in them reads on light and dark pages."""

PASSES = frozenset(f".{item}" for item in Pass)

Path = tuple[str, ...]


class TreemapInfo(NamedTuple):
    """Boxes of the treemap, parents before children; strings are escaped.

    Attributes:
        ids: of each box; the root's is ``"0"``.
        parents: id of the box around it; empty for the root.
        values: joules; the sum of the boxes inside.
        colours: by pass for leaves, grey by depth for what holds them.
        of: lines that say what the tables are of.
    """

    ids: list[str]
    parents: list[str]
    labels: list[str]
    values: list[float]
    energies: list[str]
    hovers: list[str]
    colours: list[str]
    of: list[str]


def info(found: Breakdown, of: str) -> TreemapInfo | None:
    """Boxes of all rows; ``None`` if there are no joules to divide.

    Args:
        found: the rows.
        of: what they are of, plain text.
    """
    leaves = _leaves(found)
    if not leaves:
        return None
    boxes: dict[Path, list[LayerRow]] = {}
    for path, rows in leaves.items():
        for depth in range(1, len(path) + 1):
            boxes.setdefault(path[:depth], []).extend(rows)
    numbers = {path: str(index) for index, path in enumerate(boxes)}
    types = {_path(found, row)[:-1]: row.type for row in found.rows if row.pass_ is not None}
    sums_j = {path: math.fsum(row.energy_j or 0.0 for row in rows) for path, rows in boxes.items()}
    told = {path: f"{wording.energy(item)}, {share_of(item / sums_j[TRAINING,])}" for path, item in sums_j.items()}
    return TreemapInfo(
        ids=list(numbers.values()),
        parents=[numbers.get(path[:-1], "") for path in boxes],
        labels=[text(_label(path, types)) for path in boxes],
        values=list(sums_j.values()),
        energies=list(told.values()),
        hovers=[
            hover(rows[0]) if len(rows) == 1 else f"{text(_name(path))}<br>{told[path]}" for path, rows in boxes.items()
        ],
        colours=[COLOURS[leaves[path][0].pass_] if path in leaves else _grey(path) for path in boxes],
        of=[text(line) for line in _wrapped(f"{of}; {found.provenance} J")],
    )


def plot(numbers: TreemapInfo) -> go.Figure:
    """Draw it."""
    figure = go.Figure(
        go.Treemap(
            ids=numbers.ids,
            parents=numbers.parents,
            labels=numbers.labels,
            values=numbers.values,
            text=numbers.energies,
            customdata=numbers.hovers,
            marker={"colors": numbers.colours, "line": {"width": 1}, "pad": {"t": 18, "l": 2, "r": 2, "b": 2}},
            branchvalues="total",
            sort=True,
            textinfo="label+text",
            hovertemplate="%{customdata}<extra></extra>",
            tiling={"pad": 1},
            pathbar={"thickness": 18},
        )
    )
    ground(figure)
    mark_energy(figure, ["values"])
    figure.update_layout(
        height=560,
        margin={"l": 4, "r": 4, "t": 30 + 20 * len(numbers.of), "b": 4},
    )
    figure.add_annotation(
        text="<br>".join(numbers.of),
        align="left",
        showarrow=False,
        x=0,
        y=1,
        xanchor="left",
        yanchor="bottom",
        yshift=20,
    )
    return figure


def alt(numbers: TreemapInfo) -> str:
    """All joules, and the largest boxes that hold no others."""
    inner = set(numbers.parents)
    leaves = [index for index, name in enumerate(numbers.ids) if name not in inner]
    largest = sorted(leaves, key=lambda index: -numbers.values[index])[:N_TOLD]
    told = "; ".join(numbers.hovers[index] for index in largest)
    return plain(f"{' '.join(numbers.of)}. {numbers.energies[0].partition(',')[0]} in all. Largest: {told}.")


class LayerEnergy(Chart):
    """Where the joules of a training go."""

    title = "Energy of each layer"
    caption = (
        "The area of a box is its joules; blue is the forward pass, orange the backward pass, green is what is no "
        "layer. Click a box to enter it, its path above to leave."
    )
    order = 70
    nothing = NOT_MEASURED

    def draw(self, summary: Summary) -> Drawn | None:
        """The chart; ``None`` if no layers were measured."""
        if summary.layers is None:
            return None
        of = of_setup(summary.layers, wording.varying(summary.data))
        return drawn(info(summary.layers.breakdown, of), plot, alt)


def _leaves(found: Breakdown) -> dict[Path, list[LayerRow]]:
    """Boxes that hold no others, costliest first, and the rows in each: one, unless modules are joined."""
    rows = {_path(found, row): row for row in found.by_energy if row.energy_j is not None and row.energy_j > 0}
    depth = max(map(len, rows), default=0)
    while True:
        leaves: dict[Path, list[LayerRow]] = {}
        for path, row in rows.items():
            leaves.setdefault(_cut(path, depth), []).append(row)
        if len(leaves) <= MAX_LEAVES or depth <= 4:
            return leaves
        depth -= 1


def _cut(path: Path, depth: int) -> Path:
    """A path of at most ``depth`` steps that still ends in its pass."""
    return path if len(path) <= depth else (*path[: depth - 1], path[-1])


def _path(found: Breakdown, row: LayerRow) -> Path:
    """Way from the whole training to a row; a layer called ``loss`` stays apart from the row of that name."""
    top = (TRAINING, row.phase) if len(found.phases) > 1 else (TRAINING,)
    if row.pass_ is None:
        return (*top, row.layer)
    modules = tuple(row.path.split(".")) if row.path else (OWN,)
    return (*top, MODULES, *modules, f".{row.pass_}")


def _grey(path: Path) -> str:
    return GREYS[min(len(path), len(GREYS)) - 1]


def _wrapped(of: str) -> list[str]:
    """Lines that fit on a phone."""
    return textwrap.wrap(of, MAX_LINE, max_lines=MAX_LINES, placeholder="…")


def _label(path: Path, types: Mapping[Path, str]) -> str:
    """The last step; a module that is only numbered says its type too."""
    step = path[-1]
    return f"{step} {types[path]}" if step.isdecimal() and path in types else _word(step)


def _word(step: str) -> str:
    return MODEL if step == OWN else step.removeprefix(".")


def _name(path: Path) -> str:
    """The box in words: the path of its modules, and its pass if it is one of joined modules."""
    modules = path[path.index(MODULES) + 1 :] if MODULES in path else ()
    name = ".".join(_word(step) for step in modules if step == OWN or not step.startswith("."))
    return f"{name or path[-1]} {_word(path[-1])}" if path[-1] in PASSES else name or path[-1]

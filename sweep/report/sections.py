"""Where the charts of a study stand in its report, and their figures in each of the page's views.

A section shows its charts in the order of ``GROUPS``; a chart that no section names stands among "More charts", by its
own ``order``, so that a new chart needs no edit here.
"""

from collections.abc import Mapping
from typing import NamedTuple

from plotly.graph_objects import Figure

from sweep.analysis.summary import Summary
from sweep.registry import discover
from sweep.report.chart import Chart, Drawn

OTHERS = "charts"
GROUPS = {
    "decision": ("front",),
    "hypervolume": ("hypervolume", "search_cost"),
    "heat": ("energy_per_epoch", "total_energy", "quality"),
    "paradigms": ("break_even", "heads_energy"),
    "factors": ("variance_shares",),
    "layers": ("layer_energy", "layers_icicle", "layer_violin", "layer_steps"),
    "power": ("power", "energy_by_domain", "drift"),
    "learning": ("learning_curves",),
}
"""Charts by the section they stand in."""


class Place(NamedTuple):
    """A chart on the page.

    Attributes:
        alts: by view, what it shows in words; ``None`` where a view has nothing to draw.
    """

    name: str
    chart: Chart
    alts: dict[str, str | None]

    @property
    def is_drawn(self) -> bool:
        """Whether any view draws it."""
        return any(alt is not None for alt in self.alts.values())

    @property
    def alt(self) -> str:
        """Of the first view that draws it."""
        return next((alt for alt in self.alts.values() if alt is not None), "")


class Charts(NamedTuple):
    """All charts of a page.

    Attributes:
        groups: by section; charts without figure and without a word on it are left out.
        figures: by view and name.
    """

    groups: dict[str, list[Place]]
    figures: dict[str, dict[str, Figure]]

    @property
    def drawn(self) -> list[Place]:
        """Those with a figure, in the order of the page."""
        return [place for group in self.groups.values() for place in group if place.is_drawn]

    @property
    def changed(self) -> dict[str, Figure | None]:
        """Figures of the second view that are not those of the first; ``None`` where it has nothing to draw."""
        first, *others = self.figures.values()
        found: dict[str, Figure | None] = {}
        for figures in others:
            for name in dict.fromkeys([*first, *figures]):
                if _text(figures.get(name)) != _text(first.get(name)):
                    found[name] = figures.get(name)
        return found


def draw(summary: Summary) -> dict[str, Drawn | None]:
    """Every registered chart by its name, drawn for one view of the page, in their order."""
    return {name: chart.draw(summary) for name, chart in _registered().items()}


def charts(drawn: Mapping[str, Mapping[str, Drawn | None]]) -> Charts:
    """The charts of a page.

    Args:
        drawn: what ``draw`` gives, by view.
    """
    places = {
        name: Place(name, chart, {view: item.alt if (item := found[name]) else None for view, found in drawn.items()})
        for name, chart in _registered().items()
    }
    shown = {name: place for name, place in places.items() if place.is_drawn or place.chart.nothing}
    named = {name for names in GROUPS.values() for name in names}
    others = sorted((place for name, place in shown.items() if name not in named), key=lambda item: item.chart.order)
    groups = {section: [shown[name] for name in names if name in shown] for section, names in GROUPS.items()}
    return Charts(
        groups={**groups, OTHERS: others},
        figures={view: {name: item.figure for name, item in found.items() if item} for view, found in drawn.items()},
    )


def _registered() -> dict[str, Chart]:
    found = discover("sweep.report.charts", Chart)  # type: ignore[type-abstract]
    return {name: cls() for name, cls in sorted(found.items(), key=lambda item: item[1].order)}


def _text(figure: Figure | None) -> str | None:
    return None if figure is None else figure.to_json()

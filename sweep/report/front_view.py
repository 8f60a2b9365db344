"""What the page tells of a point of the front once a reader picks it: numbers, trials, test quality and its experiment.

Only points that the chart shows can be picked, and the chart is thinned, so its own places say which are kept. As data
for the page's script:

    quality_name, in_points
    dimensions   [{name, told: [text of each value], yaml: [the same as YAML]}]
    templates    [pieces of the experiment, see ``yaml_template``], one for each set of dimensions
    setups       {index: {template, values: [index into the dimension's values or null], trials, excluded}}
    points       {index: {epoch: [joules, SD, quality, SD, n, epochs to train, is a run, test]}}, where test is
                 [quality, SD, n] or null
    front        [[setup index, epoch]] by rising joules
    recommended  [setup index, epoch] or null
"""

import statistics
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from plotly.graph_objects import Figure

from sweep.analysis import wording
from sweep.analysis.setups import Setup, SetupPoint, phase_epoch
from sweep.analysis.summary import Summary
from sweep.report.recommended import value_yaml
from sweep.report.yaml_template import template

Place = tuple[int, int]
"""A setup's index in the summary, and an epoch of the whole trial."""


def front_view(summary: Summary, figure: Figure | None) -> dict[str, Any]:
    """The points of a drawn front; without points if there is no front."""
    places = sorted(set(_places(figure)) | set(_front(summary)))
    found = {index: summary.setups[index] for index, _ in places}
    shapes = list(dict.fromkeys(tuple(setup.params) for setup in found.values()))
    values = _values(found.values())
    tests = {(test.number, test.epoch): test.quality for test in summary.data.tests}
    points: dict[int, dict[int, list[Any]]] = {}
    for index, setup in found.items():
        by_epoch = {point.epoch: point for point in setup.points}
        wanted = [epoch for place, epoch in places if place == index and epoch in by_epoch]
        points[index] = {epoch: _point(setup, by_epoch[epoch], tests) for epoch in wanted}
    primary = summary.recommendations.primary
    return {
        "quality_name": summary.data.study.quality_name,
        "in_points": wording.in_points(summary.data),
        "dimensions": [
            {
                "name": name,
                "told": [item.told for item in known.values()],
                "yaml": [item.yaml for item in known.values()],
            }
            for name, known in values.items()
        ],
        "templates": [_pieces(summary, shape, list(values)) for shape in shapes],
        "setups": {index: _setup(setup, shapes, values) for index, setup in found.items()},
        "points": points,
        "front": _front(summary),
        "recommended": None if primary is None else _place(summary, primary.point.setup, primary.point.epoch),
    }


def _front(summary: Summary) -> list[Place]:
    index = {id(setup): number for number, setup in enumerate(summary.setups)}
    return [(index[id(point.setup)], point.epoch) for point in summary.front]


def _place(summary: Summary, setup: Setup, epoch: int) -> Place:
    return next(number for number, item in enumerate(summary.setups) if item is setup), epoch


def _places(figure: Figure | None) -> Iterable[Place]:
    """The setup and epoch of every point of the chart."""
    for trace in figure.data if figure else ():
        for place in () if trace.customdata is None else trace.customdata:
            yield int(place[0]), int(place[1])


class Value(NamedTuple):
    """One value of a dimension: its place among them, how it is told, and its YAML."""

    slot: int
    told: str
    yaml: str


def _values(setups: Iterable[Setup]) -> dict[str, dict[str, Value]]:
    """The values of each dimension, by their ``repr``."""
    found: dict[str, dict[str, Value]] = {}
    for setup in setups:
        for name, item in setup.params.items():
            known = found.setdefault(name, {})
            if repr(item) not in known:
                known[repr(item)] = Value(len(known), wording.value(item), value_yaml(item))
    return found


def _pieces(summary: Summary, shape: tuple[str, ...], names: list[str]) -> list[str | int]:
    """A template whose slots count all dimensions of the study, not only its own."""
    made = template(summary.data, shape)
    return [piece if isinstance(piece, str) or piece < 0 else names.index(made.names[piece]) for piece in made.pieces]


def _setup(setup: Setup, shapes: list[tuple[str, ...]], values: Mapping[str, Mapping[str, Value]]) -> dict[str, Any]:
    params = setup.params
    return {
        "template": shapes.index(tuple(params)),
        "values": [known[repr(params[name])].slot if name in params else None for name, known in values.items()],
        "trials": setup.numbers,
        "excluded": setup.excluded,
    }


def _point(setup: Setup, point: SetupPoint, tests: Mapping[tuple[int, int], float]) -> list[Any]:
    places = ((trial.number, min(point.epoch, len(trial.trajectory))) for trial in setup.trials)
    tested = [tests[place] for place in places if place in tests]
    sd = statistics.stdev(tested) if len(tested) > 1 else None
    return [
        point.energy_j,
        point.energy_sd_j,
        point.quality,
        point.quality_sd,
        point.n,
        phase_epoch(setup, point.epoch),
        point.is_run,
        [statistics.fmean(tested), sd, len(tested)] if tested else None,
    ]

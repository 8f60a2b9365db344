"""Power over the time of a training: above, the mean of each epoch, with the phases named; below, what is done in them.

The bars are stacked by domain, in the colours and the order of the chart of the domains.
"""

from typing import NamedTuple

from plotly import graph_objects as go
from plotly.subplots import make_subplots

from sweep.analysis import wording
from sweep.analysis.power import ActivityPower, RunPower, SetupPower, setup_power
from sweep.analysis.summary import Summary
from sweep.report.chart import MAX_PROVENANCE, MUTED, PALETTE, Chart, Drawn, axis_title, drawn, plain, styled, text

MAX_RUNS = 8
LINES = PALETTE[-1]
LINES_HEIGHT, BAR_HEIGHT, AROUND = 260, 26, 190
"""Heights in pixels; the last is that of titles, axes and legend."""


class Line(NamedTuple):
    """One trial as steps; ``time_s`` has the end of an epoch too. Strings are escaped."""

    name: str
    time_s: list[float]
    power_w: list[float]
    labels: list[str]


class Band(NamedTuple):
    """The time of one phase of the first trial; ``name`` is escaped."""

    name: str
    start_s: float
    end_s: float


class Stack(NamedTuple):
    """One domain in every activity; ``None`` where it is not known. ``name`` and ``hovers`` are escaped."""

    name: str
    colour: str
    power_w: list[float | None]
    hovers: list[str]


class PowerInfo(NamedTuple):
    """Numbers of the chart; strings are escaped.

    Attributes:
        bands: phases, empty where there is only one.
        activities: labels of the bars, from the top down.
        idle_w: while nothing computes; ``None`` if not known.
        trials: which the lines are.
        of: which setup.
        power_title: with the provenance.
    """

    lines: list[Line]
    bands: list[Band]
    activities: list[str]
    stacks: list[Stack]
    idle_w: float | None
    trials: str
    of: str
    power_title: str


def info(summary: Summary) -> PowerInfo | None:
    """Power of the recommended setup's trials; ``None`` if it is not known."""
    primary = summary.recommendations.primary
    found = setup_power(summary.data, primary.point.setup if primary else None)
    if found is None:
        return None
    domains = summary.data.study.domains
    provenance = wording.provenance(domains)
    which = "the recommended setup" if found.is_recommended else "one setup"
    phases = dict.fromkeys(row.phase for row in found.activities)
    return PowerInfo(
        lines=[_line(run) for run in found.runs[:MAX_RUNS]],
        bands=_bands(found.runs[0]),
        activities=[text(_activity(row, len(phases))) for row in found.activities],
        stacks=[
            _stack(domain.name, PALETTE[index % len(PALETTE)], found, len(phases))
            for index, domain in enumerate(domain for domain in domains if domain.additive)
        ],
        idle_w=found.idle_w,
        trials=text(wording.trials(found.numbers)),
        of=text(f"{which}: {wording.setup(found.params, wording.varying(summary.data))}"),
        power_title=f"Mean power{' ' if len(provenance) <= MAX_PROVENANCE else '<br>'}({provenance} W)",
    )


def plot(numbers: PowerInfo) -> go.Figure:
    """Draw it."""
    bars = max(len(numbers.activities) * BAR_HEIGHT, 2 * BAR_HEIGHT)
    whole = LINES_HEIGHT + bars
    figure = make_subplots(
        rows=2, cols=1, row_heights=[LINES_HEIGHT / whole, bars / whole], vertical_spacing=90 / (whole + AROUND)
    )
    _add_lines(figure, numbers)
    _add_bars(figure, numbers)
    styled(figure, "", numbers.power_title, height=whole + AROUND)
    axis = {"automargin": True, "zeroline": False, "ticks": ""}
    figure.update_xaxes(title=axis_title("Seconds from the start"), row=1, col=1, **axis)
    figure.update_yaxes(rangemode="tozero", row=1, col=1)
    figure.update_xaxes(title=axis_title(numbers.power_title), rangemode="tozero", row=2, col=1, **axis)
    figure.update_yaxes(autorange="reversed", showgrid=False, type="category", row=2, col=1, **axis)
    figure.update_layout(barmode="stack", bargap=0.3, legend={"traceorder": "normal"})
    return figure


def alt(numbers: PowerInfo) -> str:
    """Least and most power of the first trial, and the power of each activity."""
    line = numbers.lines[0]
    least, most = wording.power(min(line.power_w)), wording.power(max(line.power_w))
    activities = "; ".join(
        f"{label}: {', '.join(stack.hovers[index].rpartition('<br>')[2] for stack in numbers.stacks)}"
        for index, label in enumerate(numbers.activities)
    )
    idle = "" if numbers.idle_w is None else f" Idle: {wording.power(numbers.idle_w)}."
    told = f" By activity: {activities}." if activities else ""
    return plain(f"Mean power of an epoch of {numbers.of}, {line.name}: from {least} to {most}.{told}{idle}")


class Power(Chart):
    """How much power a training draws, and for what."""

    title = "Power over a training"
    caption = (
        "Above: mean power of each epoch, validation included; shaded: phases of the first trial. Below: mean power "
        "of each activity within the epochs, by domain."
    )
    order = 55
    nothing = "The joules of single epochs are not known."

    def draw(self, summary: Summary) -> Drawn | None:
        """The chart; ``None`` if no epoch's power is known."""
        return drawn(info(summary), plot, alt)


def _line(run: RunPower) -> Line:
    first = run.epochs[0]
    return Line(
        name=f"trial {run.number}",
        time_s=[first.start_s, *(item.end_s for item in run.epochs)],
        power_w=[first.power_w, *(item.power_w for item in run.epochs)],
        labels=[
            f"trial {run.number}<br>{text(item.phase)}, to epoch {item.epoch}: {wording.power(item.power_w)} "
            f"for {wording.seconds(item.end_s - item.start_s)}"
            for item in (first, *run.epochs)
        ],
    )


def _bands(run: RunPower) -> list[Band]:
    phases = dict.fromkeys(item.phase for item in run.epochs)
    if len(phases) < 2:
        return []
    own = [[item for item in run.epochs if item.phase == phase] for phase in phases]
    return [Band(text(phase), items[0].start_s, items[-1].end_s) for phase, items in zip(phases, own, strict=True)]


def _activity(row: ActivityPower, n_phases: int) -> str:
    return f"{row.phase}: {row.activity}" if n_phases > 1 else row.activity


def _stack(name: str, colour: str, found: SetupPower, n_phases: int) -> Stack:
    powers = [row.power_w.get(name) for row in found.activities]
    told = [
        f"{_activity(row, n_phases)}, {wording.seconds(row.duration_s)}<br>{name}: {wording.power(power_w)}"
        for row, power_w in zip(found.activities, powers, strict=True)
    ]
    return Stack(text(name), colour, powers, ["<br>".join(map(text, item.split("<br>"))) for item in told])


def _add_lines(figure: go.Figure, numbers: PowerInfo) -> None:
    for index, line in enumerate(numbers.lines):
        figure.add_scatter(
            x=line.time_s,
            y=line.power_w,
            text=line.labels,
            hovertemplate="%{text}<extra></extra>",
            mode="lines",
            line={"shape": "vh", "width": 1.5, "color": LINES},
            name=numbers.trials,
            legendgroup="trials",
            showlegend=index == 0,
            row=1,
            col=1,
        )
    for index, band in enumerate(numbers.bands):
        figure.add_vrect(
            x0=band.start_s,
            x1=band.end_s,
            fillcolor=MUTED if index % 2 else "rgba(128,128,128,0.12)",
            opacity=0.3,
            line_width=0,
            annotation={"text": band.name, "font": {"size": 12}, "showarrow": False},
            annotation_position="bottom left",
            row=1,
            col=1,
        )
    if numbers.idle_w is not None:
        note = {"text": f"idle {wording.power(numbers.idle_w)}", "font": {"size": 12}}
        figure.add_hline(
            numbers.idle_w, line={"dash": "dot", "width": 1, "color": MUTED}, annotation=note, row=1, col=1
        )


def _add_bars(figure: go.Figure, numbers: PowerInfo) -> None:
    for stack in numbers.stacks:
        figure.add_bar(
            x=stack.power_w,
            y=numbers.activities,
            orientation="h",
            name=stack.name,
            marker={"color": stack.colour},
            text=stack.hovers,
            textposition="none",
            hovertemplate="%{text}<extra></extra>",
            row=2,
            col=1,
        )

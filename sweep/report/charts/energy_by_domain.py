"""Energy of each setup by domain, stacked: where the joules were spent, and how each domain knows them.

A domain has one colour; its pattern is its provenance (plain: measured, stripes: modelled, dots: replayed), its fainter
part what it would have drawn while idle. Domains outside the total are not stacked.
"""

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from plotly import graph_objects as go

from sweep.analysis import wording
from sweep.analysis.domains import DomainMean, setup_domains
from sweep.analysis.summary import Summary
from sweep.analysis.thin import thin
from sweep.records import Domain, Provenance
from sweep.report.chart import PALETTE, Chart, Drawn, drawn, plain, styled, text

MAX_SETUPS = 16
MAX_LINE, MAX_LINES = 18, 4
NO_BREAK = "\N{NO-BREAK SPACE}"
PATTERNS = {Provenance.MEASURED: "", Provenance.MODELLED: "/", Provenance.REPLAYED: "."}
IDLE_OPACITY = 0.4


class Part(NamedTuple):
    """One domain over all setups; strings are escaped, lists have shape ``(n_setups,)``.

    Attributes:
        active_j: above idle where that is known, else all of it; ``None`` if not known.
        idle_j: the rest; ``None`` where the domain's idle power is not known.
    """

    name: str
    colour: str
    pattern: str
    active_j: list[float | None]
    idle_j: list[float | None]
    hovers: list[str]


class DomainsInfo(NamedTuple):
    """Numbers of the chart.

    Attributes:
        setups: labels, cheapest setup first; strings are escaped.
        lines: of text in the longest label.
        parts: in the order of the study's domains.
        energy_title: with the provenance of the joules, and how many setups are drawn if not all are.
    """

    setups: list[str]
    lines: int
    parts: list[Part]
    energy_title: str


def info(summary: Summary) -> DomainsInfo | None:
    """Mean joules of each additive domain in each setup; ``None`` if none is known."""
    study, names = summary.data.study, wording.varying(summary.data)
    domains = [domain for domain in study.domains if domain.additive]
    found = [(setup, setup_domains(setup)) for setup in summary.setups]
    known = [item for item in found if _known_j(domains, item[1]) > 0.0]
    if not known:
        return None
    known.sort(key=lambda item: _known_j(domains, item[1]))
    shown = thin(known, MAX_SETUPS)
    labels = [wording.setup(setup.params, names) for setup, _ in shown]
    wrapped = [_lines(label) for label in labels]
    omitted = f"<br>{len(shown)} of {len(known)} setups" if len(shown) < len(known) else ""
    return DomainsInfo(
        setups=["<br>".join(map(text, lines)) for lines in wrapped],
        lines=max(2, *map(len, wrapped)),
        parts=[
            _part(domain, PALETTE[index % len(PALETTE)], labels, [means.get(domain.name) for _, means in shown])
            for index, domain in enumerate(domains)
        ],
        energy_title=f"Energy of a training<br>({wording.provenance(study.domains)} J){omitted}",
    )


def plot(numbers: DomainsInfo) -> go.Figure:
    """Draw it, the cheapest setup on top."""
    figure = go.Figure()
    for part in numbers.parts:
        for joules, opacity in ((part.active_j, 1.0), (part.idle_j, IDLE_OPACITY)):
            figure.add_bar(
                x=joules,
                y=list(range(len(numbers.setups))),
                orientation="h",
                name=part.name,
                legendgroup=part.name,
                showlegend=opacity == 1.0,
                marker={"color": part.colour, "opacity": opacity, "pattern": _pattern(part)},
                hovertext=part.hovers,
                hovertemplate="%{hovertext}<extra></extra>",
            )
    styled(figure, numbers.energy_title, "", energy="x", height=170 + (8 + 14 * numbers.lines) * len(numbers.setups))
    ticks = list(range(len(numbers.setups)))
    figure.update_yaxes(tickvals=ticks, ticktext=numbers.setups, autorange="reversed", showgrid=False)
    figure.update_layout(barmode="stack", bargap=0.3)
    return figure


def alt(numbers: DomainsInfo) -> str:
    """Joules of each domain in the cheapest and in the dearest setup."""
    ends = dict.fromkeys(("cheapest", "dearest") if len(numbers.setups) > 1 else ("only",))
    told = (
        f"The {end} setup, {numbers.setups[at].replace('<br>', ' ')}: "
        f"{'; '.join(part.hovers[at].rpartition('<br>')[2] for part in numbers.parts)}."
        for end, at in zip(ends, (0, -1), strict=False)
    )
    return plain(" ".join(told))


class EnergyByDomain(Chart):
    """Which part of the machine spent the joules."""

    title = "Energy by domain"
    caption = (
        "Mean over the repeats of each setup. Plain bars are measured, striped ones modelled, dotted ones replayed. "
        "The fainter part of a colour is what that domain would have drawn while idle, where its idle power is known."
    )
    order = 45
    nothing = "No joules are known."

    def draw(self, summary: Summary) -> Drawn | None:
        """The chart; ``None`` if no joules are known."""
        return drawn(info(summary), plot, alt)


def _part(domain: Domain, colour: str, labels: Sequence[str], means: Sequence[DomainMean | None]) -> Part:
    split = [_split(mean) for mean in means]
    return Part(
        name=text(f"{domain.name} ({domain.provenance})"),
        colour=colour,
        pattern=PATTERNS[domain.provenance],
        active_j=[active_j for active_j, _ in split],
        idle_j=[idle_j for _, idle_j in split],
        hovers=[f"{text(label)}<br>{text(_told(domain, mean))}" for label, mean in zip(labels, means, strict=True)],
    )


def _split(mean: DomainMean | None) -> tuple[float | None, float | None]:
    """Joules above idle and the rest; noise may put the first outside the whole."""
    if mean is None or mean.energy_j is None:
        return None, None
    if mean.dynamic_j is None:
        return mean.energy_j, None
    active_j = min(max(mean.dynamic_j, 0.0), mean.energy_j)
    return active_j, mean.energy_j - active_j


def _told(domain: Domain, mean: DomainMean | None) -> str:
    if mean is None:
        return f"{domain.name}: not covered"
    dynamic = "" if mean.dynamic_j is None else f", {wording.energy(mean.dynamic_j)} above idle"
    return f"{domain.name}: {wording.energy(mean.energy_j)}{dynamic}"


def _known_j(domains: Sequence[Domain], means: Mapping[str, DomainMean]) -> float:
    """What the bar of a setup adds up to."""
    return math.fsum(means[domain.name].energy_j or 0.0 for domain in domains if domain.name in means)


def _pattern(part: Part) -> dict[str, object]:
    return {"shape": part.pattern, "fillmode": "overlay", "size": 6, "solidity": 0.35, "fgcolor": "#ffffff"}


def _lines(label: str) -> list[str]:
    """Lines that leave room for the bars on a phone; a dimension stays with its value where they fit."""
    parts = label.split(", ")
    joined = ", ".join(part.replace(" ", NO_BREAK) if len(part) < MAX_LINE else part for part in parts)
    return textwrap.wrap(joined, MAX_LINE, max_lines=MAX_LINES, placeholder="…")

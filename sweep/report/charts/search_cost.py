"""The search's own cost: joules of its trials, failed trials, test evaluation and overhead."""

from typing import NamedTuple

from plotly import graph_objects as go

from sweep.analysis import wording
from sweep.analysis.ledger import Ledger
from sweep.analysis.summary import Summary
from sweep.report.chart import ACCENT, Chart, Drawn, drawn, styled


class CostInfo(NamedTuple):
    """Bars of known joules; ``unknown`` names the parts whose joules are not known."""

    parts: list[str]
    energy_j: list[float]
    labels: list[str]
    unknown: list[str]
    energy_title: str


def info(summary: Summary) -> CostInfo | None:
    """The parts of the ledger; ``None`` if none of them is known."""
    parts = _parts(summary.ledger)
    known = [(name, energy_j) for name, energy_j in parts if energy_j is not None and energy_j > 0]
    if not known:
        return None
    return CostInfo(
        parts=[name for name, _ in known],
        energy_j=[energy_j for _, energy_j in known],
        labels=[wording.energy(energy_j) for _, energy_j in known],
        unknown=[name for name, energy_j in parts if energy_j is None],
        energy_title=f"Energy ({wording.provenance(summary.data.study.domains)} J)",
    )


def plot(numbers: CostInfo) -> go.Figure:
    """Draw it."""
    figure = go.Figure(
        go.Bar(
            x=numbers.energy_j,
            y=numbers.parts,
            text=numbers.labels,
            textposition="auto",
            hovertemplate="%{y}: %{text}<extra></extra>",
            orientation="h",
            marker={"color": ACCENT},
        )
    )
    unknown = f"<br>unknown: {', '.join(numbers.unknown)}" if numbers.unknown else ""
    styled(figure, f"{numbers.energy_title}{unknown}", "", energy="x", height=300)
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return figure


def alt(numbers: CostInfo) -> str:
    """Every part."""
    told = "; ".join(f"{part} {label}" for part, label in zip(numbers.parts, numbers.labels, strict=True))
    unknown = f" Unknown: {', '.join(numbers.unknown)}." if numbers.unknown else ""
    return f"Energy of the search: {told}.{unknown}"


class SearchCost(Chart):
    """Where the joules of the search went."""

    title = "Where the search's energy went"
    caption = "The parts sum to the ledger's total; joules of imported trials were spent in another study."
    order = 60

    def draw(self, summary: Summary) -> Drawn | None:
        """The chart; ``None`` if no joules are known."""
        return drawn(info(summary), plot, alt)


def _parts(ledger: Ledger) -> list[tuple[str, float | None]]:
    """Disjoint parts of the total."""
    return [
        ("completed trials", ledger.completed_j),
        ("failed trials", ledger.failed_j),
        ("test evaluation", ledger.test_j),
        ("overhead", ledger.overhead_j),
    ]

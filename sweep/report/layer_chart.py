"""What the charts and the table of layers share: names of rows, their hover texts, and of which setup they are.

All strings for Plotly are escaped here; the numbers come from ``sweep.analysis.layers``, so a monitor that has
tables but no study draws the same charts:

    found = breakdown([table], {domain.name: domain for domain in domains})
    figure = layer_energy.plot(layer_energy.info(found, "my model"))
"""

from sweep.analysis import wording
from sweep.analysis.layers import LayerRow, SetupLayers
from sweep.records import LayerMethod, Pass
from sweep.report.chart import PALETTE, text

NOT_MEASURED = "No layers were measured (layers.mode=off, or a device whose layers cannot be timed)."
COLOURS = {Pass.FORWARD: PALETTE[0], Pass.BACKWARD: PALETTE[1], None: PALETTE[2]}
"""Of a row by its pass; what is no layer has the third."""
MAX_NAME = 22
METHODS = {
    LayerMethod.TIME: "by time, as if every layer drew the same power",
    LayerMethod.REPLAY: "by time and the power of each layer when replayed alone",
    LayerMethod.REGRESSION: "by time and each layer's power, refined on the measured windows",
    LayerMethod.DOPED: "by time and each layer's power, calibrated by repeating layers",
}


def row_name(row: LayerRow) -> str:
    """A row in words, not escaped: ``layer1.0.conv1 forward``, ``optimizer``."""
    return row.layer if row.pass_ is None else f"{row.layer} {row.pass_}"


def short(path: str, most: int = MAX_NAME) -> str:
    """A module path cut at its front, where the paths of a model are alike; not escaped."""
    return path if len(path) <= most else f"…{path[-most + 1 :]}"


def hover(row: LayerRow) -> str:
    """All that is known of a row, escaped."""
    kind = f" ({row.type})" if row.type else ""
    lines = [text(f"{row_name(row)}{kind}"), energy_u(row)]
    if row.share is not None:
        lines[-1] += f", {share_of(row.share)}"
    if row.flops_per_j:
        lines.append(f"{j_per_gflop(row)} per GFLOP")
    return "<br>".join(lines)


def energy_u(row: LayerRow) -> str:
    """Joules with the standard uncertainty of the division among rows."""
    if row.energy_j is None or row.energy_u_random_j is None:
        return wording.energy(row.energy_j)
    return f"{wording.energy(row.energy_j)} ± {wording.energy(row.energy_u_random_j)}"


def share_of(share: float) -> str:
    """A share of the training; small ones do not become nothing."""
    return "< 0.1 %" if 0.0 < share < 0.0005 else wording.share(share)


def j_per_gflop(row: LayerRow) -> str:
    """Joules of 10^9 FLOPs; empty if not known."""
    return wording.energy(1e9 / row.flops_per_j) if row.flops_per_j else ""


def of_setup(layers: SetupLayers, names: tuple[str, ...]) -> str:
    """Of which setup and trials the layers are; not escaped.

    Args:
        layers: of the setup.
        names: dimensions that differ between setups.
    """
    which = "the recommended setup" if layers.is_recommended else "one setup"
    trials = "trial" if len(layers.numbers) == 1 else "mean of trials"
    return f"{which}: {wording.setup(layers.params, names)} ({trials} {wording.numbers(layers.numbers)})"

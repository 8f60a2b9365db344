"""A measured window with numbers that can be checked by hand."""

from sweep.analysis.measured import EpochEnergy, Measured, WindowEnergy
from sweep.records import DomainEnergy, LayerEnergy, LayerMethod, LayerTable, Pass, Provenance, Row

STEPS_J = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]


def measured(*, known: bool = True, title: str = "Net") -> Measured:
    """100 J of layers and data, three epochs, one named window; unknown joules if asked for."""
    package = DomainEnergy(
        energy_j=100.0 if known else None,
        provenance=Provenance.MEASURED,
        u_scale_j=5.0 if known else None,
        u_random_j=1.0 if known else None,
    )
    rows = [
        ("block.conv", "Conv2d", Pass.FORWARD, 20.0),
        ("block.conv", "Conv2d", Pass.BACKWARD, 40.0),
        ("", "Net", Pass.FORWARD, 10.0),
        ("", "Net", Pass.BACKWARD, 20.0),
        (str(Row.DATA), "", None, 10.0),
    ]
    table = LayerTable(
        phase="window",
        method=LayerMethod.TIME,
        steps=60,
        marked_steps=6,
        rows=[
            LayerEnergy(
                layer=layer,
                type=kind,
                pass_=pass_,
                duration_s=joules / 10,
                energy_j={"package": joules if known else None},
                energy_u_random_j=1.0 if known else None,
                dynamic_j={"package": None},
                flops=int(joules * 1e9) if pass_ else None,
                steps_j=STEPS_J if pass_ and known else [],
            )
            for layer, kind, pass_, joules in rows
        ],
        notes=["a note"],
    )
    return Measured(
        title=title,
        machine="a machine",
        duration_s=10.0,
        table=table,
        domains={"package": package},
        epochs=[
            EpochEnergy(epoch, {"loss": loss}, 40.0 if known else None, 3.0)
            for epoch, loss in ((1, 3.0), (2, 1.0), (3, 1.5))
        ],
        windows=[WindowEnergy("tokenise", 2, 1.0, 7.0 if known else None, {"package": package})],
    )

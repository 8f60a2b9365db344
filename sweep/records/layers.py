"""Layers: what they are, and what they spent."""

from enum import StrEnum

import msgspec

from sweep.records.base import Joules, Record


class Pass(StrEnum):
    """Direction of a pass through a layer."""

    FORWARD = "forward"
    BACKWARD = "backward"


class Row(StrEnum):
    """Rows of a layer table that are no layers.

    Attributes:
        DATA: fetching batches.
        PREPROCESS: what is done to data before the model sees them; in a study, making model and data ready.
        LOSS: the loss and its own backward.
        OPTIMIZER: zeroing gradients and stepping.
        VALIDATION: everything of an evaluation.
        REST: what nothing else owns, such as checkpoints.
    """

    DATA = "data"
    PREPROCESS = "preprocess"
    LOSS = "loss"
    OPTIMIZER = "optimizer"
    VALIDATION = "validation"
    REST = "rest"


class LayerMethod(StrEnum):
    """How joules were divided among layers, in rising order of trust."""

    TIME = "time"
    REPLAY = "replay"
    REGRESSION = "regression"
    DOPED = "doped"


class LayerShape(Record, frozen=True, kw_only=True):
    """What one layer does in one training step, counted on fake tensors, without running anything.

    A layer's own work only: what its submodules do is theirs. MACs are multiply-accumulates of matrix products,
    convolutions and attention; FLOPs are 2 for each MAC and 1 for each element that another operation writes.

    Attributes:
        layer: qualified name, as in ``named_modules``; ``""`` is the model itself.
        type: class name.
        parameters: own parameters, frozen ones included; one shared with an earlier layer counts there.
        calls: calls in one step.
        macs: of one step's forward pass; ``None`` where an operation cannot be counted.
        flops: likewise.
        flops_backward: of one step's backward pass.
        bytes_in: of all inputs, in bytes.
        bytes_out: of all outputs.
        bytes_weights: of own parameters and buffers.
        inputs: shapes of the tensors of the first call.
        outputs: likewise.
    """

    layer: str
    type: str
    parameters: int
    calls: int
    macs: int | None
    flops: int | None
    flops_backward: int | None
    bytes_in: int
    bytes_out: int
    bytes_weights: int
    inputs: list[list[int]]
    outputs: list[list[int]]


class LayerEnergy(Record, frozen=True, kw_only=True):
    """One row of a layer table: a layer in one pass, or one of ``Row``.

    Attributes:
        layer: qualified name of the layer, ``""`` for the model's own operations; the ``Row`` for others.
        type: class name of the layer; empty for a ``Row``.
        pass_: ``None`` for a ``Row``. Written as ``pass``.
        duration_s: seconds of the row, estimated where layers were not marked.
        energy_j: joules of each domain; rows of a table add up to the table's interval.
        energy_u_random_j: standard uncertainty of the sum over additive domains: composition seen on marked
            steps only, unknown power of the layer, and readings. The scale's comes on top.
        dynamic_j: joules above idle, where the idle power of a domain is known.
        flops: of all steps; ``None`` if not counted.
        steps_j: joules of single marked steps, summed over additive domains; a sample for distributions.
    """

    layer: str
    type: str
    pass_: Pass | None = msgspec.field(name="pass", default=None)
    duration_s: float
    energy_j: Joules
    energy_u_random_j: float | None
    dynamic_j: Joules
    flops: int | None = None
    steps_j: list[float] = msgspec.field(default_factory=list)


class LayerTable(Record, frozen=True, kw_only=True):
    """How the joules of one phase of a trial divide among layers.

    Attributes:
        phase: the paradigm's phase.
        method: how joules were divided.
        steps: training steps of the phase.
        marked_steps: those on which layers were marked.
        marking_s: seconds that marking added to them; within noise it may be negative, ``None`` if not known.
        rows: per domain they sum to the phase's activities.
        shapes: of the layers, for the phase's batch size; empty if they could not be counted.
        notes: what a reader must know, e.g. why layers are missing.
    """

    phase: str
    method: LayerMethod
    steps: int
    marked_steps: int
    marking_s: float | None = None
    rows: list[LayerEnergy]
    shapes: list[LayerShape] = msgspec.field(default_factory=list)
    notes: list[str] = msgspec.field(default_factory=list)

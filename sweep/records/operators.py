"""Operators of a training step: what they are, and how long they took under a profiler."""

from enum import StrEnum

from sweep.records.base import Record


class OperatorKind(StrEnum):
    """What an operator is for.

    Attributes:
        COMPUTE: arithmetic.
        COPY: data moved, and nothing computed: copies, conversions, gathers, concatenations, transfers.
        MEMORY: memory taken or filled.
        RUNTIME: calls into the device's driver: launches, waiting.
    """

    COMPUTE = "compute"
    COPY = "copy"
    MEMORY = "memory"
    RUNTIME = "runtime"


class OperatorTime(Record, frozen=True, kw_only=True):
    """One operator over all profiled steps; its own time, without that of the operators it calls.

    Attributes:
        operator: as torch calls it, e.g. ``aten::addmm``.
        calls: in all steps.
        host_s: seconds on the host.
        device_s: seconds on the accelerator; ``None`` where none was used.
    """

    operator: str
    kind: OperatorKind
    calls: int
    host_s: float
    device_s: float | None


class OperatorTable(Record, frozen=True, kw_only=True):
    """The operators of one phase's training steps, in falling order of time.

    Attributes:
        phase: the paradigm's phase.
        steps: training steps that were profiled, outside of the measured run.
        batch_size: of these steps.
    """

    phase: str
    steps: int
    batch_size: int
    rows: list[OperatorTime]

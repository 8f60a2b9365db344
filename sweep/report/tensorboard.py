"""One measured window as TensorBoard events, written with TensorBoard's own writer; torch is not needed.

    scalars        energy/total_j, energy/<domain>_j, pass/<forward, backward, data ...>_j, layer/<path>/<pass>_j,
                   window/<name>_j                                                            at step 0
                   epoch/<logged value>, epoch/energy_j, epoch/energy_per_loss_decrease_j     at each epoch
    distributions  steps/<path>/<pass>_j: joules of single marked steps, what the page draws as violins
    text           table: every row; notes: what a reader must know

Tags are paths, so TensorBoard groups them. Unknown joules are left out. Limits: Plotly's figures cannot be drawn as
images without a browser; the page (``to_html``) has them.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sweep.analysis.layers import LayerRow
from sweep.analysis.measured import Measured, epochs_frame
from sweep.errors import MonitorError
from sweep.report.energy_charts import passes_info
from sweep.report.layer_table import HEAD, table_view

if TYPE_CHECKING:
    from tensorboard.compat.proto.summary_pb2 import HistogramProto, Summary

BINS = 30
EPOCH = "epoch"


def write_events(measured: Measured, logdir: Path) -> Path:
    """Write an event file.

    Args:
        measured: the window.
        logdir: folder of the run, made if it is missing.

    Returns:
        The folder.

    Raises:
        MonitorError: if tensorboard is not installed, or the folder cannot be written to.
    """
    try:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.summary.writer.event_file_writer import EventFileWriter
    except ImportError as err:
        raise MonitorError(
            f"tensorboard cannot be imported ({err})", 'run pip install "sweep-energy[tensorboard]"'
        ) from err
    now_s = time.time()
    try:
        with closing(EventFileWriter(str(logdir))) as writer:
            for step, summary in _summaries(measured):
                writer.add_event(Event(wall_time=now_s, step=step, summary=summary))
            writer.flush()
    except OSError as err:
        raise MonitorError(f"{logdir} cannot be written to ({err})", "choose a folder that can be written to") from err
    return logdir


def _summaries(measured: Measured) -> "Iterator[tuple[int, Summary]]":
    """Everything, with its step."""
    from tensorboard.compat.proto.summary_pb2 import Summary

    for tag, value in scalars(measured):
        yield 0, Summary(value=[Summary.Value(tag=tag, simple_value=value)])
    for row in measured.breakdown.rows:
        if row.steps_j:
            yield 0, Summary(value=[Summary.Value(tag=f"steps/{_path(row)}_j", histo=_histogram(row.steps_j))])
    for record in epochs_frame(measured.epochs).to_dict("records"):
        for name, value in record.items():
            if name != EPOCH and np.isfinite(value):
                yield int(record[EPOCH]), Summary(value=[Summary.Value(tag=f"epoch/{name}", simple_value=value)])
    for tag, words in texts(measured):
        yield 0, Summary(value=[_text(tag, words)])


def scalars(measured: Measured) -> Iterator[tuple[str, float]]:
    """Tags and joules of the whole window; unknown ones are left out."""
    known: list[tuple[str, float | None]] = [("energy/total_j", measured.energy_j)]
    known += [(f"energy/{name}_j", energy.energy_j) for name, energy in measured.domains.items()]
    passes = passes_info(measured)
    for _, _, joules, _ in passes.series if passes else []:
        known += [
            (f"pass/{label}_j", item) for label, item in zip(passes.labels if passes else [], joules, strict=True)
        ]
    known += [(f"layer/{_path(row)}_j", row.energy_j) for row in measured.breakdown.rows if row.pass_ is not None]
    known += [(f"window/{window.name}_j", window.energy_j) for window in measured.windows]
    yield from ((tag, value) for tag, value in known if value is not None)


def texts(measured: Measured) -> Iterator[tuple[str, str]]:
    """Tags and Markdown."""
    view = table_view(measured.breakdown, measured.title)
    lines = [HEAD, ("---",) * len(HEAD), *(row.plain for row in view.rows)]
    yield "table", "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
    yield "notes", "\n\n".join([view.title, f"Energy is {measured.label}.", *view.notes, measured.machine])


def _path(row: LayerRow) -> str:
    return row.layer.replace(".", "/") + (f"/{row.pass_}" if row.pass_ else "")


def _histogram(joules: Sequence[float]) -> "HistogramProto":
    from tensorboard.compat.proto.summary_pb2 import HistogramProto

    values = np.asarray(joules, dtype=np.float64)
    counts, edges = np.histogram(values, bins=BINS)
    return HistogramProto(
        min=float(values.min()),
        max=float(values.max()),
        num=len(values),
        sum=float(values.sum()),
        sum_squares=float(values @ values),
        bucket_limit=edges[1:].tolist(),
        bucket=counts.tolist(),
    )


def _text(tag: str, words: str) -> Any:
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.text.metadata import create_summary_metadata
    from tensorboard.util.tensor_util import make_tensor_proto

    tensor = make_tensor_proto(np.array([words.encode()], dtype=object))
    metadata = create_summary_metadata(display_name=tag, description="")
    return Summary.Value(tag=tag, metadata=metadata, tensor=tensor)

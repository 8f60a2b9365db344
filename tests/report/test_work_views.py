"""Codecs, predictions and hot spots in words, and their templates."""

import html
import re

import msgspec

from sweep.analysis.codec import codecs
from sweep.analysis.inference import inferences, paybacks
from sweep.analysis.operators import hot_spots
from sweep.analysis.pareto import envelope
from sweep.analysis.setups import setups
from sweep.records import OperatorKind, OperatorTable, OperatorTime
from sweep.report import page
from sweep.report.codec_view import codec_view
from sweep.report.hot_spots_view import MAX_ROWS, hot_spots_views
from sweep.report.inference_view import inference_view
from tests.factories import DOMAIN, trial
from tests.work_factories import codec_trial, measured, served_trial

EVIL = "<script>alert(1)</script>"


def text(template: str, **given: object) -> str:
    """Visible words of a rendered template; nothing a user gave is markup in it."""
    made = page.environment().get_template(template).render(**given)
    assert "<script" not in made
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", made).split()))


def test_codecs() -> None:
    data = measured([codec_trial(0), codec_trial(1, {"batch_size": EVIL})], scale_u_rel=0.0)
    view = codec_view(data, codecs(data, setups(data)))
    assert view is not None
    assert view.rows[0].setup == "batch_size 512"
    assert view.rows[0].compress.energy == "500 J ± 0.0 %"
    assert (view.rows[0].compress.latency, view.rows[0].compress.bandwidth) == ("400 ms", "10 MB/s")
    assert (view.rows[0].ratio_honest, view.rows[0].memory) == ("1.3", "300 MiB")
    assert "gives a ratio of 1.6 and costs 50.0 J ± 0.0 % a GB; 0 of 2 setups give a smaller file" in view.notes[0]
    assert "0.98 at best, where the mean of single columns is 0.6 and the worst 0.04" in view.notes[1]
    shown = text("codec.html.j2", codec=view)
    assert f"{DOMAIN} (measured)" in shown
    assert "500 J" in shown


def test_predictions_and_paybacks() -> None:
    small = served_trial(0, 8, {1: 0.005, 64: 0.001}, qualities=(0.5, 0.6, 0.7), epoch_j=10.0)
    large = served_trial(1, 16, {1: 0.002, 64: 0.003}, qualities=(0.5, 0.8, 0.9), epoch_j=20.0)
    data = measured([small, large])
    groups = setups(data)
    served = inferences(data, groups)
    view = inference_view(data, served, paybacks(envelope(groups), served))
    assert view is not None
    assert view.batch_sizes == [1, 64]
    assert view.rows[0].energy == ["5 mJ ± 30 %", "1 mJ ± 30 %"]
    assert [row.predictions for row in view.paybacks] == ["10,000 ± 0", "never: its predictions are dearer, too"]
    assert [row.quality for row in view.paybacks] == ["+20.0 points", "+20.0 points"]
    assert view.paybacks[0].dearer == "objective.model.width 16, 3 epochs"
    shown = text("inference.html.j2", inference=view)
    assert "10,000" in shown
    assert f"{DOMAIN} (measured)" in shown


def test_hot_spots() -> None:
    rows = [
        OperatorTime(operator=f"op{i}", kind=OperatorKind.COMPUTE, calls=4, host_s=0.01, device_s=None)
        for i in range(30)
    ]
    rows.append(OperatorTime(operator=EVIL, kind=OperatorKind.COPY, calls=8, host_s=0.7, device_s=None))
    table = OperatorTable(phase="supervised", steps=4, batch_size=64, rows=rows)
    (view,) = hot_spots_views(hot_spots(msgspec.structs.replace(trial(3), operators=[table])))
    assert view.title == "Trial 3, supervised"
    assert view.kinds == "Of the time of a step: moving data 70 %, arithmetic 30 %."
    assert len(view.rows) == MAX_ROWS
    assert (view.rows[0].calls, view.rows[0].time, view.rows[0].share) == ("2", "175 ms", "70 %")
    assert "The 25 costliest of 31; hot_spots.csv has all." in view.notes
    assert "moving data 70 %" in text("hot_spots.html.j2", hot_spots=[view])


def test_without_such_work_there_is_no_section() -> None:
    data = measured([trial(0)])
    assert codec_view(data, codecs(data, setups(data))) is None
    assert inference_view(data, inferences(data, setups(data)), ()) is None
    assert hot_spots_views(hot_spots(trial(0))) == []
    for name in ("codec", "inference", "hot_spots"):
        assert text(f"{name}.html.j2", **{name: None}) == ""

"""What a codec costs: joules per GB, latency, bandwidth."""

import pytest

from sweep.analysis.codec import codecs, codecs_frame
from sweep.analysis.setups import setups
from tests.factories import trial
from tests.work_factories import codec_trial, measured, worked


def test_numbers_of_one_trial() -> None:
    data = measured([codec_trial()])
    (found,) = codecs(data, setups(data))
    assert found.compress.j_per_gb is not None
    assert found.compress.j_per_gb.value == pytest.approx(20 / 40e6 * 1e9)  # 5 passes of 8 MB
    assert found.compress.j_per_gb.u_scale == pytest.approx(150.0)
    assert found.compress.latency_s == pytest.approx(4.0 / 10)
    assert found.compress.bandwidth_mb_s == pytest.approx(10.0)
    assert found.decompress.j_per_gb is not None
    assert found.decompress.j_per_gb.value == pytest.approx(16 / 80e6 * 1e9)
    assert (found.decompress.latency_s, found.decompress.bandwidth_mb_s) == (pytest.approx(0.1), pytest.approx(40.0))
    assert (found.ratio, found.ratio_honest, found.r2, found.r2_column_min) == (1.5, 1.3, 0.98, 0.04)
    assert found.beats_lossless is False
    assert found.deflate_j_per_gb is not None
    assert found.deflate_j_per_gb.value == pytest.approx(0.4 / 8e6 * 1e9)
    assert found.training_j_per_gb == pytest.approx(30.0 / 8e6 * 1e9)  # three epochs of 10 J


def test_repeats_are_averaged() -> None:
    first, second = codec_trial(0), codec_trial(1, repeat=1)
    slower = {**second.results, "compress_passes": 1.0, "r2_table": 0.96}
    other = worked(1, {"batch_size": 512}, slower, {("compress", "compress"): (4.0, 20.0)}, repeat=1)
    data = measured([first, other])
    (found,) = codecs(data, setups(data))
    assert found.compress.j_per_gb is not None
    assert found.compress.j_per_gb.value == pytest.approx((500.0 + 2500.0) / 2)
    assert found.compress.passes == 6
    assert found.compress.bandwidth_mb_s == pytest.approx(48 / 8)
    assert found.decompress.j_per_gb is None  # the second trial has no such row
    assert found.r2 == pytest.approx(0.97)


def test_trials_without_a_codec_are_left_out() -> None:
    data = measured([trial(0), worked(1, {"lr": 5.0}, {"compress_passes": 0.0}, {})])
    assert codecs(data, setups(data)) == ()


def test_the_frame_has_a_row_for_each_setup() -> None:
    data = measured([codec_trial(0), codec_trial(1, {"batch_size": 1024})])
    frame = codecs_frame(codecs(data, setups(data)))
    assert frame["param.batch_size"].tolist() == [512, 1024]
    assert frame["compress_j_per_gb"].tolist() == pytest.approx([500.0, 500.0])
    assert frame["ratio_honest"].tolist() == [1.3, 1.3]

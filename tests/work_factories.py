"""Records of trials that did work beside training: a codec's, or predictions."""

from collections.abc import Mapping
from typing import Any

import msgspec

from sweep.records import ActivityEnergy, Domain, Provenance, StudyData, TrialRecord
from tests.factories import DOMAIN, study, trial

GPU = "gpu:0"


def worked(
    number: int,
    params: Mapping[str, Any],
    results: Mapping[str, float | None],
    joules: Mapping[tuple[str, str], tuple[float, float | None]],
    **options: Any,
) -> TrialRecord:
    """A trial with results, and rows ``(phase, activity): (seconds, joules)``."""
    made = trial(number, params, **options)
    rows = [
        ActivityEnergy(phase=phase, activity=activity, duration_s=seconds, energy_j={DOMAIN: energy_j})
        for (phase, activity), (seconds, energy_j) in joules.items()
    ]
    return msgspec.structs.replace(made, results=dict(results), activities=[*made.activities, *rows])


def measured(
    trials: list[TrialRecord], *, random_u_rel: float = 0.0, tick_s: float | None = None, scale_u_rel: float = 0.3
) -> StudyData:
    """A study whose only domain has these uncertainties."""
    data = study(trials)
    domain = Domain(
        name=DOMAIN,
        provenance=Provenance.MEASURED,
        scale_u_rel=scale_u_rel,
        random_u_rel=random_u_rel,
        tick_s=tick_s,
    )
    return msgspec.structs.replace(data, study=msgspec.structs.replace(data.study, domains=[domain]))


def codec_trial(number: int = 0, params: Mapping[str, Any] | None = None, **options: Any) -> TrialRecord:
    """8 MB compressed 5 times in 4 s and 20 J, decompressed 10 times in 2 s and 16 J; two batches a pass."""
    results = {
        "compress_bytes": 8e6,
        "compress_passes": 5.0,
        "compress_batches": 2.0,
        "compress_s": 4.0,
        "decompress_bytes": 8e6,
        "decompress_passes": 10.0,
        "decompress_batches": 2.0,
        "decompress_s": 2.0,
        "compression_ratio": 1.5,
        "compression_ratio_honest": 1.3,
        "lossless_ratio": 1.6,
        "r2_table": 0.98,
        "r2_column_mean": 0.6,
        "r2_column_min": 0.04,
        "max_error_of_range": 0.8,
        "peak_memory_bytes": 300.0 * 2**20,
    }
    joules = {
        ("compress", "compress"): (4.0, 20.0),
        ("decompress", "decompress"): (2.0, 16.0),
        ("compress", "deflate"): (0.1, 0.4),
    }
    return worked(number, params or {"batch_size": 512}, results, joules, **options)


def served_trial(
    number: int, width: int, sample_j: Mapping[int, float | None], samples: int = 1000, **options: Any
) -> TrialRecord:
    """A trial whose samples cost so much in batches of each size, each measured over 2 s."""
    results: dict[str, float | None] = {"peak_memory_bytes": None}
    joules = {}
    for size, each in sample_j.items():
        results |= {f"batch_{size}_samples": float(samples), f"batch_{size}_s": 2.0}
        joules[("inference", f"batch_{size}")] = (2.0, None if each is None else each * samples)
    return worked(number, {"objective.model.width": width}, results, joules, **options)

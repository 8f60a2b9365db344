"""The look at the test split: once, when the search is over, for the setups that the report recommends.

Nothing is chosen by it. A recommendation whose weights are gone (an imported record, say) stays untested.
"""

from collections.abc import Callable, Sequence

from sweep.analysis.recommend import recommend
from sweep.config import SweepConfig
from sweep.records import Dimension, TestResult
from sweep.study.course import TrialSpec
from sweep.study.search_space import apply, paradigm_of
from sweep.study.store import StudyStore
from sweep.study.trial import TrialRunner
from sweep.study.weights import epoch_of


def run_tests(
    store: StudyStore,
    runner: TrialRunner,
    config: SweepConfig,
    dims: Sequence[Dimension],
    notice: Callable[[str], None],
) -> list[TestResult]:
    """Evaluate what is recommended and not yet tested, and store it.

    Args:
        store: of the study.
        runner: loads the models.
        config: of the study.
        dims: its dimensions.
        notice: hears of an evaluation that failed; it leaves its setup untested.

    Returns:
        The new results.
    """
    data = store.data()
    known = {(test.number, test.epoch) for test in data.tests}
    records = {record.number: record for record in data.trials}
    new = []
    for number, epoch in recommend(data, config.report.confidence).to_test:
        record = records[number]
        weights_epoch = epoch_of(record, epoch)
        if (number, epoch) in known or weights_epoch is None:
            continue
        applied = apply(config, record.params, dims)
        paradigm = paradigm_of(applied, record.params)
        spec = TrialSpec(number, applied, record.params, paradigm, record.seed, record.repeat)
        try:
            found = runner.test(spec, weights_epoch)
        except Exception as err:  # a user's test split may not fit the model; the search must not be lost by it
            notice(f"trial {number} could not be tested ({type(err).__name__}: {err})")
            continue
        if found is not None and found.quality is not None:
            new.append(
                TestResult(
                    number=number,
                    epoch=epoch,
                    weights_epoch=weights_epoch,
                    quality=found.quality,
                    qualities=dict(found.parts),
                )
            )
    if new:
        store.save_tests([*data.tests, *new])
    return new

"""Running a study: one session from its config to its report.

    meter -> recorder -> data -> folder, lock, fingerprint -> recover, import
          -> [choose -> train -> store]* -> test -> report

Everything that costs joules happens inside the recorder, so the session's ledger is whole. Stored at once after
each trial; nothing is kept for the end.
"""

from collections.abc import Sequence
from contextlib import ExitStack

import torch

from sweep.config import SweepConfig
from sweep.energy.host.process import usable_cores
from sweep.energy.recorder import Recorder
from sweep.objective import Objective
from sweep.observer import Observer, Reporter
from sweep.paradigms.paradigm import Paradigm
from sweep.records import Dimension
from sweep.registry import check
from sweep.study import naming, weights
from sweep.study.database import storage_errors
from sweep.study.identity import describe, refuse_other
from sweep.study.instruments import Instruments, is_recorded, meter_of, recorded
from sweep.study.interruption import Interruption
from sweep.study.loading import Loader
from sweep.study.plan import next_run
from sweep.study.search_space import apply, paradigm_spec, paradigms_of
from sweep.study.session import Outcome, Session
from sweep.study.store import StudyStore
from sweep.study.takeover import read_source
from sweep.study.trial import TrialRunner, check_layers, make_paradigm
from sweep.training import device as devices

RECORDINGS = "recordings"


def run_study(
    config: SweepConfig,
    dims: Sequence[Dimension],
    label: str,
    *,
    command: str,
    observer: Observer,
    reporter: Reporter,
) -> Outcome:
    """Run or resume a study to its end.

    Args:
        config: checked.
        dims: its dimensions.
        label: name of the experiment, for studies without a name.
        command: as typed, for the records.
        observer: hears of everything.
        reporter: writes the report and the notes.

    Raises:
        SweepError: for bad input, before a trial has run; for data or a storage that fail later.
        KeyboardInterrupt: for a signal while the data are loaded; nothing was written then.
    """
    check_plugins(config, dims)
    if config.study.import_from:
        read_source(config.study.import_from)  # refused before anything is written
    meter = meter_of(config, devices.choose(config.trainer.device))
    torch.set_num_threads(config.trainer.threads or usable_cores())
    with Interruption() as interruption, Recorder(meter, warn=observer.notice) as recorder:
        loader = Loader()
        first = next_run(config, dims, [])
        params = first.params if first is not None and first.params is not None else {}
        with interruption.armed():
            setup = apply(config, params, dims)
            loaded = loader.load(setup)
            for paradigm in paradigms_of(setup, dims):
                make_paradigm(setup, paradigm).check(loaded.objective)
                check_layers(setup, paradigm, loaded, recorder.domains, observer.notice)
        name = config.study.name or naming.default_name(label, loaded.info.source)
        study = describe(config, dims, name, command, loaded.info, loaded.objective.quality_name, recorder)
        with ExitStack() as stack:
            folder = naming.folder_of(name, config.study.dir)
            store = stack.enter_context(StudyStore.create(folder, name, study.quality_name))
            refuse_other(store, study)
            stack.enter_context(storage_errors(store.folder))
            if is_recorded(config):
                path = store.folder / RECORDINGS / f"session-{store.sessions()}.jsonl"
                stack.enter_context(recorded(recorder, path, study.machine))
            runner = TrialRunner(recorder, loader, store.folder / weights.FOLDER, interruption, observer.notice)
            instruments = Instruments(config.study, recorder, interruption, observer)
            return Session(config, dims, study, store, runner, instruments, recorder, observer, reporter).run(
                interruption
            )


def check_plugins(config: SweepConfig, dims: Sequence[Dimension]) -> None:
    """Check the options of objective and paradigms for every value of the search space; builds nothing.

    Raises:
        ConfigError: for the first that does not fit.
    """
    for value in {*config.paradigms, *paradigms_of(config, dims)}:
        spec, where = paradigm_spec(config, value)
        check(spec, Paradigm, where)  # type: ignore[type-abstract]
    for dimension in dims:
        for value in dimension.values or [dimension.low, dimension.high]:
            tried = apply(config, {dimension.name: value}, [dimension])
            check(tried.objective, Objective, "objective")  # type: ignore[type-abstract]

"""PAMAP2: recognise 12 activities from three body-worn inertial units.

Windows of 168 samples (5.12 s at 33.3 Hz), half overlapping, of 18 channels: acceleration (+-16 g) and angular
rate of hand, chest and ankle. How they are cut: ``objectives._pamap2_files``. Validation subject 105, test subject
106, as is usual; where one is not in the data, the rule of ``objectives._window_split``.

Without the data set (``objective.source=auto``) synthetic recordings stand in for it, in the same file format and
read by the same reader. Windows are cached in ``data/cache`` by a hash of the source files and the options. The
folder ``data`` is ``$SWEEP_DATA``, or ``data`` in the current folder.
"""

import contextlib
import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np

from objectives import _pamap2_files as files
from objectives import _pamap2_synthetic as synthetic
from objectives._data_folder import data_folder
from objectives._pamap2_fetch import fetch_pamap2
from objectives._window_data import Parts, WindowArrays, check_arrays, read_npz
from objectives._window_model import WindowModel
from objectives._window_split import Subject, split_by_subject
from objectives.windows import WindowTask
from sweep.errors import ConfigError, DataError
from sweep.objective import Data

VAL_SUBJECT = 105
TEST_SUBJECT = 106
VAL_SHARE = 0.15
TEST_SHARE = 0.15

Source = Literal["auto", "local", "synthetic"]


class Pamap2(WindowTask):
    """PAMAP2 activity recognition.

    Args:
        source: ``local`` for the data set, ``synthetic`` for a stand-in, ``auto`` for the data set if it is there.
        path: the folder with the recordings (or their ``Protocol``); ``None`` for ``pamap2`` in the data folder.
        sensors: which signals of each unit: ``acc16``, ``acc6``, ``gyro``, ``mag``.
        window: samples of a window, at 33.3 Hz.
        step: samples from one window to the next.
        val_subjects: whom to validate on; ``None`` for 105.
        test_subjects: whom to test on; ``[]`` for nobody, ``None`` for 106.
        synthetic_seed: seed of the synthetic recordings.
        model: size of the network; ``None`` for a width of 16.

    Raises:
        ConfigError: for sensors or window lengths that cannot be, or a path to synthetic data.
    """

    def __init__(
        self,
        source: Source = "auto",
        path: str | None = None,
        sensors: list[files.Sensor] | None = None,
        window: int = 168,
        step: int = 84,
        val_subjects: list[Subject] | None = None,
        test_subjects: list[Subject] | None = None,
        synthetic_seed: int = 0,
        model: WindowModel | None = None,
    ) -> None:
        super().__init__(model if model is not None else WindowModel(width=16))
        self._sensors: list[files.Sensor] = sensors if sensors is not None else ["acc16", "gyro"]
        self._window, self._step = window, step
        self._subjects = (val_subjects, test_subjects)
        self._seed = synthetic_seed
        self._check_options(source, path)
        self._source, self._path = source, path

    def _check_options(self, source: Source, path: str | None) -> None:
        if not self._sensors or len(set(self._sensors)) < len(self._sensors):
            raise ConfigError(
                f"objective.sensors={self._sensors} names none, or one twice",
                f"name some of {', '.join(files.SENSOR_OFFSETS)}",
            )
        for name, value in (("window", self._window), ("step", self._step)):
            if value < 1:
                raise ConfigError(f"objective.{name}={value} is below 1", "set 1 or more samples")
        if source == "synthetic" and path is not None:
            raise ConfigError(
                f"objective.path={path} has no use with objective.source=synthetic", "drop one of the two"
            )

    def data(self) -> Data:
        """Standardised windows; ``source`` says whose."""
        data = super().data()
        if self._recordings():
            return data
        return data._replace(
            source="synthetic",
            notice="The data are synthetic: generated in the format of PAMAP2, they say nothing about people.",
            mend=files.FETCH,
        )

    def arrays(self) -> WindowArrays:
        """The windows of all recordings, from the cache if they were cut before."""
        recordings = self._recordings()
        name = "PAMAP2" if recordings else "synthetic recordings like PAMAP2"
        cached = data_folder() / "cache" / f"pamap2-{self._cache_key(recordings)}.npz"
        if _is_file(cached):
            try:
                return read_npz(cached)._replace(name=name)
            except DataError:
                logging.getLogger(__name__).warning("%s is damaged and is made anew", cached)
        windows = self._read(recordings) if recordings else self._generate()
        _save(cached, windows)
        return check_arrays(*windows, name)

    def parts(self, arrays: WindowArrays) -> Parts:
        """By subject: 105 validates and 106 tests, where nothing else is said and they are there."""
        assert arrays.subject is not None
        known = set(arrays.subject.tolist())
        val, test = self._subjects
        if val is None and VAL_SUBJECT in known - set(test or ()):
            val = [VAL_SUBJECT]
        if test is None and TEST_SUBJECT in known - set(val or ()):
            test = [TEST_SUBJECT]
        return split_by_subject(arrays, val, test, VAL_SHARE, TEST_SHARE)

    def _recordings(self) -> list[Path]:
        """The files to read; none for synthetic data.

        Raises:
            DataError: if local data are asked for and are not there.
        """
        if self._source == "synthetic":
            return []
        folder = Path(self._path).expanduser() if self._path is not None else data_folder() / "pamap2"
        found = files.find_recordings(folder)
        if not found and (self._source == "local" or self._path is not None):
            raise DataError(
                f"no subject1xx.dat is in {folder} or in its Protocol",
                f"set objective.path to the folder Protocol, or run {files.FETCH}",
            )
        return found

    def _cache_key(self, recordings: list[Path]) -> str:
        """Hash of everything that the windows depend on; of files, their name, size and time of change."""
        stats = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in recordings]
        origin: object = stats or (synthetic.VERSION, self._seed)
        parts = (files.VERSION, origin, self._sensors, self._window, self._step)
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]

    def _read(self, recordings: list[Path]) -> files.Windows:
        return files.read_windows(recordings, self._sensors, self._window, self._step)

    def _generate(self) -> files.Windows:
        """Write the recordings of one subject after the other, read them, and leave none behind."""
        parts = []
        try:
            with tempfile.TemporaryDirectory(prefix="sweep-synthetic-") as folder:
                for subject in synthetic.SUBJECTS:
                    recording = synthetic.write_recording(Path(folder), subject, self._seed)
                    parts.append(self._read([recording]))
                    recording.unlink()
        except OSError as err:
            raise DataError(
                f"synthetic recordings cannot be written in {tempfile.gettempdir()} ({err})",
                "make room for 40 MB there, or name another folder in TMPDIR",
            ) from err
        return files.join(parts)

    @classmethod
    def fetch(cls, folder: Path | None, progress: Callable[[int, int | None], None]) -> Path:
        """Download the data set from UCI, 656 MB; ``progress`` is not called if it is there already."""
        return fetch_pamap2(folder if folder is not None else data_folder() / "pamap2", progress)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except PermissionError:
        return False


def _save(path: Path, windows: files.Windows) -> None:
    """Write the cache at once or not at all; without it everything works, but slower."""
    scratch = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(scratch, X=windows.x, y=windows.y, subject=windows.subject)
        scratch.replace(path)
    except OSError as err:
        with contextlib.suppress(OSError):
            scratch.unlink(missing_ok=True)
        logging.getLogger(__name__).warning(
            "the windows cannot be kept in %s (%s): they are made anew each time", path.parent, err
        )

"""Synthetic recordings in the file format of PAMAP2, for trying the system without the data set.

An activity has a cadence, an intensity for each limb, a posture and a movement pattern: three harmonics of the
cadence and, for gaits, a pulse at each heel strike. Acceleration of one unit, in m/s^2 (angular rate likewise,
without gravity and pulse):

    a(t) = R [g d + sum_h A_h sin(h phi(t) + p_h) + k exp(9 (cos phi(t) - 1))] + noise(t)
    phi'(t) = 2 pi cadence tempo (1 + drift(t))

Subjects differ in tempo, strength, in how the units sit (the rotation R) and in style (A and p deviate from those
of the activity). They also lapse: for some seconds they do something else of the same kind, stand where sitting
was asked for, stroll in the middle of Nordic walking, so that no classifier is right on every window. Between
activities lies a transient of id 0; packets are lost in single rows and in bursts; heart rate comes at 9 Hz. What
is learnt here says nothing about people: the recordings have the form and about the difficulty of the real task.
Values are rounded to 0.01, as a table of texts makes writing fast.
"""

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from objectives._pamap2_files import IMU_STARTS, N_COLUMNS, RATE_HZ

VERSION = 1
"""Part of the cache key: raise it when the signals change."""

SUBJECTS = tuple(range(101, 109))
GRAVITY = 9.81
BOUT_S = 90.0
TRANSIENT_S = 6.0
STRETCH_S = 7.5
LAPSE_SHARE = 0.12
"""Share of stretches in which a subject does another activity of the family."""
DISTINCT = 0.5
"""How far activities of one family lie apart, as a share of how far families do."""
STYLE = 0.35
"""How far subjects deviate from the pattern of an activity, in the same unit."""
NOISE = 3.0
"""Standard deviation of the noise of acceleration, m/s^2; a fifth of it, rad/s, for angular rate."""
TILT_RAD = 0.5
LIMIT = 200.0
"""Values beyond +-LIMIT are cut, as a sensor would."""

Floats = NDArray[np.float64]


class Activity(NamedTuple):
    """How an activity moves.

    Attributes:
        cadence_hz: movement cycles a second.
        limbs: intensity of hand, chest and ankle, m/s^2.
        strike: height of the heel-strike pulse at the ankle, m/s^2; half of it reaches the chest.
        posture: which of the resting orientations the units have.
        family: activities of one family move alike but for ``DISTINCT``.
    """

    cadence_hz: float
    limbs: tuple[float, float, float]
    strike: float
    posture: int
    family: int


PATTERNS = {
    1: Activity(0.25, (0.5, 0.5, 0.3), 0.0, 0, 0),
    2: Activity(0.30, (0.8, 0.4, 0.3), 0.0, 1, 0),
    3: Activity(0.40, (0.8, 0.6, 0.4), 0.0, 2, 0),
    4: Activity(0.95, (2.5, 2.0, 5.0), 8.0, 2, 1),
    5: Activity(1.35, (8.0, 6.0, 10.0), 20.0, 2, 2),
    6: Activity(1.10, (1.5, 1.5, 5.0), 0.0, 1, 3),
    7: Activity(0.90, (5.0, 2.2, 5.0), 8.0, 2, 1),
    12: Activity(0.85, (2.5, 2.2, 4.5), 6.0, 2, 1),
    13: Activity(1.00, (2.5, 2.5, 5.0), 11.0, 2, 1),
    16: Activity(0.60, (3.5, 1.5, 1.5), 0.0, 2, 4),
    17: Activity(0.70, (3.0, 1.0, 0.6), 0.0, 2, 4),
    24: Activity(1.60, (7.0, 7.0, 9.0), 18.0, 2, 2),
}
STANDING = 3


class Style(NamedTuple):
    """One subject.

    Attributes:
        seed: of the subject's deviations from every pattern.
        tempo: factor on every cadence.
        strength: factor on every movement.
        mounting: rotation of each unit, shape ``(3, 3, 3)``.
    """

    seed: tuple[int, int]
    tempo: float
    strength: float
    mounting: Floats


def write_recording(folder: Path, subject: int, seed: int, bout_s: float = BOUT_S) -> Path:
    """Write ``subject<number>.dat``: every activity once, in random order, transients between them.

    Args:
        folder: where to; it exists.
        subject: number of the subject, e.g. 101.
        seed: the recordings of one seed belong together.
        bout_s: duration of each activity.
    """
    rng = np.random.default_rng([seed, subject])
    style = _style(rng, (seed, subject))
    path = folder / f"subject{subject}.dat"
    start = 0
    with path.open("wb") as file:
        for activity in rng.permutation(list(PATTERNS)).tolist():
            for label, moved, seconds in _stretches(rng, activity, bout_s):
                rows = round(seconds * RATE_HZ)
                file.write(_text(_rows(rng, label, moved, style, start, rows)))
                start += rows
    return path


def _stretches(rng: np.random.Generator, activity: int, bout_s: float) -> Iterator[tuple[int, int, float]]:
    """Label, activity really done, and duration in s: the transient, then the bout."""
    family = PATTERNS[activity].family
    others = [other for other, pattern in PATTERNS.items() if pattern.family == family and other != activity]
    yield 0, activity, TRANSIENT_S
    for begin in np.arange(0.0, bout_s, STRETCH_S).tolist():
        lapses = rng.random() < LAPSE_SHARE
        moved = int(rng.choice(others or [STANDING])) if lapses else activity
        yield activity, moved, min(STRETCH_S, bout_s - begin)


def _style(rng: np.random.Generator, seed: tuple[int, int]) -> Style:
    mounting = np.stack([_rotation(rng, TILT_RAD) for _ in IMU_STARTS])
    return Style(seed, float(np.exp(rng.normal(0, 0.08))), float(np.exp(rng.normal(0, 0.2))), mounting)


def _rotation(rng: np.random.Generator, angle_rad: float) -> Floats:
    """Rotation about a random axis by a normally distributed angle (Rodrigues' formula)."""
    axis = rng.normal(size=3)
    x, y, z = axis / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = rng.normal(0, angle_rad)
    return np.asarray(np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross)


def _rows(rng: np.random.Generator, label: int, activity: int, style: Style, start: int, rows: int) -> Floats:
    """One stretch of a recording, shape ``(rows, 54)``; a transient is a slow, weak version of what follows."""
    pattern = PATTERNS[activity]
    tempo, strength = style.tempo * np.exp(rng.normal(0, 0.05)), style.strength * np.exp(rng.normal(0, 0.1))
    if label == 0:
        tempo, strength = 0.5 * tempo, 0.3 * strength
    phase = _phase(rng, pattern.cadence_hz * tempo, rows)
    table = np.full((rows, N_COLUMNS), np.nan)
    table[:, 0] = (start + np.arange(rows)) / RATE_HZ
    table[:, 1] = label
    beats = np.arange(0, rows, RATE_HZ // 9)
    table[beats, 2] = np.round(80 + 8 * pattern.limbs[1] + rng.normal(0, 2, len(beats)))
    for unit, begin in enumerate(IMU_STARTS):
        table[:, begin : begin + 17] = _unit(rng, activity, unit, strength, style, phase)
    return table


def _phase(rng: np.random.Generator, cadence_hz: float, rows: int) -> Floats:
    """Phase of the movement in rad, its rate drifting slowly by some 5 %."""
    knots = rng.normal(0, 0.05, rows // (2 * RATE_HZ) + 2)
    drift = np.interp(np.arange(rows), np.linspace(0, rows, len(knots)), knots)
    return np.asarray(rng.uniform(0, 2 * np.pi) + np.cumsum(2 * np.pi * cadence_hz * (1 + drift) / RATE_HZ))


def _unit(rng: np.random.Generator, activity: int, unit: int, strength: float, style: Style, phase: Floats) -> Floats:
    """The 17 columns of one inertial unit."""
    pattern, rows = PATTERNS[activity], len(phase)
    family = np.random.default_rng([pattern.family, unit])  # the same for all subjects and seeds
    own = np.random.default_rng([100 + activity, unit])
    person = np.random.default_rng([*style.seed, activity, unit])
    size = np.array([1.0, 0.5, 0.3])[:, None] * strength
    moves = []
    for scale in (pattern.limbs[unit], 0.25 * pattern.limbs[unit]):  # acceleration, then angular rate
        draw = [family.normal(size=(2, 3, 3)), own.normal(size=(2, 3, 3)), person.normal(size=(2, 3, 3))]
        amplitude, offset = draw[0] + DISTINCT * draw[1] + STYLE * draw[2]
        amplitude, offset = scale * size * amplitude, 2 * offset
        moves.append(sum(np.sin((h + 1) * phase[:, None] + offset[h]) * amplitude[h] for h in range(3)))
    rest = _resting(pattern.posture, unit) @ _rotation(person, 0.15)
    strike = pattern.strike * (0.0, 0.5, 1.0)[unit] * strength * np.exp(9 * (np.cos(phase) - 1))
    acceleration = (moves[0] + GRAVITY * rest + strike[:, None] * rest) @ style.mounting[unit]
    rate = moves[1] @ style.mounting[unit]
    field = np.tile(45 * _resting(pattern.posture + 3, unit) @ style.mounting[unit], (rows, 1))
    columns = np.empty((rows, 17))
    columns[:, 0] = 33.0 + 0.1 * unit
    columns[:, 1:4] = acceleration + rng.normal(0, NOISE, (rows, 3))
    columns[:, 4:7] = columns[:, 1:4] + 0.05
    columns[:, 7:10] = rate + rng.normal(0, 0.2 * NOISE, (rows, 3))
    columns[:, 10:13] = field + 0.2 * moves[1]
    columns[:, 13:17] = (1.0, 0.0, 0.0, 0.0)
    columns[_lost(rng, rows)] = np.nan
    return columns


def _resting(posture: int, unit: int) -> Floats:
    """Direction of gravity in a unit at rest, a unit vector."""
    direction = np.random.default_rng([1000 + posture, unit]).normal(size=3)
    return np.asarray(direction / np.linalg.norm(direction))


def _lost(rng: np.random.Generator, rows: int) -> NDArray[np.bool_]:
    """Rows of which nothing was received: 0.3 % single ones, and now and then a burst of up to 0.4 s."""
    lost = rng.random(rows) < 0.003
    for begin in rng.integers(0, rows, rng.poisson(rows / (30 * RATE_HZ))).tolist():
        lost[begin : begin + int(rng.integers(5, 40))] = True
    return lost


def _text(table: Floats) -> bytes:
    """The rows as text, 54 fields separated by spaces, NaN for what is missing."""
    steps = np.round(np.clip(np.nan_to_num(table, nan=LIMIT + 0.01), -LIMIT, LIMIT + 0.01) * 100).astype(np.int64)
    fields = _texts()[steps + round(LIMIT * 100)]
    fields[:, 0] = [f"{time:.2f} ".encode() for time in table[:, 0].tolist()]
    fields[:, 1] = [f"{int(label)} ".encode() for label in table[:, 1].tolist()]
    fields[:, -1] = [field[:-1] + b"\n" for field in fields[:, -1].tolist()]
    return b"".join(fields.ravel().tolist())


@functools.cache
def _texts() -> NDArray[np.object_]:
    """Text of every value from -LIMIT to LIMIT in steps of 0.01, then NaN; each with a space."""
    numbers = np.arange(-round(LIMIT * 100), round(LIMIT * 100) + 1).tolist()
    texts = [f"{number / 100:g} ".encode() for number in numbers]
    return np.array([*texts, b"NaN "], dtype=object)

"""Drawn faces with attributes that can be seen, for trying the system without CelebA.

A face is a stack of filled shapes, each a set of points (x, y) in [-1, 1]^2 with y downwards:

    background < hair < face < ears < brows < eyes < nose < mouth < moustache < glasses < hat

A person fixes tone of the skin, colour and length of the hair, proportions of the face, and how often each attribute
is worn; a picture adds what was worn, place, scale, light and noise. So identity and attributes are separate tasks on
the same pixels with something to share, as in CelebA, whose names the attributes bear. What is learnt here says
nothing about faces.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

NAMES = (
    "Bald",
    "Bangs",
    "Black_Hair",
    "Blond_Hair",
    "Eyeglasses",
    "Mouth_Slightly_Open",
    "Mustache",
    "Narrow_Eyes",
    "Smiling",
    "Wearing_Hat",
    "Wearing_Lipstick",
)
PER_PERSON = 32
"""Pictures of each person: about as many as CelebA has of its most frequent people."""
NOISE = 0.06
"""Standard deviation of the noise of a pixel, of a range of 1."""

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_HAIR = {"Black_Hair": (0.08, 0.07, 0.06), "Blond_Hair": (0.85, 0.72, 0.40), "": (0.42, 0.25, 0.13)}


class Person(NamedTuple):
    """What does not change from picture to picture.

    Attributes:
        skin: red, green and blue in [0, 1], shape ``(3,)``.
        hair: likewise.
        fixed: attributes that the person always has, or never, by name.
        often: how often the others are worn, by name.
        face: half width and half height of the face.
        eyes: distance of the eyes from the middle, their height, and their size.
        nose: its length.
        mouth: its half width, and its height.
    """

    skin: Floats
    hair: Floats
    fixed: dict[str, bool]
    often: dict[str, float]
    face: tuple[float, float]
    eyes: tuple[float, float, float]
    nose: float
    mouth: tuple[float, float]


def draw_faces(n_people: int, size: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]:
    """Pictures of people.

    Args:
        n_people: how many.
        size: height and width in pixels.
        seed: of people and pictures.

    Returns:
        Images uint8 of shape ``(n, 3, size, size)``, attributes 0 or 1 of shape ``(n, len(NAMES))``, and the number of
        the person, shape ``(n,)``; n is ``n_people * PER_PERSON``.
    """
    images, attributes = [], []
    for number in range(n_people):
        random = np.random.default_rng([seed, number])
        person = _person(random)
        for _ in range(PER_PERSON):
            has = person.fixed | {name: bool(random.random() < often) for name, often in person.often.items()}
            images.append(_picture(person, has, size, random))
            attributes.append([has[name] for name in NAMES])
    return np.stack(images), np.array(attributes, dtype=np.int64), np.repeat(np.arange(n_people), PER_PERSON)


def _person(random: np.random.Generator) -> Person:
    bald = bool(random.random() < 0.15)
    colour = str(random.choice(list(_HAIR)))
    skin = np.array([0.95, 0.78, 0.65]) * random.uniform(0.45, 1.0) + random.normal(0, 0.03, 3)
    return Person(
        skin=skin.clip(0, 1),
        hair=(np.array(_HAIR[colour]) + random.normal(0, 0.04, 3)).clip(0, 1),
        fixed={
            "Bald": bald,
            "Bangs": not bald and bool(random.random() < 0.4),
            "Black_Hair": not bald and colour == "Black_Hair",
            "Blond_Hair": not bald and colour == "Blond_Hair",
            "Mustache": bool(random.random() < 0.25),
        },
        often={
            "Eyeglasses": float(random.choice([0.05, 0.8])),
            "Mouth_Slightly_Open": 0.5,
            "Narrow_Eyes": 0.3,
            "Smiling": float(random.uniform(0.2, 0.8)),
            "Wearing_Hat": 0.15,
            "Wearing_Lipstick": float(random.choice([0.05, 0.7])),
        },
        face=(random.uniform(0.42, 0.58), random.uniform(0.58, 0.72)),
        eyes=(random.uniform(0.17, 0.26), random.uniform(-0.18, -0.05), random.uniform(0.06, 0.10)),
        nose=random.uniform(0.12, 0.26),
        mouth=(random.uniform(0.14, 0.24), random.uniform(0.30, 0.40)),
    )


class _Canvas:
    """Pixels, and points that move and scale with the face."""

    def __init__(self, size: int, background: Floats, random: np.random.Generator) -> None:
        line = (np.arange(size) + 0.5) / size * 2 - 1
        scale = random.normal(1.0, 0.05)
        self.x = (line[None, :] - random.normal(0, 0.05)) / scale
        self.y = (line[:, None] - random.normal(0, 0.05)) / scale
        self.pixels: Floats = np.tile(background, (size, size, 1))

    def ellipse(self, x: float, y: float, half_width: float, half_height: float) -> Mask:
        return np.asarray(((self.x - x) / half_width) ** 2 + ((self.y - y) / half_height) ** 2 < 1)

    def fill(self, where: Mask, colour: Floats | tuple[float, float, float]) -> None:
        self.pixels[where] = colour


def _picture(person: Person, has: dict[str, bool], size: int, random: np.random.Generator) -> NDArray[np.uint8]:
    """One picture, shape ``(3, size, size)``."""
    canvas = _Canvas(size, random.uniform(0.2, 0.9, 3), random)
    _head(canvas, person, has)
    _eyes(canvas, person, has)
    _mouth(canvas, person, has)
    if has["Wearing_Hat"]:
        brim = person.face[1] * 0.62
        canvas.fill(canvas.ellipse(0, -brim, person.face[0] * 1.15, 0.32) & (canvas.y < -brim), random.random(3))
    slope = random.normal(0, 0.12)
    light = random.normal(1.0, 0.1) * (1 + slope * canvas.x[..., None])
    noisy = canvas.pixels * light + random.normal(0, NOISE, canvas.pixels.shape)
    return np.round(255 * noisy.clip(0, 1)).astype(np.uint8).transpose(2, 0, 1)


def _head(canvas: _Canvas, person: Person, has: dict[str, bool]) -> None:
    half_width, half_height = person.face
    if not has["Bald"]:
        canvas.fill(canvas.ellipse(0, -0.12, half_width * 1.22, half_height * 1.12), person.hair)
    canvas.fill(canvas.ellipse(0, 0, half_width, half_height), person.skin)
    for side in (-1, 1):
        canvas.fill(canvas.ellipse(side * half_width, 0, 0.06, 0.12), person.skin * 0.9)
    if has["Bangs"]:
        fringe = canvas.ellipse(0, 0, half_width, half_height) & (canvas.y < -0.55 * half_height)
        canvas.fill(fringe, person.hair)


def _eyes(canvas: _Canvas, person: Person, has: dict[str, bool]) -> None:
    away, height, large = person.eyes
    opening = 0.3 if has["Narrow_Eyes"] else 0.8
    for side in (-1, 1):
        canvas.fill(canvas.ellipse(side * away, height - 2.1 * large, 1.4 * large, 0.03), person.skin * 0.4)
        canvas.fill(canvas.ellipse(side * away, height, 1.3 * large, opening * large), (0.95, 0.95, 0.95))
        canvas.fill(canvas.ellipse(side * away, height, 0.5 * large, opening * large), (0.15, 0.12, 0.1))
        if has["Eyeglasses"]:
            ring = canvas.ellipse(side * away, height, 2.0 * large, 1.8 * large)
            ring &= ~canvas.ellipse(side * away, height, 1.5 * large, 1.3 * large)
            canvas.fill(ring, (0.05, 0.05, 0.08))
    if has["Eyeglasses"]:
        canvas.fill((np.abs(canvas.x) < away - 1.6 * large) & (np.abs(canvas.y - height) < 0.025), (0.05, 0.05, 0.08))


def _mouth(canvas: _Canvas, person: Person, has: dict[str, bool]) -> None:
    canvas.fill(canvas.ellipse(0, person.eyes[1] + person.nose, 0.06, person.nose * 0.7), person.skin * 0.8)
    half_width, height = person.mouth
    bend = 2.2 if has["Smiling"] else 0.0  # the corners lie higher by bend * half_width^2
    line = height - bend * (canvas.x**2 - half_width**2 / 2)
    lips = (0.75, 0.08, 0.15) if has["Wearing_Lipstick"] else person.skin * 0.65
    thick = 0.07 if has["Wearing_Lipstick"] else 0.05
    within = np.abs(canvas.x) < half_width
    gap = 0.05 if has["Mouth_Slightly_Open"] else 0.0
    canvas.fill(within & (np.abs(canvas.y - line) < thick + gap), lips)
    if gap:
        canvas.fill((np.abs(canvas.x) < 0.8 * half_width) & (np.abs(canvas.y - line) < gap), (0.15, 0.02, 0.03))
    if has["Mustache"]:
        above = canvas.ellipse(0, height - 0.14, 0.8 * half_width, 0.05)
        canvas.fill(above, person.hair * 0.6)

"""The bookshelf with its books, and stacks of books."""

from __future__ import annotations

import numpy as np

from mesh_reloc_evaluation.painted_room.paint import books
from mesh_reloc_evaluation.painted_room.paint.canvas import Painter
from mesh_reloc_evaluation.painted_room.patches import Material, Patch, box, lathe, plane
from mesh_reloc_evaluation.painted_room.room import materials
from mesh_reloc_evaluation.painted_room.room.dimensions import WIDTH

BOARD = 0.028
LEVELS = (0.06, 0.47, 0.86, 1.24, 1.62, 2.03)
JAR = ((0.06, 0.0), (0.10, 0.05), (0.11, 0.18), (0.05, 0.27), (0.055, 0.33))


def bookshelf() -> list[Patch]:
    """Return the bookshelf at the brick wall."""
    x, y, wide, deep, high = 1.05, WIDTH - 0.17, 1.5, 0.32, 2.06
    board, upright = materials.wood(materials.PINE), materials.wood(materials.PINE, upright=True)
    parts = [plane(board, (x - wide / 2, WIDTH - 0.02, 0), (wide, 0, 0), (0, 0, high))]
    for side in (-0.5, 0.0, 0.5):
        parts += box(upright, (x + side * (wide - 0.03), y, 0), (0.03, deep, high))
    for level in LEVELS:
        parts += box(board, (x, y, level), (wide, deep, BOARD), sides=('front', 'top', 'bottom'))
    rng = np.random.default_rng(20)
    number = 0
    for level in LEVELS[:-1]:
        for left in (x + 0.02 - wide / 2, x + 0.02):
            row, number = _row(rng, left, left + wide / 2 - 0.05, level + BOARD, number)
            parts += row
    parts += box(materials.cardboard('MAPS'), (x - 0.4, y, high), (0.5, 0.3, 0.26))
    parts.append(
        lathe(materials.pottery((0.75, 0.70, 0.60), (0.2, 0.3, 0.5)), (x + 0.35, y, high), JAR)
    )
    return parts


def stack(
    foot: tuple[float, float, float], size: tuple[float, float], turns: dict[int, float]
) -> list[Patch]:
    """Return a stack of books.

    :param foot: centre of its bottom, metres. :param size: of a book. :param turns: the books by
        number, each with its angle (rad).
    """
    (x, y, z), (wide, tall) = foot, size
    parts: list[Patch] = []
    for number, turn in turns.items():
        thick = 0.025 + 0.004 * (number % 5)
        sides = dict.fromkeys(('front', 'right', 'back'), _book(books.pages))
        sides |= {'top': _book(books.cover(number)), 'left': _cloth(number)}
        parts += box(sides, (x, y, z), (wide, tall, thick), turn)
        z += thick
    return parts


def _row(
    rng: np.random.Generator, left: float, right: float, level: float, number: int
) -> tuple[list[Patch], int]:
    """Return books on part of a shelf, with some gaps, and the number of the next book."""
    parts: list[Patch] = []
    at = left + rng.uniform(0, 0.04)
    while True:
        thick, tall, deep = rng.uniform((0.025, 0.21, 0.15), (0.06, 0.31, 0.21))
        if at + thick > right:
            return parts, number
        foot = (at + thick / 2, WIDTH - 0.03 - deep / 2 - rng.uniform(0, 0.07), level)
        sides = dict.fromkeys(('right', 'left'), _cloth(number))
        sides |= {'front': _book(books.spine(number)), 'top': _book(books.pages)}
        parts += box(sides, foot, (thick, deep, tall))
        number += 1
        at += thick + (rng.uniform(0.05, 0.18) if rng.random() < 0.10 else 0.002)


def _book(paint: Painter) -> Material:
    return Material('books', paint, texels_per_metre=520)


def _cloth(number: int) -> Material:
    return _book(books.cloth(number))

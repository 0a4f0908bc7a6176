"""Painters of books: spines, covers, and the edges of pages."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from mesh_reloc_evaluation.painted_room.paint.canvas import (
    Array,
    Canvas,
    Colour,
    Painter,
    Pen,
    blended,
    drawn,
    font,
    ink,
    shaded,
)

TITLES = (
    'EUCLID', 'Gardens', 'The Surveyor', 'Voyages', 'Projective Geometry', 'COLOUR', 'OPTICS',
    'Winter Tales', 'Mountains', 'A History of Maps', 'ATLAS', 'Night Trains', 'Light & Shadow',
    'Stone Bridges', 'Perspective', 'Kalman', 'Birds', 'Clocks', 'THE SEA', 'Algebra',
)  # fmt: skip
CLOTHS: tuple[Colour, ...] = (
    (0.55, 0.14, 0.13), (0.13, 0.23, 0.38), (0.17, 0.32, 0.22), (0.78, 0.62, 0.28),
    (0.86, 0.82, 0.72), (0.25, 0.22, 0.24), (0.70, 0.38, 0.18), (0.36, 0.20, 0.33),
    (0.20, 0.42, 0.45), (0.62, 0.57, 0.52),
)  # fmt: skip
FONTS = ('DejaVu Sans', 'DejaVu Serif', 'STIXGeneral')


def cloth(number: int) -> Painter:
    """Return a painter of the cloth that the book with this number is bound in."""

    def paint(canvas: Canvas) -> Array:
        weave = 0.09 * canvas.noise(0.004, octaves=2) + 0.07 * canvas.noise(0.1)
        return shaded(canvas.filled(CLOTHS[number % len(CLOTHS)]), weave)

    return paint


def pages(canvas: Canvas) -> Array:
    """Paint the cut edges of pages."""
    edges = 0.12 * canvas.noise(0.3, 0.002, 1)
    return shaded(canvas.filled((0.88, 0.84, 0.74)), edges)


def spine(number: int) -> Painter:
    """Return a painter of a book's spine: cloth, bands and a title."""

    def paint(canvas: Canvas) -> Array:
        image, lettering = cloth(number)(canvas), _lettering(number)
        _, y = canvas.metres()
        for at in canvas.rng.choice([0.06, 0.10, 0.16, 0.84, 0.90, 0.94], 3, replace=False):
            image = blended(image, lettering, np.abs(y / y.max() - at) < 0.008)
        title = _title_upright(number, int(0.64 * canvas.height), canvas.width)
        opacity = np.zeros((canvas.height, canvas.width), dtype=np.float32)
        top = int(0.18 * canvas.height)
        opacity[top : top + len(title)] = title
        across = np.linspace(-1, 1, canvas.width, dtype=np.float32)
        return shaded(blended(image, lettering, opacity), -0.35 * across[None, :] ** 4)

    return paint


def cover(number: int) -> Painter:
    """Return a painter of a book's front: cloth, a frame, a title and a ring."""

    def paint(canvas: Canvas) -> Array:
        w, h, colour = canvas.width, canvas.height, ink(_lettering(number))
        words = _title(number).split(' ')
        size = min(int(0.9 * w / max(map(len, words))), h // 6)

        def draw(pen: Pen) -> None:
            frame = (0.07 * w, 0.06 * h, 0.93 * w, 0.94 * h)
            pen.rectangle(frame, outline=colour, width=max(w // 60, 1))
            for line, word in enumerate(words):
                at = (0.5 * w, 0.32 * h + (line + 0.5 - len(words) / 2) * 1.2 * size)
                pen.text(at, word, font=font(size, 'DejaVu Serif'), fill=colour, anchor='mm')
            pen.ellipse(
                (0.32 * w, 0.56 * h, 0.68 * w, 0.56 * h + 0.36 * w), outline=colour, width=3
            )

        return drawn(cloth(number)(canvas), draw)

    return paint


def _title(number: int) -> str:
    return TITLES[number % len(TITLES)]


def _lettering(number: int) -> Colour:
    """Return gold on dark cloth, and brown on bright cloth."""
    dark = sum(CLOTHS[number % len(CLOTHS)]) < 1.6
    return (0.88, 0.74, 0.42) if dark else (0.22, 0.15, 0.12)


def _title_upright(number: int, length: int, thickness: int) -> Array:
    """Return a title [length, thickness] of 0 to 1 that reads from top to bottom."""
    title, family = _title(number), FONTS[number % len(FONTS)]
    letters = font(int(0.62 * thickness), family)
    while letters.getlength(title) > length and letters.size > 6:
        letters = font(int(letters.size * 0.85), family)
    strip = Image.new('L', (length, thickness), 0)
    ImageDraw.Draw(strip).text(
        (length / 2, thickness / 2), title, font=letters, fill=255, anchor='mm'
    )
    return np.asarray(strip.rotate(-90, expand=True), dtype=np.float32) / 255

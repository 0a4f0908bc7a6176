"""Painters of furnishing: textiles, cardboard, pottery, leaves."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

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
    smooth_step,
)


def rug(canvas: Canvas) -> Array:
    """Paint a knotted rug: borders, a medallion, and rows of small figures."""
    x, y = canvas.metres()
    width, height = x.max(), y.max()
    red, blue, cream, ochre = (
        (0.53, 0.13, 0.13),
        (0.12, 0.17, 0.31),
        (0.87, 0.80, 0.66),
        (0.75, 0.53, 0.23),
    )
    edge = np.minimum(np.minimum(x, width - x), np.minimum(y, height - y))
    u, v = x - width / 2, y - height / 2
    image = canvas.filled(red)
    figures = np.cos(2 * np.pi * u / 0.13) * np.cos(2 * np.pi * v / 0.13)
    image = blended(image, cream, smooth_step(0.62, 0.70, figures))
    image = blended(image, blue, smooth_step(0.62, 0.70, -figures))
    angle = np.arctan2(v * width / height, u)
    distance = np.hypot(u / width, v / height) * (1 + 0.10 * np.cos(12 * angle))
    for radius, colour in (
        (0.33, blue),
        (0.29, cream),
        (0.27, blue),
        (0.17, ochre),
        (0.14, red),
        (0.06, cream),
    ):
        image = blended(image, colour, 1 - smooth_step(radius, radius + 0.01, distance))
    petals = np.cos(12 * angle) * np.sin(40 * distance)
    image = blended(
        image, ochre, smooth_step(0.5, 0.6, petals) * (distance < 0.26) * (distance > 0.18)
    )
    for outer, inner, colour in (
        (0.0, 0.22, blue),
        (0.0, 0.05, cream),
        (0.015, 0.035, red),
        (0.19, 0.205, ochre),
    ):
        image = blended(image, colour, ((edge >= outer) & (edge < inner)).astype(np.float32))
    along = np.where(np.minimum(x, width - x) < np.minimum(y, height - y), y, x)
    star = np.abs((along / 0.12) % 1 - 0.5) * 0.12 + np.abs(edge - 0.12)
    image = blended(image, cream, 1 - smooth_step(0.040, 0.046, star))
    image = blended(image, red, 1 - smooth_step(0.022, 0.028, star))
    pile = (
        0.10 * canvas.noise(0.006, octaves=1) + 0.10 * canvas.noise(0.25) + 0.05 * np.sin(y * 900)
    )
    return shaded(image, pile.astype(np.float32))


def curtain(canvas: Canvas) -> Array:
    """Paint a linen curtain, printed with leaves."""
    image = shaded(canvas.filled((0.80, 0.73, 0.58)), 0.05 * canvas.noise(0.004, 0.2, 2))
    scale, rng = canvas.texels_per_metre, canvas.rng
    step = 0.16 * scale
    for row in range(int(canvas.height / step) + 1):
        for column in range(int(canvas.width / step) + 1):
            centre = np.array([(column + 0.5 * (row % 2)) * step, row * step]) + rng.normal(0, 4, 2)
            colour = [(0.25, 0.42, 0.38), (0.62, 0.30, 0.20), (0.33, 0.36, 0.22)][rng.integers(3)]
            _add_sprig(image, centre, step * 0.42, rng.uniform(0, 2 * np.pi), colour)
    return shaded(image, 0.04 * canvas.noise(0.2, 0.003, 1))


def _add_sprig(image: Array, centre: Array, size: float, heading: float, colour: Colour) -> None:
    for turn in (-0.9, 0.0, 0.9):
        angle = heading + turn
        tip = centre + 0.5 * size * np.array([np.cos(angle), np.sin(angle)])
        axes = (int(size * 0.5), int(size * 0.17))
        at = (int(tip[0]), int(tip[1]))
        cv2.ellipse(image, at, axes, float(np.degrees(angle)), 0, 360, colour, -1, cv2.LINE_AA)


def fabric(tone: Colour, stripe: Colour, pitch: float = 0.09) -> Painter:
    """Return a painter of woven upholstery with stripes, `pitch` metres apart."""

    def paint(canvas: Canvas) -> Array:
        x, y = canvas.metres()
        weave = 0.10 * np.sin(x * 1400) * np.sin(y * 1400) + 0.12 * canvas.noise(0.008, octaves=2)
        image = canvas.filled(tone)
        for offset, half in ((0.0, 0.014), (0.024, 0.003), (-0.024, 0.003)):
            distance = np.abs((x - offset) / pitch % 1 - 0.5) * pitch
            image = blended(image, stripe, 1 - smooth_step(half, half + 0.003, distance))
        return shaded(image, (weave + 0.07 * canvas.noise(0.3)).astype(np.float32))

    return paint


def cardboard(label: str) -> Painter:
    """Return a painter of one side of a cardboard box, with tape, a label and arrows."""

    def paint(canvas: Canvas) -> Array:
        x, y = canvas.metres()
        corrugation = 0.025 * np.sin(2 * np.pi * x / 0.008)
        image = shaded(
            canvas.filled((0.70, 0.53, 0.35)),
            (corrugation + 0.05 * canvas.noise(0.15) + 0.05 * canvas.noise(0.01)).astype(
                np.float32
            ),
        )
        tape = np.abs(y - 0.14 * y.max()) < 0.024
        image = blended(image, (0.82, 0.70, 0.48), 0.75 * tape)
        creases = smooth_step(1.1, 1.4, canvas.noise(0.12, 0.01, 2))
        return drawn(shaded(image, -0.25 * creases), _label(canvas, label))

    return paint


def _label(canvas: Canvas, label: str) -> Callable[[Pen], None]:
    rng = canvas.rng
    black, white = ink((0.12, 0.10, 0.09)), ink((0.93, 0.92, 0.88))
    size = min(canvas.width, canvas.height)

    def draw(pen: Pen) -> None:
        pen.text(
            (0.07 * canvas.width, 0.22 * canvas.height),
            label,
            font=font(int(0.20 * size)),
            fill=black,
        )
        left, top = 0.52 * canvas.width, 0.55 * canvas.height
        pen.rectangle(
            (left, top, left + 0.4 * canvas.width, top + 0.32 * canvas.height), fill=white
        )
        for line in range(4):
            end = left + rng.uniform(0.15, 0.36) * canvas.width
            at = top + (0.05 + 0.065 * line) * canvas.height
            pen.line((left + 4, at, end, at), fill=black, width=max(int(0.012 * size), 1))
        at = left + 4
        while at < left + 0.36 * canvas.width:
            bar = int(rng.integers(1, 4))
            pen.rectangle(
                (at, top + 0.28 * canvas.height, at + bar, top + 0.31 * canvas.height), fill=black
            )
            at += bar + int(rng.integers(2, 5))
        for arrow in (0.12, 0.28):
            centre, foot, head = arrow * canvas.width, 0.88 * canvas.height, 0.58 * canvas.height
            arm = 0.06 * size
            pen.polygon(
                [(centre - arm, head + arm), (centre, head), (centre + arm, head + arm)], fill=black
            )
            pen.rectangle((centre - arm / 3, head + arm, centre + arm / 3, foot), fill=black)

    return draw


def pottery(tone: Colour, band: Colour) -> Painter:
    """Return a painter of glazed pottery with painted bands."""

    def paint(canvas: Canvas) -> Array:
        x, y = canvas.metres()
        image = shaded(
            canvas.filled(tone), 0.10 * canvas.noise(0.03) + 0.06 * canvas.noise(0.2, 0.01)
        )
        relative = y / y.max()
        zigzag = 0.05 * np.abs((x / 0.05) % 1 - 0.5) * 4
        for centre, half in ((0.25, 0.03), (0.5 + zigzag - 0.05, 0.02), (0.75, 0.045)):
            image = blended(image, band, (np.abs(relative - centre) < half).astype(np.float32))
        return image

    return paint


def foliage(canvas: Canvas) -> Array:
    """Paint a leaf: a bright rib and veins on mottled green."""
    x, y = canvas.metres()
    middle = np.abs(x - x.max() / 2)
    image = shaded(
        canvas.filled((0.19, 0.38, 0.14)), 0.25 * canvas.noise(0.04) + 0.1 * canvas.noise(0.01)
    )
    veins = np.abs(((y + 0.9 * middle) / 0.025) % 1 - 0.5) * 0.025
    image = blended(image, (0.45, 0.60, 0.28), 0.5 * (1 - smooth_step(0.001, 0.003, veins)))
    return blended(image, (0.60, 0.70, 0.38), 1 - smooth_step(0.002, 0.005, middle))

"""Painters of building materials: wood, brick, plaster, paint, doors and the window."""

from __future__ import annotations

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
    ink,
    rgb,
    shaded,
    smooth_step,
)

# In radii: from here on a knot does not show.
_KNOT_ENDS = 6.0


def wood(tone: Colour, upright: bool = False, plank: float = 10.0) -> Painter:
    """Return a painter of planks of a width in metres, with grain along x, or y if `upright`."""

    def paint(canvas: Canvas) -> Array:
        if upright:
            lying = Canvas(canvas.height, canvas.width, canvas.texels_per_metre, canvas.rng)
            return np.ascontiguousarray(_planks(lying, tone, plank).transpose(1, 0, 2))
        return _planks(canvas, tone, plank)

    return paint


def _planks(canvas: Canvas, tone: Colour, plank: float) -> Array:
    rng = canvas.rng
    x, y = canvas.metres()
    row = np.floor(y / plank).astype(int)
    rows = int(row.max()) + 1
    shift, length = rng.uniform(0, 2, rows), 1.3
    column = np.floor((x + shift[row]) / length).astype(int)
    number = (row * 7919 + column * 104729) % 997
    brightness = rng.normal(0, 0.10, 997)[number] if rows > 1 else np.zeros_like(x)
    warmth = rng.normal(0, 0.035, 997)[number] if rows > 1 else np.zeros_like(x)
    offset = rng.uniform(0, 3, 997)[number]

    bend = canvas.noise(0.5, 0.06, 3)
    rings = np.sin(2 * np.pi * ((y + offset) * 38 + 2.6 * bend))
    fibres = canvas.noise(0.12, 0.004, 2)
    pores = smooth_step(0.75, 1.2, canvas.noise(0.05, 0.003, 1))
    value = 0.13 * rings + 0.12 * fibres - 0.22 * pores + 0.10 * canvas.noise(0.6) + brightness
    image = shaded(canvas.filled(tone), value.astype(np.float32))
    image[..., 0] *= 1 + warmth
    image[..., 2] *= 1 - warmth
    for _ in range(max(1, int(x.max() * y.max() * 1.5))):
        add_knot(image, canvas, rng.uniform(0, x.max()), rng.uniform(0, y.max()))
    if rows > 1:
        across = np.abs((y / plank + 0.5) % 1 - 0.5) * plank
        along = np.abs(((x + shift[row]) / length + 0.5) % 1 - 0.5) * length
        gap = 1 - smooth_step(0.001, 0.005, np.minimum(across, along))
        image = blended(image, (0.10, 0.07, 0.05), 0.8 * gap)
    return image


def add_knot(image: Array, canvas: Canvas, at_x: float, at_y: float) -> None:
    """Draw a knot at a point, in metres, into an image [H, W, 3] of the canvas."""
    radius = canvas.rng.uniform(0.008, 0.02)
    around = canvas.around(at_x, at_y, 2.2 * _KNOT_ENDS * radius, _KNOT_ENDS * radius)
    x, y = (metres[around] for metres in canvas.metres())
    distance = np.hypot((x - at_x) / 2.2, y - at_y) / radius
    rings = 0.75 + 0.25 * np.cos(9 * distance)
    opacity = (np.exp(-(distance**2)) * 0.75 * rings)[..., None].astype(np.float32)
    image[around] *= 1 - opacity
    image[around] += opacity * rgb((0.20, 0.11, 0.06))


def bricks(canvas: Canvas) -> Array:
    """Paint a wall of old red bricks with pale joints, some of them whitewashed."""
    rng = canvas.rng
    length, height, joint = 0.25, 0.077, 0.006
    x, y = canvas.metres()
    x = x + 0.004 * canvas.noise(0.1)
    y = y + 0.003 * canvas.noise(0.12)
    row = np.floor(y / height).astype(int)
    column = np.floor(x / length + 0.5 * (row % 2)).astype(int)
    number = np.abs(row * 7919 + column * 104729) % 9973
    edge_x = np.abs((x / length + 0.5 * (row % 2) + 0.5) % 1 - 0.5) * length
    edge_y = np.abs((y / height + 0.5) % 1 - 0.5) * height
    inside = smooth_step(
        joint, joint + 0.006, np.minimum(edge_x, edge_y) + 0.002 * canvas.noise(0.02)
    )

    palette = rgb(
        [
            (0.59, 0.35, 0.27),
            (0.52, 0.30, 0.24),
            (0.66, 0.43, 0.32),
            (0.41, 0.26, 0.23),
            (0.64, 0.49, 0.39),
        ]
    )
    brick = palette[rng.choice(5, 9973, p=(0.36, 0.26, 0.2, 0.1, 0.08))[number]]
    brick = shaded(brick, rng.normal(0, 0.09, 9973).astype(np.float32)[number])
    brick = shaded(brick, 0.16 * canvas.noise(0.03) + 0.12 * canvas.noise(0.006, octaves=2))
    mortar = shaded(
        canvas.filled((0.68, 0.63, 0.56)), 0.10 * canvas.noise(0.01) + 0.08 * canvas.noise(0.3)
    )
    image = blended(mortar, brick, inside)
    # Light from above: upper edges of bricks are bright, the joint below them lies in shadow.
    relief = cv2.Sobel(cv2.GaussianBlur(inside, (0, 0), 1.2), cv2.CV_32F, 0, 1, ksize=3)
    image = shaded(image, np.clip(0.35 * relief, -0.3, 0.3))
    wash = smooth_step(0.35, 1.0, canvas.noise(0.8) + 0.35 * canvas.noise(0.05))
    return blended(image, (0.85, 0.82, 0.77), 0.55 * wash)


def plaster(tone: Colour, stains: float = 1.0) -> Painter:
    """Return a painter of a painted plaster wall with trowel marks, stains and a few cracks."""

    def paint(canvas: Canvas) -> Array:
        trowel = 0.035 * canvas.noise(0.25, 0.12) + 0.03 * canvas.noise(0.02, 0.012)
        grain = 0.02 * canvas.noise(0.006, octaves=1)
        image = shaded(canvas.filled(tone), trowel + grain)
        damp = smooth_step(0.35, 1.3, canvas.noise(0.9) + 0.3 * canvas.noise(0.08))
        image = blended(image, (0.52, 0.45, 0.34), 0.28 * stains * damp)
        scuffs = smooth_step(1.0, 1.5, canvas.noise(0.10, 0.02, 2))
        image = blended(image, (0.35, 0.32, 0.30), 0.25 * stains * scuffs)
        chips = smooth_step(1.25, 1.35, canvas.noise(0.07) + 0.25 * canvas.noise(0.5))
        image = blended(image, (0.80, 0.76, 0.70), 0.8 * stains * chips)
        for _ in range(int(canvas.width / canvas.texels_per_metre)):
            _add_crack(image, canvas)
        return image

    return paint


def _add_crack(image: Array, canvas: Canvas) -> None:
    rng = canvas.rng
    heading = rng.uniform(0, 2 * np.pi)
    steps = rng.integers(20, 60)
    headings = heading + np.cumsum(rng.normal(0, 0.25, steps))
    stride = 0.02 * canvas.texels_per_metre
    path = np.cumsum(np.stack((np.cos(headings), np.sin(headings)), axis=-1) * stride, axis=0)
    path += rng.uniform((0, 0), (canvas.width, canvas.height))
    mark = np.zeros((canvas.height, canvas.width), dtype=np.uint8)
    cv2.polylines(mark, [np.round(path * 8).astype(np.int32)], False, 255, 1, cv2.LINE_AA, 3)
    image *= 1 - 0.45 * (mark[..., None] / np.float32(255))


def painted(tone: Colour, worn: float = 1.0) -> Painter:
    """Return a painter of painted wood or metal, worn along its edges."""

    def paint(canvas: Canvas) -> Array:
        x, y = canvas.metres()
        image = shaded(
            canvas.filled(tone), 0.04 * canvas.noise(0.3) + 0.03 * canvas.noise(0.05, 0.004)
        )
        edge = np.minimum(np.minimum(x, x.max() - x), np.minimum(y, y.max() - y))
        bare = smooth_step(1.25, 1.5, canvas.noise(0.05) + 0.9 * np.exp(-edge / 0.004))
        return blended(image, (0.55, 0.43, 0.31), 0.8 * worn * bare)

    return paint


def panels(tone: Colour, columns: int, rows: int, knobs: bool = True) -> Painter:
    """Return a painter of a door or of drawers: a grid of sunken panels, with knobs."""

    def paint(canvas: Canvas) -> Array:
        image = painted(tone, 0.5)(canvas)
        scale = canvas.texels_per_metre
        for row in range(rows):
            for column in range(columns):
                left, right = canvas.width * column / columns, canvas.width * (column + 1) / columns
                top, bottom = canvas.height * row / rows, canvas.height * (row + 1) / rows
                margin = 0.045 * scale
                _sink(
                    image,
                    left + margin,
                    top + margin,
                    right - margin,
                    bottom - margin,
                    0.012 * scale,
                )
                image[:, max(int(left) - 1, 0) : int(left) + 1] *= 0.55
                image[max(int(top) - 1, 0) : int(top) + 1] *= 0.55
                if knobs:
                    centre = (int((left + right) / 2), int((top + bottom) / 2))
                    _add_knob(image, centre, int(0.017 * scale))
        return image

    return paint


def _sink(image: Array, left: float, top: float, right: float, bottom: float, bevel: float) -> None:
    y, x = np.mgrid[: image.shape[0], : image.shape[1]].astype(np.float32)
    inside = np.minimum(np.minimum(x - left, right - x), np.minimum(y - top, bottom - y))
    slope = smooth_step(-bevel, 0, inside) * (1 - smooth_step(0, bevel, inside))
    nearest_top = (y - top < np.minimum(x - left, right - x)) & (y - top < bottom - y)
    nearest_bottom = (bottom - y < np.minimum(x - left, right - x)) & (bottom - y < y - top)
    light = np.where(nearest_top, -0.45, np.where(nearest_bottom, 0.25, -0.15))
    image *= 1 + (slope * light)[..., None].astype(np.float32)


def _add_knob(image: Array, centre: tuple[int, int], radius: int) -> None:
    shadow = (centre[0], centre[1] + radius // 2)
    cv2.circle(image, shadow, radius, (0.16, 0.13, 0.11), -1, cv2.LINE_AA)
    cv2.circle(image, centre, radius, (0.70, 0.58, 0.34), -1, cv2.LINE_AA)
    shine = (centre[0] - radius // 3, centre[1] - radius // 3)
    cv2.circle(image, shine, max(radius // 3, 1), (0.97, 0.90, 0.72), -1, cv2.LINE_AA)


def tiles(tone: Colour, other: Colour, size: float) -> Painter:
    """Return a painter of glazed tiles in two colours, of a size in metres."""

    def paint(canvas: Canvas) -> Array:
        x, y = canvas.metres()
        row, column = np.floor(y / size).astype(int), np.floor(x / size).astype(int)
        odd = ((row + column) % 2).astype(np.float32)
        image = blended(canvas.filled(tone), other, odd)
        number = (row * 131 + column * 7919) % 499
        image = shaded(image, canvas.rng.normal(0, 0.07, 499).astype(np.float32)[number])
        u, v = (x / size) % 1 - 0.5, (y / size) % 1 - 0.5
        star = np.hypot(u, v) * (1 + 0.35 * np.cos(4 * np.arctan2(v, u)))
        ring = np.exp(-(((star - 0.3) / 0.045) ** 2))
        image = blended(image, (0.16, 0.28, 0.46), 0.85 * ring * (1 - odd))
        image = shaded(image, 0.06 * canvas.noise(0.02))
        edge = (0.5 - np.maximum(np.abs(u), np.abs(v))) * size
        joints = canvas.filled((0.62, 0.60, 0.56))
        return blended(joints, image, smooth_step(0.001, 0.004, edge))

    return paint


def window(canvas: Canvas) -> Array:
    """Paint the view through a window: sky, hills, houses and a tree, behind glazing bars."""
    x, y = canvas.metres()
    width, height = x.max(), y.max()
    sky = blended(
        canvas.filled((0.55, 0.75, 0.97)), (0.96, 0.97, 0.98), smooth_step(0, 0.7 * height, y)
    )
    clouds = smooth_step(0.1, 0.9, canvas.noise(0.5, 0.16, 5))
    image = blended(sky, (1.0, 1.0, 1.0), 0.85 * clouds)
    for depth, (level, colour) in enumerate(
        [(0.60, (0.60, 0.71, 0.74)), (0.70, (0.42, 0.56, 0.42))]
    ):
        profile = canvas.noise(0.5 - 0.15 * depth)[:1] * 0.10 * height
        image = blended(image, colour, (y > level * height + profile).astype(np.float32))
    image = shaded(image, np.where(y > 0.72 * height, 0.12 * canvas.noise(0.03), 0))
    image = _houses(image, canvas)
    crown = np.hypot(x - 0.78 * width, 1.1 * (y - 0.5 * height)) - 0.20 * height
    leaves = smooth_step(0.0, 0.08, 0.07 * canvas.noise(0.06, octaves=4) - crown)
    trunk = (np.abs(x - 0.78 * width) < 0.012) & (y > 0.5 * height)
    image = blended(image, (0.27, 0.20, 0.15), trunk.astype(np.float32))
    foliage = shaded(canvas.filled((0.25, 0.40, 0.17)), 0.5 * canvas.noise(0.03))
    return blended(image, foliage, leaves)


def _houses(image: Array, canvas: Canvas) -> Array:
    rng = canvas.rng
    tones = [(0.86, 0.79, 0.66), (0.78, 0.60, 0.50), (0.90, 0.88, 0.84), (0.70, 0.72, 0.74)]

    def draw(pen: Pen) -> None:
        base, at = int(0.95 * canvas.height), 0
        while at < 0.68 * canvas.width:
            wide = int(rng.uniform(0.10, 0.18) * canvas.width)
            tall = int(rng.uniform(0.16, 0.27) * canvas.height)
            roof = int(0.08 * canvas.height)
            pen.rectangle((at, base - tall, at + wide, base), fill=ink(tones[rng.integers(4)]))
            pen.polygon(
                [
                    (at - 4, base - tall),
                    (at + wide // 2, base - tall - roof),
                    (at + wide + 4, base - tall),
                ],
                fill=ink((0.56, 0.28, 0.21)),
            )
            for row in range(2):
                for column in range(3):
                    left = at + int(wide * (0.14 + 0.28 * column))
                    upper = base - tall + int(tall * (0.18 + 0.4 * row))
                    pen.rectangle(
                        (left, upper, left + int(wide * 0.14), upper + int(tall * 0.2)),
                        fill=ink((0.24, 0.28, 0.34)),
                    )
            at += wide + int(rng.uniform(0.0, 0.03) * canvas.width)

    return drawn(image, draw)

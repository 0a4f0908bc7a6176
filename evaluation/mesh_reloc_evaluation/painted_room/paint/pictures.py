"""Painters of pictures: posters, maps, plates, a notice board, a newspaper."""

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

FRAME_WIDTH = 0.028


def framed(picture: Painter, frame: Colour, mat: float = 0.03) -> Painter:
    """Return a painter of a picture in a frame, with a white margin of `mat` metres."""

    def paint(canvas: Canvas) -> Array:
        x, y = canvas.metres()
        edge = np.minimum(np.minimum(x, x.max() - x), np.minimum(y, y.max() - y))
        bevel = 0.25 * np.sin(np.clip(edge / FRAME_WIDTH, 0, 1) * np.pi) - 0.1
        wood = shaded(canvas.filled(frame), bevel + 0.1 * canvas.noise(0.05, 0.01))
        image = blended(canvas.filled((0.94, 0.93, 0.90)), wood, edge < FRAME_WIDTH)
        inset = int((FRAME_WIDTH + mat) * canvas.texels_per_metre)
        inner = Canvas(
            canvas.width - 2 * inset, canvas.height - 2 * inset, canvas.texels_per_metre, canvas.rng
        )
        image[inset:-inset, inset:-inset] = picture(inner)
        return image

    return paint


def landscape(canvas: Canvas) -> Array:
    """Paint mountains behind mountains at sunset, in flat colours, with a lake."""
    x, y = canvas.metres()
    w, h = x.max(), y.max()
    image = blended(
        canvas.filled((0.98, 0.80, 0.52)), (0.88, 0.42, 0.32), smooth_step(0, 0.6 * h, y)
    )
    sun = np.hypot(x - 0.66 * w, y - 0.33 * h)
    image = blended(image, (1.0, 0.94, 0.74), 1 - smooth_step(0.10 * w, 0.105 * w, sun))
    tones = ((0.66, 0.38, 0.42), (0.46, 0.29, 0.42), (0.28, 0.22, 0.38), (0.14, 0.15, 0.28))
    for layer, tone in enumerate(tones):
        ridge = canvas.noise(0.3 - 0.05 * layer, octaves=5)[:1] * 0.10 * h
        above = smooth_step(0, 0.006, y - (0.42 + 0.09 * layer) * h - ridge)
        image = blended(image, tone, above)
    lake = smooth_step(0.80 * h, 0.81 * h, y)
    glitter = smooth_step(0.4, 0.9, canvas.noise(0.10, 0.008, 2)) * np.exp(
        -(((x - 0.66 * w) / 0.15) ** 2)
    )
    image = blended(image, (0.36, 0.28, 0.42), lake)
    return blended(image, (1.0, 0.85, 0.6), lake * glitter)


def shapes(canvas: Canvas) -> Array:
    """Paint an exhibition poster: circles, bars and triangles, with large letters."""
    image = shaded(canvas.filled((0.92, 0.87, 0.76)), 0.03 * canvas.noise(0.02))
    w, h = canvas.width, canvas.height

    def draw(pen: Pen) -> None:
        pen.ellipse(
            (0.10 * w, 0.12 * h, 0.72 * w, 0.12 * h + 0.62 * w), fill=ink((0.80, 0.21, 0.15))
        )
        pen.ellipse(
            (0.42 * w, 0.30 * h, 0.86 * w, 0.30 * h + 0.44 * w), fill=ink((0.12, 0.19, 0.34))
        )
        pen.pieslice(
            (0.08 * w, 0.40 * h, 0.60 * w, 0.40 * h + 0.52 * w),
            90,
            270,
            fill=ink((0.93, 0.70, 0.19)),
        )
        pen.polygon(
            [(0.62 * w, 0.66 * h), (0.92 * w, 0.66 * h), (0.92 * w, 0.14 * h)],
            fill=ink((0.10, 0.10, 0.11)),
        )
        for line in range(7):
            at = (0.70 + 0.016 * line) * h
            pen.line(
                (0.10 * w, at, (0.88 - 0.09 * line) * w, at),
                fill=ink((0.10, 0.10, 0.11)),
                width=max(h // 160, 2),
            )
        pen.text(
            (0.09 * w, 0.82 * h), 'MESH', font=font(int(0.17 * w)), fill=ink((0.80, 0.21, 0.15))
        )
        pen.text(
            (0.10 * w, 0.925 * h),
            'raum + licht  1926',
            font=font(int(0.062 * w)),
            fill=ink((0.1, 0.1, 0.11)),
        )

    return drawn(image, draw)


def survey_map(canvas: Canvas) -> Array:
    """Paint a topographic map: height lines, woods, a river, roads and names."""
    x, y = canvas.metres()
    height = canvas.noise(0.35, octaves=4)
    image = blended(
        canvas.filled((0.93, 0.92, 0.80)),
        (0.70, 0.82, 0.60),
        smooth_step(0.05, 0.12, canvas.noise(0.2)),
    )
    slope = np.hypot(*np.gradient(height)) * canvas.texels_per_metre + 0.2
    lines = np.abs((height * 9) % 1 - 0.5) / 9 / slope
    image = blended(image, (0.62, 0.42, 0.24), 0.8 * (1 - smooth_step(0.0008, 0.0022, lines)))
    river = np.abs(y - 0.55 * y.max() - 0.10 * np.sin(5 * x + 2 * height))
    image = blended(image, (0.40, 0.62, 0.82), 1 - smooth_step(0.008, 0.011, river))
    road = np.abs(x - 0.4 * x.max() - 0.08 * np.sin(6 * y + height))
    image = blended(image, (0.25, 0.22, 0.20), 1 - smooth_step(0.006, 0.008, road))
    image = blended(image, (0.93, 0.60, 0.25), 1 - smooth_step(0.003, 0.005, road))

    def draw(pen: Pen) -> None:
        names = ('Hohenfels', 'Altdorf', 'Seewald', 'Kirchberg', 'Mühle', 'Steinbruch')
        for number, name in enumerate(names):
            cell = np.array([0.06 + 0.5 * (number % 2), 0.08 + 0.32 * (number // 2)])
            at = (cell + canvas.rng.uniform(0, 0.14, 2)) * (canvas.width, canvas.height)
            pen.text(
                tuple(at),
                name,
                font=font(int(0.045 * canvas.width), 'DejaVu Serif'),
                fill=ink((0.1, 0.1, 0.1)),
            )

    return drawn(image, draw)


def botanical(canvas: Canvas) -> Array:
    """Paint a botanical plate: a fern on aged paper, with a caption."""
    image = shaded(
        canvas.filled((0.93, 0.89, 0.78)), 0.05 * canvas.noise(0.2) + 0.02 * canvas.noise(0.01)
    )
    w, h = canvas.width, canvas.height
    for step in np.linspace(0, 1, 26):
        stem = np.array([0.5 + 0.06 * np.sin(2.5 * step), 0.80 - 0.68 * step]) * (w, h)
        length = 0.36 * w * np.sin(np.pi * (0.12 + 0.86 * (1 - step))) + 2
        for side in (-1, 1):
            angle = -0.55 if side > 0 else np.pi + 0.55
            tip = stem + 0.5 * length * np.array([np.cos(angle), np.sin(angle)])
            axes = (int(0.5 * length), max(int(0.012 * h), 2))
            tone = (0.20 + 0.1 * step, 0.40, 0.20)
            cv2.ellipse(
                image,
                tuple(int(v) for v in tip),
                axes,
                float(np.degrees(angle)),
                0,
                360,
                tone,
                -1,
                cv2.LINE_AA,
            )
    cv2.line(
        image,
        (int(0.5 * w), int(0.86 * h)),
        (int(0.53 * w), int(0.12 * h)),
        (0.32, 0.30, 0.14),
        max(w // 90, 2),
        cv2.LINE_AA,
    )

    def draw(pen: Pen) -> None:
        letters = font(int(0.055 * w), 'DejaVu Serif')
        pen.text(
            (0.5 * w, 0.91 * h),
            'Pteridium aquilinum',
            font=letters,
            fill=ink((0.2, 0.17, 0.12)),
            anchor='mm',
        )

    return drawn(image, draw)


def newspaper(canvas: Canvas) -> Array:
    """Paint a page of a newspaper: a title, columns of print, a photograph."""
    rng, w, h = canvas.rng, canvas.width, canvas.height
    image = shaded(canvas.filled((0.88, 0.86, 0.80)), 0.04 * canvas.noise(0.1))
    photograph = canvas.noise(0.12, octaves=5)

    def draw(pen: Pen) -> None:
        black = ink((0.15, 0.15, 0.16))
        pen.text(
            (0.5 * w, 0.07 * h),
            'The Daily Map',
            font=font(int(0.10 * w), 'DejaVu Serif'),
            fill=black,
            anchor='mm',
        )
        pen.line((0.04 * w, 0.12 * h, 0.96 * w, 0.12 * h), fill=black, width=2)
        pen.text(
            (0.05 * w, 0.14 * h),
            'Lost camera found\nin its own room',
            font=font(int(0.062 * w)),
            fill=black,
        )
        pitch = max(int(0.011 * h), 3)
        for column in range(4):
            left = (0.05 + 0.235 * column) * w
            for at in range(int(0.29 * h), int(0.97 * h), pitch):
                pen.line(
                    (left, at, left + rng.uniform(0.16, 0.20) * w, at),
                    fill=ink((0.42, 0.42, 0.42)),
                    width=max(pitch // 2, 1),
                )

    image = drawn(image, draw)
    rows, columns = slice(int(0.30 * h), int(0.55 * h)), slice(int(0.51 * w), int(0.96 * w))
    image[rows, columns] = (0.45 + 0.3 * photograph[rows, columns, None]).clip(0.05, 0.9)
    return image


def notice_board(canvas: Canvas) -> Array:
    """Paint a cork board with notes, photographs and sketches pinned to it."""
    rng = canvas.rng
    image = shaded(
        canvas.filled((0.72, 0.54, 0.35)),
        0.28 * canvas.noise(0.008, octaves=2) + 0.05 * canvas.noise(0.2),
    )
    papers: list[Callable[[Canvas], Array]] = [survey_map, botanical, landscape, newspaper, shapes]
    tones = ((0.97, 0.93, 0.55), (0.95, 0.95, 0.92), (0.98, 0.75, 0.70), (0.72, 0.88, 0.95))
    for number in range(22):
        wide, tall = (rng.uniform(0.09, 0.24, 2) * canvas.texels_per_metre).astype(int)
        sheet = Canvas(int(wide), int(tall), canvas.texels_per_metre, rng)
        if number % 3 == 0:
            paper = papers[(number // 3) % len(papers)](sheet)
        else:
            paper = drawn(sheet.filled(tones[rng.integers(4)]), _scribble(sheet))
        _pin(image, paper, rng)
    return image


def _scribble(sheet: Canvas) -> Callable[[Pen], None]:
    words = (
        'call Ada',
        'f = 525',
        'buy milk',
        "3 o'clock",
        'x = K R (X - c)',
        'rent',
        'loop!',
        'to do',
    )

    def draw(pen: Pen) -> None:
        blue = ink((0.13, 0.16, 0.40))
        size = max(int(0.13 * sheet.width), 8)
        pen.text((4, 6), words[sheet.rng.integers(len(words))], font=font(size), fill=blue)
        for line in range(2, int(sheet.height / size)):
            at = line * size
            pen.line(
                (5, at, sheet.rng.uniform(0.4, 0.95) * sheet.width, at),
                fill=blue,
                width=max(size // 8, 1),
            )

    return draw


def _pin(image: Array, paper: Array, rng: np.random.Generator) -> None:
    """Pin a sheet to a random place on the board, slightly turned, with its shadow."""
    height, width = image.shape[:2]
    tall, wide = paper.shape[:2]
    centre = rng.uniform((wide / 2, tall / 2), (width - wide / 2, height - tall / 2))
    turn = cv2.getRotationMatrix2D((wide / 2, tall / 2), rng.normal(0, 5), 1)
    turn[:, 2] += centre - (wide / 2, tall / 2)
    laid = cv2.warpAffine(paper, turn, (width, height), flags=cv2.INTER_AREA)
    cover = cv2.warpAffine(np.ones((tall, wide), np.float32), turn, (width, height))
    shadow = cv2.GaussianBlur(np.roll(cover, (5, 3), (0, 1)), (0, 0), 4)
    image *= 1 - 0.4 * shadow[..., None]
    image *= 1 - cover[..., None]
    image += laid * cover[..., None]
    pin = (int(centre[0]), int(centre[1] - 0.42 * tall))
    tone = ((0.8, 0.15, 0.12), (0.15, 0.35, 0.7), (0.9, 0.75, 0.2))[rng.integers(3)]
    cv2.circle(image, pin, 4, tone, -1, cv2.LINE_AA)

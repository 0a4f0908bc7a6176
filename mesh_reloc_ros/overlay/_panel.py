"""Text on the overlay: state panel, labels, and colour scale."""

from __future__ import annotations

import cv2
import numpy as np

from mesh_reloc_ros.overlay.text import TEXT, Pen
from mesh_reloc_ros.overlay.view import Colour, Image
from mesh_reloc_ros.types.estimate import PoseEstimate, State

_TRUSTED: Colour = (70, 255, 150)
_UNTRUSTED: Colour = (255, 176, 40)
_LOST: Colour = (255, 70, 150)
_NOTICE: Colour = (170, 170, 175)


def state_colour(estimate: PoseEstimate) -> Colour:
    """Return the colour of the state: trusted, not trusted, or lost."""
    if estimate.trusted:
        return _TRUSTED
    return _LOST if estimate.state is State.LOST else _UNTRUSTED


def write_panel(image: Image, estimate: PoseEstimate, latency_ms: float | None) -> None:
    """Write state, score, coverage, time and reason into a dark panel at the top left.

    The panel has at least one line and at most half the image height; other text is omitted.
    """
    numbers = [f'score {estimate.score:.2f}', f'covered {estimate.coverage:.0%}']
    if latency_ms is not None:
        numbers.append(f'{latency_ms:.0f} ms')
    lines = [estimate.state.value, '   '.join(numbers)]
    if estimate.reason and not estimate.trusted:
        lines.append(estimate.reason)
    pen = Pen(image)
    margin = round(8 * pen.unit)
    height, width = image.shape[:2]
    if height < pen.pitch + 2 * margin:
        return
    rows, room = max((height // 2 - 2 * margin) // pen.pitch, 1), width - 4 * margin
    if rows == 1:
        lines = [pen.cut('   '.join(lines), room)]
    lines = [part for line in lines for part in pen.wrapped(line, room)][:rows]
    right = max(map(pen.width, lines)) + 3 * margin
    pen.darken(margin, margin, right, len(lines) * pen.pitch + 2 * margin)
    for row, line in enumerate(lines):
        top = margin + row * pen.pitch + margin // 5
        pen.write(line, 2 * margin, top, TEXT if row else state_colour(estimate))


def write_label(image: Image, text: str) -> None:
    """Write a label at the bottom left, if the image is large enough."""
    pen = Pen(image)
    margin = round(8 * pen.unit)
    height, width = image.shape[:2]
    top, right = height - pen.pitch - 2 * margin, pen.width(text) + 3 * margin
    if top > height // 2 and right < width:
        pen.darken(margin, top, right, height - margin)
        pen.write(text, 2 * margin, top + margin // 2)


def write_notice(image: Image, text: str) -> None:
    """Write lines at the centre of the image."""
    pen = Pen(image)
    height, width = image.shape[:2]
    lines = pen.wrapped(text, round(0.8 * width))[: max(height // pen.pitch, 0)]
    top = (height - len(lines) * pen.pitch) // 2
    for row, line in enumerate(lines):
        pen.write(line, (width - pen.width(line)) // 2, top + row * pen.pitch, _NOTICE)


def write_scale(image: Image, largest: float, colours: Image) -> None:
    """Draw the colour scale at the bottom right, if the image is large enough.

    :param largest: difference of the last of the colours [256, 3], 0 to 1.
    """
    pen = Pen(image)
    height, width = image.shape[:2]
    margin, length, thickness = (round(n * pen.unit) for n in (8, 128, 8))
    low, high = 'difference 0', f'{largest:.0%}'
    right, top = width - 2 * margin, height - pen.pitch - margin
    left = right - pen.width(high) - margin - length
    start = left - margin - pen.width(low)
    if start < 2 * margin or top < height // 2:
        return
    pen.darken(start - margin, top - margin // 2, width - margin, height - margin // 2)
    pen.write(low, start, top)
    pen.write(high, left + length + margin, top)
    bar = cv2.resize(colours[None], (length, thickness), interpolation=cv2.INTER_LINEAR)
    middle = top + pen.pitch // 2
    image[middle - thickness // 2 :][:thickness, left : left + length] = np.asarray(bar)

"""Pictures made of several images with captions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.files import atomic_write
from mesh_reloc_ros.overlay.text import Pen
from mesh_reloc_ros.overlay.view import Image

BACKGROUND = (24, 24, 28)
SUFFIXES = ('.png', '.jpg', '.jpeg')
_GAP = 6
_MARGIN = 8


def captioned(image: Image, text: str, unit: float = 1.0) -> Image:
    """Return an image [H, W, 3] below a text, which is broken into lines.

    :param unit: size of the text; with 1 a line is 19 pixels high.
    """
    room = np.full((1000, image.shape[1], 3), BACKGROUND, np.uint8)
    pen = Pen(room, unit)
    lines = pen.wrapped(text, image.shape[1] - 2 * _MARGIN)
    for row, line in enumerate(lines):
        pen.write(line, _MARGIN, _MARGIN // 2 + row * pen.pitch)
    return np.concatenate((room[: len(lines) * pen.pitch + _MARGIN], image))


def beside(images: Sequence[Image]) -> Image:
    """Return images side by side, aligned at the top."""
    height = max(len(image) for image in images)
    columns = [_filled(image, height, image.shape[1]) for image in images]
    return _with_gaps(columns, axis=1)


def below(images: Sequence[Image]) -> Image:
    """Return images one below the other, aligned at the left."""
    width = max(image.shape[1] for image in images)
    return _with_gaps([_filled(image, len(image), width) for image in images], axis=0)


def check_picture(path: Path, option: str) -> None:
    """Refuse a picture that could not be written, before the work begins.

    :raises InputError: its folder does not exist, or its name is not that of a picture.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f'{option} {path}: give a name that ends in .png or .jpg')
    if not path.parent.is_dir():
        raise InputError(f'{option} {path}: the folder {path.parent} does not exist')


def write_picture(path: Path, image: Image) -> None:
    """Write a picture whole or not at all.

    :raises InputError: it cannot be written.
    """
    _, encoded = cv2.imencode(path.suffix.lower(), np.ascontiguousarray(image[..., ::-1]))
    try:
        with atomic_write(path) as temporary:
            temporary.write_bytes(encoded.tobytes())
    except OSError as error:
        raise InputError(f'picture {path} cannot be written: {error}') from error


def _filled(image: Image, height: int, width: int) -> Image:
    filled: Image = np.full((height, width, 3), BACKGROUND, np.uint8)
    filled[: image.shape[0], : image.shape[1]] = image
    return filled


def _with_gaps(images: Sequence[Image], axis: int) -> Image:
    shape = list(images[0].shape)
    shape[axis] = _GAP
    gap = np.full(shape, BACKGROUND, np.uint8)
    parts = [part for image in images for part in (gap, image)][1:]
    return np.concatenate(parts, axis=axis)

"""Texture images as RGB arrays."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from mesh_reloc_ros.errors import InputError

Colour = tuple[int, ...]
"""RGB, 0 to 255."""
# Rows converted at once: for a whole image, Pillow would need memory for three more copies.
_ROWS = 256


def read_texture(texture: Path, mesh: Path) -> NDArray[np.uint8]:
    """Read a texture file as RGB [H, W, 3] uint8.

    :raises InputError: the file is missing or cannot be read.
    """
    if not texture.is_file():
        raise InputError(
            f'mesh {mesh}: texture {texture} is missing: put it beside the mesh, under the name in'
            ' the MTL file'
        )
    try:
        with large_images_allowed(), PIL.Image.open(texture) as image:
            return rgb_pixels(image)
    except OSError as error:
        raise InputError(
            f'mesh {mesh}: texture {texture} cannot be read ({error}): save it as PNG or JPEG'
        ) from error


def one_texel(colour: Colour) -> NDArray[np.uint8]:
    """Return a texture [1, 1, 3] of a single colour."""
    return np.array(colour[:3], dtype=np.uint8).reshape(1, 1, 3)


def rgb_pixels(image: PIL.Image.Image) -> NDArray[np.uint8]:
    """Convert an image of any Pillow mode to RGB [H, W, 3] uint8."""
    rgb = np.empty((image.height, image.width, 3), dtype=np.uint8)
    for top in range(0, image.height, _ROWS):
        bottom = min(top + _ROWS, image.height)
        rgb[top:bottom] = image.crop((0, top, image.width, bottom)).convert('RGB')
    return rgb


@contextmanager
def large_images_allowed() -> Iterator[None]:
    """Allow Pillow to open images up to 16384 x 16384, more than its default limit."""
    limit = PIL.Image.MAX_IMAGE_PIXELS
    PIL.Image.MAX_IMAGE_PIXELS = None
    try:
        yield
    finally:
        PIL.Image.MAX_IMAGE_PIXELS = limit

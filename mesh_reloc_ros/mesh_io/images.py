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
# Rows that are converted at a time: as a whole, Pillow would hold three more copies.
_ROWS = 256


def read_texture(texture: Path, mesh: Path) -> NDArray[np.uint8]:
    """Return the texture image of a mesh as RGB [H, W, 3].

    :raises InputError: it is missing or cannot be read.
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
    """Return an image of any mode as RGB [H, W, 3]."""
    rgb = np.empty((image.height, image.width, 3), dtype=np.uint8)
    for top in range(0, image.height, _ROWS):
        bottom = min(top + _ROWS, image.height)
        rgb[top:bottom] = image.crop((0, top, image.width, bottom)).convert('RGB')
    return rgb


@contextmanager
def large_images_allowed() -> Iterator[None]:
    """Let Pillow open textures of 16384 x 16384, which it refuses as an attack otherwise."""
    limit = PIL.Image.MAX_IMAGE_PIXELS
    PIL.Image.MAX_IMAGE_PIXELS = None
    try:
        yield
    finally:
        PIL.Image.MAX_IMAGE_PIXELS = limit

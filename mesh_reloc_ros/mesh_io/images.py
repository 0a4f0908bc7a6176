"""Texture images as RGB arrays."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import PIL.TiffImagePlugin
from numpy.typing import NDArray

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.mesh_io._content import Colour
from mesh_reloc_ros.mesh_io._names import is_file
from mesh_reloc_ros.mesh_io._text import printable

_LARGEST = 16384
_MOST_PIXELS = _LARGEST**2
# No image of three channels has more pixels per byte of its file; a small file that claims to be
# large would only take the memory.
_MOST_PIXELS_PER_BYTE, _UNSUSPICIOUS_PIXELS = 1000, 8192**2
# Rows converted at once: for a whole image, Pillow would need memory for three more copies.
_ROWS = 256
_DEEP_MODES = ('I', 'I;16', 'I;16B', 'I;16L', 'I;16N', 'F')


def read_texture(texture: Path, mesh: Path) -> NDArray[np.uint8]:
    """Read a texture file as RGB [H, W, 3] uint8.

    :raises InputError: the file is missing, cannot be read, or is too large.
    """
    if not is_file(texture):
        raise missing_texture(texture, mesh)
    try:
        with large_images_allowed(), PIL.Image.open(texture) as image:
            refuse_too_large(image.size, texture.stat().st_size)
            return rgb_pixels(image)
    except InputError as error:
        raise InputError(f'mesh {mesh}: texture {printable(texture)} {error}') from error
    # Broken files make Pillow raise exceptions of many kinds.
    except Exception as error:
        pixels = _deep_tiff(texture)
        if pixels is not None:
            return pixels
        raise InputError(
            f'mesh {mesh}: texture {printable(texture)} cannot be read'
            f' ({printable(str(error)) or type(error).__name__}): save it as PNG or JPEG'
        ) from error


def read_embedded(content: bytes, mesh: Path) -> NDArray[np.uint8]:
    """Read the content of an image file as RGB [H, W, 3] uint8.

    :raises InputError: it cannot be read, or is too large.
    """
    file = io.BytesIO(content)
    with large_images_allowed(), refused_as_texture_of(mesh), PIL.Image.open(file) as image:
        refuse_too_large(image.size, len(content))
        return rgb_pixels(image)


@contextmanager
def refused_as_texture_of(mesh: Path) -> Iterator[None]:
    """Say of which mesh the texture is that cannot be read.

    :raises InputError: whatever the body raises.
    """
    try:
        yield
    except InputError as error:
        raise InputError(f'mesh {mesh}: a texture {error}') from error
    # Broken images make Pillow raise exceptions of many kinds.
    except Exception as error:
        reason = printable(str(error)) or type(error).__name__
        raise InputError(f'mesh {mesh}: a texture cannot be read ({reason})') from error


def missing_texture(texture: str | Path, mesh: Path) -> InputError:
    """Return the error for a texture that is named by a mesh file and not there."""
    return InputError(
        f'mesh {mesh}: texture {printable(texture)} is missing: put it beside the mesh, under the'
        ' name in the mesh or MTL file'
    )


def refuse_too_large(size: tuple[int, int], file_bytes: int) -> None:
    """Check width and height before an image is decoded.

    :raises InputError: they would fill the memory.
    """
    pixels = size[0] * size[1]
    if pixels > _MOST_PIXELS:
        raise InputError(
            f'has {size[0]} x {size[1]} pixels: split or shrink it to {_LARGEST} x {_LARGEST}'
        )
    if pixels > max(_MOST_PIXELS_PER_BYTE * file_bytes, _UNSUSPICIOUS_PIXELS):
        raise InputError(f'claims {size[0]} x {size[1]} pixels in {file_bytes} bytes: it is broken')


def one_texel(colour: Colour) -> NDArray[np.uint8]:
    """Return a texture [1, 1, 3] of a single colour."""
    return np.array(colour, dtype=np.uint8).reshape(1, 1, 3)


def rgb_pixels(image: PIL.Image.Image) -> NDArray[np.uint8]:
    """Convert an image of any Pillow mode to RGB [H, W, 3] uint8."""
    if image.mode in _DEEP_MODES:
        return np.repeat(_as_bytes(np.asarray(image))[..., None], 3, axis=-1)
    rgb = np.empty((image.height, image.width, 3), dtype=np.uint8)
    for top in range(0, image.height, _ROWS):
        bottom = min(top + _ROWS, image.height)
        rgb[top:bottom] = image.crop((0, top, image.width, bottom)).convert('RGB')
    return rgb


@contextmanager
def large_images_allowed() -> Iterator[None]:
    """Let Pillow open images above its own limit; `refuse_too_large` has another."""
    limit = PIL.Image.MAX_IMAGE_PIXELS
    PIL.Image.MAX_IMAGE_PIXELS = None
    try:
        yield
    finally:
        PIL.Image.MAX_IMAGE_PIXELS = limit


def _as_bytes(values: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Return values of 8 or 16 bits, or floats of 0 to 1 or to 255, as bytes."""
    numbers = np.nan_to_num(values.astype(np.float32))
    largest = float(numbers.max(initial=0.0))
    is_fraction = values.dtype.kind == 'f' and largest <= 1.0
    is_16_bit = values.dtype.itemsize == 2 or (values.dtype.kind != 'f' and largest > 255)
    scale = 255.0 if is_fraction else 1 / 257 if is_16_bit else 1.0
    return (numbers * scale + 0.5).clip(0, 255).astype(np.uint8)


def _deep_tiff(texture: Path) -> NDArray[np.uint8] | None:
    """Read a TIFF of 16 or 32 bits per colour, which Pillow does not know; None if it is none."""
    try:
        with texture.open('rb') as file:
            tags = PIL.TiffImagePlugin.ImageFileDirectory_v2(file.read(8))
            file.seek(tags.next)
            tags.load(file)
        refuse_too_large((tags[256], tags[257]), texture.stat().st_size)
        pixels = cv2.imread(str(texture), cv2.IMREAD_UNCHANGED)
    except Exception:
        return None
    if pixels is None or pixels.ndim != 3 or pixels.shape[2] < 3:
        return None
    return np.ascontiguousarray(_as_bytes(pixels[..., 2::-1]))

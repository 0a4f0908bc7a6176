"""Image files of a folder or a pattern as frames, in the natural order of their names."""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import PIL.Image
import PIL.ImageOps
from numpy.typing import NDArray

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.mesh_io.images import large_images_allowed, refuse_too_large, rgb_pixels
from mesh_reloc_ros.recordings.calibration import Calibration, Size
from mesh_reloc_ros.recordings.recording import Recording
from mesh_reloc_ros.types.frame import Frame

IMAGE_SUFFIXES = frozenset(
    ['.jpg', '.jpeg', '.png', '.tif', '.tiff', '.bmp', '.webp', '.ppm', '.pgm', '.jp2']
)
# Of cameras and phones; named, as users would miss these images.
_UNREADABLE = frozenset(['.heic', '.heif', '.dng', '.cr2', '.cr3', '.nef', '.arw', '.raf'])
DEFAULT_RATE = 30.0
_ORIENTATION = 0x0112
_QUARTER_TURNS = (5, 6, 7, 8)
"""EXIF orientations that exchange width and height."""


class _File(NamedTuple):
    """An image file, of which the header was read."""

    path: Path
    stored: Size
    upright: Size
    """Size after the turn that EXIF asks for."""


class ImageFiles(Recording):
    """Image files with stamps at a constant rate."""

    def __init__(self, pattern: Path, calibration: Calibration, rate: float | None = None) -> None:
        """Find the images, and read their headers.

        Those of another size than the calibration, or than most, are left out.

        :param pattern: a folder, or a pattern such as `photos/*.jpg`.
        :param rate: of the images, in Hz; None: as of a usual video, which is said in `notices`.
        :raises InputError: there are no images, or the calibration does not fit.
        """
        super().__init__(f'images {pattern}')
        if rate is None:
            rate = DEFAULT_RATE
            self.notices.append(
                f'{rate:g} images a second are assumed; for photographs taken one by one, give'
                ' --rate 0.1'
            )
        if not 1e-3 <= rate <= 1000:
            raise InputError(f'--rate {rate:g}: give 0.001 to 1000 Hz')
        self._period_ns = 1e9 / rate
        self._paths = _found(pattern)
        if not any(path.suffix.lower() in IMAGE_SUFFIXES for path in self._paths):
            raise InputError(f'{self.name}: {_absence(pattern, self._paths)}')
        self._calibration = calibration
        self._broken: dict[Path, str] = {}
        self._images = [file for file in map(self._header, self._paths) if file is not None]
        self._size = self._chosen_size()
        self._view = None if self._size is None else calibration.view(self._size)

    def __len__(self) -> int:
        return len(self._paths)

    @property
    def names(self) -> list[str]:
        """Names of the files, in their order."""
        return [path.name for path in self._paths]

    @property
    def sizes(self) -> dict[Size, int]:
        """How many images have which size."""
        return dict(Counter(self._shown_size(file) for file in self._images).most_common())

    def _frames(self, start_s: float, end_s: float) -> Iterator[Frame]:
        headers = {file.path: file for file in self._images}
        for number, path in enumerate(self._paths):
            stamp_ns = round(number * self._period_ns)
            if not start_s * 1e9 <= stamp_ns <= end_s * 1e9:
                continue
            try:
                yield self._frame(path, headers.get(path), stamp_ns)
            except InputError as error:
                self.left_out.add('image', path.name, error)

    def _frame(self, path: Path, file: _File | None, stamp_ns: int) -> Frame:
        if file is None or self._view is None:
            raise InputError(self._broken[path])
        size = self._shown_size(file)
        if size != self._size:
            if not self._calibration.is_for(size):
                raise InputError(self._calibration.mismatch(size))
            raise InputError(f'image is {_text(size)}, but most are {_text(self._size)}')
        return self._view.frame(stamp_ns, _pixels(path, turn=self._turns(file)))

    def _header(self, path: Path) -> _File | None:
        """Read the size of an image; None if it cannot be read."""
        if path.suffix.lower() in _UNREADABLE:
            self._broken[path] = f'images of type {path.suffix} cannot be read: save them as JPEG'
            return None
        try:
            with _opened(path) as image:
                refuse_too_large(image.size, path.stat().st_size)
                # Pillow turns TIFF files by itself.
                is_turned = image.format == 'TIFF'
                turn = image.getexif().get(_ORIENTATION) in _QUARTER_TURNS and not is_turned
                return _File(path, image.size, image.size[::-1] if turn else image.size)
        # Broken files make Pillow raise exceptions of many kinds.
        except Exception as error:
            self._broken[path] = _unreadable(error)
            return None

    def _chosen_size(self) -> Size | None:
        """Return the most frequent size that the calibration is for; None if none is readable."""
        sizes = self.sizes
        return next((s for s in sizes if self._calibration.is_for(s)), next(iter(sizes), None))

    def _turns(self, file: _File) -> bool:
        return self._calibration.turns(file.stored, file.upright)

    def _shown_size(self, file: _File) -> Size:
        return file.upright if self._turns(file) else file.stored


def natural_key(path: Path) -> list[tuple[int, int, str]]:
    """Return a key that sorts `image_2` before `image_10`."""
    parts = re.split(r'(\d+)', path.name.lower())
    return [(1, int(part), part) if part.isdigit() else (0, 0, part) for part in parts]


def _found(pattern: Path) -> list[Path]:
    """Return the image files of a folder or pattern in natural order, those of no use included."""
    try:
        root = Path(pattern.anchor)
        below = str(pattern.relative_to(root))
        paths = pattern.iterdir() if pattern.is_dir() else root.glob(below)
        known = (path for path in paths if path.suffix.lower() in IMAGE_SUFFIXES | _UNREADABLE)
        return sorted((path for path in known if path.is_file()), key=natural_key)
    except (OSError, ValueError) as error:
        raise InputError(f'images {pattern} cannot be read: {error}') from error


def _absence(pattern: Path, unreadable: list[Path]) -> str:
    if unreadable:
        return f'images of type {unreadable[0].suffix} cannot be read: save them as JPEG or PNG'
    return 'no images there (JPEG, PNG, TIFF, BMP or WebP): give their folder, or a pattern'


def _pixels(path: Path, *, turn: bool) -> NDArray[np.uint8]:
    """Decode an image to RGB [H, W, 3].

    :param turn: turn it as its EXIF data ask for.
    :raises InputError: it cannot be decoded.
    """
    try:
        with _opened(path) as image:
            image.load()
            return rgb_pixels(PIL.ImageOps.exif_transpose(image) if turn else image)
    except Exception as error:
        raise InputError(_unreadable(error)) from error


@contextmanager
def _opened(path: Path) -> Iterator[PIL.Image.Image]:
    """Open an image of any size, without the warnings of Pillow about broken files."""
    with warnings.catch_warnings(), large_images_allowed():
        warnings.simplefilter('ignore')
        with PIL.Image.open(path) as image:
            yield image


def _unreadable(error: Exception) -> str:
    if isinstance(error, InputError):
        return f'image {error}'
    # Without what differs from file to file, as its name.
    return f'image cannot be decoded ({type(error).__name__}): it is broken or cut off'


def _text(size: Size | None) -> str:
    return 'unknown' if size is None else f'{size[0]}x{size[1]}'

"""Overlays as a video: MP4 with H.264, which browsers, phones and presentations play."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import imageio_ffmpeg
import numpy as np

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.files import atomic_write
from mesh_reloc_ros.overlay.view import Image

# Images from which the rate of the video is taken; they wait in memory for it.
_MEASURED = 16
_FASTEST, _SLOWEST = 120.0, 0.5
# A recording may pause for hours, or jump.
_LONGEST_GAP_S = 2.0
# Near the quality of the images; and a browser can begin before it has the whole file.
_OPTIONS = ['-crf', '20', '-preset', 'fast', '-movflags', '+faststart', '-f', 'mp4']

Encoder = Generator[None, Image, None]


class OverlayVideo:
    """Shows images at the times of their stamps."""

    def __init__(self, path: Path) -> None:
        """Begin without an image.

        :param path: where the video is written.
        """
        self._path = path
        self._waiting: list[tuple[int, Image]] = []
        self._encoder: Encoder | None = None
        self._period_ns = 0.0
        self._last_ns = 0
        self._last: Image | None = None

    def add(self, stamp_ns: int, image: Image) -> None:
        """Add an image, RGB [H, W, 3].

        :raises OSError: the video cannot be written.
        """
        if self._encoder is not None:
            self._write(self._encoder, stamp_ns, image)
            return
        self._waiting.append((stamp_ns, image))
        if len(self._waiting) == _MEASURED:
            self.start()

    def start(self) -> None:
        """Begin the video at the rate of the images that wait for it, if any."""
        if not self._waiting:
            return
        steps = np.diff([stamp_ns for stamp_ns, _ in self._waiting])
        steps = steps[steps > 0]
        rate = 1e9 / float(np.median(steps)) if len(steps) else _SLOWEST
        rate = min(max(rate, _SLOWEST), _FASTEST)
        self._period_ns, self._last_ns = 1e9 / rate, self._waiting[0][0]
        self._encoder = _encoder(self._path, self._waiting[0][1], rate)
        for stamp_ns, image in self._waiting:
            self._write(self._encoder, stamp_ns, image)
        self._waiting.clear()

    def close(self) -> None:
        """End the video."""
        self.start()
        if self._encoder is not None:
            self._encoder.close()

    def _write(self, encoder: Encoder, stamp_ns: int, image: Image) -> None:
        """Show the image before up to the stamp, then this one."""
        height, width = image.shape[:2]
        # H.264 shares colours between 2x2 pixels.
        even = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode='edge')
        if self._last is None:
            self._last = even
        elif even.shape != self._last.shape:
            return  # a video has one size
        else:
            gap_ns = min(stamp_ns - self._last_ns, _LONGEST_GAP_S * 1e9)
            repeats = round(gap_ns / self._period_ns) - 1
            for _ in range(repeats):
                encoder.send(self._last)
        encoder.send(even)
        self._last, self._last_ns = even, stamp_ns


@contextmanager
def overlay_video(path: Path) -> Iterator[OverlayVideo]:
    """Write a video, which is there when the body ends well.

    :raises InputError: the name does not end with .mp4, or the file cannot be written.
    """
    if path.suffix.lower() != '.mp4':
        raise InputError(f'overlay {path}: give a name that ends with .mp4')
    try:
        with atomic_write(path) as temporary, closing(OverlayVideo(temporary)) as video:
            yield video
    except OSError as error:
        reason = str(error).splitlines()[0]
        raise InputError(f'overlay {path} cannot be written: {reason}') from error


def _encoder(path: Path, image: Image, rate: float) -> Encoder:
    height, width = image.shape[:2]
    encoder: Encoder = imageio_ffmpeg.write_frames(
        path,
        (width + width % 2, height + height % 2),
        fps=rate,
        codec='libx264',
        quality=None,
        macro_block_size=1,
        ffmpeg_log_level='quiet',
        output_params=_OPTIONS,
    )
    encoder.send(None)  # type: ignore[arg-type]  # begins
    return encoder

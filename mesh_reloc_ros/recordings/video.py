"""The images of a video file as frames, with the stamps of the file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.recordings.calibration import Calibration
from mesh_reloc_ros.recordings.recording import Recording
from mesh_reloc_ros.types.frame import Frame

# Without it, FFmpeg writes about broken images to stderr; read when OpenCV opens the first video.
os.environ.setdefault('OPENCV_FFMPEG_LOGLEVEL', '-8')
_DEFAULT_RATE = 30.0


class Video(Recording):
    """A video file of any format that OpenCV reads; stamps begin at zero."""

    def __init__(self, path: Path, calibration: Calibration) -> None:
        """Open the video.

        :raises InputError: it cannot be read, or the calibration does not fit.
        """
        super().__init__(f'video {path}')
        self._path = path
        capture = _opened(path)
        self._count = max(int(capture.get(cv2.CAP_PROP_FRAME_COUNT)), 0)
        self.rate = capture.get(cv2.CAP_PROP_FPS) or _DEFAULT_RATE
        """Nominal rate of the images, in Hz; stamps are those of the file."""
        width, height = (
            int(capture.get(each)) for each in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)
        )
        self._quarter_turns = round(capture.get(cv2.CAP_PROP_ORIENTATION_META) / 90) % 4
        upright = (height, width) if self._quarter_turns % 2 else (width, height)
        capture.release()
        if not calibration.turns((width, height), upright):
            self._quarter_turns, upright = 0, (width, height)
        self.size = upright
        """Width and height of the frames."""
        self.is_turned = self._quarter_turns > 0
        """Whether the images are turned, as the file asks for."""
        self._view = calibration.view(upright)

    def __len__(self) -> int:
        return self._count

    def _frames(self, start_s: float, end_s: float) -> Iterator[Frame]:
        capture = _opened(self._path)
        read, stamp_ns = 0, -1
        try:
            while capture.grab():
                read += 1
                stamp_ns = self._stamp(capture, stamp_ns)
                if stamp_ns > end_s * 1e9:
                    return
                if stamp_ns >= start_s * 1e9:
                    try:
                        yield self._view.frame(stamp_ns, self._image(capture))
                    except InputError as error:
                        self.left_out.add('image', f'{stamp_ns * 1e-9:.3f} s', error)
        finally:
            capture.release()
        if not read:
            raise InputError(f'{self.name}: OpenCV cannot decode it; {_remedy(self._path)}')
        # The number in the file may be off by a few.
        missing = self._count - read
        if missing > max(0.02 * self._count, 2):
            self.left_out.add(
                'rest',
                f'{max(stamp_ns, 0) * 1e-9:.3f} s',
                f'the video is broken or cut off, after {read} of {self._count} images',
            )

    def _stamp(self, capture: cv2.VideoCapture, last_ns: int) -> int:
        """Return the stamp of the image that was grabbed; a file without stamps has a rate."""
        stamp_ns = round(capture.get(cv2.CAP_PROP_POS_MSEC) * 1e6)
        if stamp_ns > last_ns:
            return stamp_ns
        return last_ns + round(1e9 / self.rate)

    def _image(self, capture: cv2.VideoCapture) -> NDArray[np.uint8]:
        """Return the image that was grabbed, RGB [H, W, 3].

        :raises InputError: it cannot be decoded.
        """
        is_decoded, pixels = capture.retrieve()
        if not is_decoded:
            raise InputError('image cannot be decoded: the video is broken')
        upright = np.ascontiguousarray(np.rot90(pixels, -self._quarter_turns))
        return np.asarray(cv2.cvtColor(upright, cv2.COLOR_BGR2RGB))


def _opened(path: Path) -> cv2.VideoCapture:
    """Open a video, to be turned by the caller.

    :raises InputError: it is missing or unreadable.
    """
    if not path.is_file():
        raise InputError(f'video {path}: no such file')
    level = cv2.getLogLevel()
    cv2.setLogLevel(0)
    try:
        capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    finally:
        cv2.setLogLevel(level)
    if not capture.isOpened() or capture.get(cv2.CAP_PROP_FRAME_WIDTH) < 1:
        raise InputError(
            f'video {path} cannot be read: it is cut off, or in a format that OpenCV does not know;'
            f' {_remedy(path)}'
        )
    # Releases of OpenCV differ in whether they turn images.
    capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 0)
    return capture


def _remedy(path: Path) -> str:
    return f'convert it: ffmpeg -i {path.name} -c:v libx264 converted.mp4'

"""A picture of all overlay modes, on one image of the sample."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mesh_reloc_evaluation.demo.metrics import ReplayResult
from mesh_reloc_evaluation.painted_room.sample import SampleFiles
from mesh_reloc_ros.config.overlay import OverlaySettings
from mesh_reloc_ros.files import atomic_write
from mesh_reloc_ros.overlay import draw_overlay
from mesh_reloc_ros.overlay.text import Pen
from mesh_reloc_ros.pipeline import Pipeline
from mesh_reloc_ros.recordings.bag import ImageBag
from mesh_reloc_ros.render.scene import Scene

# Width of a picture in the upper row, pixels.
_WIDTH = 560
_GAP = 4
_PAPER = 255
_SMALL_FILE = (cv2.IMWRITE_PNG_COMPRESSION, 9)

_Image = NDArray[np.uint8]


def draw_overlay_modes(
    path: Path, sample: SampleFiles, result: ReplayResult, seconds: float
) -> None:
    """Draw all modes on the image with the published pose nearest to a time, if there is one.

    :param seconds: that time, after the first image of the sample.
    """
    stamps = result.estimate.stamps_ns
    if not len(stamps):
        return
    with ImageBag(sample.bag) as bag:
        frames = {frame.stamp_ns: frame for frame in bag.frames()}
    wanted = min(frames) + round(1e9 * seconds)
    nearest = int(np.abs(stamps - wanted).argmin())
    frame = frames[int(stamps[nearest])]
    # The node publishes poses without scores: the image is aligned again from its pose.
    pipeline = Pipeline(Scene.load(sample.mesh))
    pipeline.start_at(result.estimate.poses[nearest])
    estimate, latency_ms = pipeline.track(frame), float(result.latencies_ms[nearest])

    def tile(mode: str, width: int) -> _Image:
        settings = OverlaySettings(mode=mode, max_width=width)
        return _captioned(draw_overlay(pipeline.scene, frame, estimate, latency_ms, settings), mode)

    width = min(frame.camera.width, _WIDTH)
    narrow = 2 * round(width / 3)
    upper = _row([tile('edges', width), tile('tint', width)])
    lower = _row([tile('difference', narrow), tile('side_by_side', 2 * width - narrow)])
    picture = np.concatenate((upper, lower))
    _, png = cv2.imencode('.png', cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), _SMALL_FILE)
    with atomic_write(path) as temporary:
        temporary.write_bytes(png.tobytes())


def _captioned(image: _Image, caption: str) -> _Image:
    strip: _Image = np.full((18, image.shape[1], 3), _PAPER, np.uint8)
    Pen(strip).write(caption, 2, 2, (40, 40, 40))
    return np.concatenate((strip, image))


def _row(tiles: list[_Image]) -> _Image:
    """Return pictures side by side, with a gap between them and below."""
    height = max(len(tile) for tile in tiles) + _GAP
    padded = [
        cv2.copyMakeBorder(
            tile, 0, height - len(tile), 0, _GAP, cv2.BORDER_CONSTANT, value=(_PAPER,) * 3
        )
        for tile in tiles
    ]
    return np.concatenate(padded, axis=1)[:, :-_GAP]

"""Check of the focal length in camera_info against the images.

A wrong one hardly lowers the agreement: the camera seems nearer or farther away than it is, and
only differences of depth reveal it. So the image is also aligned with a longer and a shorter focal
length. Over the logarithm of what is missing from full agreement, the parabola through the three
has its minimum at the right focal length.
"""

from __future__ import annotations

import dataclasses
import math
import threading

import numpy as np
import torch

from mesh_reloc_ros.align.alignment import Alignment
from mesh_reloc_ros.align.coarse_to_fine import align_lm
from mesh_reloc_ros.align.focus import focus
from mesh_reloc_ros.align.pyramid import ImageLevel, image_pyramid
from mesh_reloc_ros.config.alignment import AlignmentSettings
from mesh_reloc_ros.config.tracking import TrackingSettings
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.track._result import Rejected
from mesh_reloc_ros.track.quality import quality_product
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.camera import Camera
from mesh_reloc_ros.types.estimate import Rejection
from mesh_reloc_ros.types.frame import Frame

# The other focal lengths are longer and shorter by this share.
_STEP = 0.05
# Small images show it as well, in less time, but not smaller than this.
_SHORTER_SIDE_PX, _LEVELS, _SHARE_OF_POINTS = 240, 2, 0.5
# Agreement must change by this much in a step, over the root of the number of blocks compared. At
# the right focal length it changes by 0.09 in the median and by 0.38 at most (a kitchen, parts of
# it, a castle, a fountain), at one 5 % off by 0.55, 0.16 to 1.2 (kitchen and castle). If the whole
# view is at one distance, or small, no focal length is better than another.
_SIGNIFICANT = 0.35
# Least that is missing from full agreement, as images are never free of noise.
_LEAST_MISSING = 1e-3
# Largest number of looks in the running mean.
_MEMORY = 6


class FocalLengthCheck:
    """Gathers evidence on the focal length, look by look. Safe to call from any thread."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._lock = threading.Lock()
        self._camera: Camera | None = None
        self._mean: Array = np.zeros(3)
        self._looks = 0
        # Blocks of the image in the last look.
        self._blocks = 0
        self._last_ns = 0

    def forget(self) -> None:
        """Drop the evidence."""
        with self._lock:
            self._looks = 0

    def is_due(self, stamp_ns: int, period_s: float) -> bool:
        """Whether a period has passed since the last look, or time went back."""
        with self._lock:
            return not 0 <= stamp_ns - self._last_ns < period_s * 1e9

    def look(self, frame: Frame, alignment: Alignment, settings: AlignmentSettings) -> None:
        """Take a frame with its aligned pose into account."""
        with self._lock:
            self._last_ns = frame.stamp_ns
        factors = (1 / (1 + _STEP), 1.0, 1 + _STEP)
        part = focus(self._scene, frame, alignment.pose)
        pyramid = image_pyramid(part.image, part.camera)
        settings = dataclasses.replace(
            settings,
            finest_level=max(settings.finest_level, _small_level(part.camera)),
            levels=_LEVELS,
            max_points=round(_SHARE_OF_POINTS * settings.max_points),
        )
        grey, depth = bool(frame.is_grey), float(alignment.distance[0])
        agreements = [
            self._agreement(
                _scaled(pyramid, factor), alignment, (1 - factor) * depth, settings, grey
            )
            for factor in factors
        ]
        blocks = int(alignment.score_blocks[0])
        with self._lock:
            if frame.camera != self._camera:
                self._camera, self._looks = frame.camera, 0
            self._blocks = blocks
            self._looks = min(self._looks + 1, _MEMORY)
            self._mean = self._mean + (np.array(agreements) - self._mean) / self._looks

    def check(self, camera: Camera, settings: TrackingSettings) -> Rejected | None:
        """Return why poses with this camera's focal length are rejected, or None."""
        error = self.error(camera)
        if abs(error) <= settings.max_focal_error:
            return None
        share = f'{min(abs(error), _STEP):.0%}' + (' or more' if abs(error) > _STEP else '')
        word = 'long' if error > 0 else 'short'
        return Rejected(
            Rejection.FOCAL_LENGTH,
            f'the focal length in camera_info seems {share} too {word} for the images',
        )

    def error(self, camera: Camera) -> float:
        """Return the share by which the camera's focal length is too long, as far as is known.

        0 without significant evidence; infinite beyond the focal lengths that were tried.
        """
        with self._lock:
            if camera != self._camera or not self._looks:
                return 0.0
            mean, blocks = self._mean, self._looks * self._blocks
        if abs(mean[2] - mean[0]) / 2 < _SIGNIFICANT / math.sqrt(max(blocks, 1)):
            return 0.0
        shorter, given, longer = np.log(np.maximum(1 - mean, _LEAST_MISSING))
        slope, bend = (longer - shorter) / 2, shorter - 2 * given + longer
        # A parabola that opens downwards has no minimum.
        return float(slope / bend * _STEP if bend > 0 else np.copysign(np.inf, slope))

    def _agreement(
        self,
        pyramid: list[ImageLevel],
        alignment: Alignment,
        forward: float,
        settings: AlignmentSettings,
        grey: bool,
    ) -> float:
        """Return how well the image agrees from a pose moved forward by metres."""
        moved = np.eye(4)
        moved[2, 3] = forward
        start = torch.from_numpy(alignment.pose @ moved)[None]
        return quality_product(
            align_lm(self._scene, pyramid, start, alignment.exposure, settings, grey=grey)
        )


def _small_level(camera: Camera) -> int:
    """Return the coarsest level whose image is not too small."""
    level, shorter = 0, min(camera.width, camera.height)
    while shorter >> (level + 1) >= _SHORTER_SIDE_PX:
        level += 1
    return level


def _scaled(pyramid: list[ImageLevel], factor: float) -> list[ImageLevel]:
    """Return the image of a camera with another focal length."""
    full = pyramid[0].camera
    camera = dataclasses.replace(full, fx=factor * full.fx, fy=factor * full.fy)
    return [dataclasses.replace(level, camera=camera.at_level(level.number)) for level in pyramid]

"""Whether the focal length in camera_info fits the images.

A wrong one hardly lowers the agreement: the camera seems nearer or farther away than it is, and
only the differences of depth give that away. So the image is aligned with a longer and a shorter
focal length, too. By the logarithm of what is missing from full agreement, the parabola through the
three has its bottom at the right one.
"""

from __future__ import annotations

import dataclasses
import threading

import numpy as np
import torch
from numpy.typing import NDArray

from mesh_reloc_ros.align.alignment import Alignment
from mesh_reloc_ros.align.lm_aligner import LmAligner
from mesh_reloc_ros.config.pipeline import Settings
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.track.quality import quality_product
from mesh_reloc_ros.types.camera import Camera
from mesh_reloc_ros.types.frame import Frame

# The other focal lengths are longer and shorter by this share.
_STEP = 0.05
# A quarter of the resolution tells it as well as the full one does, in a third of the time.
_COARSER, _LEVELS, _SHARE_OF_POINTS = 2, 2, 0.5
# Agreement must rise by so much in a step for the focal length to be doubted: where all is at one
# distance it says nothing, and changes by half as much for other reasons.
_TELLING = 0.01
# What is missing at least, as images are never free of noise.
_LEAST_MISSING = 1e-3
# Looks that the mean is over, at most.
_MEMORY = 6


class FocalCheck:
    """Gathers evidence on the focal length, look by look. Safe to call from any thread."""

    def __init__(self, scene: Scene, settings: Settings) -> None:
        self._scene = scene
        # Looks take a while, which nobody who asks for the result is to wait for.
        self._looking, self._lock = threading.Lock(), threading.Lock()
        self._camera: Camera | None = None
        self._mean: NDArray[np.float64] = np.zeros(3)
        self._looks = 0
        self.change(settings)

    def change(self, settings: Settings) -> None:
        """Go on with other settings; the evidence so far counts on."""
        alignment = settings.alignment
        with self._looking:
            self._tolerance = settings.tracking.max_focal_error
            self._aligner = LmAligner(
                self._scene,
                # Every look has a render of its own.
                dataclasses.replace(
                    alignment,
                    keyframe_motion=0.0,
                    finest_level=alignment.finest_level + _COARSER,
                    levels=_LEVELS,
                    max_points=round(_SHARE_OF_POINTS * alignment.max_points),
                ),
            )

    def forget(self) -> None:
        """Begin anew."""
        with self._lock:
            self._looks = 0

    def look(self, frame: Frame, alignment: Alignment, depth: float) -> None:
        """Take a frame with its aligned pose into account.

        :param depth: median distance of what the camera sees, metres.
        """
        factors = (1 / (1 + _STEP), 1.0, 1 + _STEP)
        with self._looking:
            agreements = [self._agreement(frame, alignment, depth, factor) for factor in factors]
        with self._lock:
            if frame.camera != self._camera:
                self._camera, self._looks = frame.camera, 0
            self._looks = min(self._looks + 1, _MEMORY)
            self._mean = self._mean + (np.array(agreements) - self._mean) / self._looks

    def doubts(self, camera: Camera) -> str:
        """Return why poses with this camera's focal length are not to be trusted, or nothing."""
        error = self.error(camera)
        if abs(error) <= self._tolerance:
            return ''
        share = f'{min(abs(error), _STEP):.0%}' + (' or more' if abs(error) > _STEP else '')
        word = 'long' if error > 0 else 'short'
        return f'the focal length in camera_info seems {share} too {word} for the images'

    def error(self, camera: Camera) -> float:
        """Return by what share the camera's focal length is too long, as far as that can be told.

        0 where nothing tells; infinite where it is beyond the looks.
        """
        with self._lock:
            if camera != self._camera or not self._looks:
                return 0.0
            mean = self._mean
        if abs(mean[2] - mean[0]) / 2 < _TELLING:
            return 0.0
        shorter, given, longer = np.log(np.maximum(1 - mean, _LEAST_MISSING))
        slope, bend = (longer - shorter) / 2, shorter - 2 * given + longer
        # Where the parabola opens downwards its top is no minimum.
        return float(slope / bend * _STEP if bend > 0 else np.copysign(np.inf, slope))

    def _agreement(self, frame: Frame, alignment: Alignment, depth: float, factor: float) -> float:
        """Return how well the image agrees with so many times the focal length."""
        camera = dataclasses.replace(
            frame.camera, fx=factor * frame.camera.fx, fy=factor * frame.camera.fy
        )
        away = np.eye(4)
        # From there the mesh looks as large as before.
        away[2, 3] = (1 - factor) * depth
        pose = alignment.map_T_camera.numpy() @ away
        return quality_product(
            self._aligner.align(
                frame.image,
                camera,
                torch.from_numpy(pose),
                alignment.exposure,
                wide=False,
                grey=bool(frame.is_grey),
            )
        )

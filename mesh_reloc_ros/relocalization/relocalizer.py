"""The pose of an image without a prior, or from one that is far off."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from mesh_reloc_ros.alignment.alignment import Aligner, Alignment
from mesh_reloc_ros.alignment.pyramid import image_pyramid
from mesh_reloc_ros.geometry.camera import Camera
from mesh_reloc_ros.relocalization.candidates import (
    Candidates,
    align_candidates,
    coarsest_level,
)
from mesh_reloc_ros.relocalization.distinct import distinct, same
from mesh_reloc_ros.relocalization.matching import Matcher
from mesh_reloc_ros.relocalization.neighbourhood import poses_around
from mesh_reloc_ros.relocalization.panoramas import Panoramas
from mesh_reloc_ros.relocalization.settings import RelocalizationSettings
from mesh_reloc_ros.scene.scene import Scene
from mesh_reloc_ros.stopwatch import Stopwatch

Array = NDArray[np.float64]

# Pairs of view and roll that are looked at for different poses, for each pose that is wanted.
_PAIRS = 10
# Views are one if they are nearer than this share of the distance of what they see, and radians.
_SAME_SHARE, _SAME_ANGLE = 0.12, math.radians(14)
# Share of the candidates that are of a level camera, where it is known what is up.
_LEVEL_SHARE = 0.25
# A camera is held level if its x axis is within this of the horizon, and its y axis points down.
_LEVEL_ANGLE = math.radians(25)
# An answer is elsewhere than the best if it differs by more than this share of the distance, or
# radians.
_ELSEWHERE_SHARE, _ELSEWHERE_ANGLE = 0.15, math.radians(10)
# An image with less contrast than this, of 0 to 255, shows nothing.
_MIN_DEVIATION = 4.0


@dataclass(frozen=True)
class Localization:
    """A pose that was found."""

    map_T_camera: Array
    """[4, 4], metres."""
    alignment: Alignment
    """Of the full image at this pose."""
    margin: float
    """By how much its score is better than that of the next best pose elsewhere."""


class Relocalizer:
    """Finds an image among all that is seen of the mesh.

    Not for several threads at once.
    """

    def __init__(
        self,
        scene: Scene,
        panoramas: Panoramas,
        aligner: Aligner,
        settings: RelocalizationSettings,
    ) -> None:
        """Prepare for images of any camera.

        :param aligner: of its own, as the tracker's keeps what it has rendered.
        """
        self._scene = scene
        self._panoramas = panoramas
        self._aligner = aligner
        self._settings = settings
        self._matcher: tuple[Camera, Matcher] | None = None

    def prepare(self, camera: Camera) -> Matcher:
        """Prepare for a camera; else its first image takes longer."""
        if self._matcher is None or self._matcher[0] != camera:
            self._matcher = camera, Matcher(self._panoramas, camera, self._scene.device)
        return self._matcher[1]

    def locate(
        self, image: NDArray[np.uint8], camera: Camera, hint: Array | None = None
    ) -> Localization | None:
        """Return where an RGB image [H, W, 3] was taken from; None where that is not clear.

        :param hint: [4, 4], metres: look in the neighbourhood of this pose, not everywhere.
        """
        if image.std() < _MIN_DEVIATION:
            return None
        poses = self._hypotheses(image, camera) if hint is None else self._around(hint, camera)
        if not len(poses):
            return None
        images = image_pyramid(image, coarsest_level(camera), self._scene.device)
        candidates = align_candidates(self._scene, images, camera, torch.from_numpy(poses))
        alignment = self._aligned(image, camera, candidates, wide=False)
        if not self._is_clear(alignment):
            alignment = self._aligned(image, camera, candidates, wide=True)
        pose, margin = alignment.map_T_camera[0].numpy(), _margin(candidates)
        if not (self._is_clear(alignment) and margin >= self._settings.min_margin):
            return None
        return Localization(pose, alignment, margin)

    def _aligned(
        self, image: NDArray[np.uint8], camera: Camera, candidates: Candidates, wide: bool
    ) -> Alignment:
        """Align the full image from the best candidate."""
        return self._aligner.align(
            image,
            camera,
            candidates.map_T_camera[:1],
            candidates.exposure[:1],
            wide=wide,
            stopwatch=Stopwatch(),
        )

    def _is_clear(self, alignment: Alignment) -> bool:
        # Written so that what is not a number is refused.
        clear = float(alignment.score[0]) >= self._settings.min_score
        return clear and bool(alignment.map_T_camera.isfinite().all())

    def _hypotheses(self, image: NDArray[np.uint8], camera: Camera) -> Array:
        """Return poses [C, 4, 4] by comparing thumbnails, likeliest first."""
        matcher, count = self.prepare(camera), self._settings.candidates
        pairs, _ = matcher.match(image)
        poses, distance = matcher.poses(pairs), matcher.distance(pairs)
        upright = np.flatnonzero(_level(poses, self._settings.up_axis))
        first = round(_LEVEL_SHARE * count) if len(upright) else 0
        order = [upright[: _PAIRS * first], np.arange(min(_PAIRS * (count - first), len(pairs)))]
        chosen = [
            part[distinct(poses[part], distance[part], _SAME_SHARE, _SAME_ANGLE, number)]
            for part, number in zip(order, (first, count - first), strict=True)
            if len(part)
        ]
        return np.asarray(poses[np.unique(np.concatenate(chosen))]) if chosen else poses[:0]

    def _around(self, hint: Array, camera: Camera) -> Array:
        return poses_around(self._scene, hint, camera, self._settings.candidates)


def _level(map_T_camera: Array, up_axis: str) -> NDArray[np.bool_]:
    """Return which poses [N, 4, 4] are of a camera held level; none where up is not known."""
    if up_axis == 'any':
        return np.zeros(len(map_T_camera), dtype=bool)
    sign = -1.0 if up_axis.startswith('-') else 1.0
    right, down, _ = sign * map_T_camera[:, 'xyz'.index(up_axis[-1]), :3].T
    return np.asarray((np.abs(right) < np.sin(_LEVEL_ANGLE)) & (down < np.sin(_LEVEL_ANGLE)))


def _margin(candidates: Candidates) -> float:
    """Return by how much the best is better than the next best elsewhere, which may be nowhere."""
    poses, scores = candidates.map_T_camera.cpu().numpy(), candidates.score.cpu().numpy()
    metres = _ELSEWHERE_SHARE * float(candidates.distance[0])
    elsewhere = ~same(poses, poses[0], metres, _ELSEWHERE_ANGLE)
    return float(scores[0] - max(scores[elsewhere].max(initial=0.0), 0.0))

"""The pose of an image without a prior, or from one that is far off."""

from __future__ import annotations

import dataclasses
import functools
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mesh_reloc_ros.align.alignment import Aligner, Alignment
from mesh_reloc_ros.align.lm_aligner import LmAligner
from mesh_reloc_ros.align.pyramid import image_pyramid
from mesh_reloc_ros.config.alignment import AlignmentSettings
from mesh_reloc_ros.config.relocalization import RelocalizationSettings
from mesh_reloc_ros.progress import Progress, silent
from mesh_reloc_ros.relocalize.cache import cache_file, panoramas_of
from mesh_reloc_ros.relocalize.candidates import (
    ROUNDS,
    Candidates,
    align_candidates,
    coarsest_level,
)
from mesh_reloc_ros.relocalize.matching import Matcher
from mesh_reloc_ros.relocalize.neighbourhood import is_uninformative, sample_poses
from mesh_reloc_ros.relocalize.panoramas import Panoramas
from mesh_reloc_ros.relocalize.pose_nms import nms_poses, same
from mesh_reloc_ros.render.grey import with_colour_mode
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types.camera import Camera
from mesh_reloc_ros.types.frame import Frame
from mesh_reloc_ros.types.initial_pose import InitialPose

Array = NDArray[np.float64]

# Views are one if they are nearer than this share of the distance of what they see, and radians.
_SAME_SHARE, _SAME_ANGLE = 0.12, math.radians(14)
# Share of the candidates that are of a level camera, where it is known what is up.
_LEVEL_SHARE = 0.25
# A camera is held level if its x axis is within this of the horizon, and its y axis points down.
_LEVEL_ANGLE = math.radians(25)
# An answer is elsewhere than the best if it differs by more than this share of the distance, or
# radians.
_ELSEWHERE_SHARE, _ELSEWHERE_ANGLE = 0.15, math.radians(10)
# An answer is at rest if an alignment with a render from there moves it by less than this share of
# the distance, and radians; so many are tried.
_REST_SHARE, _REST_ANGLE = 0.01, 0.01
_MOST_ALIGNMENTS = 4
# An image with less contrast than this, of 0 to 255, shows nothing.
_MIN_DEVIATION = 4.0
# The cameras tell what is up if their mean upward direction is at least so long.
_MIN_AGREEMENT = 0.8


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
    """Finds an image among all that is seen of the mesh. One image at a time."""

    def __init__(
        self,
        scene: Scene,
        panoramas: Callable[[], Panoramas],
        aligner: Aligner,
        settings: RelocalizationSettings,
        up: Array | None = None,
    ) -> None:
        """Take what is needed; `prepare` or the first image has the panoramas made.

        :param aligner: of its own, as the tracker's keeps what it has rendered.
        :param up: [3], what is up in the map, where more is known than the settings say.
        """
        self._scene = scene
        self._make_panoramas = panoramas
        self._panoramas: Panoramas | None = None
        self._lock = threading.Lock()
        self._aligner = aligner
        self._settings = settings
        self._up = up_axis(settings.up_axis) if up is None else up
        self._matcher: Matcher | None = None

    def prepare(self, camera: Camera | None = None) -> None:
        """Render the panoramas, and the views of a camera with colour images, before they are used.

        Safe to call from any thread.
        """
        if camera is not None:
            self._matcher_of(camera, grey=False)
            return
        with self._lock:
            self._ready_panoramas()

    def locate(self, frame: Frame, near: InitialPose | None = None) -> Localization | None:
        """Return the pose at which an image was taken; None if the answer is not unambiguous.

        :param near: search around this pose, as far as its covariance reaches, instead of the whole
            map; see `sample_poses`. A covariance as wide as the map is the same as no pose.
        """
        if frame.image.std() < _MIN_DEVIATION:
            return None
        frame = with_colour_mode(frame)
        image, camera, grey = frame.image, frame.camera, bool(frame.is_grey)
        covariance = None if near is None else near.covariance
        if near is None or (covariance is not None and is_uninformative(self._scene, covariance)):
            poses = self._hypotheses(frame)
        else:
            count = self._settings.candidates
            poses = sample_poses(self._scene, near.map_T_camera, camera, count, covariance)
        if not len(poses):
            return None
        pyramid = image_pyramid(image, camera, coarsest_level(camera))
        candidates = align_candidates(self._scene, pyramid, torch.from_numpy(poses), grey=grey)
        alignment = self._refine_until_converged(frame, candidates)
        if alignment is None:
            alignment = self._aligned(frame, *_first(candidates), wide=True)
            if not self._is_clear(alignment):
                return None
        # The alignment may have moved far: score it at the resolution of the other candidates.
        answer = align_candidates(
            self._scene, pyramid, alignment.map_T_camera, ROUNDS[-1:], grey=grey
        )
        margin = _margin(answer, candidates)
        if not margin >= self._settings.min_margin:
            return None
        return Localization(alignment.map_T_camera[0].numpy(), alignment, margin)

    def _refine_until_converged(self, frame: Frame, candidates: Candidates) -> Alignment | None:
        """Align the full image from the best candidate until the pose stays where it is.

        A render from far off may agree clearly with the image at a pose that is not quite right.
        None where an alignment is not clear, or none is the last.
        """
        pose, exposure = _first(candidates)
        metres = _REST_SHARE * float(candidates.distance[0])
        for _ in range(_MOST_ALIGNMENTS):
            alignment = self._aligned(frame, pose, exposure, wide=False)
            if not self._is_clear(alignment):
                return None
            before, pose, exposure = pose, alignment.map_T_camera, alignment.exposure
            if same(pose.numpy(), before[0].cpu().numpy(), metres, _REST_ANGLE)[0]:
                return alignment
        return None

    def _aligned(self, frame: Frame, pose: Tensor, exposure: Tensor, *, wide: bool) -> Alignment:
        """Align the full image from a pose [1, 4, 4] and exposure [1, 6]."""
        return self._aligner.align(
            frame.image,
            frame.camera,
            pose,
            exposure,
            wide=wide,
            grey=bool(frame.is_grey),
        )

    def _is_clear(self, alignment: Alignment) -> bool:
        # Written so that what is not a number is refused.
        clear = float(alignment.score[0]) >= self._settings.min_score
        return clear and bool(alignment.map_T_camera.isfinite().all())

    def _ready_panoramas(self) -> Panoramas:
        """Return the panoramas; the first call makes them. The lock is held."""
        if self._panoramas is None:
            self._panoramas = self._make_panoramas()
        return self._panoramas

    def _matcher_of(self, camera: Camera, grey: bool) -> Matcher:
        """Return the views of a camera; they are kept until another camera or mode is needed."""
        with self._lock:
            panoramas, matcher = self._ready_panoramas(), self._matcher
            if matcher is None or (matcher.camera, matcher.is_grey) != (camera, grey):
                matcher = Matcher(panoramas, camera, self._scene.device, grey)
                self._matcher = matcher
            return matcher

    def _hypotheses(self, frame: Frame) -> Array:
        """Return poses [C, 4, 4] by comparing thumbnails, likeliest first."""
        count = self._settings.candidates
        found = self._matcher_of(frame.camera, bool(frame.is_grey)).match(frame.image)
        poses, distances = found.map_T_camera, found.distances
        level = np.flatnonzero(_level(poses, self._up))
        first = round(_LEVEL_SHARE * count) if len(level) else 0
        chosen = [
            part[nms_poses(poses[part], distances[part], _SAME_SHARE, _SAME_ANGLE, number)]
            for part, number in ((level, first), (np.arange(len(poses)), count - first))
        ]
        return np.asarray(poses[np.unique(np.concatenate(chosen))])


def make_relocalizer(
    scene: Scene,
    settings: RelocalizationSettings,
    alignment: AlignmentSettings,
    mesh: Path | None,
    reference_cameras: Array | None = None,
    progress: Progress = silent,
) -> Relocalizer:
    """Return a relocalizer that renders its views when it needs them, or reads them from the cache.

    :param mesh: the file of the scene's mesh, beside which the cache lies; None: no cache.
    :param reference_cameras: [V, 4, 4], map_T_camera of the reconstruction, to take for viewpoints.
    """
    known = reference_cameras
    file = cache_file(mesh) if mesh is not None and settings.cache else None
    positions = None
    if known is not None:
        # If they are too many, every so many of them.
        positions = known[:: -(-len(known) // settings.max_viewpoints), :3, 3]
    panoramas = functools.partial(panoramas_of, scene, settings, file, positions, progress)
    up = None if known is None else mean_up(known)
    # Every alignment has a render of its own, whatever the last one was.
    aligner = LmAligner(scene, dataclasses.replace(alignment, keyframe_motion=0.0))
    return Relocalizer(scene, panoramas, aligner, settings, up)


def mean_up(map_T_camera: Array) -> Array | None:
    """Return the direction [3] in the map that is up in most of the cameras [V, 4, 4], or None."""
    up = -map_T_camera[:, :3, 1].mean(0)
    length = float(np.linalg.norm(up))
    return up / length if length >= _MIN_AGREEMENT else None


def up_axis(name: str) -> Array | None:
    """Return the direction [3] of a setting `up_axis`; None where nothing is known."""
    if name == 'any':
        return None
    up = np.zeros(3)
    up['xyz'.index(name[-1])] = -1.0 if name.startswith('-') else 1.0
    return up


def _level(map_T_camera: Array, up: Array | None) -> NDArray[np.bool_]:
    """Return which poses [N, 4, 4] are of a camera held level; none where up is not known."""
    if up is None:
        return np.zeros(len(map_T_camera), dtype=bool)
    right, down, _ = (up @ map_T_camera[:, :3, :3]).T
    return np.asarray((np.abs(right) < np.sin(_LEVEL_ANGLE)) & (down < np.sin(_LEVEL_ANGLE)))


def _first(candidates: Candidates) -> tuple[Tensor, Tensor]:
    """Return pose [1, 4, 4] and exposure [1, 6] of the best."""
    return candidates.map_T_camera[:1], candidates.exposure[:1]


def _margin(answer: Candidates, others: Candidates) -> float:
    """Return by how much the answer is better than the best of those elsewhere, if there is one."""
    poses, scores = others.map_T_camera.cpu().numpy(), others.score.cpu().numpy()
    metres = _ELSEWHERE_SHARE * float(answer.distance[0])
    answer_pose = answer.map_T_camera[0].cpu().numpy()
    elsewhere = ~same(poses, answer_pose, metres, _ELSEWHERE_ANGLE)
    return float(answer.score[0]) - float(scores[elsewhere].max(initial=0.0))

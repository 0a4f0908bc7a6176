"""Global relocalization: the pose of an image without a prior, or from an inaccurate one."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mesh_reloc_ros.align.alignment import (
    Alignment,
    AlignMode,
    Disturbance,
    neutral_exposure,
)
from mesh_reloc_ros.align.coarse_to_fine import align_lm, can_solve_on_device
from mesh_reloc_ros.align.disturbed import align_disturbed
from mesh_reloc_ros.align.focus import FAR_MARGIN, focus
from mesh_reloc_ros.align.pyramid import ImageLevel, image_pyramid
from mesh_reloc_ros.config.alignment import AlignmentSettings
from mesh_reloc_ros.config.relocalization import RelocalizationSettings
from mesh_reloc_ros.progress import Progress, silent
from mesh_reloc_ros.relocalize._cache import ViewCache
from mesh_reloc_ros.relocalize._candidates import ROUNDS, Candidates, Round, align_candidates
from mesh_reloc_ros.relocalize._local_features import LocalFeatures
from mesh_reloc_ros.relocalize._neighbourhood import is_uninformative, sample_poses
from mesh_reloc_ros.relocalize._pose_nms import nms_poses, same
from mesh_reloc_ros.relocalize._pose_votes import VotedPose
from mesh_reloc_ros.relocalize._thumbnails import Thumbnails
from mesh_reloc_ros.relocalize._viewpoints import mean_up
from mesh_reloc_ros.relocalize.features import Extractor, sift
from mesh_reloc_ros.render.grey import with_colour_mode
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.camera import Camera
from mesh_reloc_ros.types.frame import Frame
from mesh_reloc_ros.types.initial_pose import InitialPose

# A pose is another answer if it differs by more than this share of the distance, or radians.
_ELSEWHERE_SHARE, _ELSEWHERE_ANGLE = 0.15, math.radians(10)
# A pose has converged if alignments with new renders, so many in a row, move it by less than this
# share of the distance, and radians, or by less than its standard deviation. The number of
# alignments is limited. On the way, a lower score will do, as a share of that of the answer.
_CONVERGED_SHARE, _CONVERGED_ANGLE = 0.01, 0.01
_RESTS, _MAX_ALIGNMENTS = 2, 6
_PROMISING_SHARE = 0.65
# An image of which fewer points agree may have shadows.
_MANY_INLIERS = 0.6
# Poses by features that are aligned: at most this many, with this many inliers at least, and with a
# share of those of the first that the image agrees with. Images of other places have 2 to 6, 90 of
# them, the right pose 87 to 440 in whole scenes, and 8 to 90 where 3 to 38 % of the image are mesh.
_MAX_VOTED, _RIVAL_SHARE, _MIN_INLIERS = 4, 0.4, 7
# An image with a smaller standard deviation, of 0 to 255, shows too little.
_MIN_DEVIATION = 4.0


class Relocalizer:
    """Finds the pose of an image by comparison with views of the mesh. Safe for any thread.

    Two sources propose poses: local features, and thumbnails where those find nothing. Either way
    the image is aligned at the poses, and the alignments decide.
    """

    def __init__(
        self,
        scene: Scene,
        features: LocalFeatures,
        thumbnails: Thumbnails,
        settings: RelocalizationSettings,
        alignment: AlignmentSettings,
    ) -> None:
        """Keep the arguments; `prepare` or the first image makes the views.

        :param alignment: of the full image at the best candidates.
        """
        self._scene = scene
        self._features = features
        self._thumbnails = thumbnails
        self._settings = settings
        self._alignment = alignment

    def prepare(self, camera: Camera | None = None) -> None:
        """Make the views, and thumbnails of a camera with colour images, before they are used.

        Safe to call from any thread.
        """
        self._features.prepare()
        self._thumbnails.prepare(camera)

    def locate(self, frame: Frame, near: InitialPose | None = None) -> Alignment | None:
        """Return the image aligned at the pose where it was taken; None if that is ambiguous."""
        found = self.locate_all(frame, near)
        return found[0] if len(found) == 1 else None

    def locate_all(self, frame: Frame, near: InitialPose | None = None) -> list[Alignment]:
        """Return the image aligned where it may have been taken: several places if they look alike.

        :param near: search around this pose, as far as its covariance reaches, instead of the whole
            map; see `sample_poses`. A covariance as wide as the map is the same as no pose.
        """
        if frame.image.std() < _MIN_DEVIATION:
            return []
        frame = with_colour_mode(frame, self._scene.is_grey)
        if near is not None and not self._is_anywhere(near):
            count = self._settings.candidates
            part = focus(self._scene, frame, near.map_T_camera, FAR_MARGIN)
            poses = sample_poses(
                self._scene, near.map_T_camera, part.camera, count, near.covariance
            )
            return self._best_of(part, poses)
        voted = self._features.propose(frame, _MAX_VOTED)
        return self._best_voted(frame, voted) or self._best_of(
            frame, self._thumbnails.propose(frame)
        )

    def _is_anywhere(self, near: InitialPose) -> bool:
        covariance = near.covariance
        return covariance is not None and is_uninformative(self._scene, covariance)

    def _best_voted(self, frame: Frame, voted: list[VotedPose]) -> list[Alignment]:
        """Return the image aligned at the best of the poses by features, and at others as good.

        Others count if their score is nearly that of the best, and if they are elsewhere.
        """
        found: list[Alignment] = []
        min_inliers = _MIN_INLIERS
        for pose in voted:
            if pose.inliers < min_inliers:
                break
            part = focus(self._scene, frame, pose.map_T_camera)
            alignment = self._refine_until_converged(
                image_pyramid(part.image, part.camera),
                torch.from_numpy(pose.map_T_camera)[None],
                neutral_exposure(1),
                pose.distance,
                bool(frame.is_grey),
            )
            if alignment is not None:
                found.append(alignment)
                # Wrong poses have far fewer inliers than the right one. A pose that was rejected
                # does not raise the limit: the image may show a part of the mesh twice.
                min_inliers = max(min_inliers, round(_RIVAL_SHARE * pose.inliers))
        if not found:
            return []
        found.sort(key=lambda alignment: -float(alignment.score[0]))
        poses = np.stack([alignment.pose for alignment in found])
        distances = np.array([float(alignment.distance[0]) for alignment in found])
        kept = nms_poses(poses, distances, _ELSEWHERE_SHARE, _ELSEWHERE_ANGLE, len(found))
        least = float(found[0].score[0]) - self._settings.min_margin
        return [found[number] for number in kept if float(found[number].score[0]) > least]

    def _best_of(self, frame: Frame, poses: Array) -> list[Alignment]:
        """Return the image aligned at the best of poses [N, 4, 4], if there is a clear one."""
        if not len(poses):
            return []
        pyramid, grey = image_pyramid(frame.image, frame.camera), bool(frame.is_grey)
        candidates = self._align_all(pyramid, torch.from_numpy(poses), ROUNDS, grey)
        distance = float(candidates.distance[0])
        alignment = self._refine_until_converged(pyramid, *_first(candidates), distance, grey)
        if alignment is None:
            start = _first(candidates)
            alignment = self._align(pyramid, *start, AlignMode.COARSE, grey)
            if not self._is_clear(alignment):
                return []
        # The alignment may have moved far: score it at the resolution of the other candidates.
        answer = self._align_all(pyramid, alignment.map_T_camera, ROUNDS[-1:], grey)
        is_unambiguous = _margin(answer, candidates) >= self._settings.min_margin
        return [alignment] if is_unambiguous else []

    def _align_all(
        self, pyramid: Sequence[ImageLevel], poses: Tensor, rounds: tuple[Round, ...], grey: bool
    ) -> Candidates:
        """Align an image from many poses [C, 4, 4] at a low resolution."""
        on_device = can_solve_on_device(self._scene, self._alignment)
        return align_candidates(self._scene, pyramid, poses, rounds, grey=grey, on_device=on_device)

    def _refine_until_converged(
        self,
        pyramid: Sequence[ImageLevel],
        pose: Tensor,
        exposure: Tensor,
        distance: float,
        grey: bool,
    ) -> Alignment | None:
        """Align the full image from a pose [1, 4, 4], with new renders, until it converges.

        A render from an inaccurate pose may score well at a pose that is slightly wrong. None if
        the score is too low, or the pose does not converge.

        :param distance: to what the camera sees, metres.
        """
        rests, in_shadows = 0, False
        for _ in range(_MAX_ALIGNMENTS):
            alignment = self._align_in_any_light(
                pyramid, pose, exposure, grey, in_shadows=in_shadows
            )
            in_shadows = alignment.disturbance is Disturbance.SHADOWS
            if not self._is_clear(alignment, _PROMISING_SHARE):
                return None
            before, pose, exposure = pose, alignment.map_T_camera, alignment.exposure
            metres = max(_CONVERGED_SHARE * distance, alignment.position_sigma)
            radians = max(_CONVERGED_ANGLE, alignment.rotation_sigma)
            rests = rests + 1 if same(pose.numpy(), before[0].numpy(), metres, radians)[0] else 0
            if rests == _RESTS:
                return alignment if self._is_clear(alignment) else None
        return None

    def _align_in_any_light(
        self,
        pyramid: Sequence[ImageLevel],
        pose: Tensor,
        exposure: Tensor,
        grey: bool,
        *,
        in_shadows: bool,
    ) -> Alignment:
        """Align the full image from near; without its shadows if it agrees more then.

        :param in_shadows: it is known to have shadows.
        """
        settings, found = self._alignment, None
        if not in_shadows:
            found = self._align(pyramid, pose, exposure, AlignMode.TRACK, grey)
            if self._is_clear(found) and float(found.inlier_ratio[0]) > _MANY_INLIERS:
                return found
        lit = align_disturbed(
            self._scene, pyramid, pose, None, settings, Disturbance.SHADOWS, grey=grey
        )
        if lit is None:
            return found or self._align(pyramid, pose, exposure, AlignMode.TRACK, grey)
        return lit if found is None or lit.agreement > found.agreement else found

    def _align(
        self,
        pyramid: Sequence[ImageLevel],
        pose: Tensor,
        exposure: Tensor,
        mode: AlignMode,
        grey: bool,
    ) -> Alignment:
        """Align the full image from a pose [1, 4, 4] and exposure [1, 6]."""
        return align_lm(self._scene, pyramid, pose, exposure, self._alignment, mode, grey=grey)

    def _is_clear(self, alignment: Alignment, share: float = 1.0) -> bool:
        """Whether the score reaches a share of the least of an answer."""
        # `>=`, so that NaN is rejected.
        clear = float(alignment.score[0]) >= share * self._settings.min_score
        return clear and bool(alignment.map_T_camera.isfinite().all())


def make_relocalizer(
    scene: Scene,
    settings: RelocalizationSettings,
    alignment: AlignmentSettings,
    mesh: Path | None,
    reference_cameras: Array | None = None,
    progress: Progress = silent,
    extract: Extractor = sift,
) -> Relocalizer:
    """Return a relocalizer that reads its views from the cache, or renders them when needed.

    :param alignment: settings of the alignment of the full image.
    :param mesh: the scene's mesh file, which the cache is stored beside; None: no cache.
    :param reference_cameras: [V, 4, 4], map_T_camera of the reconstruction, used as viewpoints.
    :param extract: local features to use.
    """
    known = reference_cameras
    cache = ViewCache(scene, settings, mesh if settings.cache else None, progress)
    positions = None
    if known is not None:
        # Every n-th of them, if there are too many.
        positions = known[:: -(-len(known) // settings.max_viewpoints), :3, 3]
    up = None if known is None else mean_up(known)
    features = LocalFeatures(functools.partial(cache.feature_map, extract), extract)
    panoramas = functools.partial(cache.panoramas, positions)
    thumbnails = Thumbnails(panoramas, settings, scene.device, up)
    return Relocalizer(scene, features, thumbnails, settings, alignment)


def _first(candidates: Candidates) -> tuple[Tensor, Tensor]:
    """Return pose [1, 4, 4] and exposure [1, 6] of the best."""
    return candidates.map_T_camera[:1], candidates.exposure[:1]


def _margin(answer: Candidates, others: Candidates) -> float:
    """Return the difference of the answer's score to the best score elsewhere, at least 0."""
    poses, scores = others.map_T_camera.numpy(), others.score.numpy()
    metres = _ELSEWHERE_SHARE * float(answer.distance[0])
    answer_pose = answer.map_T_camera[0].numpy()
    elsewhere = ~same(poses, answer_pose, metres, _ELSEWHERE_ANGLE)
    return float(answer.score[0]) - float(scores[elsewhere].max(initial=0.0))

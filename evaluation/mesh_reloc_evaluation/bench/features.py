"""The usual method: image features and PnP, here on keyframes rendered from the mesh."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.camera import Camera
from mesh_reloc_ros.types.pose import distance

# More features take longer and are not more accurate.
_MAX_FEATURES = {'sift': 2000, 'orb': 1000}
# A match is kept if its squared distance is below this share of that to the second neighbour. For
# SIFT that is 0.85 of the distance (Lowe, IJCV 2004). Hamming distances are squared distances.
_MAX_RATIO = {'sift': 0.72, 'orb': 0.85}
# An image is matched with this number of keyframes, the nearest to the last pose.
_NEIGHBOURS = 4
# How many radians count as one metre when the nearest keyframes are chosen.
_RADIANS_PER_METRE = 0.5
# Loose enough for features at coarse scales: the refinement provides the accuracy.
_REPROJECTION_PX = 4.0
_RANSAC_ITERATIONS = 1000
_MIN_INLIERS = 12
# The refinement uses all matches and down-weights outliers: renders and images differ by some
# pixels, and the matches that RANSAC rejects are needed for accuracy.
_ROBUST_SCALE_PX = 6.0
_REFINEMENTS, _SMALL_STEP = 15, 1e-7


@dataclass(frozen=True)
class _Keyframe:
    map_T_camera: Array
    points: Array
    """[N, 3], in the map."""
    descriptors: Tensor
    """[N, D] float32, of unit length."""


class FeatureLocalizer:
    """SIFT or ORB, matched with the nearest rendered keyframes, then PnP with RANSAC."""

    def __init__(
        self, kind: str, scene: Scene, camera: Camera, keyframe_poses: Sequence[Array]
    ) -> None:
        """Render the keyframes at poses map_T_camera [4, 4] and describe their features.

        :param kind: `sift` or `orb`.
        """
        create = {'sift': cv2.SIFT_create, 'orb': cv2.ORB_create}[kind]
        self._detector: Any = create(_MAX_FEATURES[kind])
        self._max_ratio = _MAX_RATIO[kind]
        self._intrinsics = camera.matrix
        self._keyframes = [self._keyframe(scene, camera, pose) for pose in keyframe_poses]

    def localize(self, image: NDArray[np.uint8], near: Array) -> Array | None:
        """Return map_T_camera [4, 4] of an RGB image, or None if too few features agree.

        :param near: the last pose; keyframes near it are used.
        """
        pixels, descriptors = self._features(image)
        seen, points = self._matched(descriptors, self._nearest(near))
        return self._pose(points, pixels[seen])

    def _matched(
        self, descriptors: Tensor, keyframes: list[_Keyframe]
    ) -> tuple[NDArray[np.int64], Array]:
        """Return indices [M] of matched features, and the points [M, 3] that they show.

        One matrix product gives all distances: exact, and faster than OpenCV's matchers, including
        the approximate ones.
        """
        seen, points = [np.empty(0, dtype=np.int64)], [np.empty((0, 3))]
        for keyframe in keyframes:
            if min(len(descriptors), len(keyframe.descriptors)) < 2:
                continue
            cosines, neighbours = (descriptors @ keyframe.descriptors.T).topk(2, dim=1)
            # |a - b|^2 = 2 - 2 a.b for unit vectors.
            best, second = (1 - cosines).unbind(1)
            distinct = (best < self._max_ratio * second).nonzero()[:, 0]
            seen.append(distinct.numpy())
            points.append(keyframe.points[neighbours[distinct, 0].numpy()])
        return np.concatenate(seen), np.concatenate(points)

    def _pose(self, points: Array, pixels: Array) -> Array | None:
        if len(points) < _MIN_INLIERS:
            return None
        found, rotation, translation, inliers = cv2.solvePnPRansac(
            points,
            pixels,
            self._intrinsics,
            None,
            iterationsCount=_RANSAC_ITERATIONS,
            reprojectionError=_REPROJECTION_PX,
            confidence=0.9999,
            flags=cv2.SOLVEPNP_AP3P,
        )
        if not found or inliers is None or len(inliers) < _MIN_INLIERS:
            return None
        chosen = inliers[:, 0]
        rotation, translation = cv2.solvePnPRefineLM(
            points[chosen], pixels[chosen], self._intrinsics, None, rotation, translation
        )
        rotation, translation = self._refined(points, pixels, rotation, translation)
        camera_T_map = np.eye(4)
        camera_T_map[:3, :3] = cv2.Rodrigues(rotation)[0]
        camera_T_map[:3, 3] = translation[:, 0]
        return np.linalg.inv(camera_T_map)

    def _refined(
        self, points: Array, pixels: Array, rotation: Array, translation: Array
    ) -> tuple[Array, Array]:
        """Minimise the Geman-McClure loss of the reprojection errors by Gauss-Newton.

        :param rotation: [3, 1], a rotation vector. :param translation: [3, 1].
        """
        for _ in range(_REFINEMENTS):
            projected, jacobian = cv2.projectPoints(
                points, rotation, translation, self._intrinsics, None
            )
            error = projected[:, 0] - pixels
            slope = jacobian[:, :6].reshape(-1, 2, 6)
            weight = (1 + (error**2).sum(1) / _ROBUST_SCALE_PX**2) ** -2
            weighted = slope * weight[:, None, None]
            normal = np.tensordot(weighted, slope, ((0, 1), (0, 1)))
            step = -np.linalg.solve(normal, np.tensordot(weighted, error, ((0, 1), (0, 1))))
            rotation, translation = rotation + step[:3, None], translation + step[3:, None]
            if np.abs(step).max() < _SMALL_STEP:
                break
        return rotation, translation

    def _features(self, image: NDArray[np.uint8]) -> tuple[Array, Tensor]:
        """Return the pixels [N, 2] of an RGB image's features, and unit descriptors [N, D]."""
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        keypoints, descriptors = self._detector.detectAndCompute(grey, None)
        if descriptors is None:
            return np.empty((0, 2)), torch.empty(0, 1)
        if descriptors.dtype == np.uint8:
            # With bits as +1 and -1, dot products are affine in the Hamming distance.
            descriptors = np.unpackbits(descriptors, axis=1).astype(np.float32) * 2 - 1
        described = torch.from_numpy(descriptors)
        pixels = np.array([keypoint.pt for keypoint in keypoints])
        return pixels, torch.nn.functional.normalize(described, dim=1)

    def _keyframe(self, scene: Scene, camera: Camera, pose: Array) -> _Keyframe:
        render = scene.render(torch.from_numpy(pose)[None], camera)
        image = (255 * render.colour[0].cpu().numpy()).round().clip(0, 255).astype(np.uint8)
        pixels, descriptors = self._features(image)
        z = _sampled(render.depth[0].cpu().numpy(), pixels)
        seen = z > 0
        u, v = pixels.T
        points = np.stack(((u - camera.cx) / camera.fx * z, (v - camera.cy) / camera.fy * z, z), 1)
        return _Keyframe(
            pose,
            points[seen] @ pose[:3, :3].T + pose[:3, 3],
            descriptors[torch.from_numpy(seen)],
        )

    def _nearest(self, pose: Array) -> list[_Keyframe]:
        def separation(keyframe: _Keyframe) -> float:
            metres, radians = distance(keyframe.map_T_camera, pose)
            return radians + _RADIANS_PER_METRE * metres

        return sorted(self._keyframes, key=separation)[:_NEIGHBOURS]


@contextmanager
def opencv_on_all_cores() -> Iterator[None]:
    """Let OpenCV use all cores, which is faster for operations on whole images."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(-1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def _sampled(depth: NDArray[np.float32], pixels: Array) -> Array:
    """Return the depth [N] at pixels [N, 2], linear in its inverse; 0 off the mesh and at edges."""
    height, width = depth.shape
    u, v = pixels.T
    u0 = np.clip(u.astype(int), 0, width - 2)
    v0 = np.clip(v.astype(int), 0, height - 2)
    a, b = u - u0, v - v0
    corners = np.stack((depth[v0, u0], depth[v0, u0 + 1], depth[v0 + 1, u0], depth[v0 + 1, u0 + 1]))
    weights = np.stack(((1 - a) * (1 - b), a * (1 - b), (1 - a) * b, a * b))
    inverse = (weights / np.maximum(corners, 1e-6)).sum(0)
    one_surface = (corners.min(0) > 0) & (corners.max(0) < 1.05 * corners.min(0))
    return np.where(one_surface, 1 / inverse, 0.0)

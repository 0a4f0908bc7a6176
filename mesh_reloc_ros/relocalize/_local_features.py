"""Pose hypotheses by local features of the image, matched with those of views of the mesh."""

from __future__ import annotations

import itertools

import cv2
import numpy as np

from mesh_reloc_ros.relocalize._feature_index import FeatureIndex
from mesh_reloc_ros.relocalize._feature_map import FeatureMap
from mesh_reloc_ros.relocalize._pose_votes import Matches, VotedPose, vote, voted_poses
from mesh_reloc_ros.relocalize._surface_views import VIEW_CAMERA
from mesh_reloc_ros.relocalize.features import Extractor, sift
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.camera import Camera
from mesh_reloc_ros.types.frame import Frame

# Larger images are reduced to this width or height.
_LARGEST_PX = 960
_COUNT, _NEIGHBOURS = 2000, 4
# Descriptors this far apart, of a length of 512, count little.
_FAR = 220.0


class LocalFeatures:
    """Finds poses of images by features; safe for any thread."""

    def __init__(self, mapped: FeatureMap, extract: Extractor = sift) -> None:
        """Index the features of the mesh.

        :param extract: the same as made the map.
        """
        self._mapped = mapped
        self._extract = extract
        self._index = FeatureIndex(mapped.descriptors)

    def propose(self, frame: Frame, count: int) -> list[VotedPose]:
        """Return up to `count` poses, those that most features agree with first."""
        matches = self.matches(frame)
        return [] if matches is None else voted_poses(matches, count)

    def matches(self, frame):
        grey, camera = _reduced(frame)
        features = self._extract(grey, _COUNT)
        if not len(features):
            return None
        squared, numbers = self._index.nearest(features.descriptors, _NEIGHBOURS)
        query = np.repeat(np.arange(len(features)), numbers.shape[1])
        target, gap = numbers.reshape(-1), np.sqrt(squared.reshape(-1))
        query, gap, target = (values[target >= 0] for values in (query, gap, target))
        mapped, rays = self._mapped, _unit_rays(features.pixels[query], camera)
        in_view = mapped.sizes[target] * mapped.cosines[target] / VIEW_CAMERA.fx
        in_image = features.sizes[query] * rays[:, 2] / camera.fx
        points = mapped.points[target].astype(np.float64)
        votes, distances = vote(
            rays, in_image, features.angles[query], mapped.map_T_view[mapped.views[target]],
            points, np.column_stack((in_view, mapped.angles[target])),
        )
        weights = np.exp(-((gap / _FAR) ** 2))
        return Matches(camera, features.pixels[query], points, weights, votes, distances)


def _reduced(frame: Frame):
    grey, camera = cv2.cvtColor(frame.image, cv2.COLOR_RGB2GRAY), frame.camera
    share = _LARGEST_PX / max(camera.width, camera.height)
    if share < 1:
        camera = camera.resized(round(camera.width * share), round(camera.height * share))
        grey = cv2.resize(grey, (camera.width, camera.height), interpolation=cv2.INTER_AREA)
    return grey, camera


def _unit_rays(pixels: Array, camera: Camera) -> Array:
    plane = (pixels - (camera.cx, camera.cy)) / (camera.fx, camera.fy)
    rays = np.column_stack((plane, np.ones(len(plane))))
    return np.asarray(rays / np.linalg.norm(rays, axis=1, keepdims=True))

"""Pose hypotheses by local features of the image, matched with those of views of the mesh."""

from __future__ import annotations

import threading
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.relocalize._feature_index import FeatureIndex
from mesh_reloc_ros.relocalize._feature_map import FeatureMap
from mesh_reloc_ros.relocalize._pose_votes import Matches, VotedPose, vote, voted_poses
from mesh_reloc_ros.relocalize.features import Extractor, sift, unit_rays
from mesh_reloc_ros.types.camera import Camera
from mesh_reloc_ros.types.frame import Frame

# Larger images are reduced to this width or height.
_LARGEST_PX = 960
# Features of an image, and features of the mesh that each may match.
_COUNT, _NEIGHBOURS = 2000, 4
# Matches of descriptors of length 512 that differ by more than this count little.
_FAR = 220.0


class LocalFeatures:
    """Local features of the mesh, made when they are needed. Safe for any thread."""

    def __init__(self, feature_map: Callable[[], FeatureMap], extract: Extractor = sift) -> None:
        """Keep the arguments.

        :param extract: what the map's features were extracted with.
        """
        self._make_map = feature_map
        self._extract = extract
        self._lock = threading.Lock()
        self._ready: tuple[FeatureMap, FeatureIndex] | None = None

    def prepare(self) -> None:
        """Extract the features of the mesh, or read them."""
        with self._lock:
            if self._ready is None:
                mapped = self._make_map()
                self._ready = mapped, FeatureIndex(mapped.index)

    def propose(self, frame: Frame, count: int) -> list[VotedPose]:
        """Return up to `count` poses, those that most features agree with first."""
        self.prepare()
        assert self._ready is not None
        matches = self._matched(frame, *self._ready)
        return [] if matches is None else voted_poses(matches, count)

    def _matched(self, frame: Frame, mapped: FeatureMap, index: FeatureIndex) -> Matches | None:
        """Return the matches of an image; None if it has no features."""
        grey, camera = _reduced(frame)
        features = self._extract(grey, _COUNT)
        if not len(features) or not len(mapped):
            return None
        squared, numbers = index.nearest(features.descriptors, _NEIGHBOURS)
        query, place = np.nonzero(numbers >= 0)
        target, pixels = numbers[query, place], features.pixels[query]
        rays, points = unit_rays(pixels, camera), mapped.points[target].astype(np.float64)
        votes, distances = vote(
            rays,
            features.sizes[query] * rays[:, 2] / camera.fx / mapped.sizes[target],
            features.angles[query] - mapped.angles[target],
            mapped.map_T_view[mapped.views[target]],
            points,
        )
        weights = np.exp(-squared[query, place] / _FAR**2)
        return Matches(camera, pixels, points, weights, votes, distances)


def _reduced(frame: Frame) -> tuple[NDArray[np.uint8], Camera]:
    """Return a frame's image in grey, [H, W], not larger than needed, and its camera."""
    grey, camera = cv2.cvtColor(frame.image, cv2.COLOR_RGB2GRAY), frame.camera
    share = _LARGEST_PX / max(camera.width, camera.height)
    if share < 1:
        camera = camera.resized(round(camera.width * share), round(camera.height * share))
        size = (camera.width, camera.height)
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    return np.asarray(grey, dtype=np.uint8), camera

"""Local features of rendered views, lifted to the surface of the mesh."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from mesh_reloc_ros.progress import Progress, silent
from mesh_reloc_ros.relocalize._feature_index import built_index
from mesh_reloc_ros.relocalize._surface_views import VIEW_CAMERA
from mesh_reloc_ros.relocalize.features import Extractor, Features, sift, unit_rays
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types import Array

# Features of one view.
_COUNT = 500
# A feature nearer than this to where the mesh ends also shows what lies beside it.
_MARGIN_PX = 8
# What is known around a hole no larger than this stands for it.
_HOLE = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9))
_THREADS = 2


@dataclass(frozen=True)
class FeatureMap:
    """N features on the surface, from V views."""

    map_T_view: Array
    """[V, 4, 4], metres."""
    views: NDArray[np.int32]
    """[N], the view of each feature."""
    points: NDArray[np.float32]
    """[N, 3], map, metres."""
    sizes: NDArray[np.float32]
    """[N], radians, as seen in the view."""
    angles: NDArray[np.float32]
    """[N], radians in the view; see `Features`."""
    index: NDArray[np.uint8]
    """Of the descriptors; see `FeatureIndex`."""

    def __len__(self) -> int:
        """Return the number of features."""
        return len(self.points)

    @property
    def is_consistent(self) -> bool:
        """Whether the arrays fit together."""
        return len(self.views) == len(self.points) == len(self.sizes) == len(self.angles)


def map_features(
    scene: Scene, map_T_view: Array, extract: Extractor = sift, progress: Progress = silent
) -> FeatureMap:
    """Render views [V, 4, 4] of `VIEW_CAMERA`, and return their features on the surface."""
    stage = 'extracting features'
    found: list[tuple[Features, Array]] = []
    progress(stage, 0.0)
    with ThreadPoolExecutor(_THREADS) as threads:
        for part in threads.map(lambda pose: _features_of(scene, pose, extract), map_T_view):
            found.append(part)
            progress(stage, 0.95 * len(found) / len(map_T_view))
    features = Features.joined([part for part, _ in found])
    views = np.repeat(np.arange(len(found)), [len(part) for part, _ in found])
    rays = unit_rays(features.pixels, VIEW_CAMERA)
    mapped = FeatureMap(
        map_T_view,
        views.astype(np.int32),
        np.concatenate([points for _, points in found] or [np.zeros((0, 3))]).astype(np.float32),
        (features.sizes * rays[:, 2] / VIEW_CAMERA.fx).astype(np.float32),
        features.angles.astype(np.float32),
        built_index(features.descriptors),
    )
    progress(stage, 1.0)
    return mapped


def _features_of(scene: Scene, pose: Array, extract: Extractor) -> tuple[Features, Array]:
    """Return the features of a view that lie on the mesh, and their points [N, 3] in the map."""
    view = scene.render(torch.from_numpy(pose), VIEW_CAMERA, grey=True)
    grey = (255 * view.colour[0, ..., 0]).round().to(torch.uint8).cpu().numpy()
    depth, mask = view.depth[0].cpu().numpy(), view.mask[0].cpu().numpy()
    features = extract(filled(grey, mask), _COUNT)
    closed = cv2.morphologyEx(mask.view(np.uint8), cv2.MORPH_CLOSE, _HOLE, borderValue=0)
    inside = mask & (cv2.erode(closed, None, iterations=_MARGIN_PX, borderValue=1) > 0)
    column, row = np.round(features.pixels).astype(int).T
    row, column = row.clip(0, VIEW_CAMERA.height - 1), column.clip(0, VIEW_CAMERA.width - 1)
    kept = inside[row, column]
    features = features.of(kept)
    rays = unit_rays(features.pixels, VIEW_CAMERA)
    in_view = rays / rays[:, 2:] * depth[row, column][kept][:, None].astype(np.float64)
    return features, in_view @ pose[:3, :3].T + pose[:3, 3]


def filled(grey: NDArray[np.uint8], mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return a view [H, W] with the colours around its holes in them: edges would be features.

    By averages of what is known nearby, from coarse to fine: S. Gortler et al., "The Lumigraph",
    SIGGRAPH 1996.
    """
    known = mask.astype(np.float32)
    return np.asarray(_averages(grey * known, known).round().astype(np.uint8))


def _averages(sums: NDArray[np.float32], known: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return sums of colours [H, W] over their weights, and what is around where there are none."""
    average = sums / np.maximum(known, 1e-6)
    if min(sums.shape) < 2:
        return average
    coarse = _averages(cv2.pyrDown(sums), cv2.pyrDown(known))
    around = cv2.pyrUp(coarse, dstsize=sums.shape[::-1])
    return np.asarray(known * average + (1 - known) * around)

"""Local features of rendered views, lifted to the surface of the mesh."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from mesh_reloc_ros.progress import Progress, silent
from mesh_reloc_ros.relocalize._surface_views import VIEW_CAMERA
from mesh_reloc_ros.relocalize.features import Extractor, Features, sift
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types import Array

# Features of one view.
_COUNT = 500
# A feature nearer than this to where the mesh ends also shows what lies beside it.
_MARGIN_PX = 8
_THREADS = 2


@dataclass(frozen=True)
class FeatureMap:
    """N features on the surface, from V views."""

    map_T_view: Array
    """[V, 4, 4], poses of `VIEW_CAMERA`, metres."""
    views: NDArray[np.int32]
    """[N], the view of each feature."""
    points: NDArray[np.float32]
    """[N, 3], map, metres."""
    cosines: NDArray[np.float32]
    """[N], of the angle between the ray to the point and the optical axis of the view."""
    sizes: NDArray[np.float32]
    """[N], pixels of the view."""
    angles: NDArray[np.float32]
    """[N], radians in the view; see `Features`."""
    descriptors: NDArray[np.uint8]
    """[N, D]."""

    def __len__(self) -> int:
        """Return the number of features."""
        return len(self.points)


def map_features(
    scene: Scene, map_T_view: Array, extract: Extractor = sift, progress: Progress = silent
) -> FeatureMap:
    """Render views [V, 4, 4] of `VIEW_CAMERA`, and return their features on the surface."""
    stage = 'extracting features of views'
    parts: list[tuple[Array, ...]] = []
    progress(stage, 0.0)
    with ThreadPoolExecutor(_THREADS) as threads:
        found = threads.map(lambda pose: _features_of(scene, pose, extract), map_T_view)
        for number, (features, points, cosines) in enumerate(found):
            views = np.full(len(features), number)
            parts.append((views, points, cosines, features.sizes, features.angles,
                          features.descriptors))
            progress(stage, number / len(map_T_view))
    progress(stage, 1.0)
    views, points, cosines, sizes, angles, descriptors = (
        np.concatenate(values) for values in zip(*parts, strict=True)
    )
    return FeatureMap(
        map_T_view, views.astype(np.int32), points.astype(np.float32), cosines.astype(np.float32),
        sizes.astype(np.float32), angles.astype(np.float32), descriptors,
    )


def _features_of(scene: Scene, pose: Array, extract: Extractor) -> tuple[Features, Array, Array]:
    """Return the features of a view that lie on the mesh, their points [N, 3] and cosines [N]."""
    view = scene.render(torch.from_numpy(pose), VIEW_CAMERA, grey=True)
    grey = (255 * view.colour[0, ..., 0]).round().to(torch.uint8).cpu().numpy()
    depth, mask = view.depth[0].cpu().numpy(), view.mask[0].cpu().numpy()
    inside = cv2.distanceTransform(np.pad(mask.view(np.uint8), 1, mode='edge'), cv2.DIST_L2, 3)
    features = extract(grey, _COUNT)
    column, row = np.round(features.pixels).astype(int).T if len(features) else np.zeros((2, 0), int)
    row, column = row.clip(0, mask.shape[0] - 1), column.clip(0, mask.shape[1] - 1)
    kept = inside[1:-1, 1:-1][row, column] > _MARGIN_PX
    features, depths = features.of(kept), depth[row, column][kept].astype(np.float64)
    camera = VIEW_CAMERA
    rays = np.column_stack(
        ((features.pixels - (camera.cx, camera.cy)) / (camera.fx, camera.fy), np.ones(len(features)))
    )
    points = (rays * depths[:, None]) @ pose[:3, :3].T + pose[:3, 3]
    return features, points, 1 / np.linalg.norm(rays, axis=1)

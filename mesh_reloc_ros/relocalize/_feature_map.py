"""Local features of rendered views, lifted to the surface of the mesh."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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

# Features of one view, and what they take: mostly their descriptors and numbers in the index.
_COUNT = 500
BYTES_PER_VIEW = _COUNT * 160
# Views that are kept, or lost, together if the program ends meanwhile: some 20 s of work.
_VIEWS_PER_PART = 200
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


@dataclass(frozen=True)
class ExtractedFeatures:
    """The N features of some of the views, before they are indexed."""

    counts: NDArray[np.int32]
    """[V], the number of each view's features."""
    points: NDArray[np.float32]
    """[N, 3], and the others: as in `FeatureMap`."""
    sizes: NDArray[np.float32]
    angles: NDArray[np.float32]
    descriptors: NDArray[np.uint8]
    """[N, D]"""

    @property
    def is_consistent(self) -> bool:
        """Whether the arrays fit together."""
        lengths = {len(values) for name, values in vars(self).items() if name != 'counts'}
        return lengths == {int(self.counts.sum())}


Keep = Callable[[int, Array, Callable[[], ExtractedFeatures]], ExtractedFeatures]
"""Called with the number of a part, its views [V, 4, 4], and what makes its features."""


def made(
    number: int, map_T_view: Array, make: Callable[[], ExtractedFeatures]
) -> ExtractedFeatures:
    """Make a part and keep nothing: a `Keep`."""
    return make()


def map_features(
    scene: Scene,
    map_T_view: Array,
    extract: Extractor = sift,
    progress: Progress = silent,
    keep: Keep = made,
) -> FeatureMap:
    """Render views [V, 4, 4] of `VIEW_CAMERA`, and return their features on the surface.

    :param keep: returns a part that was kept when the same work was interrupted, or makes it.
    """
    stage, total = 'extracting features', max(len(map_T_view), 1)
    if total <= _VIEWS_PER_PART:
        keep = made
    parts: list[ExtractedFeatures] = []
    progress(stage, 0.0)
    for first in range(0, total, _VIEWS_PER_PART):
        views = map_T_view[first : first + _VIEWS_PER_PART]

        def make(views: Array = views, first: int = first) -> ExtractedFeatures:
            return _extracted(
                scene, views, extract, lambda done: progress(stage, 0.95 * (first + done) / total)
            )

        parts.append(keep(len(parts), views, make))
    mapped = _indexed(map_T_view, parts)
    progress(stage, 1.0)
    return mapped


def _extracted(
    scene: Scene, map_T_view: Array, extract: Extractor, progress: Callable[[int], None]
) -> ExtractedFeatures:
    """Return the features of views; `progress` is called with the number of those that are done."""
    found: list[tuple[Features, Array]] = []
    with ThreadPoolExecutor(_THREADS) as threads:
        for part in threads.map(lambda pose: _features_of(scene, pose, extract), map_T_view):
            found.append(part)
            progress(len(found))
    features = Features.joined([part for part, _ in found])
    rays = unit_rays(features.pixels, VIEW_CAMERA)
    return ExtractedFeatures(
        np.array([len(part) for part, _ in found], dtype=np.int32),
        np.concatenate([points for _, points in found] or [np.zeros((0, 3))]).astype(np.float32),
        (features.sizes * rays[:, 2] / VIEW_CAMERA.fx).astype(np.float32),
        features.angles.astype(np.float32),
        features.descriptors,
    )


def _indexed(map_T_view: Array, parts: Sequence[ExtractedFeatures]) -> FeatureMap:
    """Return the features of all parts, one after the other."""
    values = zip(*(vars(part).values() for part in parts), strict=True)
    counts, points, sizes, angles, descriptors = (np.concatenate(value) for value in values)
    views = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
    return FeatureMap(map_T_view, views, points, sizes, angles, built_index(descriptors))


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

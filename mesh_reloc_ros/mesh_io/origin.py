"""The origin of coordinates that are far from zero, as in georeferenced meshes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Coordinates below this many metres have errors below 0.1 mm as float32.
NEAR_M = 1000.0
# A mesh is far from zero if that is so many times as far as the mesh is large.
_FAR = 10.0


def about_origin(
    vertices: NDArray[np.float32] | NDArray[np.float64],
    faces: NDArray[np.int32] | NDArray[np.int64],
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return vertices [V, 3] about an origin, and the origin [3]: whole metres, 0 if they are near.

    :param faces: [...], indices of vertices; others do not count.
    """
    origin = np.zeros(3)
    if is_near(vertices) or not faces.size:
        return as_float32(vertices), origin
    used = np.zeros(len(vertices), dtype=np.bool_)
    used[faces.ravel()] = True
    low, high = vertices[used].min(0).astype(np.float64), vertices[used].max(0).astype(np.float64)
    middle = low / 2 + high / 2
    if np.isfinite(middle).all() and np.abs(middle).max() > _FAR * (high - low).max():
        origin = np.round(middle)
    return as_float32(vertices - origin), origin


def is_near(vertices: NDArray[np.float32] | NDArray[np.float64]) -> bool:
    """Whether float32 is exact enough for vertices [V, 3] as they are."""
    return not (vertices.max(initial=0) > NEAR_M or vertices.min(initial=0) < -NEAR_M)


def as_float32(values: NDArray[np.float32] | NDArray[np.float64]) -> NDArray[np.float32]:
    """Convert without a warning: what is too large becomes infinite, and is refused later."""
    with np.errstate(over='ignore', invalid='ignore'):
        return values.astype(np.float32, copy=False)

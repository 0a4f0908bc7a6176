"""Rasterize triangles into a z-buffer, without clipping.

A ray (x, y, 1) of the camera meets the plane of a face with corners p0, p1, p2 where the weights
of the corners, over the depth z, are

    (w0, w1, w2) / z = [p0 p1 p2]^-1 (x, y, 1)

which is linear in the pixel. The face is hit where no weight is negative; the sum is 1 / z. This
holds for faces that reach behind the camera, too. See M. Olano and T. Greer, "Triangle scan
conversion using 2D homogeneous coordinates", Graphics Hardware 1997.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.kernels.compile import kernel

# Surfaces nearer than this are not seen.
_NEAR_M = 1e-3
# Faces reach beyond their outline by this, so that rounding leaves no gap between two.
_MARGIN_PX = 1e-6


class RasterizedMesh(NamedTuple):
    """A mesh whose faces lie in clusters of neighbours."""

    corners: NDArray[np.float32]
    """[F, 3, 3], metres in the map, cluster by cluster."""
    faces: NDArray[np.int64]
    """[F], the number of each in the mesh."""
    first: NDArray[np.int64]
    """[C + 1], the first face of each cluster, and F."""
    spheres: NDArray[np.float32]
    """[C, 4], centre and radius of each cluster."""


class Hits(NamedTuple):
    """What N pixels show."""

    place: NDArray[np.int32]
    """[N], of the face in `RasterizedMesh.corners`; -1 outside the mesh."""
    face: NDArray[np.int64]
    """[N], of the mesh; -1 outside."""
    barycentric: NDArray[np.float32]
    """[N, 3], weights of the corners; 0 outside."""
    depth: NDArray[np.float32]
    """[N], metres along the camera's z; 0 outside."""


class View(NamedTuple):
    """A camera in the map."""

    camera_T_map: NDArray[np.float64]
    """[4, 4]."""
    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float


@kernel(fastmath=True)
def rasterize(mesh: RasterizedMesh, view: View, nearest: Any, inverse_depth: Any) -> None:
    """Find the nearest face at every pixel.

    :param nearest: [H, W], of -1; filled with places in `mesh.corners`.
    :param inverse_depth: [H, W] float64, of zeros.
    """
    points = np.empty((3, 3))
    for cluster in range(len(mesh.spheres)):
        if not _may_be_seen(mesh.spheres[cluster], view):
            continue
        for face in range(mesh.first[cluster], mesh.first[cluster + 1]):
            _to_camera(mesh.corners[face], view.camera_T_map, points)
            columns, rows = _bounds(points, view)
            if columns[0] <= columns[1] and rows[0] <= rows[1]:
                _fill(face, _weights(points, view), columns, rows, nearest, inverse_depth)


@kernel(fastmath=True)
def interpolate(mesh: RasterizedMesh, view: View, pixels: Any, nearest: Any, hits: Hits) -> None:
    """Fill in what pixels show.

    :param pixels: [N], row * width + column. :param nearest: see `rasterize`.
    """
    points, face = np.empty((3, 3)), -1
    w0 = w1 = w2 = (0.0, 0.0, 0.0)
    for n in range(len(pixels)):
        row, column = pixels[n] // view.width, pixels[n] % view.width
        place = hits.place[n] = nearest[row, column]
        if place < 0:
            hits.face[n] = -1
            hits.barycentric[n] = 0
            hits.depth[n] = 0
            continue
        # Pixels in a row often show the same face.
        if place != face:
            face = place
            _to_camera(mesh.corners[face], view.camera_T_map, points)
            w0, w1, w2 = _weights(points, view)
        a = w0[0] * column + w0[1] * row + w0[2]
        b = w1[0] * column + w1[1] * row + w1[2]
        c = w2[0] * column + w2[1] * row + w2[2]
        z = 1 / (a + b + c)
        hits.face[n], hits.depth[n] = mesh.faces[face], z
        weights = hits.barycentric[n]
        weights[0], weights[1], weights[2] = a * z, b * z, c * z


@kernel(fastmath=True)
def _to_camera(corners: Any, camera_T_map: Any, points: Any) -> None:
    """Fill points [3, 3] with corners [3, 3] in the camera's frame."""
    T = camera_T_map
    for i in range(3):
        x, y, z = corners[i, 0], corners[i, 1], corners[i, 2]
        for j in range(3):
            points[i, j] = T[j, 0] * x + T[j, 1] * y + T[j, 2] * z + T[j, 3]


@kernel(fastmath=True)
def _may_be_seen(sphere: Any, view: View) -> bool:
    """Whether a sphere [4] reaches into the view."""
    T, (px, py, pz, radius) = view.camera_T_map, sphere
    x = T[0, 0] * px + T[0, 1] * py + T[0, 2] * pz + T[0, 3]
    y = T[1, 0] * px + T[1, 1] * py + T[1, 2] * pz + T[1, 3]
    z = T[2, 0] * px + T[2, 1] * py + T[2, 2] * pz + T[2, 3]
    if z + radius < _NEAR_M:
        return False
    left, right = view.cx, view.width - 1 - view.cx
    top, bottom = view.cy, view.height - 1 - view.cy
    # Distances from the four planes through the edges of the image.
    return (
        -view.fx * x - left * z <= radius * math.hypot(view.fx, left)
        and view.fx * x - right * z <= radius * math.hypot(view.fx, right)
        and -view.fy * y - top * z <= radius * math.hypot(view.fy, top)
        and view.fy * y - bottom * z <= radius * math.hypot(view.fy, bottom)
    )


@kernel(fastmath=True)
def _bounds(points: Any, view: View) -> Any:
    """Return the first and last column, and row, of the pixels that a face may cover."""
    least_u = least_v = math.inf
    most_u = most_v = -math.inf
    for i in range(3):
        j = (i + 1) % 3
        x, y, z = points[i, 0], points[i, 1], points[i, 2]
        ahead = z > _NEAR_M
        if ahead:
            u, v = view.fx * x / z + view.cx, view.fy * y / z + view.cy
            least_u, most_u = min(least_u, u), max(most_u, u)
            least_v, most_v = min(least_v, v), max(most_v, v)
        if ahead != (points[j, 2] > _NEAR_M):
            # Where the edge comes into view.
            share = (_NEAR_M - z) / (points[j, 2] - z)
            u = view.fx * (x + share * (points[j, 0] - x)) / _NEAR_M + view.cx
            v = view.fy * (y + share * (points[j, 1] - y)) / _NEAR_M + view.cy
            least_u, most_u = min(least_u, u), max(most_u, u)
            least_v, most_v = min(least_v, v), max(most_v, v)
    last_column, last_row = view.width - 1, view.height - 1
    if not (most_u >= 0 and most_v >= 0 and least_u <= last_column and least_v <= last_row):
        return (0, -1), (0, -1)
    return (
        max(math.ceil(least_u - _MARGIN_PX), 0),
        min(math.floor(most_u + _MARGIN_PX), last_column),
    ), (
        max(math.ceil(least_v - _MARGIN_PX), 0),
        min(math.floor(most_v + _MARGIN_PX), last_row),
    )


@kernel(fastmath=True)
def _weights(points: Any, view: View) -> Any:
    """Return the weight of each corner over the depth: factors of column and row, and constant."""
    a, b, c = _across(points, 1, 2), _across(points, 2, 0), _across(points, 0, 1)
    volume = points[0, 0] * a[0] + points[0, 1] * a[1] + points[0, 2] * a[2]
    # A face that is seen from the side has no volume, and infinite or undefined weights.
    scale = 1 / volume
    return _weight(a, scale, view), _weight(b, scale, view), _weight(c, scale, view)


@kernel(fastmath=True)
def _across(points: Any, i: int, j: int) -> Any:
    """Return the cross product of points i and j."""
    return (
        points[i, 1] * points[j, 2] - points[i, 2] * points[j, 1],
        points[i, 2] * points[j, 0] - points[i, 0] * points[j, 2],
        points[i, 0] * points[j, 1] - points[i, 1] * points[j, 0],
    )


@kernel(fastmath=True)
def _weight(normal: Any, scale: float, view: View) -> Any:
    """Return the weight of the corner opposite to the plane of two others and the camera."""
    a, b = normal[0] * scale / view.fx, normal[1] * scale / view.fy
    return a, b, normal[2] * scale - a * view.cx - b * view.cy


@kernel(fastmath=True)
def _fill(
    face: int, weights: Any, columns: Any, rows: Any, nearest: Any, inverse_depth: Any
) -> None:
    """Enter a face where it is the nearest so far."""
    w0, w1, w2 = weights
    slope = w0[0] + w1[0] + w2[0]
    for row in range(rows[0], rows[1] + 1):
        r0, r1, r2 = w0[1] * row + w0[2], w1[1] * row + w1[2], w2[1] * row + w2[2]
        first, last = float(columns[0]), float(columns[1])
        first, last = _where_positive(w0[0], r0, first, last)
        first, last = _where_positive(w1[0], r1, first, last)
        first, last = _where_positive(w2[0], r2, first, last)
        if not first <= last:
            continue
        row_faces, row_depths, offset = nearest[row], inverse_depth[row], r0 + r1 + r2
        for column in range(math.ceil(first), math.floor(last) + 1):
            inverse_z = slope * column + offset
            if row_depths[column] < inverse_z < 1 / _NEAR_M:
                row_depths[column] = inverse_z
                row_faces[column] = face


@kernel(fastmath=True)
def _where_positive(slope: float, offset: float, first: float, last: float) -> Any:
    """Return the part of an interval where `slope * x + offset` is not negative."""
    if slope > 0:
        return max(first, -offset / slope - _MARGIN_PX), last
    if slope < 0:
        return first, min(last, -offset / slope + _MARGIN_PX)
    return first, last if offset >= 0 else first - 1

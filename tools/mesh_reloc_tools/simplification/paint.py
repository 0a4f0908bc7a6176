"""The colour of the nearest point of a surface."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh
from mesh_reloc_ros.types import Array
from mesh_reloc_tools.parts import areas

_SAMPLES = 1_000_000


class Surface:
    """A textured surface that can be asked for the colour near a point."""

    def __init__(self, mesh: TexturedMesh) -> None:
        """Scatter points over the surface, which tell the face that is nearest."""
        self._mesh = mesh
        self._corners = mesh.vertices[mesh.faces].astype(np.float64)
        rng = np.random.default_rng(0)
        area = areas(mesh)
        random = rng.choice(len(area), _SAMPLES, p=area / area.sum())
        self._face = np.concatenate((np.arange(len(area)), random))
        a, b = rng.random((2, len(self._face)))
        a, b = np.where(a + b > 1, 1 - a, a), np.where(a + b > 1, 1 - b, b)
        weights = np.stack((1 - a - b, a, b), axis=-1)
        points = np.einsum('nk,nkj->nj', weights, self._corners[self._face])
        self._tree = cKDTree(points, balanced_tree=False)

    def colours(self, points: Array) -> NDArray[np.uint8]:
        """Return the colours [N, 3] of the surface near points [N, 3]."""
        face = self._nearest(points)
        weights = self._weights(face, points)
        uvs = np.einsum('nk,nkj->nj', weights, self._mesh.uvs[self._mesh.faces[face]])
        found = np.zeros((len(points), 3), np.uint8)
        for number, page in enumerate(self._mesh.textures):
            of_page = self._mesh.face_materials[face] == number
            if of_page.any():
                found[of_page] = _sampled(page, uvs[of_page])
        return found

    def is_plain(self, points: Array) -> NDArray[np.bool_]:
        """Return whether the surface near points [N, 3] is of a plain colour."""
        return np.asarray(self._mesh.is_plain[self._nearest(points)])

    def _nearest(self, points: Array) -> NDArray[np.int64]:
        return np.asarray(self._face[self._tree.query(points)[1]])

    def _weights(self, face: NDArray[np.int64], points: Array) -> Array:
        """Return the barycentric coordinates [N, 3] of points above faces [N], inside of them."""
        a, b, c = self._corners[face].transpose(1, 0, 2)
        first, second, offset = b - a, c - a, points - a
        d11, d12 = (first * first).sum(1), (first * second).sum(1)
        d22 = (second * second).sum(1)
        e1, e2 = (offset * first).sum(1), (offset * second).sum(1)
        area = np.maximum(d11 * d22 - d12**2, 1e-300)
        s, t = (d22 * e1 - d12 * e2) / area, (d11 * e2 - d12 * e1) / area
        weights = np.clip(np.stack((1 - s - t, s, t), axis=-1), 0, 1)
        return np.asarray(weights / weights.sum(1, keepdims=True))


def _sampled(page: NDArray[np.uint8], uvs: Array) -> NDArray[np.uint8]:
    """Return the colours [N, 3] of a texture at coordinates [N, 2]."""
    height, width = page.shape[:2]
    u, v = uvs[:, 0] % 1.0, uvs[:, 1] % 1.0
    x, y = u * width - 0.5, (1 - v) * height - 0.5
    count = 16_384  # OpenCV takes at most 32,767 rows
    found = [
        cv2.remap(
            page,
            x[i : i + count, None].astype(np.float32),
            y[i : i + count, None].astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )[:, 0]
        for i in range(0, len(x), count)
    ]
    return np.concatenate(found)

"""Equal vertices and texture coordinates joined: some programs write three vertices a face."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.kernels.joining import number_pairs, number_rows


def joined_corners(
    faces: NDArray[np.int32], vertices: NDArray[np.float32], uvs: NDArray[np.float32]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Index the distinct pairs of vertex and texture coordinate.

    :param faces: [F, 3, 2], of a `MeshContent`. :param vertices: [V, 3]. :param uvs: [T, 2].
    :returns: faces [F, 3] as indices of pairs, and the pairs [N, 2].
    """
    numbers = np.empty(faces.shape[:2], dtype=np.int32)
    pairs = np.empty((3 * len(faces), 2), dtype=np.int32)
    newest = np.full(len(vertices), -1, dtype=np.int32)
    first = [_first_equal(rows, len(faces)) for rows in (vertices, uvs)]
    count = number_pairs(faces, first[0], first[1], newest, numbers, pairs)
    return numbers, pairs[:count].copy()


def _first_equal(rows: NDArray[np.float32], faces: int) -> NDArray[np.int32]:
    """Return the number [N] of the first row that equals each of rows [N, K].

    Where there are fewer rows than faces, few can be equal: each stands for itself.
    """
    if len(rows) <= faces:
        return np.arange(len(rows), dtype=np.int32)
    first = np.empty(len(rows), dtype=np.int32)
    size = 1 << max(2 * len(rows), 1).bit_length()
    # Adding zero makes -0 equal to 0.
    bits = np.ascontiguousarray(rows + np.float32(0)).view(np.uint32)
    number_rows(bits, np.full(size, -1, dtype=np.int32), first)
    return first

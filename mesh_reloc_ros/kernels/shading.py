"""Shading in one pass over the pixels: textures sampled trilinearly.

`render.shading` has the formulas, and does the same with tensors.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.kernels.compile import kernel

# Lower bound of the cosine of the viewing angle, to bound the footprint of a pixel.
MIN_COSINE = 0.05


class ShadedMesh(NamedTuple):
    """Faces and textures of a mesh."""

    face_uvs: NDArray[np.float32]
    """[F, 3, 2]."""
    face_materials: NDArray[np.int64]
    """[F]."""
    face_normals: NDArray[np.float32]
    """[F, 3], unit vectors in the map frame."""
    texel_density: NDArray[np.float32]
    """[F], texels by area."""
    texels: NDArray[np.uint8]
    """[T, 3], of all textures and levels; see `TextureSet`."""
    table: NDArray[np.int64]
    """[M, L, 3], first texel, width and height of each level."""


@kernel(fastmath=True)
def shade(
    mesh: ShadedMesh,
    map_R_camera: Any,
    intrinsics: Any,
    pixels: Any,
    face: Any,
    barycentric: Any,
    depth: Any,
    colour: Any,
) -> None:
    """Fill the colours [N, 3], 0 to 1 and zeros before, of pixels with a face.

    :param intrinsics: width, fx, fy, cx, cy. :param pixels: [N], row * width + column.
    :param face: [N], -1 outside the mesh. :param barycentric: [N, 3].
    :param depth: [N], metres along the camera's z.
    """
    width, fx, fy, cx, cy = intrinsics
    texels, table = mesh.texels, mesh.table
    levels = table.shape[1]
    for n in range(len(pixels)):
        f = face[n]
        if f < 0:
            continue
        row, column = pixels[n] // width, pixels[n] % width
        a, b, c = barycentric[n]
        u = a * mesh.face_uvs[f, 0, 0] + b * mesh.face_uvs[f, 1, 0] + c * mesh.face_uvs[f, 2, 0]
        v = a * mesh.face_uvs[f, 0, 1] + b * mesh.face_uvs[f, 1, 1] + c * mesh.face_uvs[f, 2, 1]
        x, y = (column - cx) / fx, (row - cy) / fy
        cosine = 0.0
        for i in range(3):
            along = map_R_camera[i, 0] * x + map_R_camera[i, 1] * y + map_R_camera[i, 2]
            cosine += mesh.face_normals[f, i] * along
        z = depth[n]
        area = z * z / (fx * fy * max(abs(cosine), MIN_COSINE))
        lod = 0.5 * math.log2(max(mesh.texel_density[f] * area, 1e-6))
        lod = min(max(lod, 0.0), levels - 1.0)
        lower = min(int(lod), max(levels - 2, 0))
        upper = min(lower + 1, levels - 1)
        fraction = lod - lower
        material = mesh.face_materials[f]
        red = green = blue = 0.0
        for level, weight in ((lower, 1 - fraction), (upper, fraction)):
            if weight > 0:
                offset, w, h = table[material, level]
                r, g, b = _sample(texels, offset, w, h, u, v)
                red, green, blue = red + weight * r, green + weight * g, blue + weight * b
        colour[n, 0], colour[n, 1], colour[n, 2] = red / 255, green / 255, blue / 255


@kernel(fastmath=True)
def _sample(texels: Any, offset: int, width: int, height: int, u: float, v: float) -> Any:
    """Return red, green and blue, 0 to 255, of a texture level, which repeats, bilinearly."""
    s, t = u * width - 0.5, (1 - v) * height - 0.5
    left, top = math.floor(s), math.floor(t)
    p, q = s - left, t - top
    left, top = _wrapped(int(left), width), _wrapped(int(top), height)
    right, bottom = _wrapped(left + 1, width), _wrapped(top + 1, height)
    above, below = offset + top * width, offset + bottom * width
    c00, c10 = texels[above + left], texels[above + right]
    c01, c11 = texels[below + left], texels[below + right]
    w00, w10, w01, w11 = (1 - p) * (1 - q), p * (1 - q), (1 - p) * q, p * q
    return (
        w00 * c00[0] + w10 * c10[0] + w01 * c01[0] + w11 * c11[0],
        w00 * c00[1] + w10 * c10[1] + w01 * c01[1] + w11 * c11[1],
        w00 * c00[2] + w10 * c10[2] + w01 * c01[2] + w11 * c11[2],
    )


@kernel()
def _wrapped(place: int, size: int) -> int:
    """Return a place modulo the size. Most need no division, which takes long."""
    return place if 0 <= place < size else place % size

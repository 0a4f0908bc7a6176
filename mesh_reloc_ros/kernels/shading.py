"""Shading in one compiled pass over the pixels, for the CPU.

It computes what `Shader` does by tensor operations; see there for the formulas.
"""

from __future__ import annotations

import math
from typing import Any

from mesh_reloc_ros.kernels.compile import kernel


@kernel(fastmath=True)
def shade(
    pixels: Any,
    width: int,
    face: Any,
    barycentric: Any,
    depth: Any,
    rotation: Any,
    intrinsics: Any,
    face_uvs: Any,
    face_materials: Any,
    face_normals: Any,
    texel_density: Any,
    texels: Any,
    table: Any,
    colour: Any,
) -> None:
    """Fill `colour` [N, 3] of one view where `face` [N] is not -1.

    :param pixels: [N], row * width + column. :param rotation: [3, 3], camera to map.
    :param intrinsics: fx, fy, cx, cy.
    """
    fx, fy, cx, cy = intrinsics
    levels = table.shape[1]
    for n in range(len(pixels)):
        f = face[n]
        if f < 0:
            continue
        row, column = pixels[n] // width, pixels[n] % width
        a, b, c = barycentric[n]
        u = a * face_uvs[f, 0, 0] + b * face_uvs[f, 1, 0] + c * face_uvs[f, 2, 0]
        v = a * face_uvs[f, 0, 1] + b * face_uvs[f, 1, 1] + c * face_uvs[f, 2, 1]
        x, y = (column - cx) / fx, (row - cy) / fy
        cosine = 0.0
        for i in range(3):
            along = rotation[i, 0] * x + rotation[i, 1] * y + rotation[i, 2]
            cosine += face_normals[f, i] * along
        z = depth[n]
        area = z * z / (fx * fy * max(abs(cosine), 0.05))
        lod = 0.5 * math.log2(max(texel_density[f] * area, 1e-6))
        lod = min(max(lod, 0.0), levels - 1.0)
        lower = min(int(lod), max(levels - 2, 0))
        upper = min(lower + 1, levels - 1)
        fraction = lod - lower
        material = face_materials[f]
        for level, weight in ((lower, 1 - fraction), (upper, fraction)):
            offset, w, h = table[material, level]
            s, t = u * w - 0.5, (1 - v) * h - 0.5
            left, top = math.floor(s), math.floor(t)
            p, q = s - left, t - top
            left, top = int(left) % w, int(top) % h
            right, bottom = (left + 1) % w, (top + 1) % h
            i00, i10 = offset + top * w + left, offset + top * w + right
            i01, i11 = offset + bottom * w + left, offset + bottom * w + right
            w00, w10 = weight * (1 - p) * (1 - q) / 255, weight * p * (1 - q) / 255
            w01, w11 = weight * (1 - p) * q / 255, weight * p * q / 255
            for channel in range(3):
                colour[n, channel] += (
                    w00 * texels[i00, channel]
                    + w10 * texels[i10, channel]
                    + w01 * texels[i01, channel]
                    + w11 * texels[i11, channel]
                )

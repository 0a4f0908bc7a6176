"""Passes over the texels of textures, to build their mip levels."""

from __future__ import annotations

from typing import Any

import numpy as np

from mesh_reloc_ros.kernels.compile import kernel


@kernel()
def mark_texels(uvs: Any, faces: Any, face_materials: Any, material: int, covered: Any) -> bool:
    """Mark the texels [H, W] whose centre lies in a face of the material.

    The texel at the centre of a face is always marked, because a small face may have no other.
    Returns False if a face extends beyond the texture.
    """
    height, width = covered.shape
    one, columns, rows = np.float32(1), np.float32(width), np.float32(height)
    for face in range(len(faces)):
        if face_materials[face] != material:
            continue
        a, b, c = uvs[faces[face, 0]], uvs[faces[face, 1]], uvs[faces[face, 2]]
        if min(a[0], b[0], c[0], a[1], b[1], c[1]) < 0:
            return False
        if max(a[0], b[0], c[0], a[1], b[1], c[1]) > 1:
            return False
        ax, bx, cx = a[0] * columns, b[0] * columns, c[0] * columns
        ay, by, cy = (one - a[1]) * rows, (one - b[1]) * rows, (one - c[1]) * rows
        x, y = (ax + bx + cx) / 3, (ay + by + cy) / 3
        covered[min(int(y), height - 1), min(int(x), width - 1)] = True
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        sign = 1.0 if area > 0 else -1.0
        left, right = max(int(min(ax, bx, cx)), 0), min(int(max(ax, bx, cx)) + 1, width)
        top, bottom = max(int(min(ay, by, cy)), 0), min(int(max(ay, by, cy)) + 1, height)
        for row in range(top, bottom):
            y = row + 0.5
            for column in range(left, right):
                x = column + 0.5
                edge_a = sign * ((bx - ax) * (y - ay) - (by - ay) * (x - ax))
                edge_b = sign * ((cx - bx) * (y - by) - (cy - by) * (x - bx))
                edge_c = sign * ((ax - cx) * (y - cy) - (ay - cy) * (x - cx))
                if edge_a >= 0 and edge_b >= 0 and edge_c >= 0:
                    covered[row, column] = True
    return True


@kernel()
def weigh(texture: Any, covered: Any, weighted: Any) -> None:
    """Fill `weighted` [H, W, 4] with colour and weight 1 at covered texels, 0 elsewhere."""
    for row in range(covered.shape[0]):
        for column in range(covered.shape[1]):
            weight = np.float32(covered[row, column])
            for channel in range(3):
                weighted[row, column, channel] = texture[row, column, channel] * weight
            weighted[row, column, 3] = weight


@kernel()
def weigh_fours(texture: Any, covered: Any, halved: Any) -> None:
    """Fill `halved` [H, W, 4] with the means of what `weigh` fills in, of four texels each.

    In one pass: a large texture would need gigabytes as floats.
    """
    quarter = np.float32(0.25)
    for row in range(halved.shape[0]):
        for column in range(halved.shape[1]):
            red = green = blue = weights = np.float32(0)
            for y in range(2 * row, 2 * row + 2):
                for x in range(2 * column, 2 * column + 2):
                    weight = np.float32(covered[y, x])
                    red += texture[y, x, 0] * weight
                    green += texture[y, x, 1] * weight
                    blue += texture[y, x, 2] * weight
                    weights += weight
            halved[row, column, 0] = quarter * red
            halved[row, column, 1] = quarter * green
            halved[row, column, 2] = quarter * blue
            halved[row, column, 3] = quarter * weights


@kernel()
def divide(weighted: Any, image: Any) -> None:
    """Divide weighted colours by their weights into an image [H, W, 3], rounded; 0 at weight 0."""
    half, least = np.float32(0.5), np.float32(1e-6)
    for row in range(image.shape[0]):
        for column in range(image.shape[1]):
            weight = max(weighted[row, column, 3], least)
            for channel in range(3):
                colour = weighted[row, column, channel] / weight + half
                image[row, column, channel] = np.uint8(colour)

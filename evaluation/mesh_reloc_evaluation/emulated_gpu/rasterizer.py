"""What PyTorch3D's rasterizer does on a GPU, by casting rays."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from embreex import rtcore_scene
from embreex.mesh_construction import TriangleMesh
from numpy.typing import NDArray
from torch import Tensor

from mesh_reloc_evaluation.emulated_gpu.counts import running
from mesh_reloc_evaluation.emulated_gpu.tensors import marked, unmarked

# PyTorch3D fills four images, and three kernels look at boxes, bins and pixels, on two tables.
_RASTERIZER_LAUNCHES = 4 + 3 + 2


def rasterize_meshes(
    meshes: Any,
    image_size: tuple[int, int],
    bin_size: int,
    max_faces_per_bin: int,
    **options: Any,
) -> tuple[Tensor, None, None, None]:
    """Return the nearest face at each pixel as PyTorch3D does, [B, H, W, 1], by casting rays.

    Where a bin has no room, most faces are dropped.
    """
    screen, faces = unmarked(meshes.verts_packed()), unmarked(meshes.faces_packed())
    views = len(unmarked(meshes.num_faces_per_mesh()))
    corners = screen[faces].unflatten(0, (views, -1)).numpy()
    running.host.operation(_RASTERIZER_LAUNCHES)
    height, width = image_size
    nearest = []
    for view in corners:
        is_full = bin_size and fullest_bin(view, width, height, bin_size) > max_faces_per_bin
        nearest.append(_cast(view[: max_faces_per_bin if is_full else None], width, height))
    first = len(corners[0]) * np.arange(views)[:, None, None]
    index = np.stack(nearest)
    index = np.where(index >= 0, index + first, -1)
    return marked(torch.from_numpy(index)[..., None]), None, None, None


def fullest_bin(corners: NDArray[np.float32], width: int, height: int, bin_size: int) -> int:
    """Return how many faces of corners [F, 3, 3] PyTorch3D has for the fullest bin.

    :param corners: x and y in its NDC, z in metres.
    """
    shorter = min(width, height)
    seen = corners[..., 2].min(1) >= 1e-8
    overlaps = []
    for axis, size in enumerate((width, height)):
        low, high = corners[seen, :, axis].min(1), corners[seen, :, axis].max(1)
        first = bin_size * np.arange(-(-size // bin_size))
        begin, end = (2 * first - size) / shorter, (2 * (first + bin_size) - size) / shorter
        overlaps.append((low[:, None] <= end) & (begin < high[:, None]))
    across, down = (overlap.astype(np.float32) for overlap in overlaps)
    return int((down.T @ across).max()) if seen.any() else 0


def _cast(corners: NDArray[np.float32], width: int, height: int) -> NDArray[np.int64]:
    """Return the nearest face at each pixel, [H, W], of corners [F, 3, 3] in NDC."""
    seen = np.flatnonzero(corners[..., 2].min(1) >= 1e-8)
    if not len(seen):
        return np.full((height, width), -1)
    # With 1 / z, planes stay planes.
    straight = corners[seen]
    straight[..., 2] = 1 / straight[..., 2]
    scene = rtcore_scene.EmbreeScene()
    TriangleMesh(scene, straight.reshape(-1, 3), np.arange(3 * len(seen)).reshape(-1, 3))
    shorter = min(width, height)
    x = (width - 2 * (np.arange(width) + 0.5)) / shorter
    y = (height - 2 * (np.arange(height) + 0.5)) / shorter
    origins = np.empty((height, width, 3), np.float32)
    origins[..., 0], origins[..., 1], origins[..., 2] = x, y[:, None], 2 * straight[..., 2].max()
    along = np.zeros_like(origins)
    along[..., 2] = -1
    hit = scene.run(origins.reshape(-1, 3), along.reshape(-1, 3))
    return np.where(hit >= 0, seen[hit], -1).reshape(height, width)

"""The view from each viewpoint, as a small cube map."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from mesh_reloc_ros.progress import Progress, silent
from mesh_reloc_ros.relocalize._cube import cube_camera, cube_poses
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types import Array

SIDE = 32
"""Pixels along a side of the cubes: 2.8 degrees each."""
BYTES_PER_VIEWPOINT = 6 * SIDE**2 * 3 + 12_000
"""With the thumbnails that are made of it."""
_AT_ONCE = 8
# Only one thread can cast rays at a time; the other shades meanwhile.
_THREADS = 2


@dataclass(frozen=True)
class Panoramas:
    """Cube maps from V viewpoints, for any camera and any direction of view."""

    positions: Array
    """[V, 3], map, metres."""
    distances: Array
    """[V], metres: harmonic mean of the distance to the mesh."""
    colours: NDArray[np.uint8]
    """[V, 6 SIDE^2, 3], RGB; black means no mesh."""

    @property
    def is_consistent(self) -> bool:
        """Whether the arrays fit together."""
        count = len(self.positions)
        return len(self.distances) == count and self.colours.shape == (count, 6 * SIDE**2, 3)


def render_panoramas(scene: Scene, positions: Array, progress: Progress = silent) -> Panoramas:
    """Render the mesh from positions [V, 3]."""
    camera, stage = cube_camera(SIDE), 'rendering views'
    distances = np.zeros(len(positions))
    colours = np.zeros((len(positions), 6 * SIDE**2, 3), dtype=np.uint8)

    def render(first: int) -> None:
        part = slice(first, first + _AT_ONCE)
        view = scene.render(cube_poses(positions[part]), camera)
        levels = (1 + 254 * view.colour).round().to(torch.uint8) * view.mask[..., None]
        near = (view.mask / view.depth.clamp(min=1e-3)).reshape(len(positions[part]), -1).sum(1)
        seen = view.mask.reshape(len(near), -1).sum(1)
        distances[part] = (seen / near.clamp(min=1e-9)).cpu().numpy()
        colours[part] = levels.reshape(-1, 6 * SIDE**2, 3).cpu().numpy()

    progress(stage, 0.0)
    with ThreadPoolExecutor(_THREADS) as threads:
        parts = range(0, len(positions), _AT_ONCE)
        for first, _ in zip(parts, threads.map(render, parts), strict=True):
            progress(stage, first / max(len(positions), 1))
    progress(stage, 1.0)
    return Panoramas(positions, distances, colours)

"""Cube maps: the whole view from a position, on the six sides of a cube around it."""

from __future__ import annotations

import functools

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.camera import Camera

# The columns are the axes (right, down, forward) of the camera that looks at each side.
SIDES = np.array(
    [
        [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
        [[0, 0, 1], [0, 1, 0], [-1, 0, 0]],
        [[-1, 0, 0], [0, 1, 0], [0, 0, -1]],
        [[0, 0, -1], [0, 1, 0], [1, 0, 0]],
        [[1, 0, 0], [0, 0, 1], [0, -1, 0]],
        [[1, 0, 0], [0, 0, -1], [0, 1, 0]],
    ],
    dtype=np.float64,
)
"""[6, 3, 3], map_R_camera of each side."""


def cube_camera(side: int) -> Camera:
    """Return the camera that sees one side of the cube, of `side` pixels squared."""
    middle = (side - 1) / 2
    return Camera(side, side, side / 2, side / 2, middle, middle)


def cube_poses(positions: Array) -> Tensor:
    """Return the poses [6 N, 4, 4] of the sides of cubes at positions [N, 3]."""
    poses = np.tile(np.eye(4), (len(positions), 6, 1, 1))
    poses[:, :, :3, :3] = SIDES
    poses[:, :, :3, 3] = positions[:, None]
    return torch.from_numpy(poses.reshape(-1, 4, 4))


@functools.lru_cache
def cube_directions(side: int) -> Array:
    """Return the directions [6 side^2, 3] of a cube's pixels in the map, of depth 1."""
    rays = cube_camera(side).rays().reshape(-1, 3).double().numpy()
    return np.asarray((SIDES[:, None] @ rays[None, :, :, None]).reshape(-1, 3))


def cube_pixels(directions: Array, side: int) -> NDArray[np.int64]:
    """Return the pixels [...] of a cube in which directions [..., 3] of the map lie."""
    in_sides = np.einsum('sij,...i->s...j', SIDES, directions)
    number = in_sides[..., 2].argmax(0)
    x, y, z = np.moveaxis(np.take_along_axis(in_sides, number[None, ..., None], 0)[0], -1, 0)
    column = np.clip(((x / z + 1) * side / 2).astype(np.int64), 0, side - 1)
    row = np.clip(((y / z + 1) * side / 2).astype(np.int64), 0, side - 1)
    return (number * side + row) * side + column

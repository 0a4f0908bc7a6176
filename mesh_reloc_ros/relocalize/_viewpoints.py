"""Viewpoints: positions in the free space around and inside a mesh."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from mesh_reloc_ros.config.relocalization import RelocalizationSettings
from mesh_reloc_ros.mesh_io.winding import fronts_are_known
from mesh_reloc_ros.progress import Progress, silent
from mesh_reloc_ros.relocalize._cube import cube_camera, cube_directions, cube_poses
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types import Array

# Rays along a side of the cube that probes a position.
_PROBE_SIDE = 6
_PROBES_AT_ONCE = 256
# A position that sees a smaller share of front faces is behind a surface.
_MIN_FRONT = 0.85
# Cells are divided at least this often: the centre of a large cell may lie in a wall.
_FIRST_LEVELS = 3
# Cameras are rarely closer to the mesh than this share of the square root of its area, so
# viewpoints need not be denser than for that distance.
_NEAREST = 0.25
# Factor on the spacing if there are too many viewpoints.
_WIDER = 1.1
# Vertices that stand for the mesh where its distance is needed.
_MOST_VERTICES = 20_000
# Percentage of vertices ignored at either end of each axis: outliers must not enlarge the box.
_STRAY = 0.5
# Cameras define the up direction if the mean of theirs is at least this long.
_MIN_AGREEMENT = 0.8


@dataclass(frozen=True)
class _Places:
    """The views from N positions."""

    share: Array
    """[N], share of all directions that see the mesh."""
    front: Array
    """[N], share of those that see the front of a face."""
    distance: Array
    """[N], metres, harmonic mean: motion relative to it changes the view."""


def sample_viewpoints(
    scene: Scene, settings: RelocalizationSettings, progress: Progress = silent
) -> Array:
    """Return viewpoints [V, 3] in the map, metres: dense near the mesh, sparse elsewhere.

    An octree divides space until cells are small compared to the distance from their centre to the
    mesh. This works inside a room as well as around an object, at any scale. Centres that see back
    faces lie behind walls or inside objects, and are dropped, unless the winding is not to be
    believed. If there are too many viewpoints, all are spaced more widely.
    """
    stage, spacing = 'sampling viewpoints', settings.viewpoint_spacing
    progress(stage, 0.0)
    while True:
        found = _divided(scene, spacing, settings.min_view_share, settings.max_viewpoints)
        if found is not None:
            progress(stage, 1.0)
            return found
        spacing *= _WIDER


def _divided(scene: Scene, spacing: float, min_share: float, limit: int) -> Array | None:
    """Return viewpoints [V, 3] spaced by a share of the distance; None if there are too many."""
    low, high = np.percentile(scene.mesh.vertices, (_STRAY, 100 - _STRAY), axis=0)
    area = _area(scene)
    farthest = np.sqrt(area / 2 / (4 * np.pi * min_share))
    # Degenerate faces have no area.
    nearest = max(_NEAREST * np.sqrt(area), 1e-3 * float((high - low).max()))
    # So that the smallest cells are just small enough.
    size = spacing * nearest
    while size < (high - low).max() + 2 * farthest:
        size *= 2
    middles, found = np.atleast_2d((low + high) / 2), np.zeros((0, 3))
    vertices = scene.mesh.vertices
    surface = cKDTree(vertices[:: len(vertices) // _MOST_VERTICES + 1])
    min_front, level = _MIN_FRONT if fronts_are_known(scene.mesh) else 0.0, 0
    while len(middles):
        places = _probed(scene, middles)
        gap = surface.query(middles)[0]
        # If the probe misses all of the mesh, take the distance to a vertex.
        distance = np.maximum(np.where(places.share > 0, places.distance, gap), nearest)
        good = (places.share >= min_share) & (places.front >= min_front)
        in_reach = gap - size * np.sqrt(0.75) <= farthest
        coarse = ((size > spacing * distance) | (level < _FIRST_LEVELS)) & in_reach
        found = np.concatenate((found, middles[good & ~coarse]))
        if len(found) > limit:
            return None
        corners = np.stack(np.meshgrid(*[[-1, 1]] * 3, indexing='ij'), -1).reshape(-1, 3)
        middles = (middles[coarse, None] + corners * size / 4).reshape(-1, 3)
        size, level = size / 2, level + 1
    return found


def _area(scene: Scene) -> float:
    corners = scene.mesh.vertices[scene.mesh.faces].astype(np.float64)
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return float(np.linalg.norm(cross, axis=1).sum() / 2)


def _probed(scene: Scene, positions: Array) -> _Places:
    """Return the views from positions [N, 3]."""
    parts = [
        _probe(scene, positions[i : i + _PROBES_AT_ONCE])
        for i in range(0, len(positions), _PROBES_AT_ONCE)
    ]
    return _Places(*(np.concatenate(values) for values in zip(*parts, strict=True)))


def _probe(scene: Scene, positions: Array) -> tuple[Array, Array, Array]:
    poses = cube_poses(positions).to(scene.device)
    fragments = scene.rasterizer.rasterize(poses, cube_camera(_PROBE_SIDE))
    face = fragments.face.reshape(len(positions), -1).cpu().numpy()
    depth = fragments.depth.reshape(len(positions), -1).cpu().numpy()
    directions = cube_directions(_PROBE_SIDE)
    lengths = np.linalg.norm(directions, axis=1)
    # Solid angle of a pixel: smaller towards the edge of a side.
    weights = lengths**-3 / (lengths**-3).sum()
    seen = weights * (face >= 0)
    normals = scene.face_normals.cpu().numpy()[face]
    front = seen * ((normals * directions).sum(-1) < 0)
    share = seen.sum(1)
    nearness = (seen / np.maximum(depth * lengths, 1e-3)).sum(1)
    return share, front.sum(1) / np.maximum(share, 1e-9), share / np.maximum(nearness, 1e-9)


def mean_up(map_T_camera: Array) -> Array | None:
    """Return the mean up direction [3] of cameras [V, 4, 4]; None if they do not agree."""
    up = -map_T_camera[:, :3, 1].mean(0)
    length = float(np.linalg.norm(up))
    return up / length if length >= _MIN_AGREEMENT else None

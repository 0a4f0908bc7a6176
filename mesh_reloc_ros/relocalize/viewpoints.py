"""Places in the free space around and inside a mesh from which a camera may see it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.config.relocalization import RelocalizationSettings
from mesh_reloc_ros.progress import Progress, silent
from mesh_reloc_ros.relocalize.cube import cube_camera, cube_directions, cube_poses
from mesh_reloc_ros.render.scene import Scene

Array = NDArray[np.float64]

# Rays along a side of the cube by which a place is judged.
_PROBE_SIDE = 6
_PROBES_AT_ONCE = 256
# A place that sees so little of the mesh from its front is behind a surface.
_MIN_FRONT = 0.85
# Cells are divided at least so often, whatever they see: their middle may lie in a wall.
_FIRST_LEVELS = 3
# Cameras are rarely nearer to what they see than this share of the root of the mesh's area: from
# there on viewpoints are no closer together.
_NEAREST = 0.25
# By so much the spacing grows at a time.
_WIDER = 1.1
# Parts of the vertices left out at either end: what floats about must not stretch the mesh.
_STRAY = 0.5


@dataclass(frozen=True)
class _Places:
    """What is seen from N places."""

    share: Array
    """[N], of all directions that see the mesh."""
    front: Array
    """[N], of those that see it, how many see the front of a face."""
    distance: Array
    """[N], metres, harmonic mean: how far to move for what is seen to change by a part."""


def sample_viewpoints(
    scene: Scene, settings: RelocalizationSettings, progress: Progress = silent
) -> Array:
    """Return viewpoints [V, 3] in the map, metres: dense where the mesh is near, sparse elsewhere.

    Space is divided like an octree until cells are small against the distance of what is seen from
    their middle. That works in a room as around an object, from near by and from far off. Middles
    that see backs of faces lie behind walls or inside of things and do not count. Where that makes
    too many viewpoints, all of them are spaced more widely.
    """
    stage, spacing = 'looking for viewpoints', settings.viewpoint_spacing
    progress(stage, 0.0)
    while True:
        found = _divided(scene, spacing, settings.min_view_share, settings.max_viewpoints)
        if found is not None:
            progress(stage, 1.0)
            return found
        spacing *= _WIDER


def _divided(scene: Scene, spacing: float, min_share: float, limit: int) -> Array | None:
    """Return viewpoints [V, 3] spaced by a share of the distance; None where they are too many."""
    low, high = np.percentile(scene.mesh.vertices, (_STRAY, 100 - _STRAY), axis=0)
    area = _area(scene)
    farthest = np.sqrt(area / 2 / (4 * np.pi * min_share))
    # Faces may all be so thin that they have no area.
    nearest = max(_NEAREST * np.sqrt(area), 1e-3 * float((high - low).max()))
    # Cells of the smallest size come out just small enough.
    size = spacing * nearest
    while size < (high - low).max() + 2 * farthest:
        size *= 2
    middles, found = np.atleast_2d((low + high) / 2), np.zeros((0, 3))
    level = 0
    while len(middles):
        places = _probed(scene, middles)
        gap = np.linalg.norm(np.maximum(np.maximum(low - middles, middles - high), 0), axis=1)
        # Where nothing is seen, what is nearest is the box around the mesh.
        distance = np.maximum(np.where(places.share > 0, places.distance, gap), nearest)
        good = (places.share >= min_share) & (places.front >= _MIN_FRONT)
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
    """Return what is seen from positions [N, 3]."""
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
    # A pixel of a cube's side sees the less of the sphere the farther it is from the middle.
    weights = lengths**-3 / (lengths**-3).sum()
    seen = weights * (face >= 0)
    normals = scene.face_normals.cpu().numpy()[face]
    front = seen * ((normals * directions).sum(-1) < 0)
    share = seen.sum(1)
    nearness = (seen / np.maximum(depth * lengths, 1e-3)).sum(1)
    return share, front.sum(1) / np.maximum(share, 1e-9), share / np.maximum(nearness, 1e-9)

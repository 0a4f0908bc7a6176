"""Where to look at a mesh from, when nothing is known but the mesh. Poses are about its origin."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from mesh_reloc_ros.mesh_io.winding import fronts_are_known
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.camera import Camera
from mesh_reloc_ros.types.pose import looking_at

_CANDIDATES = 150
# A surface is looked at along its normal, from this share of the free way before it, and from no
# farther than this share of the mesh's size.
_OF_FREE_WAY, _OF_SIZE = 0.7, 0.5
# Surfaces whose normal is steeper than 45 degrees are floors and ceilings: cameras look level.
_STEEP, _ASLANT = 0.7, 0.7
# Width of the image that tells what a view shows, and cells along the mesh that count as one place.
_WIDTH, _CELLS = 32, 24


def up_vector(axis: str) -> Array:
    """Return the direction [3] of an axis such as `z` or `-y`."""
    return (-1.0 if axis.startswith('-') else 1.0) * np.eye(3)['xyz'.index(axis[-1])]


def upright(axis: str) -> str:
    """Return the axis that is up in pictures; z, if it is not known."""
    return 'z' if axis == 'any' else axis


def standing_views(scene: Scene, camera: Camera, up: Array, count: int) -> Array:
    """Return up to `count` poses [N, 4, 4] of a level camera that together show most of the mesh.

    The first shows most. Inside a room they stand in it, around an object beside it.
    """
    poses = _candidates(scene, up)
    small = camera.resized(_WIDTH, max(round(_WIDTH * camera.height / camera.width), 1))
    shown = [_places_shown(scene, pose, small) for pose in poses]
    chosen: list[int] = []
    seen: set[int] = set()
    while len(chosen) < min(count, len(poses)):
        gains = [len(places - seen) for places in shown]
        best = int(np.argmax(gains))
        if chosen and gains[best] == 0:
            break
        chosen.append(best)
        seen |= shown[best]
    return np.array([poses[number] for number in chosen]).reshape(-1, 4, 4)


def _candidates(scene: Scene, up: Array) -> list[Array]:
    """Return poses that look at points of the surface from its front; any side if not known."""
    mesh = scene.mesh
    corners = mesh.vertices[mesh.faces].astype(np.float64)
    area = np.linalg.norm(
        np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1
    )
    normals = scene.face_normals.cpu().numpy().astype(np.float64)
    is_upright = np.abs(normals @ up) < _STEEP
    area = area * (is_upright if (area * is_upright).any() else 1.0)
    rng = np.random.default_rng(0)
    faces = rng.choice(len(area), _CANDIDATES, p=area / area.sum())
    sides = np.ones(_CANDIDATES) if fronts_are_known(mesh) else rng.choice((-1.0, 1.0), _CANDIDATES)
    size = float(np.ptp(mesh.vertices, axis=0).max())
    found = []
    for face, side in zip(faces.tolist(), sides.tolist(), strict=True):
        away = side * (normals[face] - (normals[face] @ up) * up)
        if np.linalg.norm(away) < 0.1:
            # A floor or ceiling, if there is nothing else: from its front, aslant.
            away = side * normals[face] + _ASLANT * np.cross(up, np.roll(up, 1))
        away /= np.linalg.norm(away)
        point = corners[face].mean(0)
        way = min(_OF_FREE_WAY * _free_way(scene, point, away, up, size), _OF_SIZE * size)
        found.append(looking_at(point + way * away, point, up))
    return found


def _free_way(scene: Scene, point: Array, direction: Array, up: Array, size: float) -> float:
    """Return how far one gets from a point on the surface; infinite if there is nothing."""
    lift = 1e-3 * size
    start = point + lift * direction
    pose = torch.from_numpy(looking_at(start, start + direction, up))[None].to(scene.device)
    # A camera of a single pixel casts a single ray.
    depth = float(scene.rasterizer.rasterize(pose, Camera(1, 1, 1.0, 1.0, 0.0, 0.0)).depth)
    return depth if depth > 0 else np.inf


def _places_shown(scene: Scene, pose: Array, camera: Camera) -> set[int]:
    """Return the numbers of the places that a view shows from their front."""
    render = scene.render(torch.from_numpy(pose), camera)
    face, depth = render.face[0].cpu().numpy(), render.depth[0].cpu().numpy()
    rays = camera.rays().numpy() @ pose[:3, :3].T
    points = pose[:3, 3] + depth[..., None] * rays
    normals = scene.face_normals.cpu().numpy()[face]
    is_seen: NDArray[np.bool_] = (face >= 0) & ((normals * rays).sum(-1) < 0)
    low, size = scene.mesh.vertices.min(0), float(np.ptp(scene.mesh.vertices, axis=0).max())
    cells = np.floor((points[is_seen] - low) / size * _CELLS).astype(np.int64)
    return set((cells @ (1, 100, 10_000)).tolist())

"""Views of the surface: where a camera would stand to see each part of a mesh."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from mesh_reloc_ros.mesh_io.winding import fronts_are_known
from mesh_reloc_ros.progress import Progress, silent
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types import Array
from mesh_reloc_ros.types.camera import Camera

VIEW_CAMERA = Camera(480, 360, 415.7, 415.7, 239.5, 179.5)
"""Horizontal field of view of 60 degrees."""

# From the nearest distance a pixel shows two texels; each further distance is twice as far.
_NEAREST_TEXELS, _DISTANCES = 2.0, 5
# Side of a patch of the surface, as a share of the distance, and the least share of that square
# that is surface.
_PATCH, _MIN_FILLED = 0.7, 0.06
# Views of a patch are tilted by these angles from its normal, each to so many sides. Features are
# found again in a view that differs by up to some 30 degrees, and walls are seen from 70.
_TILTS_DEG = ((35.0, 3), (60.0, 6))
# A view keeps this share of the free way from the patch; it is dropped below the other share of
# its distance.
_FREE_SHARE, _MIN_DISTANCE_SHARE = 0.85, 0.5
# Rays along the sides of the image that tell what a view shows. It is left out if the mesh covers
# less than a share of them, or if less than another share shows something new.
_COARSE, _MIN_SEEN, _MIN_NEW = 8, 0.05, 0.08
# Directions are told apart by their rounded multiples: normal and tilts, but not equal tilts of
# neighbouring patches.
_DIRECTIONS = 1.8
# Beyond this many distances, a view shows the surface too small to count.
_FAR = 2.5
# Texels are not taken for larger than this share of the mesh's size.
_LARGEST_TEXEL = 1e-3
_AT_ONCE = 512


def surface_views(scene: Scene, limit: int, progress: Progress = silent) -> Array:
    """Return poses [V, 4, 4] of `VIEW_CAMERA` that together see the whole surface, map, metres.

    The distances follow from the size of the texels, face by face: so a room in a large site is
    seen as it would be by itself. At each distance the surface is divided into patches, seen from
    the front along the normal, tilted, and at a steep angle; from either side if the winding does
    not tell which side that is. A view that shows only patches that others show from about the
    same direction is left out.

    :param limit: largest number of views; the nearest are thinned out if there are more.
    """
    stage, left = 'choosing views', limit
    progress(stage, 0.0)
    patches, fronts_known = _all_patches(scene), fronts_are_known(scene.mesh)
    views: list[Array] = []
    for number, patch in enumerate(reversed(patches)):
        # Each view shows at least one patch that no other shows.
        step = -(-len(patch.centre) // max(left, 1))
        centre, normal = patch.centre[::step], patch.normal[::step]
        if not fronts_known:
            centre, normal = np.concatenate((centre, centre)), np.concatenate((normal, -normal))
        some = dataclasses.replace(patch, centre=centre, normal=normal)
        found = _views_of(scene, some)
        views.append(found[:: -(-len(found) // max(left, 1)) or 1])
        left -= len(views[-1])
        progress(stage, (number + 1) / len(patches))
        if left <= 0:
            break
    progress(stage, 1.0)
    return np.concatenate(views) if views else np.zeros((0, 4, 4))


@dataclass(frozen=True)
class _Patches:
    """P patches of the surface that are seen from one distance."""

    distance: float
    centre: Array
    """[P, 3], on the surface."""
    normal: Array
    """[P, 3], unit length, to the front."""


def _all_patches(scene: Scene) -> list[_Patches]:
    """Return the patches of each distance, the nearest first."""
    mesh = scene.mesh
    corners = mesh.vertices[mesh.faces].astype(np.float64)
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = np.linalg.norm(cross, axis=1) / 2
    size = float(np.ptp(mesh.vertices, axis=0).max())
    texel = np.clip(scene.texel_sizes.cpu().numpy(), 1e-5 * size, _LARGEST_TEXEL * size)
    usable = scene.is_textured & (area > 1e-12 * size**2)
    centre, normal = corners.mean(1), cross / np.maximum(2 * area, 1e-300)[:, None]
    # Of metres, not of the mesh's size: what else the mesh contains does not change the views.
    area = area * scene.is_textured
    octave = np.round(np.log2(_smooth_texels(texel, area, centre, usable, size)))
    found = []
    for step in range(_DISTANCES):
        for level in np.unique(octave[usable]):
            faces = np.flatnonzero(usable & (octave == level))
            distance = float(2.0 ** (level + step) * _NEAREST_TEXELS * VIEW_CAMERA.fx)
            patches = _patches_of(distance, centre[faces], normal[faces], area[faces])
            if len(patches.centre):
                found.append(patches)
    return sorted(found, key=lambda patches: patches.distance)


def _smooth_texels(
    texel: Array, area: Array, centre: Array, usable: NDArray[np.bool_], size: float
) -> Array:
    """Return the size of the texels [F] in the surroundings of each face."""
    cell = np.floor(centre / (64 * np.median(texel[usable]) + 1e-6 * size)).astype(np.int64)
    _, number = np.unique(cell, axis=0, return_inverse=True)
    number = number.reshape(-1)
    weight = np.bincount(number, area)
    mean = np.bincount(number, area * np.log(texel)) / np.maximum(weight, 1e-300)
    return np.exp(mean)[number]


def _patches_of(distance: float, centre: Array, normal: Array, area: Array) -> _Patches:
    """Group faces [F] into patches by place and by the axis that they face."""
    side = _PATCH * distance
    axis = np.abs(normal).argmax(1)
    axis = axis + 3 * (normal[np.arange(len(normal)), axis] < 0)
    key = np.column_stack((np.floor(centre / side), axis)).astype(np.int64)
    _, number = np.unique(key, axis=0, return_inverse=True)
    number = number.reshape(-1)
    count = number.max() + 1
    total = np.bincount(number, area, count)

    def mean(values: Array) -> Array:
        sums = [np.bincount(number, area * column, count) for column in values.T]
        return np.stack(sums, axis=1) / total[:, None]

    middle, facing = mean(centre), mean(normal)
    # The mean may lie beside the surface: take the face that is nearest to it.
    gap = np.linalg.norm(centre - middle[number], axis=1)
    order = np.lexsort((gap, number))
    nearest = order[np.unique(number[order], return_index=True)[1]]
    facing /= np.maximum(np.linalg.norm(facing, axis=1, keepdims=True), 1e-9)
    kept = total > _MIN_FILLED * side**2
    return _Patches(distance, centre[nearest][kept], facing[kept])


def _views_of(scene: Scene, patches: _Patches) -> Array:
    """Return the views [V, 4, 4] of patches, without those that show nothing new."""
    centre, directions = patches.centre, _tilted(patches.normal)
    count = directions.shape[1]
    target = np.repeat(centre, count, axis=0)
    away = directions.reshape(-1, 3)
    free = np.minimum(_FREE_SHARE * _free_way(scene, target, away), patches.distance)
    kept = free >= _MIN_DISTANCE_SHARE * patches.distance
    target, away, free = target[kept], away[kept], free[kept]
    poses = _looking_at(target + away * free[:, None], target)
    return poses[_cover(scene, poses, patches.distance)]


def _tilted(normal: Array) -> Array:
    """Return the directions [N, D, 3] from which patches with normals [N, 3] are seen."""
    helper = np.where(np.abs(normal[:, 2:]) < 0.9, (0.0, 0.0, 1.0), (1.0, 0.0, 0.0))
    across = np.cross(normal, helper)
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    other = np.cross(normal, across)
    tilted = [
        np.cos(tilt) * normal + np.sin(tilt) * (np.cos(a) * across + np.sin(a) * other)
        for tilt, sides in ((np.radians(degrees), sides) for degrees, sides in _TILTS_DEG)
        for a in np.pi / 2 + 2 * np.pi / sides * np.arange(sides)
    ]
    return np.stack((normal, *tilted), axis=1)


def _free_way(scene: Scene, origin: Array, direction: Array) -> Array:
    """Return how far [N] one gets from points on the surface before hitting it again."""
    # A camera of a single pixel casts a single ray.
    camera = Camera(1, 1, 1.0, 1.0, 0.0, 0.0)
    size = float(np.ptp(scene.mesh.vertices, axis=0).max())
    lift = 1e-4 * size
    poses = _looking_at(origin + lift * direction, origin + 2 * lift * direction)
    depth = np.concatenate(
        [
            scene.rasterizer.rasterize(
                torch.from_numpy(poses[i : i + _AT_ONCE]).to(scene.device), camera
            )
            .depth.reshape(-1)
            .cpu()
            .numpy()
            for i in range(0, len(poses), _AT_ONCE)
        ]
        or [np.zeros(0)]
    )
    return np.where(depth > 0, depth + lift, np.inf)


def _looking_at(position: Array, target: Array) -> Array:
    """Return poses [N, 4, 4] at positions [N, 3] that look at targets [N, 3]."""
    forward = target - position
    forward = forward / np.maximum(np.linalg.norm(forward, axis=1, keepdims=True), 1e-300)
    helper = np.where(np.abs(forward[:, 2:]) < 0.95, (0.0, 0.0, 1.0), (1.0, 0.0, 0.0))
    right = np.cross(forward, helper)
    right /= np.linalg.norm(right, axis=1, keepdims=True)
    poses = np.tile(np.eye(4), (len(position), 1, 1))
    poses[:, :3, :3] = np.stack((right, np.cross(forward, right), forward), axis=-1)
    poses[:, :3, 3] = position
    return poses


def _cover(scene: Scene, poses: Array, distance: float) -> NDArray[np.int64]:
    """Return the indices of views that together show what all show, chosen one after the other.

    What counts is a cell of the surface, seen from one of 74 directions.
    """
    shown = _shown(scene, poses, distance)
    size = max((int(s.max()) for s in shown if len(s)), default=0) + 1
    seen = np.zeros(size, dtype=bool)
    gain = np.array([len(s) for s in shown])
    chosen: list[int] = []
    # Lazy greedy: gains only fall.
    while gain.max(initial=0) > 0:
        best = int(gain.argmax())
        fresh = int((~seen[shown[best]]).sum())
        if fresh < gain[best]:
            gain[best] = fresh
            continue
        if fresh < _MIN_NEW * _COARSE**2:
            break
        chosen.append(best)
        seen[shown[best]] = True
        gain[best] = 0
    return np.sort(np.array(chosen, dtype=np.int64))


def _shown(scene: Scene, poses: Array, distance: float) -> list[NDArray[np.int64]]:
    """Return for each view the numbers of the cells and directions that it shows."""
    camera = VIEW_CAMERA.resized(_COARSE, _COARSE)
    rays = camera.rays().reshape(-1, 3).double().numpy()
    keys, owners = [], []
    for first in range(0, len(poses), _AT_ONCE):
        part = poses[first : first + _AT_ONCE]
        fragments = scene.rasterizer.rasterize(torch.from_numpy(part).to(scene.device), camera)
        depth = fragments.depth.reshape(len(part), -1).cpu().numpy().astype(np.float64)
        enough = (depth > 0).mean(1) >= _MIN_SEEN
        hit = (depth > 0) & (depth < _FAR * distance) & enough[:, None]
        directions = np.einsum('vij,nj->vni', part[:, :3, :3], rays)
        points = part[:, None, :3, 3] + directions * depth[..., None]
        toward = directions / np.linalg.norm(directions, axis=-1, keepdims=True)
        cell = np.floor(points / (_PATCH * distance / 2))
        side = np.round(toward * _DIRECTIONS)
        keys.append(np.concatenate((cell, side), axis=-1)[hit].astype(np.int64))
        owners.append(first + np.nonzero(hit)[0])
    if not keys:
        return []
    _, number = np.unique(np.concatenate(keys), axis=0, return_inverse=True)
    number, owner = number.reshape(-1), np.concatenate(owners)
    return [np.unique(number[owner == view]) for view in range(len(poses))]

"""Light in the room by ray casting: window, sun, lamp, and light reflected by surfaces.

Rays are cast from a coarse grid of points on every patch (a light map). The painted charts are
multiplied by the result, as the textures of a reconstruction contain the light of its photographs.
"""

from __future__ import annotations

import sys

import cv2
import numpy as np
from embreex import rtcore_scene
from embreex.mesh_construction import TriangleMesh
from numpy.typing import NDArray

from mesh_reloc_evaluation.painted_room.geometry import Grid, normals
from mesh_reloc_evaluation.painted_room.paint.canvas import Array, rgb
from mesh_reloc_evaluation.painted_room.patches import Patch
from mesh_reloc_evaluation.painted_room.room.dimensions import LAMP, WINDOW_CORNER, WINDOW_SIZE
from mesh_reloc_ros.progress import progress_bar

SPACING = 0.06
"""Between the points of the light map, metres."""
BOUNCE_RAYS = 48
BOUNCES = 4
DAYLIGHT = rgb((1.00, 1.03, 1.10)) * 4.2
SUNLIGHT = rgb((1.00, 0.86, 0.64)) * 3.0
LAMPLIGHT = rgb((1.00, 0.76, 0.48)) * 0.55
TO_SUN = np.array([0.80, -0.28, 0.46]) / np.linalg.norm([0.80, -0.28, 0.46])
LIFT = 2e-3
"""Distance of the rays' origins from their surface, metres."""


class LightMaps:
    """Points on all patches, one patch after the other, at which the light is computed."""

    def __init__(self, patches: list[Patch]) -> None:
        self._sizes = [
            tuple(max(1, round(length / SPACING)) for length in (patch.width, patch.height))
            for patch in patches
        ]
        points, facing = [], []
        for patch, (columns, rows) in zip(patches, self._sizes, strict=True):
            u, v = np.meshgrid((np.arange(columns) + 0.5) / columns, (np.arange(rows) + 0.5) / rows)
            normal = normals(patch, u, v)
            points.append((patch.surface(u, v) + LIFT * normal).reshape(-1, 3))
            facing.append(normal.reshape(-1, 3))
        self.points = np.concatenate(points)
        """[N, 3], metres."""
        self.facing = np.concatenate(facing)
        """[N, 3], unit normals."""

    def images(self, values: Array) -> list[Array]:
        """Return values [N, 3] as one image per patch; the first row is at the top."""
        ends = np.cumsum([columns * rows for columns, rows in self._sizes])[:-1]
        parts = np.split(values.astype(np.float32), ends)
        return [
            np.ascontiguousarray(part.reshape(rows, columns, 3)[::-1])
            for part, (columns, rows) in zip(parts, self._sizes, strict=True)
        ]


class Room:
    """All triangles of the room, as a target of rays."""

    def __init__(self, grids: list[Grid]) -> None:
        offsets = np.cumsum([0] + [len(grid.points) for grid in grids])
        cells = np.cumsum([0] + [grid.cells[0] * grid.cells[1] for grid in grids])
        vertices = np.concatenate([grid.points for grid in grids]).astype(np.float32)
        faces = np.concatenate([g.faces + o for g, o in zip(grids, offsets[:-1], strict=True)])
        self.face_cells = np.concatenate(
            [grid.face_cells + first for grid, first in zip(grids, cells[:-1], strict=True)]
        )
        self._scene = rtcore_scene.EmbreeScene()
        self._mesh = TriangleMesh(self._scene, vertices, faces.astype(np.int32))

    def first_hit(
        self, origins: NDArray[np.float64], directions: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the face [N] (-1: none) and the distance [N], in lengths of the direction."""
        hit = self._scene.run(
            np.ascontiguousarray(origins, dtype=np.float32),
            np.ascontiguousarray(directions, dtype=np.float32),
            output=True,
        )
        return hit['primID'].astype(np.int64), hit['tfar']


def light_up(patches: list[Patch], grids: list[Grid], pictures: list[Array]) -> list[Array]:
    """Return the pictures [H, W, 3] of the patches in the light of the room, 0 to 1."""
    rng = np.random.default_rng(5)
    room, maps = Room(grids), LightMaps(patches)
    albedos = [np.clip(picture, 0, 1) ** 2.2 for picture in pictures]
    direct = _from_window(room, maps, rng) + _from_sun(room, maps) + _from_lamp(room, maps, rng)
    reflectance = _by_cells(albedos, grids)
    seen = _seen_cells(room, maps, rng)
    indirect = np.zeros_like(direct)
    for _ in range(BOUNCES):
        sent = reflectance * _by_cells(maps.images(direct + indirect), grids)
        indirect = np.concatenate((sent, np.zeros((1, 3))))[seen].mean(axis=1)
    lit = []
    for patch, first, second, albedo in zip(
        patches, maps.images(direct), maps.images(indirect), albedos, strict=True
    ):
        light = _smoothed(first, 0.6) + _smoothed(second, 1.3)
        light = cv2.resize(light, (albedo.shape[1], albedo.shape[0]))
        lit.append(_exposed(albedo * (light + patch.material.glow)))
    return lit


def _by_cells(images: list[Array], grids: list[Grid]) -> NDArray[np.float64]:
    """Return the mean colour [cells, 3] of all cells of all grids."""
    parts = []
    for image, grid in zip(images, grids, strict=True):
        columns, rows = grid.cells
        small = cv2.resize(image, grid.cells, interpolation=cv2.INTER_AREA)
        parts.append(small.reshape(rows, columns, 3)[::-1].reshape(-1, 3))
    return np.concatenate(parts)


def _smoothed(image: Array, sigma: float) -> Array:
    if min(image.shape[:2]) < 3:
        return image
    return cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)


def _from_window(room: Room, maps: LightMaps, rng: np.random.Generator) -> Array:
    """Return daylight [N, 3], from random points on the panes."""
    (x, y, z), (wide, high) = WINDOW_CORNER, WINDOW_SIZE
    across, upward = 6, 4
    light = np.zeros(len(maps.points), dtype=np.float32)
    for number in range(across * upward):
        cell = np.stack(np.divmod(np.full(len(maps.points), number), upward), axis=-1)
        spot = (cell + rng.random((len(maps.points), 2))) / (across, upward)
        target = np.stack(
            (np.full(len(maps.points), x - 0.02), y - wide * spot[:, 0], z + high * spot[:, 1]),
            axis=-1,
        )
        light += _arriving(room, maps, target, np.array([-1.0, 0, 0]))
    return light[:, None] * (DAYLIGHT * wide * high / (across * upward))


def _from_lamp(room: Room, maps: LightMaps, rng: np.random.Generator) -> Array:
    """Return lamplight [N, 3]."""
    light = np.zeros(len(maps.points), dtype=np.float32)
    for _ in range(6):
        target = rng.normal(LAMP, 0.03, (len(maps.points), 3)) + np.array([0, 0, 0.04])
        light += _arriving(room, maps, target, None)
    return light[:, None] * (LAMPLIGHT / 6)


def _from_sun(room: Room, maps: LightMaps) -> Array:
    """Return sunlight [N, 3], at the points that see the sun through the panes."""
    (x, y, z), (wide, high) = WINDOW_CORNER, WINDOW_SIZE
    way = (x - 0.02 - maps.points[:, 0]) / TO_SUN[0]
    at = maps.points + way[:, None] * TO_SUN
    through = (np.abs(at[:, 1] - (y - wide / 2)) < wide / 2) & (
        np.abs(at[:, 2] - (z + high / 2)) < high / 2
    )
    cosine = maps.facing @ TO_SUN
    candidates = np.flatnonzero(through & (cosine > 0) & (way > 0))
    light = np.zeros((len(maps.points), 3), dtype=np.float32)
    if len(candidates):
        directions = np.broadcast_to(TO_SUN, (len(candidates), 3))
        _, distance = room.first_hit(maps.points[candidates], directions)
        free = candidates[distance >= way[candidates] - 0.03]
        light[free] = cosine[free, None] * SUNLIGHT
    return light


def _arriving(
    room: Room,
    maps: LightMaps,
    target: NDArray[np.float64],
    target_normal: NDArray[np.float64] | None,
) -> Array:
    """Return the share of a lamp's light that arrives [N].

    :param target_normal: of the lamp; None: it shines in all directions.
    """
    way = target - maps.points
    distance = np.linalg.norm(way, axis=1)
    direction = way / distance[:, None]
    strength = np.clip((direction * maps.facing).sum(1), 0, None)
    if target_normal is not None:
        strength *= np.clip(-direction @ target_normal, 0, None)
    strength /= np.maximum(distance, 0.3) ** 2
    lit = np.flatnonzero(strength > 0)
    light = np.zeros(len(maps.points), dtype=np.float32)
    _, reached = room.first_hit(maps.points[lit], direction[lit])
    free = lit[reached >= distance[lit] - 0.03]
    light[free] = strength[free]
    return light


def _seen_cells(room: Room, maps: LightMaps, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the cells [N, BOUNCE_RAYS] that each point sees; the last cell number means none."""
    none = int(room.face_cells.max()) + 1
    seen = np.full((len(maps.points), BOUNCE_RAYS), none, dtype=np.int64)
    helper = np.where(np.abs(maps.facing[:, :1]) < 0.9, [[1.0, 0, 0]], [[0, 1.0, 0]])
    tangent = np.cross(helper, maps.facing)
    tangent /= np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-12)
    other = np.cross(maps.facing, tangent)
    for number in progress_bar(range(BOUNCE_RAYS), 'lighting', sys.stdout, unit='ray'):
        # Cosine-distributed rays: their mean is the light that arrives.
        radius = np.sqrt((number + rng.random(len(maps.points))) / BOUNCE_RAYS)
        angle = 2 * np.pi * (0.618034 * number + rng.random(len(maps.points)) / 3)
        a, b = radius * np.cos(angle), radius * np.sin(angle)
        up = np.sqrt(np.maximum(1 - radius**2, 0))
        direction = a[:, None] * tangent + b[:, None] * other + up[:, None] * maps.facing
        face, _ = room.first_hit(maps.points, direction)
        seen[:, number] = np.where(face >= 0, room.face_cells[face], none)
    return seen


def _exposed(radiance: Array) -> Array:
    """Return radiance as a camera encodes it: highlights compressed, then gamma 2.2."""
    exposed = 1.6 * radiance
    return np.clip(1.05 * exposed / (1 + 0.42 * exposed), 0, 1) ** np.float32(1 / 2.2)

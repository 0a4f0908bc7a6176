"""Rectangular patches of surface, and boxes, cylinders, curtains and leaves made of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mesh_reloc_evaluation.painted_room.paint.canvas import Painter

Points = NDArray[np.float64]
Surface = Callable[[Points, Points], Points]
"""Maps u (right) and v (up), 0 to 1 as seen from the front, [...], to points [..., 3]."""

SIDES: Mapping[str, tuple[Sequence[float], Sequence[float], Sequence[float]]] = {
    # Of a unit box on the origin: bottom-left corner, right, up, as seen from outside.
    'front': ((-0.5, -0.5, 0), (1, 0, 0), (0, 0, 1)),
    'back': ((0.5, 0.5, 0), (-1, 0, 0), (0, 0, 1)),
    'right': ((0.5, -0.5, 0), (0, 1, 0), (0, 0, 1)),
    'left': ((-0.5, 0.5, 0), (0, -1, 0), (0, 0, 1)),
    'top': ((-0.5, -0.5, 1), (1, 0, 0), (0, 1, 0)),
    'bottom': ((-0.5, 0.5, 0), (1, 0, 0), (0, -1, 0)),
}
STANDING = ('front', 'back', 'right', 'left', 'top')


@dataclass(frozen=True)
class Material:
    """The appearance of a surface."""

    atlas_name: str
    """The texture that contains it."""
    paint: Painter
    texels_per_metre: float = 300.0
    cell: float = 0.17
    """Size of the triangles, metres."""
    glow: float = 0.0
    """Light that it emits, relative to white paper in the light of the room."""


@dataclass(frozen=True)
class Patch:
    """A piece of surface, one rectangle of its texture; sizes in metres."""

    material: Material
    surface: Surface
    width: float
    height: float

    def with_texels(self, factor: float) -> Patch:
        """Return the patch with another resolution of its texture."""
        texels = factor * self.material.texels_per_metre
        return replace(self, material=replace(self.material, texels_per_metre=texels))


def plane(material: Material, corner: ArrayLike, right: ArrayLike, up: ArrayLike) -> Patch:
    """Return a flat rectangle, from its bottom-left corner as seen from the front (metres)."""
    origin, along, upward = (np.asarray(v, dtype=float) for v in (corner, right, up))

    def surface(u: Points, v: Points) -> Points:
        return origin + u[..., None] * along + v[..., None] * upward

    return Patch(material, surface, float(np.linalg.norm(along)), float(np.linalg.norm(upward)))


def box(
    material: Material | Mapping[str, Material],
    foot: ArrayLike,
    size: tuple[float, float, float],
    yaw: float = 0.0,
    sides: Sequence[str] = STANDING,
) -> list[Patch]:
    """Return the sides of a box that stands on the point `foot`, turned by `yaw` about z (rad).

    Its front faces -y before the turn. A mapping gives each side its own material.
    """
    chosen = dict(material) if isinstance(material, Mapping) else dict.fromkeys(sides, material)
    cosine, sine = np.cos(yaw), np.sin(yaw)
    turn = np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])
    patches = []
    for side, material in chosen.items():
        corner, right, up = (turn @ (np.asarray(v, dtype=float) * size) for v in SIDES[side])
        patches.append(plane(material, np.asarray(foot) + corner, right, up))
    return patches


def lathe(material: Material, foot: ArrayLike, profile: Sequence[tuple[float, float]]) -> Patch:
    """Return a surface of revolution about z, from a profile of (radius, height) in metres."""
    radii, heights = np.array(profile, dtype=float).T
    lengths = np.concatenate(([0], np.cumsum(np.hypot(np.diff(radii), np.diff(heights)))))
    base = np.asarray(foot, dtype=float)

    def surface(u: Points, v: Points) -> Points:
        radius = np.interp(v * lengths[-1], lengths, radii)
        height = np.interp(v * lengths[-1], lengths, heights)
        angle = 2 * np.pi * u
        return base + np.stack((radius * np.cos(angle), radius * np.sin(angle), height), axis=-1)

    return Patch(material, surface, 2 * np.pi * float(radii.max()), float(lengths[-1]))


def drape(
    material: Material, corner: ArrayLike, right: ArrayLike, up: ArrayLike, folds: int, depth: float
) -> Patch:
    """Return a curtain: a rectangle in `folds` waves of a `depth` in metres."""
    flat = plane(material, corner, right, up)
    normal = np.cross(np.asarray(right, dtype=float), np.asarray(up, dtype=float))
    normal = normal / np.linalg.norm(normal)

    def surface(u: Points, v: Points) -> Points:
        wave = np.sin(2 * np.pi * folds * (u + 0.02 * np.sin(5 * v))) * (1.15 - 0.35 * v)
        return flat.surface(u, v) + (depth * wave)[..., None] * normal

    return Patch(material, surface, 1.5 * flat.width, flat.height)


def leaf(material: Material, root: ArrayLike, azimuth: float, length: float, droop: float) -> Patch:
    """Return a leaf that grows from `root` towards `azimuth` (rad) and bends down by `droop`."""
    base, up = np.asarray(root, dtype=float), np.array([0, 0, 1.0])
    outward = np.array([np.cos(azimuth), np.sin(azimuth), 0.0])
    sideways = np.array([-np.sin(azimuth), np.cos(azimuth), 0.0])

    def surface(u: Points, v: Points) -> Points:
        half_width = 0.16 * length * np.sin(np.pi * np.clip(v, 0.02, 0.98)) ** 0.8
        across = (1 - 2 * u) * half_width
        rise = length * (0.9 * v - droop * v * v) + 0.25 * np.abs(across)
        along = 0.6 * length * v
        return (
            base + along[..., None] * outward + rise[..., None] * up + across[..., None] * sideways
        )

    return Patch(material, surface, 0.32 * length, length)

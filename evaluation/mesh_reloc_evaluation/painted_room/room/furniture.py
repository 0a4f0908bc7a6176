"""The furniture, and the objects on it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mesh_reloc_evaluation.painted_room.paint import pictures
from mesh_reloc_evaluation.painted_room.patches import (
    SIDES,
    Material,
    Patch,
    box,
    lathe,
    leaf,
    plane,
)
from mesh_reloc_evaluation.painted_room.room import materials
from mesh_reloc_evaluation.painted_room.room.dimensions import HEIGHT, LAMP, WIDTH
from mesh_reloc_evaluation.painted_room.room.library import stack

ALL = tuple(SIDES)
Size = tuple[float, float, float]
VASE = ((0.05, 0.0), (0.09, 0.08), (0.105, 0.16), (0.07, 0.25), (0.04, 0.29), (0.055, 0.33))
MUG = ((0.0, 0.0), (0.04, 0.0), (0.042, 0.10), (0.036, 0.10), (0.036, 0.02), (0.0, 0.02))
POT = ((0.0, 0.0), (0.14, 0.0), (0.19, 0.33), (0.165, 0.33), (0.15, 0.27), (0.0, 0.27))
SHADE = ((0.05, 0.24), (0.12, 0.20), (0.26, 0.0))


def sideboard() -> list[Patch]:
    """Return the sideboard at the brick wall, with boxes, books and a vase."""
    x, y, high = 2.95, WIDTH - 0.27, 0.78
    side = materials.paint(materials.TEAL)
    front = {'front': materials.panels(materials.TEAL, 3, 2), 'left': side, 'right': side}
    parts = box(front, (x, y, 0), (1.75, 0.48, high))
    parts += box(materials.wood(materials.WALNUT), (x, y, high), (1.81, 0.52, 0.03))
    level = high + 0.03
    lenses, cables = materials.cardboard('LENSES'), materials.cardboard('CABLES')
    parts += box(lenses, (x + 0.55, y + 0.02, level), (0.42, 0.32, 0.30), yaw=0.15)
    parts += box(cables, (x + 0.53, y + 0.02, level + 0.30), (0.30, 0.25, 0.17), yaw=-0.2)
    glaze = materials.pottery((0.24, 0.45, 0.47), (0.85, 0.78, 0.60))
    parts.append(lathe(glaze, (x - 0.62, y, level), VASE))
    parts += stack((x - 0.1, y - 0.03, level), (0.21, 0.29), {3: 0.1, 14: -0.15, 8: 0.3})
    return parts


def table() -> list[Patch]:
    """Return the table with the objects on it, two chairs, and the lamp above it."""
    x, y, high = 2.6, 2.05, 0.75
    top = replace(materials.wood(materials.OAK, plank=0.17), texels_per_metre=360)
    leg = materials.wood(materials.OAK, upright=True)
    parts = box(top, (x, y, high - 0.04), (1.5, 0.85, 0.04), sides=ALL)
    for side_y in (-0.34, 0.34):
        for side_x in (-0.66, 0.66):
            parts += box(leg, (x + side_x, y + side_y, 0), (0.07, 0.07, high - 0.04))
        parts += box(top, (x, y + side_y, high - 0.13), (1.3, 0.03, 0.09), sides=ALL)
    parts += stack((x - 0.5, y + 0.16, high), (0.2, 0.28), {1: 0.3, 5: 0.1, 12: -0.2, 17: 0.5})
    parts += stack((x + 0.1, y - 0.2, high), (0.22, 0.3), {6: -0.35})
    print_ = Material('posters', pictures.newspaper, texels_per_metre=600)
    parts.append(
        plane(print_, (x + 0.22, y - 0.25, high + 0.004), (0.39, 0.10, 0), (-0.13, 0.50, 0))
    )
    white, blue = ((0.87, 0.85, 0.80), (0.7, 0.25, 0.2)), ((0.30, 0.42, 0.55), (0.9, 0.85, 0.7))
    parts.append(
        lathe(replace(materials.pottery(*white), cell=0.03), (x - 0.22, y - 0.12, high), MUG)
    )
    parts.append(
        lathe(replace(materials.pottery(*blue), cell=0.03), (x + 0.02, y + 0.25, high), MUG)
    )
    parts += box(
        materials.cardboard('FRAGILE'), (x + 0.5, y + 0.26, high), (0.26, 0.2, 0.16), yaw=0.4
    )
    shade = materials.pottery((0.78, 0.36, 0.20), (0.93, 0.85, 0.66))
    parts.append(lathe(replace(shade, cell=0.08), LAMP, SHADE))
    cord = (LAMP[0], LAMP[1], LAMP[2] + 0.23)
    parts += box(materials.paint(materials.BLACK), cord, (0.012, 0.012, HEIGHT - cord[2]))
    return [*parts, *_chair((1.62, 2.1), 1.75), *_chair((3.45, 2.65), -0.7)]


def _chair(place: tuple[float, float], yaw: float) -> list[Patch]:
    turn = np.array([[np.cos(yaw), -np.sin(yaw)], [np.sin(yaw), np.cos(yaw)]])
    wood = materials.wood(materials.WALNUT, upright=True)
    seat = materials.cloth((0.45, 0.20, 0.18), (0.80, 0.68, 0.48))
    pieces: list[tuple[Material, Size, Size]] = [(seat, (0, 0, 0.43), (0.43, 0.43, 0.045))]
    for x in (-0.19, 0.19):
        pieces.append((wood, (x, -0.19, 0), (0.035, 0.035, 0.43)))
        pieces.append((wood, (x, 0.19, 0), (0.035, 0.035, 0.92)))
    for z in (0.60, 0.74, 0.86):
        pieces.append((wood, (0, 0.19, z), (0.36, 0.02, 0.06)))
    parts: list[Patch] = []
    for made_of, at, size in pieces:
        foot = (*(np.array(place) + turn @ at[:2]), at[2])
        parts += box(made_of, foot, size, yaw, sides=ALL)
    return parts


def plant() -> list[Patch]:
    """Return the potted plant in the north-east corner."""
    rng = np.random.default_rng(4)
    x, y = 4.45, 3.55
    parts = [lathe(materials.pottery((0.66, 0.36, 0.24), (0.82, 0.62, 0.45)), (x, y, 0), POT)]
    for number in range(26):
        azimuth = 2.4 * number
        height = 0.27 + 0.012 * number
        root = (x + 0.05 * np.cos(azimuth), y + 0.05 * np.sin(azimuth), height)
        length, droop = rng.uniform(0.4, 0.8), rng.uniform(0.25, 0.8)
        parts.append(leaf(materials.LEAF, root, azimuth, length, droop))
    return parts


def west_side() -> list[Patch]:
    """Return the wardrobe, the sofa, and the shelf board on the south wall."""
    side = materials.paint(materials.CREAM)
    wardrobe = dict.fromkeys(('front', 'back', 'top'), side)
    wardrobe['right'] = materials.panels(materials.CREAM, 2, 2)
    parts = box(wardrobe, (0.32, 3.0, 0.0), (0.6, 0.95, 1.95))
    parts += box(materials.cardboard('WINTER'), (0.34, 2.85, 1.95), (0.4, 0.5, 0.3), yaw=0.1)
    cloth = materials.cloth((0.23, 0.31, 0.42), (0.75, 0.68, 0.55))
    parts += box(cloth, (0.50, 1.45, 0.10), (0.8, 1.7, 0.32))
    parts += box(cloth, (0.17, 1.45, 0.42), (0.2, 1.7, 0.40))
    for y in (0.56, 2.34):
        parts += box(cloth, (0.50, y, 0.10), (0.8, 0.16, 0.52))
    ochre = materials.cloth((0.74, 0.46, 0.18), (0.93, 0.88, 0.74))
    parts += box(ochre, (0.40, 0.95, 0.42), (0.16, 0.42, 0.36), yaw=-0.25)
    parts += box(materials.CURTAIN, (0.42, 1.95, 0.42), (0.16, 0.40, 0.34), yaw=0.3)
    parts += box(materials.wood(materials.OAK), (2.75, 0.11, 1.02), (1.2, 0.22, 0.03), sides=ALL)
    parts += box(materials.TILES, (2.35, 0.11, 1.05), (0.3, 0.14, 0.1))
    yellow = materials.pottery((0.9, 0.7, 0.3), (0.3, 0.3, 0.3))
    parts.append(lathe(replace(yellow, cell=0.03), (2.8, 0.11, 1.05), MUG))
    parts += box(materials.cardboard('TAPES'), (3.1, 0.11, 1.05), (0.3, 0.18, 0.2))
    return parts

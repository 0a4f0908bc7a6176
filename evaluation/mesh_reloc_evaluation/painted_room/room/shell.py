"""Floor, ceiling, walls, window, door, and pictures on the walls."""

from __future__ import annotations

from mesh_reloc_evaluation.painted_room.paint import pictures
from mesh_reloc_evaluation.painted_room.patches import SIDES, Material, Patch, box, drape, plane
from mesh_reloc_evaluation.painted_room.room import materials
from mesh_reloc_evaluation.painted_room.room.dimensions import (
    HEIGHT,
    LENGTH,
    WIDTH,
    WINDOW_CORNER,
    WINDOW_SIZE,
)

OVERLAP = 0.02
"""Metres by which walls overlap, so that no light leaks through the corners."""


def shell() -> list[Patch]:
    """Return floor, ceiling with beams, walls, and skirting boards."""
    long, wide, high = LENGTH + 2 * OVERLAP, WIDTH + 2 * OVERLAP, HEIGHT + 2 * OVERLAP
    low, east, north = -OVERLAP, LENGTH + OVERLAP, WIDTH + OVERLAP
    sand, white = materials.plaster(materials.SAND), materials.paint(materials.WHITE)
    parts = [
        plane(materials.FLOOR, (low, low, 0), (long, 0, 0), (0, wide, 0)),
        plane(materials.CEILING, (low, north, HEIGHT), (long, 0, 0), (0, -wide, 0)),
        plane(materials.BRICKS, (low, WIDTH, low), (long, 0, 0), (0, 0, high)),
        plane(sand, (LENGTH, north, low), (0, -wide, 0), (0, 0, high)),
        plane(materials.plaster(materials.SAGE), (east, 0, low), (-long, 0, 0), (0, 0, high)),
        plane(sand, (0, low, low), (0, wide, 0), (0, 0, high)),
        plane(materials.RUG, (1.45, 1.25, 0.008), (2.3, 0, 0), (0, 1.6, 0)),
    ]
    for x in (0.75, 2.0, 3.25, 4.5):
        foot, size = (x, WIDTH / 2, HEIGHT - 0.16), (0.14, WIDTH, 0.16)
        parts += box(materials.BEAM, foot, size, sides=('right', 'left', 'bottom'))
    along_y = (0.016, WIDTH, 0.1)
    parts += box(
        white, (LENGTH / 2, WIDTH - 0.008, 0), (LENGTH, 0.016, 0.1), sides=('front', 'top')
    )
    parts += box(white, (0.008, WIDTH / 2, 0), along_y, sides=('right', 'top'))
    parts += box(white, (LENGTH - 0.008, WIDTH / 2, 0), along_y, sides=('left', 'top'))
    return parts


def window() -> list[Patch]:
    """Return the window in the east wall, with bars, sill, curtains and a radiator."""
    (x, y, z), (wide, high) = WINDOW_CORNER, WINDOW_SIZE
    middle, white = y - wide / 2, materials.paint(materials.WHITE, worn=0.6)
    parts = [plane(materials.VIEW, (x, y, z), (0, -wide, 0), (0, 0, high))]
    for across in (0.0, 0.5, 1.0):
        foot = (x - 0.02, y - across * wide, z)
        parts += box(white, foot, (0.05, 0.06, high), sides=('front', 'back', 'left'))
    for upward in (0.0, 0.62, 0.97):
        foot = (x - 0.025, middle, z + upward * high)
        parts += box(white, foot, (0.06, wide + 0.06, 0.045), sides=('left', 'top', 'bottom'))
    parts += box(white, (x - 0.11, middle, z - 0.05), (0.24, wide + 0.2, 0.045), sides=tuple(SIDES))
    for edge in (y + 0.52, y - wide + 0.10):
        corner = (x - 0.17, edge, 0.06)
        parts.append(drape(materials.CURTAIN, corner, (0, -0.62, 0), (0, 0, 2.3), 4, 0.045))
    rail = materials.wood(materials.WALNUT)
    parts += box(rail, (x - 0.17, middle, 2.37), (0.03, wide + 1.3, 0.03), sides=tuple(SIDES))
    ribs = materials.panels(materials.WHITE, 14, 1, knobs=False)
    parts += box(ribs, (x - 0.10, middle, 0.14), (0.12, 1.3, 0.6))
    return parts


def hangings() -> list[Patch]:
    """Return the pictures, the notice board, and the door in the south wall."""
    black, gilt, pine = materials.BLACK, (0.62, 0.47, 0.22), materials.PINE
    hung = (
        # Picture, frame, margin, centre of its back, side of the picture, width and height.
        (pictures.shapes, black, 0.0, (2.45, WIDTH, 1.68), 'front', (0.62, 0.88)),
        (pictures.botanical, pine, 0.03, (3.22, WIDTH, 1.75), 'front', (0.50, 0.68)),
        (pictures.landscape, black, 0.05, (0.0, 1.45, 1.62), 'right', (1.15, 0.78)),
        (pictures.survey_map, gilt, 0.02, (2.75, 0.0, 1.60), 'back', (1.15, 0.82)),
        (pictures.notice_board, pine, 0.0, (1.25, 0.0, 1.62), 'back', (1.25, 0.85)),
        (pictures.survey_map, pine, 0.04, (LENGTH, 0.62, 1.62), 'left', (0.62, 0.82)),
    )
    parts: list[Patch] = []
    for picture, frame, margin, (x, y, z), shown, (wide, high) in hung:
        framed = pictures.framed(picture, frame, margin)
        sides = dict.fromkeys(SIDES, materials.paint(frame))
        sides[shown] = Material('posters', framed, texels_per_metre=480)
        size = (wide, 0.03, high) if shown in ('front', 'back') else (0.03, wide, high)
        parts += box(sides, (x, y, z - high / 2), size)
    parts += box(materials.paint((0.42, 0.30, 0.22)), (4.25, 0.0, 0.0), (0.95, 0.05, 2.08))
    door = materials.panels((0.50, 0.36, 0.25), 2, 3, knobs=False)
    parts.append(plane(door, (4.66, 0.03, 0.0), (-0.82, 0, 0), (0, 0, 2.0)))
    return parts

"""Materials of the room and its furniture."""

from __future__ import annotations

from mesh_reloc_evaluation.painted_room.paint import building, furnishing
from mesh_reloc_evaluation.painted_room.paint.canvas import Colour
from mesh_reloc_evaluation.painted_room.patches import Material

OAK, PINE, WALNUT = (0.62, 0.47, 0.33), (0.76, 0.63, 0.45), (0.40, 0.26, 0.17)
TEAL, CREAM, WHITE, BLACK = (0.23, 0.37, 0.40), (0.74, 0.70, 0.58), (0.91, 0.90, 0.86), (0.12,) * 3
SAND, SAGE = (0.86, 0.78, 0.64), (0.56, 0.63, 0.56)


def wood(tone: Colour, upright: bool = False, plank: float = 10.0) -> Material:
    """Return wood with the grain along the width, or along the height if `upright`."""
    return Material('wood', building.wood(tone, upright, plank))


def paint(tone: Colour, worn: float = 1.0) -> Material:
    """Return painted wood or metal."""
    return Material('paint', building.painted(tone, worn))


def panels(tone: Colour, columns: int, rows: int, knobs: bool = True) -> Material:
    """Return doors or drawers."""
    return Material('paint', building.panels(tone, columns, rows, knobs))


def cardboard(label: str) -> Material:
    """Return the sides of a box."""
    return Material('cardboard', furnishing.cardboard(label), texels_per_metre=360)


def pottery(tone: Colour, band: Colour) -> Material:
    """Return glazed pottery."""
    return Material('ceramics', furnishing.pottery(tone, band), texels_per_metre=400, cell=0.05)


def cloth(tone: Colour, stripe: Colour) -> Material:
    """Return striped upholstery."""
    return Material('textiles', furnishing.fabric(tone, stripe))


CURTAIN = Material('textiles', furnishing.curtain, cell=0.07)
RUG = Material('textiles', furnishing.rug)
LEAF = Material('leaves', furnishing.foliage, texels_per_metre=250, cell=0.07)
FLOOR = Material('floor', building.wood(OAK, plank=0.14))
BRICKS = Material('bricks', building.bricks)
CEILING = Material(
    'ceiling', building.plaster((0.93, 0.92, 0.89), stains=0.5), texels_per_metre=200
)
BEAM = Material('ceiling', building.wood(WALNUT), texels_per_metre=200)
VIEW = Material('window', building.window, glow=2.6)
TILES = Material('ceramics', building.tiles((0.88, 0.84, 0.74), (0.30, 0.46, 0.58), 0.10))


def plaster(tone: Colour) -> Material:
    """Return a plastered wall."""
    return Material('plaster', building.plaster(tone))

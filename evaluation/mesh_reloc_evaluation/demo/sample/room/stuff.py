"""What the room and its furniture are made of."""

from __future__ import annotations

from mesh_reloc_evaluation.demo.sample.paint import building, furnishing
from mesh_reloc_evaluation.demo.sample.paint.canvas import Colour
from mesh_reloc_evaluation.demo.sample.patches import Stuff

OAK, PINE, WALNUT = (0.62, 0.47, 0.33), (0.76, 0.63, 0.45), (0.40, 0.26, 0.17)
TEAL, CREAM, WHITE, BLACK = (0.23, 0.37, 0.40), (0.74, 0.70, 0.58), (0.91, 0.90, 0.86), (0.12,) * 3
SAND, SAGE = (0.86, 0.78, 0.64), (0.56, 0.63, 0.56)


def wood(tone: Colour, upright: bool = False, plank: float = 10.0) -> Stuff:
    """Return wood with its grain along the width, or the height if `upright`."""
    return Stuff('wood', building.wood(tone, upright, plank))


def paint(tone: Colour, worn: float = 1.0) -> Stuff:
    """Return painted wood or metal."""
    return Stuff('paint', building.painted(tone, worn))


def panels(tone: Colour, columns: int, rows: int, knobs: bool = True) -> Stuff:
    """Return doors or drawers."""
    return Stuff('paint', building.panels(tone, columns, rows, knobs))


def cardboard(label: str) -> Stuff:
    """Return the sides of a box."""
    return Stuff('cardboard', furnishing.cardboard(label), texels_per_metre=360)


def pottery(tone: Colour, band: Colour) -> Stuff:
    """Return glazed pottery."""
    return Stuff('ceramics', furnishing.pottery(tone, band), texels_per_metre=400, cell=0.05)


def cloth(tone: Colour, stripe: Colour) -> Stuff:
    """Return striped upholstery."""
    return Stuff('textiles', furnishing.fabric(tone, stripe))


CURTAIN = Stuff('textiles', furnishing.curtain, cell=0.07)
RUG = Stuff('textiles', furnishing.rug)
LEAF = Stuff('leaves', furnishing.foliage, texels_per_metre=250, cell=0.07)
FLOOR = Stuff('floor', building.wood(OAK, plank=0.14))
BRICKS = Stuff('bricks', building.bricks)
CEILING = Stuff('ceiling', building.plaster((0.93, 0.92, 0.89), stains=0.5), texels_per_metre=200)
BEAM = Stuff('ceiling', building.wood(WALNUT), texels_per_metre=200)
VIEW = Stuff('window', building.window, glow=2.6)
TILES = Stuff('ceramics', building.tiles((0.88, 0.84, 0.74), (0.30, 0.46, 0.58), 0.10))


def plaster(tone: Colour) -> Stuff:
    """Return a plastered wall."""
    return Stuff('plaster', building.plaster(tone))

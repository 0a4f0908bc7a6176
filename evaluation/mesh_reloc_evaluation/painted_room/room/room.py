"""The whole room."""

from __future__ import annotations

from mesh_reloc_evaluation.painted_room.patches import Patch
from mesh_reloc_evaluation.painted_room.room.furniture import plant, sideboard, table, west_side
from mesh_reloc_evaluation.painted_room.room.library import bookshelf
from mesh_reloc_evaluation.painted_room.room.shell import hangings, shell, window


def room() -> list[Patch]:
    """Return all surfaces of the room."""
    return [
        *shell(),
        *window(),
        *hangings(),
        *bookshelf(),
        *sideboard(),
        *table(),
        *plant(),
        *west_side(),
    ]

"""How the film of the tests is taken: short and small."""

from mesh_reloc_evaluation.painted_room.film import FilmSettings

SMALL = FilmSettings(seconds=1.6, width=320, height=240, renders=1, texture_scale=0.5)

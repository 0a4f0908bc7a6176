"""The room as files: room.obj, room.mtl and one PNG file per texture atlas."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_evaluation.obj_file import write_obj
from mesh_reloc_evaluation.painted_room.atlas import Atlas, Chart, pack
from mesh_reloc_evaluation.painted_room.geometry import Grid, triangulate
from mesh_reloc_evaluation.painted_room.lighting import light_up
from mesh_reloc_evaluation.painted_room.patches import Patch
from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh
from mesh_reloc_ros.progress import progress_bar

MESH_NAME = 'room.obj'


def write_mesh(folder: Path, patches: list[Patch], texture_scale: float = 1.0) -> None:
    """Paint and light the patches, and write mesh, materials and textures.

    :param texture_scale: factor on the resolution of all textures.
    :raises OSError: a file cannot be written.
    """
    rng = np.random.default_rng(1)
    atlases = pack([patch.with_texels(texture_scale) for patch in patches])
    charts = [chart for atlas in atlases for chart in atlas.charts]
    grids = [triangulate(chart.patch, rng) for chart in charts]
    pictures = [
        chart.paint() for chart in progress_bar(charts, 'painting', sys.stdout, unit='surface')
    ]
    lit = iter(light_up([chart.patch for chart in charts], grids, pictures))
    textures = [atlas.assemble([_to_bytes(next(lit)) for _ in atlas.charts]) for atlas in atlases]
    mesh = _joined(atlases, grids, textures)
    write_obj(folder / MESH_NAME, mesh, [atlas.name for atlas in atlases])


def _to_bytes(picture: NDArray[np.float32]) -> NDArray[np.uint8]:
    return (np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8)


def _joined(
    atlases: list[Atlas], grids: list[Grid], textures: list[NDArray[np.uint8]]
) -> TexturedMesh:
    """Return one mesh of all grids, which are in the order of the atlases and their charts."""
    places = [(number, chart) for number, atlas in enumerate(atlases) for chart in atlas.charts]
    first_vertices = np.cumsum([0] + [len(grid.points) for grid in grids])
    return TexturedMesh(
        vertices=np.concatenate([grid.points for grid in grids]).astype(np.float32),
        faces=np.concatenate(
            [grid.faces + first for grid, first in zip(grids, first_vertices, strict=False)]
        ).astype(np.int32),
        uvs=np.concatenate(
            [
                _texture_coordinates(grid, chart, atlases[number])
                for grid, (number, chart) in zip(grids, places, strict=True)
            ]
        ).astype(np.float32),
        face_materials=np.repeat(
            np.array([number for number, _ in places], dtype=np.int32),
            [len(grid.faces) for grid in grids],
        ),
        textures=textures,
    )


def _texture_coordinates(grid: Grid, chart: Chart, atlas: Atlas) -> NDArray[np.float64]:
    """Return the coordinates [N, 2] of a grid's points in its atlas."""
    texels = np.array([chart.left, 0]) + grid.uvs * (chart.width, chart.height)
    # Image rows are counted from the top, v from the bottom.
    texels[:, 1] += atlas.height - chart.top - chart.height
    return np.asarray(texels / (atlas.width, atlas.height))

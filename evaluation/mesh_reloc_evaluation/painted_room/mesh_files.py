"""The room as files: room.obj, room.mtl and one PNG per material."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mesh_reloc_evaluation.painted_room.atlas import Atlas, pack
from mesh_reloc_evaluation.painted_room.geometry import Grid, triangulate
from mesh_reloc_evaluation.painted_room.lighting import light_up
from mesh_reloc_evaluation.painted_room.patches import Patch
from mesh_reloc_ros.progress import progress_bar

MESH_NAME = 'room.obj'


def write_mesh(folder: Path, patches: list[Patch]) -> None:
    """Paint and light the patches, and write mesh, materials and textures."""
    rng = np.random.default_rng(1)
    atlases = pack(patches)
    charts = [chart for atlas in atlases for chart in atlas.charts]
    grids = {id(chart): triangulate(chart.patch, rng) for chart in charts}
    pictures = [
        chart.paint() for chart in progress_bar(charts, 'painting', sys.stdout, unit='surface')
    ]
    lit = light_up([c.patch for c in charts], [grids[id(c)] for c in charts], pictures)
    finished = {id(chart): picture for chart, picture in zip(charts, lit, strict=True)}
    for atlas in atlases:
        images = [_bytes(finished[id(chart)]) for chart in atlas.charts]
        texture = cv2.cvtColor(atlas.assemble(images), cv2.COLOR_RGB2BGR)
        cv2.imwrite(str(folder / f'{atlas.name}.png'), texture)
    _write_materials(folder, atlases)
    _write_obj(folder / MESH_NAME, atlases, grids)


def _bytes(picture: NDArray[np.float32]) -> NDArray[np.uint8]:
    return (np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8)


def _write_materials(folder: Path, atlases: list[Atlas]) -> None:
    blocks = [
        f'newmtl {name}\nKa 0 0 0\nKd 1 1 1\nKs 0 0 0\nillum 1\nmap_Kd {name}.png\n'
        for name in (atlas.name for atlas in atlases)
    ]
    (folder / 'room.mtl').write_text('\n'.join(blocks))


def _write_obj(path: Path, atlases: list[Atlas], grids: dict[int, Grid]) -> None:
    lines = ['mtllib room.mtl']
    first = 1
    for atlas in atlases:
        lines.append(f'usemtl {atlas.name}')
        for chart in atlas.charts:
            grid = grids[id(chart)]
            texels = np.array([chart.left, 0]) + grid.uvs * (chart.width, chart.height)
            # Rows are counted from the top in the image, v from its bottom.
            texels[:, 1] += atlas.height - chart.top - chart.height
            uvs = texels / (atlas.width, atlas.height)
            lines += [f'v {x:.5f} {y:.5f} {z:.5f}' for x, y, z in grid.points]
            lines += [f'vt {u:.6f} {v:.6f}' for u, v in uvs]
            lines += [f'f {a}/{a} {b}/{b} {c}/{c}' for a, b, c in grid.faces + first]
            first += len(grid.points)
    path.write_text('\n'.join(lines) + '\n')

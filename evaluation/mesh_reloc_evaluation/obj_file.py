"""Textured meshes written as OBJ files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh

# A surface that shines by itself: viewers with lights, as RViz, show the textures as they are.
_SHADING = ('Ka 0 0 0', 'Kd 1 1 1', 'Ks 0 0 0', 'Ke 1 1 1', 'illum 1')


def write_obj(path: Path, mesh: TexturedMesh, names: Sequence[str] | None = None) -> None:
    """Write a mesh as OBJ, with an MTL file and one PNG file per texture in the same folder.

    :param names: names of the materials, one per texture, which are also the names of the PNG
        files; None: numbered names.
    :raises OSError: a file cannot be written.
    """
    if names is None:
        names = [f'{path.stem}_{number}' for number in range(len(mesh.textures))]
    obj, mtl = [f'mtllib {path.stem}.mtl'], []
    vertices = mesh.vertices.astype(np.float64) + mesh.origin
    obj += [f'v {x:.6f} {y:.6f} {z:.6f}' for x, y, z in vertices.tolist()]
    obj += [f'vt {u:.7f} {v:.7f}' for u, v in mesh.uvs.tolist()]
    for number, (name, texture) in enumerate(zip(names, mesh.textures, strict=True)):
        path.with_name(f'{name}.png').write_bytes(_png(texture))
        mtl += [f'newmtl {name}', *_SHADING, f'map_Kd {name}.png']
        obj.append(f'usemtl {name}')
        faces = 1 + mesh.faces[mesh.face_materials == number]
        obj += [f'f {a}/{a} {b}/{b} {c}/{c}' for a, b, c in faces.tolist()]
    path.with_suffix('.mtl').write_text('\n'.join(mtl) + '\n')
    path.write_text('\n'.join(obj) + '\n')


def _png(image: NDArray[np.uint8]) -> bytes:
    """Encode an RGB image [H, W, 3]; fast rather than small."""
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    _, encoded = cv2.imencode('.png', bgr, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    return encoded.tobytes()

"""Small OBJ files with MTL and texture, to write them as various programs do."""

from pathlib import Path

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from support.meshes import noise

TEXTURE = noise(8, 8, seed=5)
CORNERS = 'v 0 0 0\nv 1 0 0\nv 1.0013 1 0\nv 0 1 0\n'
UVS = 'vt 0 0\nvt 1 0\nvt 1 1\nvt 0 1\n'
FACES = 'f 1/1 2/2 3/3\nf 1/1 3/3 4/4\n'
OBJ = f'mtllib mesh.mtl\n{CORNERS}{UVS}usemtl m\n{FACES}'
MTL = 'newmtl m\nKd 1 1 1\nmap_Kd mesh.png\n'


def write_mesh(
    folder: Path, obj: str | bytes = OBJ, mtl: str | bytes = MTL, texture: str = 'mesh.png'
) -> Path:
    """Write a textured quad of four corners; return the path of the OBJ file."""
    (folder / texture).parent.mkdir(parents=True, exist_ok=True)
    save(folder / texture, TEXTURE)
    for name, content in (('mesh.obj', obj), ('mesh.mtl', mtl)):
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return folder / 'mesh.obj'


def save(path: Path, pixels: NDArray[np.uint8]) -> None:
    PIL.Image.fromarray(pixels).save(path)

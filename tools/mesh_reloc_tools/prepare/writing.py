"""Textured meshes written as OBJ or GLB."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image
import trimesh
from trimesh.exchange.obj import export_obj
from trimesh.visual import TextureVisuals
from trimesh.visual.material import PBRMaterial, SimpleMaterial

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.files import atomic_write
from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh

SUFFIXES = ('.obj', '.glb')


def check_mesh_name(path: Path, unlit: bool = False) -> None:
    """Refuse a file that could not be written, before the work begins.

    :param unlit: see `write_mesh`.
    :raises InputError: its folder does not exist, or its format is not written.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f'output {path}: give a name that ends in .obj or .glb')
    if unlit and path.suffix.lower() != '.obj':
        raise InputError(f'output {path}: with --unlit give a name that ends in .obj')
    if not path.parent.is_dir():
        raise InputError(f'output {path}: the folder {path.parent} does not exist')


def write_mesh(path: Path, mesh: TexturedMesh, unlit: bool = False) -> None:
    """Write a mesh; of an OBJ its textures first, so that a mesh that is there is whole.

    :param unlit: whether RViz is to show the textures of an OBJ as they are, not lit.
    :raises InputError: it cannot be written, or a GLB could not hold its coordinates.
    """
    is_glb = path.suffix.lower() == '.glb'
    if is_glb and mesh.origin.any():
        raise InputError(f'output {path}: GLB rounds coordinates this far from zero: write an OBJ')
    # A name of its own: the files of another mesh with this name are not mixed with these.
    scene = trimesh.Scene(
        [_part(mesh, number, f'{path.stem}_{number}', is_glb) for number in _used(mesh)]
    )
    try:
        if is_glb:
            _write(path, scene.export(file_type='glb'))
            return
        mtl = f'{path.stem}.mtl'
        text, files = export_obj(scene, return_texture=True, mtl_name=mtl, header='')
        if unlit:
            files[mtl] = _shining(files[mtl])
        for name, data in files.items():
            _write(path.with_name(name), data)
        _write(path, text.encode())
    except OSError as error:
        raise InputError(f'output {path} cannot be written: {error}') from error


def _used(mesh: TexturedMesh) -> list[int]:
    return [int(number) for number in np.unique(mesh.face_materials)]


def _part(mesh: TexturedMesh, number: int, name: str, is_glb: bool) -> trimesh.Trimesh:
    """Return the faces of one texture."""
    used, faces = np.unique(mesh.faces[mesh.face_materials == number], return_inverse=True)
    image = PIL.Image.fromarray(mesh.textures[number])
    material = _glb_material(name, image) if is_glb else _obj_material(name, image)
    return trimesh.Trimesh(
        mesh.vertices[used].astype(np.float64) + mesh.origin,
        faces.reshape(-1, 3),
        visual=TextureVisuals(mesh.uvs[used].astype(np.float64), material),
        process=False,
    )


def _obj_material(name: str, image: PIL.Image.Image) -> SimpleMaterial:
    """Return a diffuse material without ambient or specular light."""
    black, white = (0, 0, 0, 255), (255, 255, 255, 255)
    return SimpleMaterial(image, diffuse=white, ambient=black, specular=black, name=name)


def _shining(mtl: bytes) -> bytes:
    """Return an MTL file whose materials shine by themselves, which trimesh does not write."""
    return b''.join(
        line + b'Ke 1 1 1\n' if line.startswith(b'newmtl ') else line
        for line in mtl.splitlines(keepends=True)
    )


def _glb_material(name: str, image: PIL.Image.Image) -> PBRMaterial:
    return PBRMaterial(name=name, baseColorTexture=image, metallicFactor=0.0, roughnessFactor=1.0)


def _write(path: Path, data: bytes) -> None:
    with atomic_write(path) as temporary:
        temporary.write_bytes(data)

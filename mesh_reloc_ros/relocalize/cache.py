"""Panoramas on disk: made once for a mesh, and read again at the next start."""

from __future__ import annotations

import hashlib
import os
import zipfile
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.config.relocalization import RelocalizationSettings
from mesh_reloc_ros.files import atomic_write, user_cache
from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh
from mesh_reloc_ros.progress import Progress, silent
from mesh_reloc_ros.relocalize.panoramas import SIDE, Panoramas, render_panoramas
from mesh_reloc_ros.relocalize.viewpoints import sample_viewpoints
from mesh_reloc_ros.render.scene import Scene

# Raised with every change of what is kept, or of how it is made.
_FORMAT = 2


def panoramas_of(
    scene: Scene,
    settings: RelocalizationSettings,
    file: Path | None,
    positions: NDArray[np.float64] | None = None,
    progress: Progress = silent,
) -> Panoramas:
    """Return the panoramas of a scene, from the file if it holds them, else newly rendered.

    Newly rendered ones are written to the file, where that is possible; a file that is broken,
    or of another mesh or other settings, is replaced.

    :param file: see `cache_file`; None: nothing is read or written.
    :param positions: [V, 3], viewpoints that are known; None: they are sampled.
    """
    if file is None:
        return _rendered(scene, settings, positions, progress)
    key = _key(scene.mesh, settings, positions)
    kept = _read(file, key)
    if kept is not None:
        return kept
    panoramas = _rendered(scene, settings, positions, progress)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(file) as temporary, temporary.open('wb') as stream:
            np.savez_compressed(stream, key=key, **vars(panoramas))
    except OSError:
        # Without it the next start takes longer, and that is all.
        pass
    return panoramas


def cache_file(mesh: Path) -> Path:
    """Return where the panoramas of a mesh are kept: beside it, or in the user's cache folder.

    The latter where the mesh's folder cannot be written to.
    """
    name = f'{mesh.name}.views.npz'
    if os.access(mesh.parent, os.W_OK):
        return mesh.parent / name
    place = hashlib.blake2b(str(mesh.resolve()).encode(), digest_size=8).hexdigest()
    return user_cache() / 'mesh_reloc_ros' / f'{place}-{name}'


def _rendered(
    scene: Scene,
    settings: RelocalizationSettings,
    positions: NDArray[np.float64] | None,
    progress: Progress,
) -> Panoramas:
    if positions is None:
        positions = sample_viewpoints(scene, settings, progress)
    return render_panoramas(scene, positions, progress)


def _read(file: Path, key: str) -> Panoramas | None:
    try:
        with np.load(file, allow_pickle=False) as content:
            if str(content['key']) != key:
                return None
            panoramas = Panoramas(
                **{field.name: content[field.name] for field in fields(Panoramas)}
            )
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    expected = (len(panoramas.positions), 6 * SIDE**2, 3)
    return panoramas if panoramas.colours.shape == expected else None


def _key(
    mesh: TexturedMesh,
    settings: RelocalizationSettings,
    positions: NDArray[np.float64] | None,
) -> str:
    """Return a hash of all that the panoramas depend on."""
    digest = hashlib.blake2b(digest_size=16)
    choice = (settings.max_viewpoints, settings.viewpoint_spacing, settings.min_view_share)
    digest.update(repr((_FORMAT, SIDE, choice if positions is None else None)).encode())
    known = [] if positions is None else [positions]
    arrays: list[NDArray[Any]] = [mesh.vertices, mesh.faces, mesh.uvs, mesh.face_materials]
    for array in (*arrays, *mesh.textures, *known):
        digest.update(repr((array.shape, array.dtype.str)).encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()

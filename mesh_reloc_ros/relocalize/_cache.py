"""Panoramas on disk: rendered once for a mesh, and read at the next start."""

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
from mesh_reloc_ros.relocalize._panoramas import SIDE, Panoramas, render_panoramas
from mesh_reloc_ros.relocalize._viewpoints import sample_viewpoints
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types import Array

# Increase it when the content of the file, or the way it is computed, changes.
_FORMAT = 2


def panoramas_of(
    scene: Scene,
    settings: RelocalizationSettings,
    file: Path | None,
    positions: Array | None = None,
    progress: Progress = silent,
) -> Panoramas:
    """Return the panoramas of a scene: from the file if it is valid, else rendered.

    Rendered panoramas replace the file, if it can be written. A file is not valid if it is damaged,
    or belongs to another mesh or other settings.

    :param file: see `cache_file`; None: no cache.
    :param positions: [V, 3], known viewpoints; None: sample them.
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
        # Without a cache only the next start takes longer.
        pass
    return panoramas


def cache_file(mesh: Path) -> Path:
    """Return the cache file of a mesh: beside it, or in the user's cache folder.

    The latter if the mesh's folder is not writable.
    """
    name = f'{mesh.name}.views.npz'
    if os.access(mesh.parent, os.W_OK):
        return mesh.parent / name
    place = hashlib.blake2b(str(mesh.resolve()).encode(), digest_size=8).hexdigest()
    return user_cache() / 'mesh_reloc_ros' / f'{place}-{name}'


def _rendered(
    scene: Scene,
    settings: RelocalizationSettings,
    positions: Array | None,
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
    positions: Array | None,
) -> str:
    """Return a hash of everything that the panoramas depend on."""
    digest = hashlib.blake2b(digest_size=16)
    choice = (settings.max_viewpoints, settings.viewpoint_spacing, settings.min_view_share)
    digest.update(repr((_FORMAT, SIDE, choice if positions is None else None)).encode())
    known = [] if positions is None else [positions]
    arrays: list[NDArray[Any]] = [mesh.vertices, mesh.faces, mesh.uvs, mesh.face_materials]
    for array in (*arrays, *mesh.textures, *known):
        digest.update(repr((array.shape, array.dtype.str)).encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()

"""Views of a mesh on disk: rendered once, and read at the next start."""

from __future__ import annotations

import functools
import hashlib
import os
import zipfile
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.config.relocalization import RelocalizationSettings
from mesh_reloc_ros.files import atomic_write, user_cache
from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh
from mesh_reloc_ros.progress import Progress, silent
from mesh_reloc_ros.relocalize._feature_map import FeatureMap, map_features
from mesh_reloc_ros.relocalize._panoramas import SIDE, Panoramas, render_panoramas
from mesh_reloc_ros.relocalize._surface_views import surface_views
from mesh_reloc_ros.relocalize._viewpoints import sample_viewpoints
from mesh_reloc_ros.relocalize.features import Extractor, sift
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types import Array

# Increase it when the content of the files, or the way it is computed, changes.
_FORMAT = 4
Views = TypeVar('Views', Panoramas, FeatureMap)


class ViewCache:
    """Makes the views of a scene, or reads them from files beside the mesh.

    A file is replaced if it is damaged, or belongs to another mesh or other settings. If it cannot
    be written, only the next start takes longer.
    """

    def __init__(
        self,
        scene: Scene,
        settings: RelocalizationSettings,
        mesh: Path | None,
        progress: Progress = silent,
    ) -> None:
        """Keep the arguments.

        :param mesh: the mesh file; None: no cache.
        """
        self._scene = scene
        self._settings = settings
        self._mesh = mesh
        self._progress = progress

    def panoramas(self, positions: Array | None = None) -> Panoramas:
        """Return panoramas from known viewpoints [V, 3], metres, or from sampled ones."""
        settings = self._settings
        choice = (settings.max_viewpoints, settings.viewpoint_spacing, settings.min_view_share)
        known = [] if positions is not None else [choice]

        def render() -> Panoramas:
            where = positions
            if where is None:
                where = sample_viewpoints(self._scene, settings, self._progress)
            return render_panoramas(self._scene, where, self._progress)

        arrays = [] if positions is None else [positions]
        return self._kept('views', Panoramas, (SIDE, *known), arrays, render)

    def feature_map(self, extract: Extractor = sift) -> FeatureMap:
        """Return the features of the mesh. Only those of `sift` are kept in a file."""
        limit = self._settings.max_viewpoints

        def render() -> FeatureMap:
            views = surface_views(self._scene, limit, self._progress)
            return map_features(self._scene, views, extract, self._progress)

        if extract is not sift:
            return render()
        return self._kept('features', FeatureMap, (limit,), [], render)

    def _kept(
        self,
        name: str,
        kind: type[Views],
        choice: tuple[object, ...],
        arrays: list[NDArray[Any]],
        make: Callable[[], Views],
    ) -> Views:
        """Return what a file contains, or make it and write the file.

        :param choice: the settings, and `arrays` what else it depends on beside the mesh.
        """
        if self._mesh is None:
            return make()
        file = cache_file(self._mesh, name)
        key = _digest([np.array([_FORMAT]), *arrays], f'{self._mesh_digest} {choice}')
        kept = _read(file, key, kind)
        if kept is not None:
            return kept
        made = make()
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with atomic_write(file) as temporary, temporary.open('wb') as stream:
                np.savez(stream, key=key, **vars(made))
        except OSError:
            pass
        return made

    @functools.cached_property
    def _mesh_digest(self) -> str:
        mesh: TexturedMesh = self._scene.mesh
        return _digest([mesh.vertices, mesh.faces, mesh.uvs, mesh.face_materials, *mesh.textures])


def cache_file(mesh: Path, name: str = 'views') -> Path:
    """Return a cache file of a mesh: beside it, or in the user's cache folder.

    The latter if the mesh's folder is not writable.
    """
    file = f'{mesh.name}.{name}.npz'
    if os.access(mesh.parent, os.W_OK):
        return mesh.parent / file
    place = hashlib.blake2b(str(mesh.resolve()).encode(), digest_size=8).hexdigest()
    return user_cache() / 'mesh_reloc_ros' / f'{place}-{file}'


def _read(file: Path, key: str, kind: type[Views]) -> Views | None:
    try:
        with np.load(file, allow_pickle=False) as content:
            if str(content['key']) != key:
                return None
            views = kind(**{field.name: content[field.name] for field in fields(kind)})
    except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile):
        return None
    return views if views.is_consistent else None


def _digest(arrays: list[NDArray[Any]], text: str = '') -> str:
    """Return a hash of arrays and a text."""
    digest = hashlib.blake2b(text.encode(), digest_size=16)
    for array in arrays:
        digest.update(repr((array.shape, array.dtype.str)).encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()

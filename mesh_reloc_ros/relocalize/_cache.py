"""Views of a mesh on disk: rendered once, and read at the next start."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from mesh_reloc_ros.array_cache import Arrays, cache_file, digest_of, read_arrays, write_arrays
from mesh_reloc_ros.config.relocalization import RelocalizationSettings
from mesh_reloc_ros.mesh_io.textured_mesh import TexturedMesh
from mesh_reloc_ros.progress import Progress, silent
from mesh_reloc_ros.relocalize._feature_map import (
    BYTES_PER_VIEW,
    ExtractedFeatures,
    FeatureMap,
    map_features,
)
from mesh_reloc_ros.relocalize._panoramas import (
    BYTES_PER_VIEWPOINT,
    SIDE,
    Panoramas,
    render_panoramas,
)
from mesh_reloc_ros.relocalize._surface_views import surface_views
from mesh_reloc_ros.relocalize._viewpoints import sample_viewpoints
from mesh_reloc_ros.relocalize.features import Extractor, sift
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types import Array

# Increase it when the content of the files, or the way it is computed, changes.
_FORMAT = 5
# The share of the memory that thumbnails may take; local features have the rest.
_THUMBNAILS_SHARE = 0.25
Views = TypeVar('Views', Panoramas, FeatureMap, ExtractedFeatures)


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
        most = round(_THUMBNAILS_SHARE * 1e6 * settings.max_memory / BYTES_PER_VIEWPOINT)
        settings = replace(settings, max_viewpoints=min(settings.max_viewpoints, most))
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
        """Return the features of the mesh. Only those of `sift` are cached in a file.

        Meanwhile, each part that is done is, too, so that an interruption costs little.
        """
        limit = round((1 - _THUMBNAILS_SHARE) * 1e6 * self._settings.max_memory / BYTES_PER_VIEW)
        parts: list[str] = []

        def keep(
            number: int, views: Array, make: Callable[[], ExtractedFeatures]
        ) -> ExtractedFeatures:
            parts.append(f'features-{number}')
            return self._kept(parts[-1], ExtractedFeatures, (), [views], make)

        def choose() -> Array:
            return surface_views(self._scene, limit, self._progress)

        if extract is not sift:
            return map_features(self._scene, choose(), extract, self._progress)
        mapped = self._kept(
            'features',
            FeatureMap,
            (limit,),
            [],
            lambda: map_features(self._scene, choose(), extract, self._progress, keep),
        )
        if self._mesh is not None:
            for name in parts:
                cache_file(self._mesh, name).unlink(missing_ok=True)
        return mapped

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
        key = digest_of([np.array([_FORMAT]), *arrays], f'{self._mesh_digest} {choice}')
        cached = _views(read_arrays(file, key, in_place=True), kind)
        if cached is not None:
            return cached
        made = make()
        write_arrays(file, key, {field.name: getattr(made, field.name) for field in fields(kind)})
        return made

    @functools.cached_property
    def _mesh_digest(self) -> str:
        # Textures of a gigabyte take a second or two: what was read from files is hashed already.
        if self._scene.content:
            return self._scene.content
        mesh: TexturedMesh = self._scene.mesh
        return digest_of([mesh.vertices, mesh.faces, mesh.uvs, mesh.face_materials, *mesh.textures])


def _views(arrays: Arrays | None, kind: type[Views]) -> Views | None:
    """Return views made of the arrays of a file; None if they do not fit together."""
    if arrays is None or set(arrays) != {field.name for field in fields(kind)}:
        return None
    views = kind(**arrays)
    return views if views.is_consistent else None

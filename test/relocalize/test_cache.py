"""Views on disk: read again, made again if necessary, never written in part."""

import os
from concurrent.futures import CancelledError
from dataclasses import fields, replace
from pathlib import Path
from threading import Event

import cv2
import numpy as np
import pytest
from support.small_room import SmallRoom, pose_at, write_small_room

from mesh_reloc_ros import array_cache
from mesh_reloc_ros.array_cache import cache_file, digest_of
from mesh_reloc_ros.config.relocalization import RelocalizationSettings
from mesh_reloc_ros.progress import cancellable, silent
from mesh_reloc_ros.relocalize import _cache as cache
from mesh_reloc_ros.relocalize import _feature_map
from mesh_reloc_ros.relocalize._cache import ViewCache
from mesh_reloc_ros.relocalize._feature_map import FeatureMap, map_features
from mesh_reloc_ros.relocalize._panoramas import Panoramas, render_panoramas
from mesh_reloc_ros.relocalize.features import Extractor, Features, sift
from mesh_reloc_ros.render.scene import Scene

SETTINGS = RelocalizationSettings(viewpoint_spacing=1.0, max_memory=1.6)
NAMES = {'views': ViewCache.panoramas, 'features': ViewCache.feature_map}


@pytest.fixture
def made(monkeypatch) -> list[int]:
    """Return the numbers of views that are to be rendered, as that happens.

    Two of them are, as each takes its time; and as it does not matter here where they are, they are
    not chosen with care.
    """
    counts = []

    def viewpoints(scene, settings, progress):
        return on_the_path(settings.max_viewpoints)[:, :3, 3]

    def views(scene, limit, progress):
        return on_the_path(limit)

    def spy(make):
        def spied(scene, views, *arguments):
            counts.append(len(views))
            return make(scene, views[:2], *arguments)

        return spied

    monkeypatch.setattr(cache, 'sample_viewpoints', viewpoints)
    monkeypatch.setattr(cache, 'surface_views', views)
    monkeypatch.setattr(cache, 'render_panoramas', spy(render_panoramas))
    monkeypatch.setattr(cache, 'map_features', spy(map_features))
    return counts


def on_the_path(count: int) -> np.ndarray:
    return np.stack([pose_at(step) for step in range(count)])


@pytest.fixture
def mesh(tmp_path: Path) -> Path:
    """Return where a mesh file would be."""
    return tmp_path / 'room.obj'


def cache_of(
    scene: Scene, mesh: Path | None, settings: RelocalizationSettings = SETTINGS
) -> ViewCache:
    return ViewCache(scene, settings, mesh)


def assert_same(one: Panoramas | FeatureMap, other: Panoramas | FeatureMap) -> None:
    for field in fields(one):
        np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name))


@pytest.mark.parametrize('name', NAMES)
def test_the_second_time_they_are_read(room: SmallRoom, mesh: Path, made, name: str):
    first = NAMES[name](cache_of(room.scene, mesh))
    assert_same(first, NAMES[name](cache_of(room.scene, mesh)))
    assert len(made) == 1
    assert [path.name for path in mesh.parent.iterdir()] == [f'room.obj.{name}.npz']


def test_what_is_kept_are_views_and_features(room: SmallRoom, mesh: Path):
    views = cache_of(room.scene, mesh)
    panoramas, features = views.panoramas(), views.feature_map()
    assert panoramas.colours.any(axis=(1, 2)).all()
    assert (panoramas.distances > 0).all()
    assert len(features) > 1000


@pytest.mark.parametrize('name', NAMES)
def test_without_a_mesh_file_nothing_is_kept(room: SmallRoom, made, name: str):
    for _ in range(2):
        NAMES[name](cache_of(room.scene, None))
    assert len(made) == 2


def other_scene(room: SmallRoom) -> Scene:
    """Return the scene with another mesh: one byte of a texture differs."""
    mesh = room.scene.mesh
    texture = mesh.textures[0].copy()
    texture[0, 0, 0] ^= 1
    return Scene(replace(mesh, textures=[texture, *mesh.textures[1:]]), 'cpu')


def test_other_settings_other_viewpoints_or_another_mesh_are_rendered_again(
    room: SmallRoom, mesh: Path, made
):
    cache_of(room.scene, mesh).panoramas()
    cache_of(room.scene, mesh, replace(SETTINGS, max_memory=1.3)).panoramas()
    positions = np.array([[0.0, -1.0, 1.0]])
    cache_of(room.scene, mesh).panoramas(positions)
    cache_of(room.scene, mesh).panoramas(positions + 0.1)
    other = other_scene(room)
    cache_of(other, mesh).panoramas(positions + 0.1)
    assert len(made) == 5
    # Settings of the search do not matter, nor those for viewpoints if these are known.
    cache_of(other, mesh, replace(SETTINGS, candidates=50, viewpoint_spacing=0.9)).panoramas(
        positions + 0.1
    )
    assert len(made) == 5


def test_the_textures_of_a_mesh_from_files_are_not_hashed_again(tmp_path: Path, made, monkeypatch):
    hashed: list[np.ndarray] = []

    def spy(arrays: list[np.ndarray], text: str = '') -> str:
        hashed.extend(arrays)
        return digest_of(arrays, text)

    monkeypatch.setattr(cache, 'digest_of', spy)
    mesh = write_small_room(tmp_path).mesh
    kept = cache_of(Scene.load(mesh, 'cpu'), mesh).panoramas()
    assert_same(kept, cache_of(Scene.load(mesh, 'cpu'), mesh).panoramas())
    assert len(made) == 1
    assert max(array.size for array in hashed) < 10


def test_another_texture_file_is_another_mesh(tmp_path: Path, made):
    mesh = write_small_room(tmp_path).mesh
    cache_of(Scene.load(mesh, 'cpu'), mesh).panoramas()
    texture = next(tmp_path.glob('*.png'))
    texture.write_bytes(cv2.imencode('.png', 255 - cv2.imread(str(texture)))[1].tobytes())
    cache_of(Scene.load(mesh, 'cpu'), mesh).panoramas()
    assert len(made) == 2


def test_features_of_another_mesh_or_number_of_views_are_extracted_again(
    room: SmallRoom, mesh: Path, made
):
    cache_of(room.scene, mesh).feature_map()
    cache_of(room.scene, mesh, replace(SETTINGS, max_memory=1.3)).feature_map()
    other = cache_of(other_scene(room), mesh, replace(SETTINGS, max_memory=1.3))
    other.feature_map()
    assert len(made) == 3
    again = replace(SETTINGS, max_memory=1.3, viewpoint_spacing=0.9)
    cache_of(other_scene(room), mesh, again).feature_map()
    assert len(made) == 3


def test_features_of_another_extractor_are_not_kept(room: SmallRoom, mesh: Path, made):
    def few(grey: np.ndarray, count: int) -> Features:
        return sift(grey, min(count, 20))

    assert len(cache_of(room.scene, mesh).feature_map(few)) > 0
    assert list(mesh.parent.iterdir()) == []
    kept = cache_of(room.scene, mesh).feature_map()
    # Nor are those of the file returned for others.
    assert len(cache_of(room.scene, mesh).feature_map(few)) < len(kept)
    assert len(made) == 3
    assert_same(kept, cache_of(room.scene, mesh).feature_map())
    assert len(made) == 3


def test_features_go_on_where_they_were_interrupted(room: SmallRoom, mesh: Path, monkeypatch):
    monkeypatch.setattr(_feature_map, '_VIEWS_PER_PART', 2)
    cancel, seen = Event(), []

    def spy(scene: Scene, pose: np.ndarray, extract: Extractor):
        seen.append(pose)
        if len(seen) == 5:
            cancel.set()
        return extracted(scene, pose, extract)

    extracted = _feature_map._features_of
    monkeypatch.setattr(_feature_map, '_features_of', spy)
    settings = replace(SETTINGS, max_memory=1.0)
    with pytest.raises(CancelledError):
        ViewCache(room.scene, settings, mesh, cancellable(silent, cancel)).feature_map()
    kept = sorted(path.name for path in mesh.parent.iterdir())
    assert kept == ['room.obj.features-0.npz', 'room.obj.features-1.npz']
    seen.clear()
    resumed = cache_of(room.scene, mesh, settings).feature_map()
    assert 2 <= len(seen) == len(resumed.map_T_view) - 4
    assert [path.name for path in mesh.parent.iterdir()] == ['room.obj.features.npz']
    assert_same(resumed, cache_of(room.scene, None, settings).feature_map())


def test_few_views_are_made_if_there_is_little_memory(room: SmallRoom):
    dense = replace(SETTINGS, viewpoint_spacing=0.8, max_viewpoints=100)
    for make in NAMES.values():
        few, many = (
            sum(values.nbytes for values in vars(make(cache_of(room.scene, None, some))).values())
            for some in (replace(dense, max_memory=1.0), replace(dense, max_memory=2.0))
        )
        assert 0.2e6 < many < 2e6
        assert few < 0.8 * many


@pytest.mark.parametrize('name', NAMES)
@pytest.mark.parametrize('length', [0, 10, 0.5, 0.95])
def test_a_broken_file_is_replaced(room: SmallRoom, mesh: Path, made, name: str, length):
    whole = NAMES[name](cache_of(room.scene, mesh))
    file = cache_file(mesh, name)
    content = file.read_bytes()
    kept = length if isinstance(length, int) else round(length * len(content))
    file.write_bytes(content[:kept])
    assert_same(whole, NAMES[name](cache_of(room.scene, mesh)))
    assert len(made) == 2
    assert_same(whole, NAMES[name](cache_of(room.scene, mesh)))
    assert len(made) == 2


@pytest.mark.parametrize(('name', 'array'), [('views', 'distances'), ('features', 'points')])
def test_arrays_that_do_not_fit_together_are_replaced(
    room: SmallRoom, mesh: Path, made, name: str, array: str
):
    whole = NAMES[name](cache_of(room.scene, mesh))
    file = cache_file(mesh, name)
    with np.load(file) as content:
        arrays = dict(content)
    np.savez(file, **{**arrays, array: arrays[array][:-1]})
    assert_same(whole, NAMES[name](cache_of(room.scene, mesh)))
    assert len(made) == 2


@pytest.mark.parametrize('name', NAMES)
def test_what_fails_half_way_leaves_the_old_file(
    room: SmallRoom, mesh: Path, monkeypatch, made, name: str
):
    NAMES[name](cache_of(room.scene, mesh))
    before = cache_file(mesh, name).read_bytes()
    failed = []

    def full(stream, arrays):
        stream.write(b'half')
        failed.append(arrays)
        raise OSError('no space left on device')

    monkeypatch.setattr(array_cache, '_write', full)
    NAMES[name](cache_of(room.scene, mesh, replace(SETTINGS, max_memory=1.3)))
    assert made[1] <= 12
    assert len(failed) == 1
    assert cache_file(mesh, name).read_bytes() == before
    assert [path.name for path in mesh.parent.iterdir()] == [f'room.obj.{name}.npz']


def test_it_lies_beside_the_mesh_or_in_the_users_cache(tmp_path: Path, monkeypatch):
    room = write_small_room(tmp_path)
    assert cache_file(room.mesh, 'views') == tmp_path / 'room.obj.views.npz'
    assert cache_file(room.mesh, 'features') == tmp_path / 'room.obj.features.npz'
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'caches'))
    monkeypatch.setattr(os, 'access', lambda path, mode: False)
    elsewhere = cache_file(room.mesh, 'views')
    assert elsewhere.parent == tmp_path / 'caches' / 'mesh_reloc_ros'
    assert cache_file(tmp_path / 'other' / 'room.obj', 'views') != elsewhere

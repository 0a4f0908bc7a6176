"""Panoramas on disk: read again, rendered again if necessary, never written in part."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.small_room import SmallRoom, write_small_room

from mesh_reloc_ros.config.relocalization import RelocalizationSettings
from mesh_reloc_ros.relocalize import _cache as cache
from mesh_reloc_ros.relocalize._cache import cache_file, panoramas_of
from mesh_reloc_ros.relocalize._panoramas import Panoramas, render_panoramas
from mesh_reloc_ros.render.scene import Scene

SETTINGS = RelocalizationSettings(viewpoint_spacing=1.0)


@pytest.fixture
def rendered(monkeypatch) -> list[int]:
    """Return the numbers of viewpoints that are rendered, as that happens."""
    counts = []

    def spy(scene, positions, progress):
        counts.append(len(positions))
        return render_panoramas(scene, positions, progress)

    monkeypatch.setattr(cache, 'render_panoramas', spy)
    return counts


def assert_same(one: Panoramas, other: Panoramas) -> None:
    np.testing.assert_array_equal(one.positions, other.positions)
    np.testing.assert_array_equal(one.distances, other.distances)
    np.testing.assert_array_equal(one.colours, other.colours)


def test_the_second_time_they_are_read(room: SmallRoom, tmp_path: Path, rendered):
    file = tmp_path / 'views.npz'
    first = panoramas_of(room.scene, SETTINGS, file)
    assert_same(first, panoramas_of(room.scene, SETTINGS, file))
    assert len(rendered) == 1
    assert [path.name for path in tmp_path.iterdir()] == ['views.npz']
    assert first.colours.any(axis=(1, 2)).all()
    assert (first.distances > 0).all()


def test_without_a_file_nothing_is_kept(room: SmallRoom, rendered):
    for _ in range(2):
        panoramas_of(room.scene, SETTINGS, None)
    assert len(rendered) == 2


def test_other_settings_other_viewpoints_or_another_mesh_are_rendered_again(
    room: SmallRoom, tmp_path: Path, rendered
):
    file = tmp_path / 'views.npz'
    panoramas_of(room.scene, SETTINGS, file)
    panoramas_of(room.scene, replace(SETTINGS, max_viewpoints=30), file)
    positions = np.array([[0.0, -1.0, 1.0]])
    panoramas_of(room.scene, SETTINGS, file, positions)
    panoramas_of(room.scene, SETTINGS, file, positions + 0.1)
    mesh = room.scene.mesh
    texture = mesh.textures[0].copy()
    texture[0, 0, 0] ^= 1
    other = Scene(replace(mesh, textures=[texture, *mesh.textures[1:]]), 'cpu')
    panoramas_of(other, SETTINGS, file, positions + 0.1)
    assert len(rendered) == 5
    panoramas_of(other, replace(SETTINGS, candidates=50), file, positions + 0.1)
    assert len(rendered) == 5


@pytest.mark.parametrize('length', [0, 10, 0.5, 0.95])
def test_a_broken_file_is_replaced(room: SmallRoom, tmp_path: Path, rendered, length):
    file = tmp_path / 'views.npz'
    whole = panoramas_of(room.scene, SETTINGS, file)
    content = file.read_bytes()
    kept = length if isinstance(length, int) else round(length * len(content))
    file.write_bytes(content[:kept])
    assert_same(whole, panoramas_of(room.scene, SETTINGS, file))
    assert len(rendered) == 2
    assert_same(whole, panoramas_of(room.scene, SETTINGS, file))
    assert len(rendered) == 2


def test_what_fails_half_way_leaves_the_old_file(
    room: SmallRoom, tmp_path: Path, monkeypatch, rendered
):
    file = tmp_path / 'views.npz'
    panoramas_of(room.scene, SETTINGS, file)
    before = file.read_bytes()

    def full(stream, **arrays):
        stream.write(b'half')
        raise OSError('no space left on device')

    monkeypatch.setattr(np, 'savez_compressed', full)
    again = panoramas_of(room.scene, replace(SETTINGS, max_viewpoints=30), file)
    assert len(again.positions) <= 30
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ['views.npz']


def test_it_lies_beside_the_mesh_or_in_the_users_cache(tmp_path: Path, monkeypatch):
    room = write_small_room(tmp_path)
    assert cache_file(room.mesh) == tmp_path / 'room.obj.views.npz'
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'caches'))
    monkeypatch.setattr(os, 'access', lambda path, mode: False)
    elsewhere = cache_file(room.mesh)
    assert elsewhere.parent == tmp_path / 'caches' / 'mesh_reloc_ros'
    assert cache_file(tmp_path / 'other' / 'room.obj') != elsewhere

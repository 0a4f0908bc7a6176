"""What is prepared of a mesh is kept beside it, as long as its files are the same."""

import os
from dataclasses import fields
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch
from support.meshes import noise

from mesh_reloc_ros.array_cache import write_arrays
from mesh_reloc_ros.render import _mesh_cache
from mesh_reloc_ros.render._prepared_mesh import PreparedMesh, prepare
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types.camera import Camera

CAMERA = Camera(width=32, height=24, fx=30.0, fy=30.0, cx=15.5, cy=11.5)
OBJ = (
    'mtllib m.mtl\nv -1 1 2\nv 1 1 2\nv 1 -1 2\nv -1 -1 2\nvt 0.1 0.1\nvt 0.9 0.1\nvt 0.9 0.8\n'
    'vt 0.1 0.8\nusemtl a\nf 1/1 2/2 3/3\nusemtl b\nf 1/1 3/3 4/4\n'
)
MTL = 'newmtl a\nmap_Kd a.bmp\nnewmtl b\nmap_Kd b.bmp\n'


@pytest.fixture
def mesh(tmp_path: Path, monkeypatch) -> Path:
    """Return a mesh file with two textures; every mesh counts as large, and is kept at once."""
    monkeypatch.setattr(_mesh_cache, 'write_later', write_arrays)
    monkeypatch.setattr(_mesh_cache, '_LEAST_TEXELS', 0)
    (tmp_path / 'm.obj').write_text(OBJ)
    (tmp_path / 'm.mtl').write_text(MTL)
    for seed, name in enumerate('abc'):
        PIL.Image.fromarray(noise(32, 64, seed)).save(tmp_path / f'{name}.bmp')
    return tmp_path / 'm.obj'


@pytest.fixture
def made(monkeypatch) -> list[PreparedMesh]:
    """Return what is prepared, as that happens."""
    found: list[PreparedMesh] = []

    def spy(*arguments):
        found.append(prepare(*arguments))
        return found[-1]

    monkeypatch.setattr(_mesh_cache, 'prepare', spy)
    return found


def file_of(mesh: Path) -> Path:
    return mesh.with_name('m.obj.prepared.npz')


def colours(scene: Scene) -> np.ndarray:
    return scene.render(torch.eye(4), CAMERA).colour.numpy()


def test_the_second_scene_is_read_and_is_the_same(mesh, made):
    said: list[tuple[str, float]] = []
    first = Scene.load(mesh, 'cpu')
    second = Scene.load(mesh, 'cpu', progress=lambda *step: said.append(step))
    assert len(made) == 1
    assert file_of(mesh).is_file()
    assert colours(first).any()
    np.testing.assert_array_equal(colours(second), colours(first))
    for field in fields(PreparedMesh):
        one, other = (getattr(scene._prepared, field.name) for scene in (first, second))
        np.testing.assert_array_equal(one, other)
    for texture, again in zip(first.mesh.textures, second.mesh.textures, strict=True):
        np.testing.assert_array_equal(texture, again)
    assert second.mesh.notices == first.mesh.notices
    assert second.is_grey == first.is_grey
    stages = {stage for stage, _ in said}
    assert 'reading the prepared mesh' in stages
    assert 'reading textures' not in stages
    for stage in stages:
        steps = [done for name, done in said if name == stage]
        assert (steps[0], steps[-1]) == (0.0, 1.0)


def change_a_texel(mesh: Path) -> None:
    """Change the content of a file, but neither its size nor its time."""
    path = mesh.with_name('a.bmp')
    before = path.stat()
    pixels = np.asarray(PIL.Image.open(path)).copy()
    pixels[24, 48] ^= 64
    PIL.Image.fromarray(pixels).save(path)
    os.utime(path, (before.st_atime, before.st_mtime))
    assert path.stat().st_size == before.st_size


def write_text(name: str, old: str, new: str):
    def change(mesh: Path) -> None:
        path = mesh.with_name(name)
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))

    return change


@pytest.mark.parametrize(
    'change',
    [
        change_a_texel,
        write_text('m.mtl', 'map_Kd b.bmp', 'map_Kd c.bmp'),
        write_text('m.obj', 'v -1 1 2', 'v -1 1 2.1'),
        write_text('m.obj', 'vt 0.1 0.8', 'vt 0.1 0.7'),
        write_text('m.obj', 'usemtl b\n', ''),
    ],
    ids=['texture', 'mtl', 'vertices', 'texture coordinates', 'materials'],
)
def test_a_change_of_any_file_is_noticed(mesh, made, change):
    before = colours(Scene.load(mesh, 'cpu'))
    change(mesh)
    after = colours(Scene.load(mesh, 'cpu'))
    assert len(made) == 2
    assert (after != before).any()
    np.testing.assert_array_equal(colours(Scene.load(mesh, 'cpu')), after)
    assert len(made) == 2


def test_a_texture_file_that_comes_later_is_noticed(mesh, made):
    """The file that fits the name exactly counts, once it is there."""
    mesh.with_name('a.bmp').rename(mesh.with_name('A.BMP'))
    before = colours(Scene.load(mesh, 'cpu'))
    PIL.Image.fromarray(noise(32, 64, seed=7)).save(mesh.with_name('a.bmp'))
    assert (colours(Scene.load(mesh, 'cpu')) != before).any()
    assert len(made) == 2


def test_a_change_of_the_code_is_noticed(mesh, made, monkeypatch):
    Scene.load(mesh, 'cpu')
    monkeypatch.setattr(_mesh_cache, '_code', lambda: 'other code')
    Scene.load(mesh, 'cpu')
    assert len(made) == 2


def test_a_damaged_file_is_replaced(mesh, made, caplog):
    before = colours(Scene.load(mesh, 'cpu'))
    content = bytearray(file_of(mesh).read_bytes())
    content[len(content) // 2] ^= 1
    file_of(mesh).write_bytes(content)
    np.testing.assert_array_equal(colours(Scene.load(mesh, 'cpu')), before)
    assert len(caplog.records) == 1
    assert len(made) == 2
    np.testing.assert_array_equal(colours(Scene.load(mesh, 'cpu')), before)
    assert len(made) == 2


def test_arrays_that_do_not_fit_the_mesh_are_replaced(mesh, made, monkeypatch):
    Scene.load(mesh, 'cpu')
    found = dict(np.load(file_of(mesh)))
    kept = {**found, 'face_normals': found['face_normals'][:1]}
    write_arrays(file_of(mesh), str(kept.pop('key')), kept)
    colours(Scene.load(mesh, 'cpu'))
    assert len(made) == 2


def test_nothing_is_kept_of_a_small_mesh_or_if_that_is_switched_off(mesh, made, monkeypatch):
    Scene.load(mesh, 'cpu', use_cache=False)
    assert not file_of(mesh).exists()
    Scene.load(mesh, 'cpu')
    Scene.load(mesh, 'cpu', use_cache=False)
    assert len(made) == 3
    file_of(mesh).unlink()
    monkeypatch.setattr(_mesh_cache, '_LEAST_TEXELS', 10_000)
    Scene.load(mesh, 'cpu')
    assert not file_of(mesh).exists()

"""Mesh files: what they hold arrives, and what is wrong with them is said in one line."""

import tracemalloc
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch
import trimesh
from support.meshes import noise

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.mesh_io import _obj
from mesh_reloc_ros.mesh_io.assemble import read_textures
from mesh_reloc_ros.mesh_io.load import load_mesh
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types.camera import Camera

RED, GREEN, BLUE = (220, 30, 20), (10, 200, 40), (30, 60, 240)


def save_plain(path: Path, colour, size=(8, 6)) -> None:
    PIL.Image.new('RGB', size, colour).save(path)


def panel(x: float, first: int) -> list[str]:
    """Return an upright square of side 1 centred at (x, 0, 3), numbered from `first`."""
    corners = ((-0.5, 0.5), (0.5, 0.5), (0.5, -0.5), (-0.5, -0.5))
    lines = [f'v {x + dx} {dy} 3' for dx, dy in corners]
    lines += ['vt 0 0', 'vt 1 0', 'vt 1 1', 'vt 0 1']
    a, b, c, d = range(first, first + 4)
    return [*lines, f'f {a}/{a} {b}/{b} {c}/{c}', f'f {a}/{a} {c}/{c} {d}/{d}']


def write_panels(folder: Path, materials: dict[str, str], names: list[str]) -> Path:
    """Write a panel per name, side by side from x = 0, and what the MTL file says of each."""
    obj = ['mtllib panels.mtl']
    for number, name in enumerate(names):
        obj += [f'usemtl {name}', *panel(1.0 * number, 4 * number + 1)]
    (folder / 'panels.obj').write_text('\n'.join(obj) + '\n')
    mtl = [f'newmtl {name}\n{lines}\n' for name, lines in materials.items()]
    (folder / 'panels.mtl').write_text('\n'.join(mtl))
    return folder / 'panels.obj'


def colours_seen(mesh: Path, panels: int) -> np.ndarray:
    """Return the colours 0 to 255 [panels, 3] in the middle of each panel."""
    camera = Camera(width=20 * panels, height=11, fx=60.0, fy=60.0, cx=9.5, cy=5.0)
    colour = Scene.load(mesh, 'cpu').render(torch.eye(4), camera).colour[0]
    return 255 * colour[5, 10::20].numpy()


def test_each_face_has_the_colour_of_its_material(tmp_path):
    save_plain(tmp_path / 'a.png', RED)
    save_plain(tmp_path / 'b.png', GREEN, size=(64, 3))
    save_plain(tmp_path / 'c.jpg', BLUE)
    materials = {'c': 'map_Kd c.jpg', 'a': 'Kd 1 1 1\nmap_Kd a.png', 'b': 'map_Kd b.png'}
    mesh = write_panels(tmp_path, materials, ['a', 'b', 'c', 'b', 'a'])
    seen = colours_seen(mesh, 5)
    np.testing.assert_allclose(seen, [RED, GREEN, BLUE, GREEN, RED], atol=4)
    loaded = load_mesh(mesh)
    assert len(loaded.faces) == 10
    assert len(loaded.textures) == 3
    sides = {texture.shape[:2] for texture in loaded.textures}
    assert sides == {(6, 8), (3, 64)}


def test_a_material_without_texture_has_its_plain_colour(tmp_path):
    save_plain(tmp_path / 'a.png', RED)
    materials = {'a': 'map_Kd a.png', 'plain': 'Kd 0.2 0.6 1.0'}
    mesh = write_panels(tmp_path, materials, ['plain', 'a', 'plain'])
    seen = colours_seen(mesh, 3)
    np.testing.assert_allclose(seen, [(51, 153, 255), RED, (51, 153, 255)], atol=1)


@pytest.mark.parametrize('mode', ['L', 'RGBA', 'P', 'LA', '1'])
def test_images_of_any_kind_serve_as_textures(tmp_path, mode):
    # Transparent parts have their colour, too.
    image = PIL.Image.new('RGBA', (8, 8), (200, 200, 200, 90))
    image.paste((60, 60, 60, 255), (0, 4, 8, 8))
    image = image.convert('RGB').quantize(4) if mode == 'P' else image.convert(mode)
    image.save(tmp_path / 'a.png')
    mesh = write_panels(tmp_path, {'a': 'map_Kd a.png'}, ['a'])
    (texture,) = load_mesh(mesh).textures
    assert texture.shape == (8, 8, 3)
    assert texture.dtype == np.uint8
    if mode != '1':
        np.testing.assert_allclose(texture[1], np.full((8, 3), 200), atol=3)
        np.testing.assert_allclose(texture[6], np.full((8, 3), 60), atol=3)


@pytest.mark.parametrize('name', ['maps/a.png', 'a b.png', 'ä.png'])
def test_textures_are_found_by_their_path_from_the_mesh(tmp_path, name):
    (tmp_path / 'maps').mkdir()
    save_plain(tmp_path / name, GREEN)
    mesh = write_panels(tmp_path, {'a': f'map_Kd {name}'}, ['a'])
    np.testing.assert_array_equal(load_mesh(mesh).textures[0][0, 0], GREEN)


def test_seams_keep_the_texture_coordinates_of_each_face(tmp_path):
    """Faces share vertices, but not texture coordinates, and change material from one to next."""
    rng = np.random.default_rng(1)
    vertices = rng.normal(size=(40, 3)).round(4)
    uvs = rng.uniform(size=(90, 2)).round(4)
    faces = np.stack([rng.choice(40, 3, replace=False) for _ in range(120)])
    face_uvs = rng.integers(0, 90, (120, 3))
    used = rng.integers(0, 2, 120)
    for name, colour in (('m0', RED), ('m1', GREEN)):
        save_plain(tmp_path / f'{name}.png', colour)
    (tmp_path / 's.mtl').write_text('newmtl m0\nmap_Kd m0.png\nnewmtl m1\nmap_Kd m1.png\n')
    lines = ['mtllib s.mtl', *(f'v {x} {y} {z}' for x, y, z in vertices)]
    lines += [f'vt {u} {v}' for u, v in uvs]
    for corners, texture_corners, material in zip(faces, face_uvs, used, strict=True):
        places = (f'{v + 1}/{t + 1}' for v, t in zip(corners, texture_corners, strict=True))
        lines += [f'usemtl m{material}', f'f {" ".join(places)}']
    (tmp_path / 's.obj').write_text('\n'.join(lines) + '\n')

    mesh = load_mesh(tmp_path / 's.obj')

    def sorted_rows(colours, points, coordinates):
        table = np.concatenate(
            (colours, points.reshape(-1, 9), coordinates.reshape(-1, 6)), axis=1
        ).round(4)
        return table[np.lexsort(table.T)]

    textures = np.array([texture[0, 0] for texture in mesh.textures])
    found = sorted_rows(
        textures[mesh.face_materials], mesh.vertices[mesh.faces], mesh.uvs[mesh.faces]
    )
    expected = sorted_rows(np.array([RED, GREEN])[used], vertices[faces], uvs[face_uvs])
    np.testing.assert_allclose(found, expected, atol=1.1e-4)


def test_polygons_become_triangles(tmp_path):
    save_plain(tmp_path / 'a.png', GREEN)
    mesh = write_panels(tmp_path, {'a': 'map_Kd a.png'}, ['a'])
    lines = mesh.read_text().splitlines()[:-2]
    mesh.write_text('\n'.join([*lines, 'f 1/1 2/2 3/3 4/4']) + '\n')
    loaded = load_mesh(mesh)
    a, b, c = loaded.vertices[loaded.faces].transpose(1, 0, 2)
    assert 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() == pytest.approx(1.0)
    np.testing.assert_allclose(colours_seen(mesh, 1)[0], GREEN, atol=1)


@pytest.mark.parametrize(
    'case', ['byte order mark', 'CRLF', 'Latin-1 OBJ', 'Latin-1 MTL', 'options']
)
def test_files_as_other_tools_write_them_keep_their_texture(tmp_path, case):
    """A texture is never replaced by a plain colour without a word."""
    save_plain(tmp_path / 'a.png', RED)
    options = '-s 1 1 1 ' if case == 'options' else ''
    mesh = write_panels(tmp_path, {'a': f'map_Kd {options}a.png'}, ['a'])
    materials = tmp_path / 'panels.mtl'
    if case == 'byte order mark':
        mesh.write_bytes(b'\xef\xbb\xbf' + mesh.read_bytes())
    elif case == 'CRLF':
        for path in (mesh, materials):
            path.write_bytes(path.read_bytes().replace(b'\n', b'\r\n'))
    elif case != 'options':
        path = mesh if case == 'Latin-1 OBJ' else materials
        path.write_bytes('# Größe\n'.encode('latin-1') + path.read_bytes())
    np.testing.assert_array_equal(load_mesh(mesh).textures[0][0, 0], RED)


def test_a_texture_that_materials_share_is_held_once(tmp_path):
    save_plain(tmp_path / 'a.png', RED)
    materials = {'a': 'map_Kd a.png', 'plain': 'Kd 0 0 1', 'b': 'Kd 0 1 0\nmap_Kd a.png'}
    mesh = write_panels(tmp_path, materials, ['a', 'plain', 'b'])
    assert len(load_mesh(mesh).textures) == 2
    np.testing.assert_allclose(colours_seen(mesh, 3), [RED, (0, 0, 255), RED], atol=1)


def test_equal_texture_files_are_one_texture(tmp_path):
    """So that its texels count as covered on both sides of a border between materials."""
    pixels = noise(16, 8, seed=1)
    for name in 'abc':
        PIL.Image.fromarray(pixels if name != 'c' else 255 - pixels).save(tmp_path / f'{name}.png')
    materials = {name: f'map_Kd {name}.png' for name in 'abc'}
    loaded = load_mesh(write_panels(tmp_path, materials, ['a', 'c', 'b']))
    assert len(loaded.textures) == 2
    for pair, expected in zip(
        loaded.face_materials.reshape(3, 2), (pixels, 255 - pixels, pixels), strict=True
    ):
        np.testing.assert_array_equal(loaded.textures[pair[0]], expected)
        assert pair[0] == pair[1]


def test_vertices_stand_once_where_texture_coordinates_agree(tmp_path):
    """Whatever normals and colours are given to them."""
    save_plain(tmp_path / 'a.png', RED)
    mesh = write_panels(tmp_path, {'a': 'map_Kd a.png'}, ['a'])
    text = mesh.read_text().replace(' 3\n', ' 3 0.5 0.5 0.5\n')
    text = text.replace('f 1/1 2/2 3/3', 'f 1/1/1 2/2/2 3/3/3').replace(
        'f 1/1 3/3 4/4', 'vn 0 0 1\nvn 0 1 0\nvn 1 0 0\nf 1/1/2 3/3/1 4/4/1'
    )
    mesh.write_text(text)
    loaded = load_mesh(mesh)
    assert len(loaded.vertices) == 4
    np.testing.assert_array_equal(loaded.faces, [[0, 1, 2], [0, 2, 3]])


def test_plain_colours_need_no_texture_coordinates(tmp_path):
    save_plain(tmp_path / 'a.png', RED)
    mesh = write_panels(tmp_path, {'a': 'map_Kd a.png', 'b': 'Kd 0 1 0'}, ['a', 'b'])
    mesh.write_text(mesh.read_text().replace('f 5/5 6/6 7/7', 'f 5 6 7').replace('8/8', '8'))
    np.testing.assert_allclose(colours_seen(mesh, 2), [RED, (0, 255, 0)], atol=1)


@pytest.mark.parametrize('kind', ['ply', 'glb'])
def test_other_formats_arrive_as_well(tmp_path, kind):
    image = PIL.Image.fromarray(noise(16, 8, seed=1))
    uvs = np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
    square = trimesh.Trimesh(
        np.array([[-0.5, 0.5, 3], [0.5, 0.5, 3], [0.5, -0.5, 3], [-0.5, -0.5, 3]]),
        [[0, 1, 2], [0, 2, 3]],
        visual=trimesh.visual.TextureVisuals(uv=uvs, image=image),
        process=False,
    )
    if kind == 'ply':
        image.save(tmp_path / 'a.png')
        header, body = square.export(file_type='ply', encoding='ascii').split(b'element', 1)
        (tmp_path / 'a.ply').write_bytes(header + b'comment TextureFile a.png\nelement' + body)
    else:
        square.export(tmp_path / 'a.glb')
    loaded = load_mesh(tmp_path / f'a.{kind}')
    np.testing.assert_allclose(loaded.vertices[loaded.faces], square.triangles, atol=1e-6)
    np.testing.assert_allclose(loaded.uvs[loaded.faces], uvs[square.faces], atol=1e-6)
    np.testing.assert_array_equal(loaded.textures[0], np.asarray(image))


def test_progress_of_each_stage_goes_from_0_to_1(tmp_path, monkeypatch):
    for name, colour in (('a', RED), ('b', GREEN)):
        save_plain(tmp_path / f'{name}.png', colour)
    mesh = write_panels(tmp_path, {'a': 'map_Kd a.png', 'b': 'map_Kd b.png'}, ['a', 'b'])
    monkeypatch.setattr(_obj, 'BLOCK_BYTES', 50)
    said: dict[str, list[float]] = {}
    load_mesh(mesh, lambda stage, done: said.setdefault(stage, []).append(done))
    assert list(said) == ['reading panels.obj', 'reading textures']
    for steps in said.values():
        assert steps == sorted(steps)
        assert steps[0] == 0.0
        assert steps.count(1.0) == 1
        assert any(0.3 < done < 0.9 for done in steps)


def test_a_texture_is_not_held_twice_while_it_is_read(tmp_path):
    image = PIL.Image.fromarray(noise(1024, 768, seed=2))
    image.save(tmp_path / 'a.png')
    tracemalloc.start()
    (texture,) = read_textures(tmp_path / 'a.obj', [tmp_path / 'a.png'])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    np.testing.assert_array_equal(texture, np.asarray(image))
    assert peak < 1.9 * texture.nbytes


def broken_meshes(folder: Path) -> dict[str, tuple[Path, str]]:
    """Return the path and the words of the complaint, by what is wrong."""
    save_plain(folder / 'a.png', RED)
    good = write_panels(folder, {'a': 'map_Kd a.png'}, ['a']).read_text()
    (folder / 'broken.png').write_bytes((folder / 'a.png').read_bytes()[:40])
    (folder / 'lost.mtl').write_text('newmtl a\nKd 1 1 1\nmap_Kd holiday.png\n')
    (folder / 'broken.mtl').write_text('newmtl a\nmap_Kd broken.png\n')
    without_uvs = '\n'.join(line for line in good.splitlines() if not line.startswith('vt'))
    contents = {
        'empty': ('', 'empty.obj'),
        'no faces': (good[: good.index('f 1/1')], 'has no faces'),
        'texture missing': (good.replace('panels.mtl', 'lost.mtl'), r'texture \S*holiday\.png'),
        'texture broken': (good.replace('panels.mtl', 'broken.mtl'), r'texture'),
        'no texture coordinates': (
            without_uvs.replace('/1', '').replace('/2', '').replace('/3', '').replace('/4', ''),
            'no texture coordinates',
        ),
        'no mtl file': (good.replace('panels.mtl', 'gone.mtl'), 'MTL'),
        'no mtllib': (good.replace('mtllib panels.mtl\n', ''), 'MTL'),
        'material not in mtl': (good.replace('usemtl a', 'usemtl z'), 'MTL'),
        'vertices not finite': (good.replace('v -0.5 0.5 3', 'v nan 0.5 3'), 'not finite'),
        'uv not finite': (good.replace('vt 0 0', 'vt nan 0'), 'texture coordinates'),
        'index beyond': (good.replace('f 1/1 2/2 3/3', 'f 1/1 2/2 99/3'), 'index beyond.obj'),
        'words': ('this is not a mesh\n' * 3, 'words.obj'),
    }
    meshes = {'missing': (folder / 'nowhere.obj', 'does not exist')}
    meshes['folder'] = (folder, 'is a folder')
    for name, (content, words) in contents.items():
        (folder / f'{name}.obj').write_text(content)
        meshes[name] = (folder / f'{name}.obj', words)
    (folder / 'unknown.xyz1').write_text(good)
    meshes['unknown kind'] = (folder / 'unknown.xyz1', 'cannot be read')
    (folder / 'binary.obj').write_bytes(bytes(range(256)) * 4)
    meshes['binary'] = (folder / 'binary.obj', 'binary.obj')
    return meshes


CASES = (
    'missing',
    'folder',
    'empty',
    'no faces',
    'texture missing',
    'texture broken',
    'no texture coordinates',
    'no mtl file',
    'no mtllib',
    'material not in mtl',
    'vertices not finite',
    'uv not finite',
    'index beyond',
    'words',
    'unknown kind',
    'binary',
)


@pytest.mark.parametrize('case', CASES)
def test_a_mesh_that_cannot_be_used_is_named_in_one_line(tmp_path, case):
    path, words = broken_meshes(tmp_path)[case]
    with pytest.raises(InputError, match=words) as refusal:
        load_mesh(path)
    assert str(path) in str(refusal.value)
    assert '\n' not in str(refusal.value)

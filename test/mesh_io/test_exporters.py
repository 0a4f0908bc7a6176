"""OBJ and MTL files as programs, editors and other machines write them."""

import unicodedata

import numpy as np
import pytest
from support.obj_files import CORNERS, FACES, MTL, OBJ, TEXTURE, UVS, save, write_mesh

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.mesh_io.load import load_mesh


def check_textured(mesh) -> None:
    assert len(mesh.faces) == 2
    assert np.ptp(mesh.vertices[:, 0]) == pytest.approx(1.0013)
    np.testing.assert_array_equal(mesh.textures[0], TEXTURE)
    assert not mesh.is_plain.any()


NAMES = {
    'quotes': ('"mesh.png"', 'mesh.png'),
    'single quotes': ("'mesh.png'", 'mesh.png'),
    'spaces in quotes': ('"my mesh.png"', 'my mesh.png'),
    'spaces': ('my mesh 1.png', 'my mesh 1.png'),
    'percent': ('my%20mesh.png', 'my mesh.png'),
    'backslashes': (r'maps\a\mesh.png', 'maps/a/mesh.png'),
    'dot and backslash': (r'.\mesh.png', 'mesh.png'),
    'dot and slash': ('./maps/../mesh.png', 'mesh.png'),
    'other case': ('Maps/Mesh.PNG', 'maps/mesh.png'),
    'gone POSIX path': ('/home/me/odm/mesh.png', 'mesh.png'),
    'gone Windows path': (r'C:\Users\me\odm\mesh.png', 'mesh.png'),
    'gone network path': (r'\\server\share\mesh.png', 'mesh.png'),
    'gone path, other case': (r'D:\ODM\MESH.PNG', 'mesh.png'),
    'gone path, folder came along': ('/home/me/odm/maps/mesh.png', 'maps/mesh.png'),
    'gone path with spaces in quotes': (r'"C:\My Maps\my mesh.png"', 'my mesh.png'),
    'URL': ('file:///home/me/mesh.png', 'mesh.png'),
    'normal form': (unicodedata.normalize('NFD', 'größe.png'), 'größe.png'),
    'other normal form': ('größe.png', unicodedata.normalize('NFD', 'größe.png')),
    'comment': ('mesh.png # diffuse', 'mesh.png'),
    'comment without a blank': ('mesh.png#diffuse', 'mesh.png'),
    'hash in the name': ('mesh #1.png', 'mesh #1.png'),
    'scale': ('-s 1 1 1 mesh.png', 'mesh.png'),
    'scale of two': ('-s 2 2 mesh.png', 'mesh.png'),
    'options': ('-blendu on -clamp off -o 0 0 0 -bm 1.5 mesh.png', 'mesh.png'),
    'channel': ('-imfchan r -texres 512 mesh.png', 'mesh.png'),
    'options, spaces and comment': ('-bm 0.5 my mesh.png # wall', 'my mesh.png'),
    'options and quotes': ('-s 1 1 1 "my mesh.png"', 'my mesh.png'),
    'tabs': ('\tmesh.png\t', 'mesh.png'),
    'number as a name': ('-s 1 1 1 2 3.png', '2 3.png'),
}


@pytest.mark.parametrize('case', NAMES)
def test_a_texture_is_found_however_its_name_is_written(tmp_path, case):
    written, name = NAMES[case]
    check_textured(
        load_mesh(write_mesh(tmp_path, mtl=f'newmtl m\nmap_Kd {written}\n', texture=name))
    )


@pytest.mark.parametrize('page', ['cp1252', 'cp437', 'cp1251', 'cp932'])
def test_names_in_another_code_page_are_found(tmp_path, page):
    name = {'cp1251': 'стена.png', 'cp932': '壁.png'}.get(page, 'Wände.png')
    mtl = f'newmtl m\nmap_Kd {name}\n'.encode(page)
    check_textured(load_mesh(write_mesh(tmp_path, mtl=mtl, texture=name)))


def test_a_texture_that_several_files_may_mean_is_not_guessed(tmp_path):
    mesh = write_mesh(tmp_path, mtl='newmtl m\nmap_Kd MESH.png\n')
    save(tmp_path / 'Mesh.png', TEXTURE[::-1])
    with pytest.raises(InputError, match=r'several files.*Mesh\.png.*mesh\.png'):
        load_mesh(mesh)


LIBRARIES = {
    'quotes': 'mtllib "mesh.mtl"',
    'backslash': r'mtllib .\mesh.mtl',
    'case': 'mtllib MESH.MTL',
    'gone path': 'mtllib /home/me/mesh.mtl',
    'two in a line': 'mtllib other.mtl mesh.mtl',
    'two in a line, one with spaces': 'mtllib my other.mtl mesh.mtl',
    'two in quotes': 'mtllib "my other.mtl" "mesh.mtl"',
    'two lines': 'mtllib other.mtl\nmtllib mesh.mtl',
    'one is missing and not needed': 'mtllib gone.mtl mesh.mtl',
    'comment': 'mtllib mesh.mtl # materials',
    'in capitals': 'MTLLIB mesh.mtl',
}


@pytest.mark.parametrize('case', LIBRARIES)
def test_mtl_files_are_found(tmp_path, case):
    for name in ('other.mtl', 'my other.mtl'):
        (tmp_path / name).write_text('newmtl other\nmap_Kd gone.png\n')
    check_textured(load_mesh(write_mesh(tmp_path, OBJ.replace('mtllib mesh.mtl', LIBRARIES[case]))))


@pytest.mark.parametrize(
    'line', ['usemtl M', 'usemtl "m"', 'usemtl m # wall', 'usemtl\tm ', '', 'USEMTL m']
)
def test_the_material_is_found(tmp_path, line):
    """A single material need not be named at all."""
    check_textured(load_mesh(write_mesh(tmp_path, OBJ.replace('usemtl m', line))))


def test_a_material_may_be_written_in_another_code_page(tmp_path):
    mtl = MTL.replace('newmtl m', 'newmtl Wände').encode('cp1252')
    check_textured(load_mesh(write_mesh(tmp_path, OBJ.replace('usemtl m', 'usemtl Wände'), mtl)))


def test_the_texture_may_lie_beside_its_mtl_file(tmp_path):
    mesh = write_mesh(tmp_path, texture='maps/mesh.png')
    (tmp_path / 'mesh.mtl').rename(tmp_path / 'maps' / 'mesh.mtl')
    mesh.write_text(OBJ.replace('mesh.mtl', 'maps/mesh.mtl'))
    check_textured(load_mesh(mesh))


ENCODINGS = ('utf-16', 'utf-16-le', 'utf-16-be', 'utf-8-sig', 'utf-32')


@pytest.mark.parametrize('encoding', ENCODINGS)
@pytest.mark.parametrize('file', ['obj', 'mtl'])
def test_text_of_any_unicode_encoding_is_read(tmp_path, file, encoding):
    content = {'obj': OBJ, 'mtl': MTL}[file].encode(encoding)
    check_textured(load_mesh(write_mesh(tmp_path, **{file: content})))


@pytest.mark.parametrize('end', ['\r', '\r\n'])
def test_line_ends_of_any_system_are_read(tmp_path, end):
    mesh = write_mesh(tmp_path, OBJ.replace('\n', end), MTL.replace('\n', end))
    check_textured(load_mesh(mesh))


@pytest.mark.parametrize(
    'obj',
    [
        OBJ.replace('1.0013', '1,0013').replace('v 0 0', 'v 0,0 0,0'),
        OBJ.replace('vt 1 0', 'vt 0,9 0,1'),
    ],
)
def test_decimal_commas_are_named(tmp_path, obj):
    mesh = write_mesh(tmp_path, obj)
    with pytest.raises(InputError, match='decimal commas'):
        load_mesh(mesh)


def test_equal_vertices_and_texture_coordinates_are_joined(tmp_path):
    """Some programs write three of each for every face."""
    corners, uvs = (text.splitlines() for text in (CORNERS, UVS))
    order = (0, 1, 2, 0, 2, 3)
    text = '\n'.join([*(corners[n] for n in order), *(uvs[n] for n in order)])
    faces = 'f 1/1 2/2 3/3\nf 4/4 5/5 6/6\n'
    mesh = load_mesh(write_mesh(tmp_path, f'mtllib mesh.mtl\nusemtl m\n{text}\n{faces}'))
    check_textured(mesh)
    assert len(mesh.vertices) == 4
    np.testing.assert_array_equal(mesh.faces, [[0, 1, 2], [0, 2, 3]])


COLOURS = ((1, 0, 0), (0, 1, 0), (0, 0, 1), (0.2, 0.2, 0.2))


def with_colours(scale: float, more: str = '') -> str:
    """Return the quad with colours behind its corners."""
    lines = CORNERS.splitlines()
    for number, colour in enumerate(COLOURS):
        lines[number] += ' ' + ' '.join(f'{scale * channel:g}' for channel in colour) + more
    return '\n'.join([*lines, ''])


@pytest.mark.parametrize(('scale', 'more'), [(1, ''), (255, ''), (1, ' 1')])
def test_colours_of_vertices_become_the_texture(tmp_path, scale, more):
    obj = tmp_path / 'mesh.obj'
    obj.write_text(with_colours(scale, more) + 'f 1 2 3\nf 1 3 4\n')
    mesh = load_mesh(obj)
    texels = {tuple(texel) for texel in mesh.textures[0].reshape(-1, 3).tolist()}
    assert {tuple(round(255 * channel) for channel in colour) for colour in COLOURS} <= texels
    assert any('colours' in notice for notice in mesh.notices)


@pytest.mark.parametrize('corners', [with_colours(1), CORNERS.replace('\n', ' 1\n')])
def test_a_texture_counts_more_than_colours_or_weights_of_vertices(tmp_path, corners):
    check_textured(load_mesh(write_mesh(tmp_path, OBJ.replace(CORNERS, corners))))


def test_vertices_of_a_single_colour_are_no_texture(tmp_path):
    obj = tmp_path / 'mesh.obj'
    obj.write_text(CORNERS.replace('\n', ' 1 1 1\n') + 'f 1 2 3\nf 1 3 4\n')
    with pytest.raises(InputError, match='nothing to align with'):
        load_mesh(obj)


def tiles(folder, map_line: str, obj: str):
    """Write the quad with three tiles of one colour each."""
    for tile, grey in ((1001, 10), (1002, 100), (1011, 200)):
        save(folder / f't.{tile}.png', np.full((4, 4, 3), grey, np.uint8))
    return write_mesh(folder, obj, f'newmtl m\nmap_Kd {map_line}\n')


@pytest.mark.parametrize('name', ['t.<UDIM>.png', 't.<udim>.png', 't.1001.png', '"t.<UDIM>.png"'])
def test_udim_tiles_are_put_side_by_side(tmp_path, name):
    obj = OBJ.replace('vt 1 0', 'vt 2 0').replace('vt 1 1', 'vt 2 2').replace('vt 0 1', 'vt 0 2')
    obj = obj.replace('f 1/1 3/3 4/4\n', 'vt 0.1 1.1\nvt 0.9 1.1\nf 1/5 3/6 4/5\n')
    mesh = load_mesh(tiles(tmp_path, name, obj))
    (texture,) = mesh.textures
    np.testing.assert_array_equal(texture[::4, ::4, 0], [[200, 128], [10, 100]])
    assert mesh.uvs.max() <= 1
    corner = mesh.uvs[mesh.faces[1, 1]]
    np.testing.assert_allclose(corner, (0.45, 0.55), atol=1e-6)


def test_udim_tiles_that_are_not_used_are_not_read(tmp_path):
    (texture,) = load_mesh(tiles(tmp_path, 't.<UDIM>.png', OBJ)).textures
    assert texture.shape == (4, 4, 3)


def test_a_udim_tile_that_is_missing_is_named(tmp_path):
    far = UVS.replace('vt 0', 'vt 2').replace('vt 1', 'vt 3')
    with pytest.raises(InputError, match='tile 1003 is missing'):
        load_mesh(tiles(tmp_path, 't.<UDIM>.png', OBJ.replace(UVS, far)))


def test_names_that_no_system_knows_are_refused(tmp_path):
    for name in ('a\0b.png', 'x' * 5000 + '.png', '\udcff' * 300, '..', '/', '"'):
        mtl = f'newmtl m\nmap_Kd {name}\n'.encode('utf-8', 'surrogateescape')
        with pytest.raises(InputError) as refusal:
            load_mesh(write_mesh(tmp_path, mtl=mtl))
        str(refusal.value).encode('utf-8')
        assert len(str(refusal.value)) < 1000
    with pytest.raises(InputError, match='does not exist'):
        load_mesh('a\0b.obj')
    with pytest.raises(InputError, match='too long'):
        load_mesh('x' * 5000 + '.obj')


REFUSED = {
    'no MTL file': (OBJ.replace('mtllib mesh.mtl\n', ''), MTL, 'MTL file'),
    'MTL file missing': (OBJ.replace('mesh.mtl', 'gone.mtl'), MTL, r'gone\.mtl is missing'),
    'material unknown': (OBJ.replace('usemtl m', 'usemtl z'), MTL, r'material z: .*mesh\.mtl'),
    'two materials, none chosen': (OBJ.replace('usemtl m\n', ''), MTL + 'newmtl n\n', 'usemtl'),
    'texture missing': (OBJ, MTL.replace('mesh.png', '/home/me/gone.png'), r'gone\.png is missing'),
    'plain colours': (OBJ, 'newmtl m\nKd 0.7 0.7 0.7\n', 'plain colour'),
    'empty map_Kd': (OBJ, 'newmtl m\nKd 1 1 1\nmap_Kd \n', 'plain colour'),
    'no texture coordinates': (f'{CORNERS}f 1 2 3\nf 1 3 4\n', MTL, 'nothing to align with'),
    'all vertices equal': (OBJ.replace(CORNERS, 4 * 'v 1 2 3\n'), MTL, 'all its vertices'),
    'faces without area': (OBJ.replace(FACES, 'f 1/1 2/2 2/3\nf 1/1 3/3 1/4\n'), MTL, 'area'),
    'texture coordinates NaN': (OBJ.replace('vt 0 0', 'vt nan nan'), MTL, 'not finite'),
}  # fmt: skip


@pytest.mark.parametrize('case', REFUSED)
def test_a_mesh_with_nothing_to_align_with_is_refused(tmp_path, case):
    obj, mtl, words = REFUSED[case]
    with pytest.raises(InputError, match=words):
        load_mesh(write_mesh(tmp_path, obj, mtl))


@pytest.mark.parametrize(('scale', 'words'), [(3000, 'millimetres'), (0.01, 'too small'), (1, '')])
def test_the_size_is_said_and_doubted(tmp_path, scale, words):
    numbers = [[scale * float(word) for word in line.split()[1:]] for line in CORNERS.splitlines()]
    corners = ''.join(f'v {x} {y} {z}\n' for x, y, z in numbers)
    size, *_ = load_mesh(write_mesh(tmp_path, OBJ.replace(CORNERS, corners))).notices
    assert f'{1.0013 * scale:,.4g}' in size
    assert words in size
    assert (':' in size) == bool(words)

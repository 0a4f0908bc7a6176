"""PLY files: pages, texture coordinates of corners and vertices, colours, text and binary."""

import numpy as np
import pytest
from support.obj_files import TEXTURE, save

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.mesh_io.load import load_mesh

VERTICES = ((0, 0, 0), (1, 0, 0), (1.0013, 1, 0), (0, 1, 0))
UVS = ((0, 0), (1, 0), (1, 1), (0, 1))
FACES = ((0, 1, 2), (0, 2, 3))
TYPES = {'uchar': 'u1', 'int': 'i4', 'float': 'f4', 'double': 'f8', 'ushort': 'u2', 'short': 'i2'}
TEXTURE_LINE = 'comment TextureFile mesh.png'


class Ply:
    """A quad, with what is to be written of it."""

    def __init__(self, layout='ascii', comments=(TEXTURE_LINE,), vertices=VERTICES, kind='float'):
        self.layout, self.comments = layout, comments
        self.vertex = [(kind, axis) for axis in 'xyz']
        self.vertices = [list(row) for row in vertices]
        self.face = [('list uchar int', 'vertex_indices')]
        self.faces = [[list(face)] for face in FACES]

    def with_vertex(self, names, rows, kind='float'):
        self.vertex += [(kind, name) for name in names]
        for row, values in zip(self.vertices, rows, strict=True):
            row += values
        return self

    def with_face(self, kind, name, values):
        self.face.append((kind, name))
        for row, value in zip(self.faces, values, strict=True):
            row.append(value)
        return self

    def with_wedges(self):
        wedges = [[float(x) for corner in face for x in UVS[corner]] for face in FACES]
        return self.with_face('list uchar float', 'texcoord', wedges)

    def write(self, path):
        lines = ['ply', f'format {self.layout} 1.0', *self.comments]
        for name, rows, properties in (
            ('vertex', self.vertices, self.vertex),
            ('face', self.faces, self.face),
        ):
            lines.append(f'element {name} {len(rows)}')
            lines += [f'property {kind} {field}' for kind, field in properties]
        header = '\n'.join([*lines, 'end_header\n']).encode('utf-8', 'surrogateescape')
        rows = [zip(row, self.vertex, strict=True) for row in self.vertices]
        rows += [zip(row, self.face, strict=True) for row in self.faces]
        if self.layout == 'ascii':
            words = [' '.join(self._words(value) for value, _ in row) for row in rows]
            body = '\n'.join([*words, '']).encode()
        else:
            body = b''.join(self._bytes(value, kind) for row in rows for value, (kind, _) in row)
        path.write_bytes(header + body)
        return path

    @staticmethod
    def _words(value):
        if isinstance(value, list):
            return ' '.join(map(str, (len(value), *value)))
        return str(value)

    def _bytes(self, value, kind):
        order = '>' if 'big' in self.layout else '<'
        if not isinstance(value, list):
            return np.array(value, order + TYPES[kind]).tobytes()
        _, length, kind = kind.split()
        sizes = np.array(len(value), order + TYPES[length]).tobytes()
        return sizes + np.array(value, order + TYPES[kind]).tobytes()


@pytest.fixture(autouse=True)
def texture(tmp_path):
    save(tmp_path / 'mesh.png', TEXTURE)


LAYOUTS = ('ascii', 'binary_little_endian', 'binary_big_endian')


def corners(mesh):
    return np.dstack((mesh.vertices[mesh.faces], mesh.uvs[mesh.faces]))


EXPECTED = np.array([[[*VERTICES[v], *UVS[v]] for v in face] for face in FACES])


@pytest.mark.parametrize('layout', LAYOUTS)
@pytest.mark.parametrize('names', [('s', 't'), ('u', 'v'), ('texture_u', 'texture_v'), None])
def test_texture_coordinates_of_corners_and_of_vertices_arrive(tmp_path, layout, names):
    ply = Ply(layout)
    ply = ply.with_wedges() if names is None else ply.with_vertex(names, UVS)
    mesh = load_mesh(ply.write(tmp_path / 'mesh.ply'))
    np.testing.assert_allclose(corners(mesh), EXPECTED, atol=1e-6)
    np.testing.assert_array_equal(mesh.textures[0], TEXTURE)
    assert len(mesh.vertices) == 4


@pytest.mark.parametrize('layout', LAYOUTS)
def test_each_face_has_its_page(tmp_path, layout):
    other = 255 - TEXTURE
    save(tmp_path / 'my other.png', other)
    comments = ('comment TextureFile gone.png', TEXTURE_LINE, 'comment TextureFile my other.png')
    ply = Ply(layout, comments).with_wedges().with_face('int', 'texnumber', (2, 1))
    mesh = load_mesh(ply.write(tmp_path / 'mesh.ply'))
    textures = [mesh.textures[number] for number in mesh.face_materials]
    np.testing.assert_array_equal(textures, [other, TEXTURE])


def test_pages_without_numbers_are_not_guessed(tmp_path):
    ply = Ply(comments=(TEXTURE_LINE, 'comment TextureFile b.png')).with_wedges()
    with pytest.raises(InputError, match='texnumber'):
        load_mesh(ply.write(tmp_path / 'mesh.ply'))


@pytest.mark.parametrize('layout', LAYOUTS)
def test_polygons_of_any_number_of_corners_become_triangles(tmp_path, layout):
    ply = Ply(layout).with_vertex('st', UVS)
    ply.faces = [[[0, 1, 2, 3]], [[0, 1, 2]], [[0, 1]]]
    mesh = load_mesh(ply.write(tmp_path / 'mesh.ply'))
    np.testing.assert_allclose(corners(mesh), EXPECTED[[0, 1, 0]], atol=1e-6)


@pytest.mark.parametrize('layout', LAYOUTS)
def test_faces_without_a_page_or_coordinates_only_hide(tmp_path, layout):
    ply = Ply(layout).with_wedges().with_face('int', 'texnumber', (0, 0))
    ply.faces += [[[0, 1, 3], [], 0], [[1, 2, 3], [0.0] * 6, -1]]
    mesh = load_mesh(ply.write(tmp_path / 'mesh.ply'))
    np.testing.assert_array_equal(mesh.is_plain, [False, False, True, True])
    np.testing.assert_allclose(corners(mesh)[:2], EXPECTED, atol=1e-6)
    assert any('2 of 4 faces' in notice for notice in mesh.notices)


COLOURS = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (90, 90, 90))


@pytest.mark.parametrize('kind', ['uchar', 'ushort', 'float'])
@pytest.mark.parametrize('layout', LAYOUTS)
def test_colours_of_vertices_become_the_texture(tmp_path, layout, kind):
    scale = {'uchar': 1, 'ushort': 257, 'float': 1 / 255}[kind]
    rows = [[channel * scale for channel in colour] for colour in COLOURS]
    rows = rows if kind == 'float' else [[int(x) for x in row] for row in rows]
    ply = Ply(layout, ()).with_vertex(('red', 'green', 'blue'), rows, kind)
    mesh = load_mesh(ply.write(tmp_path / 'mesh.ply'))
    (texture,) = mesh.textures
    uvs = mesh.uvs[mesh.faces]
    column = np.floor(uvs[..., 0] * texture.shape[1]).astype(int)
    row = np.floor((1 - uvs[..., 1]) * texture.shape[0]).astype(int)
    np.testing.assert_array_equal(texture[row, column], np.array(COLOURS)[np.array(FACES)])


def test_a_texture_counts_more_than_colours(tmp_path):
    ply = Ply().with_vertex('st', UVS).with_vertex(('red', 'green', 'blue'), COLOURS, 'uchar')
    np.testing.assert_array_equal(load_mesh(ply.write(tmp_path / 'm.ply')).textures[0], TEXTURE)


@pytest.mark.parametrize('name', ['"mesh.png"', r'.\mesh.png', 'MESH.png', '/gone/mesh.png'])
def test_the_texture_is_found_as_in_mtl_files(tmp_path, name):
    ply = Ply(comments=(f'comment TextureFile {name}',)).with_vertex('st', UVS)
    np.testing.assert_array_equal(load_mesh(ply.write(tmp_path / 'm.ply')).textures[0], TEXTURE)


def test_coordinates_that_were_rounded_are_said(tmp_path):
    far = [[x + 500_123, y + 4_649_776, z] for x, y, z in VERTICES]
    mesh = load_mesh(Ply(vertices=far, kind='double').with_wedges().write(tmp_path / 'a.ply'))
    assert np.ptp(mesh.vertices[:, 0]) == pytest.approx(1.0013)
    assert not any('32-bit numbers, in' in notice for notice in mesh.notices)
    mesh = load_mesh(Ply(vertices=far).with_wedges().write(tmp_path / 'b.ply'))
    assert any('in steps of 0.5' in notice for notice in mesh.notices)


def refused(ply: Ply, path):
    """Return texts of broken PLY files and words of the complaint, by what is wrong."""
    whole = ply.write(path).read_bytes()
    text = whole.decode('latin-1')
    start = text.index('end_header')
    return {
        'no texture': (whole.replace(b'mesh.png', b'gone.png'), r'gone\.png is missing'),
        'no texture named': (whole.replace(TEXTURE_LINE.encode(), b'comment'), 'nothing to align'),
        'cut off': (whole[:-8], 'cut off'),
        'no header': (whole[start:], 'header'),
        'no faces': (whole.replace(b'element face', b'element edge'), 'no faces'),
        'more faces than there are': (whole.replace(b'face 2', b'face 99999999999'), 'cut off'),
        'unknown type': (whole.replace(b'uchar int', b'uchar lint'), 'cannot parse'),
        'unknown layout': (whole.replace(b'format ', b'format x'), 'format'),
        'empty': (b'', 'header'),
    }


@pytest.mark.parametrize('layout', LAYOUTS)
def test_broken_files_are_refused(tmp_path, layout):
    for content, words in refused(Ply(layout).with_wedges(), tmp_path / 'a.ply').values():
        (tmp_path / 'b.ply').write_bytes(content)
        with pytest.raises(InputError, match=words):
            load_mesh(tmp_path / 'b.ply')


@pytest.mark.parametrize('number', [4, -1])
def test_a_face_with_a_vertex_that_does_not_exist_is_refused(tmp_path, number):
    ply = Ply().with_vertex('st', UVS)
    ply.faces[1] = [[0, 2, number]]
    with pytest.raises(InputError, match='does not exist'):
        load_mesh(ply.write(tmp_path / 'mesh.ply'))


def test_decimal_commas_are_named(tmp_path):
    path = Ply().with_wedges().write(tmp_path / 'a.ply')
    path.write_text(path.read_text().replace('1.0013', '1,0013'))
    with pytest.raises(InputError, match='decimal commas'):
        load_mesh(path)

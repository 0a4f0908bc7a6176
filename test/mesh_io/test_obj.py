"""OBJ files: numbers, indices and lines as other tools write them arrive exactly."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import trimesh

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.mesh_io import _obj
from mesh_reloc_ros.mesh_io._joining import joined_corners
from mesh_reloc_ros.mesh_io._obj import parse_obj

SQUARE = 'v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nvt 0 0\nvt 1 0\nvt 1 1\nvt 0 1\n'


def read(folder: Path, text: str):
    (folder / 'a.obj').write_bytes(text.encode())
    return parse_obj(folder / 'a.obj')


NUMBERS = (
    '0', '-0.0', '1', '+2', '-3.25', '.5', '-.5', '7.', '1e3', '1E-3', '2.5e+02', '-4.75e-7',
    '0.000001', '123456789.123456789', '0.1234567890123456789012345', '16777217', '33554435.0',
    '12345678901234567890123', '3.4e38', '1.2e-38', '1e-46', '1e-400', '0.1e-30', '100000e-5',
)  # fmt: skip


def test_numbers_are_read_as_python_reads_them(tmp_path):
    rng = np.random.default_rng(1)
    written = [f'{x:.6f}' for x in rng.normal(0, 100, 300)]
    written += [repr(float(x)) for x in rng.normal(0, 1, 300) * 10.0 ** rng.integers(-20, 20, 300)]
    written += [f'{x:.9g}' for x in rng.normal(0, 1, 300)]
    for numbers in (NUMBERS, written):
        content = read(tmp_path, '\n'.join(f'v {number} {number} 1' for number in numbers))
        expected = np.array([float(number) for number in numbers]).astype(np.float32)
        np.testing.assert_array_equal(content.vertices[:, 0], expected)
        np.testing.assert_array_equal(content.vertices[:, 1], expected)


@pytest.mark.parametrize('line', ['v x 1 2', 'v 1,5 2,5 3,5', 'v 1 2', 'v', 'v nan 0 1', 'v - 1 2'])
def test_what_is_no_number_is_not_taken_for_one(tmp_path, line):
    content = read(tmp_path, f'v 0 0 0\n{line} \nvt 0 0\n')
    assert np.isfinite(content.vertices[0]).all()
    assert not np.isfinite(content.vertices[1]).all()


TRIANGLE = ([[0, 0], [1, 1], [2, 2]],)
BARE = ([[0, -1], [1, -1], [2, -1]],)
FAN = (*TRIANGLE, [[0, 0], [2, 2], [3, 3]])
FACES = {
    'vertices': ('f 1 2 3', BARE),
    'vertices and normals': ('f 1//7 2//8 3//9', BARE),
    'vertices and uvs': ('f 1/1 2/2 3/3', TRIANGLE),
    'vertices, uvs and normals': ('f 1/1/7 2/2/8 3/3/9', TRIANGLE),
    'some uvs': ('f 1/1 2 3/3', ([[0, 0], [1, -1], [2, 2]],)),
    'empty uvs': ('f 1/ 2/ 3/', BARE),
    'counted back': ('f -4/-4 -3/-3 -2/-2', TRIANGLE),
    'counted back in part': ('f -4/1 2/-3 3/3', TRIANGLE),
    'quadrilateral': ('f 1/1 2/2 3/3 4/4', FAN),
    'pentagon': ('f 1/1 2/2 3/3 4/4 2/1', (*FAN, [[0, 0], [3, 3], [1, 0]])),
    'two corners': ('f 1/1 2/2', ()),
    'no corners': ('f ', ()),
    'blanks': (' \tf  1/1\t2/2   3/3 \t', TRIANGLE),
    'comment': ('f 1/1 2/2 3/3 # f 2/2 3/3 4/4', TRIANGLE),
    'commented out': ('#f 1/1 2/2 3/3', ()),
    'line end of Windows': ('f 1/1 2/2 3/3\r', TRIANGLE),
    'continued': ('f 1/1 2/2\\\n3/3 \\\n4/4', FAN),
    'continued on Windows': ('f 1/1 2/2\\\r\n3/3', TRIANGLE),
    'line end of old': ('f 1/1 2/2 3/3\rf 1/1 3/3 4/4', FAN),
    'other lines': ('s 1\nl 1 2\nfo 3\nvp 1 2\no f 1 2 3\nf 1/1 2/2 3/3\np 1', TRIANGLE),
}


@pytest.mark.parametrize('after', ['', '\n', '\nv 9 9 9\nvt 9 9\n'], ids=['none', 'end', 'more'])
@pytest.mark.parametrize('case', FACES)
def test_faces_are_read_in_all_their_forms(tmp_path, case, after):
    line, expected = FACES[case]
    content = read(tmp_path, SQUARE + line + after)
    np.testing.assert_array_equal(content.faces, np.array(expected).reshape(-1, 3, 2))


@pytest.mark.parametrize('block', [1, 2, 3, 5, 7, 64])
def test_it_does_not_matter_where_the_file_is_cut_into_blocks(tmp_path, monkeypatch, block):
    rng = np.random.default_rng(2)
    lines = ['mtllib a.mtl']
    for number in range(30):
        lines += [f'v {x:.3f} {x + 1:.3f} 2 0.5 0.5 0.5' for x in rng.normal(size=4)]
        lines += [f'vn 0 0 1\nvt {u:.3f} {1 - u:.3f} 0' for u in rng.uniform(size=4)]
        lines += [f'usemtl m {number % 4}', 'f -4/-4/-4 -3/-3/-3 -2/-2/-2 -1/-1/-1']
        lines += ['f -4/-4 \\', ' -3/-3 -2/-2', '# a remark']
    text = '\n'.join(lines)
    whole = read(tmp_path, text)
    monkeypatch.setattr(_obj, 'BLOCK_BYTES', block)
    # Lines are longer than that.
    monkeypatch.setattr(_obj, '_LONGEST_LINE', 100)
    cut = read(tmp_path, text)
    assert len(whole.faces) == 90
    for name in ('vertices', 'uvs', 'faces', 'face_materials'):
        np.testing.assert_array_equal(getattr(cut, name), getattr(whole, name))
    assert cut.materials == whole.materials == [f'm {number}' for number in range(4)]
    assert cut.libraries == ['a.mtl']


UNREADABLE = {
    'vertex beyond': ('f 1/1 2/2 5/3', 'vertex 5, and there are 4'),
    'uv beyond': ('f 1/1 2/2 3/5', 'texture coordinate 5, and there are 4'),
    'far beyond': ('f 1/1 2/2 99999999999999999999/3', 'vertex 2147483646,'),
    'before the first vertex': ('f -5/1 2/2 3/3', 'line "f -5/1 2/2 3/3"'),
    'before the first uv': ('f 1/-5 2/2 3/3', 'line "f 1/-5'),
    'vertex 0': ('f 0/1 2/2 3/3', 'line "f 0/1'),
    'words': ('f one two three', 'line "f one two three"'),
    'fractions': ('f 1.0 2.0 3.0', 'line "f 1.0'),
    'four parts': ('f 1/1/1/1 2/2/2/2 3/3/3/3', 'line "f 1/1/1/1'),
}


@pytest.mark.parametrize('case', UNREADABLE)
def test_a_face_that_cannot_be_read_is_shown(tmp_path, case):
    line, words = UNREADABLE[case]
    with pytest.raises(InputError, match=words):
        read(tmp_path, f'{SQUARE}f 1/1 2/2 3/3\n{line}\nf 1/1 2/2 3/3\n')


def test_a_file_that_is_no_text_is_refused_before_it_fills_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(_obj, 'BLOCK_BYTES', 100)
    monkeypatch.setattr(_obj, '_LONGEST_LINE', 1000)
    with pytest.raises(InputError, match='line of'):
        read(tmp_path, 'v 0 0 0\n' + 2000 * 'x')


def test_it_reads_what_trimesh_reads(tmp_path):
    """A mesh with seams, normals and vertex colours, of mixed polygons."""
    rng = np.random.default_rng(3)
    lines = [f'v {x} {y} {z} 0.1 0.2 0.3' for x, y, z in rng.normal(size=(200, 3))]
    lines += [f'vt {u} {v}' for u, v in rng.uniform(size=(500, 2))]
    lines += [f'vn {x} {y} {z}' for x, y, z in rng.normal(size=(100, 3))]
    for corners in rng.integers(3, 7, 400):
        places = zip(*(rng.integers(1, end, corners) for end in (201, 501, 101)), strict=True)
        lines.append('f ' + ' '.join(f'{v}/{t}/{n}' for v, t, n in places))
    content = read(tmp_path, '\n'.join(lines))
    other = trimesh.load_mesh(tmp_path / 'a.obj', process=False)

    def sorted_triangles(points, coordinates):
        corners = np.dstack((points, coordinates)).astype(np.float32)
        # Some triangles begin at another corner there.
        return sorted(tuple(sorted(map(tuple, face))) for face in corners.tolist())

    found = sorted_triangles(
        content.vertices[content.faces[..., 0]], content.uvs[content.faces[..., 1]]
    )
    expected = sorted_triangles(other.vertices[other.faces], other.visual.uv[other.faces])
    assert len(content.faces) > 800
    assert found == expected


def test_joined_corners_keep_each_pair_once(tmp_path):
    faces = np.random.default_rng(4).integers(0, 30, (1000, 3, 2)).astype(np.int32)
    vertices = np.arange(90, dtype=np.float32).reshape(30, 3)
    numbers, pairs = joined_corners(faces, vertices, vertices[:, :2])
    np.testing.assert_array_equal(pairs[numbers], faces)
    assert (
        len(pairs) == len(np.unique(pairs, axis=0)) == len(np.unique(faces.reshape(-1, 2), axis=0))
    )


def test_no_more_is_held_than_a_few_times_what_is_read(tmp_path, monkeypatch):
    """The text is larger than that, and Python objects for each face would be larger still."""
    monkeypatch.setattr(_obj, 'BLOCK_BYTES', 1 << 12)
    face = '\n'.join(f'f {n}/{n}/{n} {n + 1}/{n + 1}/{n + 1} 1/2/3' for n in range(1, 20_000))
    text = 20_001 * 'v 0.123456 0.234567 0.345678\nvt 0.123456 0.234567\n' + face
    (tmp_path / 'large.obj').write_text(text)
    parse_obj(tmp_path / 'large.obj')
    tracemalloc.start()
    content = parse_obj(tmp_path / 'large.obj')
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    size = content.vertices.nbytes + content.uvs.nbytes + content.faces.nbytes
    assert peak < 2 * size < len(text)

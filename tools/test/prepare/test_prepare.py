"""`mesh_reloc prepare`: meshes scaled, turned, cut and made smaller, and what that costs."""

import re
from dataclasses import replace

import cv2
import numpy as np
import pytest
from mesh_reloc_evaluation.obj_file import write_obj
from mesh_reloc_tools.parts import areas
from mesh_reloc_tools.simplification.atlas import atlas_of
from support.meshes import joined, quad
from support.small_room import CAMERA, clouds, pose_at, small_room_mesh

from mesh_reloc_ros.cli.main import main
from mesh_reloc_ros.mesh_io.load import load_mesh
from mesh_reloc_ros.render.scene import Scene


@pytest.fixture
def prepare(tmp_path, capsys):
    """Return a function that writes a mesh, prepares it, and returns the result and the output."""

    def make(mesh, *words, name='out.obj'):
        write_obj(tmp_path / 'in.obj', mesh)
        given = [str(tmp_path / 'in.obj'), str(tmp_path / name), *map(str, words)]
        assert main(['prepare', *given]) == 0
        said = capsys.readouterr()
        assert said.err == ''
        return load_mesh(tmp_path / name), said.out

    return make


def image(mesh, step=0.0):
    scene = Scene(mesh.about_zero(), 'cpu')
    return 255 * scene.render(np_pose(step), CAMERA).colour[0].numpy()


def np_pose(step):
    import torch

    return torch.from_numpy(pose_at(step))


def difference(first, second):
    return np.abs(image(first) - image(second)).mean()


@pytest.mark.parametrize('name', ['out.obj', 'out.glb'])
def test_a_mesh_in_millimetres_upside_down_comes_out_in_metres_with_z_up(prepare, name):
    room = small_room_mesh()
    # x, z and y of the file are x, -y and z of the room.
    swapped = 1000 * room.vertices[:, [0, 2, 1]] * np.float32((1, 1, -1))
    found, said = prepare(replace(room, vertices=swapped), '--scale', 0.001, '--up=y', name=name)
    np.testing.assert_allclose(np.ptp(found.vertices, axis=0), (4, 4, 3), atol=1e-5)
    assert found.vertices[:, 2].min() == pytest.approx(0, abs=1e-5)
    assert 'colours differ by 0.0% in the mean; 0.0% of what was seen is gone' in said
    # Turned about z, it is the room again; a mirror image is not.
    turned = next(
        replace(found, vertices=(found.vertices @ turn.T).astype(np.float32))
        for turn in quarter_turns()
        if room_is(found.vertices @ turn.T)
    )
    assert difference(turned, room) < 0.5


def quarter_turns():
    for angle in (0, np.pi / 2, np.pi, 3 * np.pi / 2):
        cos, sin = np.cos(angle), np.sin(angle)
        yield np.array([(cos, -sin, 0), (sin, cos, 0), (0, 0, 1)])


def room_is(vertices):
    room = {tuple(v) for v in small_room_mesh().vertices.round(3).tolist()}
    return {tuple(v) for v in (vertices.round(3) + 0.0).astype(np.float32).tolist()} == room


@pytest.mark.parametrize('axis', ['z', '-z', 'y', '-y', 'x', '-x'])
def test_every_axis_can_be_turned_up_without_mirroring(prepare, axis):
    up = (-1 if axis[0] == '-' else 1) * np.eye(3)['xyz'.index(axis[-1])]
    across, other = (e for e in np.eye(3) if not (e @ up))
    corners = [0 * up, across, across + other, other]
    mesh = quad([corner + 5 * up for corner in corners], clouds(0))
    faces_up = np.cross(across, other) @ up > 0
    found, _ = prepare(mesh, f'--up={axis}')
    assert found.vertices[:, 2] == pytest.approx(5)
    a, b, c = found.vertices[found.faces[0]]
    assert (np.cross(b - a, c - a)[2] > 0) == faces_up


def test_the_scale_fits_known_distances(prepare):
    # The room is 4 wide and 3 high in the file.
    wide, high = (-2, 2, 0, 2, 2, 0), (2, 2, 0, 2, 2, 3)
    found, said = prepare(small_room_mesh(), '--distance', *wide, 2.0, '--distance', *high, 1.5)
    np.testing.assert_allclose(np.ptp(found.vertices, axis=0), (2, 2, 1.5), atol=1e-5)
    assert 'scale: 0.5; the distances are off by +0, +0 cm' in said
    _, said = prepare(small_room_mesh(), '--distance', *wide, 2.02, '--distance', *high, 1.5)
    misfits = [float(part) for part in re.search(r'off by (\S+), (\S+) cm', said).groups()]
    assert misfits[0] < 0 < misfits[1]


def test_small_parts_and_faces_without_area_are_dropped(prepare):
    room = small_room_mesh()
    crumb = quad(((0, 0, 1), (0.01, 0, 1), (0.01, 0.01, 1), (0, 0.01, 1)), clouds(9))
    line = quad(((-1, -1, 0), (0, 0, 0), (1, 1, 0), (0.5, 0.5, 0)), clouds(9))
    found, said = prepare(joined(room, crumb, line), '--min-part', 0.01)
    assert 'dropped: 2 faces without area, 1 small parts of 2 faces' in said
    assert areas(found).sum() == pytest.approx(areas(room).sum(), rel=1e-5)
    assert len(found.textures) == len(room.textures)
    kept, _ = prepare(joined(room, crumb, line))
    assert len(kept.faces) == len(room.faces) + 2


def test_a_mesh_is_cut_to_a_box_in_coordinates_of_the_output(prepare):
    found, said = prepare(small_room_mesh(), '--scale', 10, '--box', -5, 0, -1, 5, 20, 9)
    # Of the box in the room the faces, and nothing else.
    assert np.ptp(found.vertices, axis=0) == pytest.approx((8, 8, 8), abs=1e-4)
    assert '6 faces outside of the box' in said


def test_textures_are_shrunk_and_the_loss_is_said(prepare, tmp_path):
    found, said = prepare(
        small_room_mesh(), '--texture-size', 64, '--report', tmp_path / 'report.png'
    )
    assert {page.shape for page in found.textures} == {(64, 64, 3)}
    assert 'after: 12 faces, 6 textures of 0.0246 million pixels' in said
    loss = float(re.search(r'colours differ by (\S+)% in the mean', said)[1])
    assert 0.5 < loss < 20
    assert 'the surface moved by 0 mm in the median' in said
    assert cv2.imread(str(tmp_path / 'report.png')).shape[1] > 1280


@pytest.mark.parametrize('options', [(), ('--unlit',)])
def test_unlit_materials_shine_by_themselves_and_keep_their_textures(prepare, tmp_path, options):
    room = small_room_mesh()
    found, _ = prepare(room, *options)
    materials = (tmp_path / 'out.mtl').read_text().split('newmtl ')[1:]
    assert len(materials) == len(room.textures)
    assert all(('\nKe 1 1 1\n' in each) == bool(options) for each in materials)
    assert difference(found, room) < 1


def test_coordinates_far_from_zero_are_kept(prepare, tmp_path, capsys):
    origin = np.array([500_000.0, 4_000_000.0, 300.0])
    found, _ = prepare(replace(small_room_mesh(), origin=origin), '--up=z')
    low = found.vertices.min(0) + found.origin
    np.testing.assert_allclose(low - origin, (-2, -2, 0), atol=1e-3)
    assert main(['prepare', str(tmp_path / 'in.obj'), str(tmp_path / 'far.glb')]) == 2
    assert 'write an OBJ' in capsys.readouterr().err
    assert not (tmp_path / 'far.glb').exists()


def fine_room():
    """Return the room with every triangle divided into 64."""
    room = small_room_mesh()
    parts = [room.vertices[room.faces].reshape(-1, 3, 3), room.uvs[room.faces].reshape(-1, 3, 2)]
    materials = room.face_materials
    for _ in range(3):
        parts = [quartered(values) for values in parts]
        materials = np.tile(materials, 4)
    vertices, uvs = (values.reshape(-1, values.shape[-1]) for values in parts)
    faces = np.arange(len(vertices), dtype=np.int32).reshape(-1, 3)
    return replace(room, vertices=vertices, uvs=uvs, faces=faces, face_materials=materials)


def quartered(corners):
    a, b, c = corners.transpose(1, 0, 2)
    ab, bc, ca = (a + b) / 2, (b + c) / 2, (c + a) / 2
    triangles = ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))
    return np.concatenate([np.stack(triangle, axis=1) for triangle in triangles])


def test_a_mesh_with_fewer_faces_looks_as_before(prepare):
    fine = fine_room()
    found, said = prepare(fine, '--faces', 300, '--texture-size', 1024)
    assert 200 < len(found.faces) <= 306
    assert [page.shape for page in found.textures] == [(1024, 1024, 3)]
    np.testing.assert_allclose(np.ptp(found.vertices, axis=0), (4, 4, 3), atol=1e-3)
    assert areas(found).sum() == pytest.approx(areas(fine).sum(), rel=0.01)
    assert float(re.search(r'colours differ by (\S+)% in the mean', said)[1]) < 4
    # Within the same surface, so also at the edges of the faces.
    off = np.abs(image(found) - image(fine)).max(-1)
    assert np.median(off) < 6
    assert np.percentile(off, 99) < 60
    other = image(fine, step=10)
    assert np.median(np.abs(image(fine) - other).max(-1)) > 12


def test_plain_faces_stay_plain(prepare):
    door = quad(
        ((-2, -2, 0), (-2, 2, 0), (-2, 2, 3), (-2, -2, 3)), np.full((1, 1, 3), 50, np.uint8)
    )
    found, _ = prepare(joined(fine_room(), door), '--faces', 300, '--texture-size', 512)
    assert areas(found)[found.is_plain].sum() == pytest.approx(12, rel=0.05)


def test_the_faces_of_a_texture_do_not_overlap():
    rng = np.random.default_rng(0)
    corners = rng.normal(size=(300, 3, 3)) * rng.uniform(0.01, 1, (300, 1, 1))
    atlas = atlas_of(corners, 512)
    owner = np.zeros((512, 512), np.int64)
    for left, top, size in zip(atlas.left, atlas.top, atlas.size, strict=True):
        owner[top : top + size, left : left + size] += 1
    assert owner.max() == 1
    assert (owner > 0).mean() > 0.7
    painted = np.zeros((512, 512), np.int64)
    for rows, columns, points in atlas.texels(corners):
        assert len(points) == len(rows)
        np.add.at(painted, (rows, columns), 1)
    assert painted.max() == 1
    # The corners lie on pixels with their own colour.
    x, y = atlas.uvs()[..., 0] * 512 - 0.5, (1 - atlas.uvs()[..., 1]) * 512 - 0.5
    assert painted[y.round().astype(int), x.round().astype(int)].all()


def test_too_many_faces_for_a_texture_are_refused(tmp_path, capsys):
    write_obj(tmp_path / 'in.obj', fine_room())
    given = [str(tmp_path / 'in.obj'), str(tmp_path / 'out.obj'), '--faces', '500']
    assert main(['prepare', *given, '--texture-size', '64']) == 2
    assert 'raise --texture-size or lower --faces' in capsys.readouterr().err
    assert not (tmp_path / 'out.obj').exists()


@pytest.mark.parametrize(
    ('given', 'message'),
    [
        (('in.obj',), 'the output is the input'),
        (('out.stl',), 'give a name that ends in .obj or .glb'),
        (('out.glb', '--unlit'), 'with --unlit give a name that ends in .obj'),
        (('nowhere/out.obj',), 'the folder'),
        (('out.obj', '--scale', '0'), 'give a number above zero'),
        (('out.obj', '--texture-size', '1'), 'give 16 or more'),
        (('out.obj', '--min-part', '100'), 'give 0 to 100 percent'),
        (('out.obj', '--box', '9', '9', '9', '10', '10', '10'), 'no textured face is in it'),
        (('out.obj', '--distance', *'0001111', '--distance', *'0000001'), 'two different points'),
        (('out.obj', '--report', 'out.gif'), 'ends in .png'),
    ],
)
def test_unusable_arguments_are_refused_and_nothing_is_written(tmp_path, capsys, given, message):
    write_obj(tmp_path / 'in.obj', small_room_mesh())
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    output, *more = given
    assert main(['prepare', str(tmp_path / 'in.obj'), str(tmp_path / output), *more]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before

"""`mesh_reloc prepare --align`: the mesh at its place in the real world, and how well that fits."""

import re
from dataclasses import replace

import numpy as np
import pytest
from mesh_reloc_evaluation.obj_file import write_obj
from mesh_reloc_tools.prepare.alignment import aligned
from mesh_reloc_tools.prepare.placement import Placement
from mesh_reloc_tools.prepare.similarity import fit_of
from scipy.spatial.transform import Rotation
from support.small_room import pose_at, small_room_mesh

from mesh_reloc_ros.cli.main import main
from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.mesh_io.load import load_mesh
from mesh_reloc_ros.recordings.tum import write_tum
from mesh_reloc_ros.types.pose import pose_to_numbers
from mesh_reloc_ros.types.trajectory import Trajectory

# From the room as a reconstruction has it to the real one.
REAL = Placement(
    2.5, Rotation.from_rotvec((0.9, -0.3, 1.7)).as_matrix(), np.array((3.0, -2.0, 1.0))
)
CORNERS = np.array([(-2, -2, 0), (2, -2, 0), (2, 2, 0), (-2, 2, 3), (2, 2, 3), (-2, -2, 3)])
POSES = np.array([pose_at(step) for step in range(0, 60, 5)])
LINE = np.array([pose_at(0.0) for _ in range(4)])
LINE[:, 0, 3] = 0.1 * np.arange(4)
STAMPS = 1_700_000_000_000_000_000 + 100_000_000 * np.arange(len(POSES))


def align(*files):
    """Return the placement, and what is said."""
    placement, lines = aligned(files)
    return placement, '\n'.join(lines)


def control_points(path, points=CORNERS, places=None, heading=''):
    places = REAL(points) if places is None else places
    rows = [','.join(map(str, (*a, *b))) for a, b in zip(points, places, strict=True)]
    path.write_text(heading + '\n'.join(rows) + '\n')
    return path


def is_the_real_one(placement, atol=1e-4):
    assert placement.scale == pytest.approx(REAL.scale, rel=atol)
    np.testing.assert_allclose(placement.rotation, REAL.rotation, atol=atol)
    np.testing.assert_allclose(placement.translation, REAL.translation, atol=10 * atol)


def test_the_mesh_is_written_at_its_place(tmp_path, capsys):
    utm = np.array((500_000.0, 4_000_000.0, 300.0))
    write_obj(tmp_path / 'in.obj', small_room_mesh())
    points = control_points(tmp_path / 'points.csv', places=REAL(CORNERS) + utm)
    given = ['prepare', str(tmp_path / 'in.obj'), str(tmp_path / 'out.obj'), '--align', str(points)]
    assert main(given) == 0
    assert 'aligned: scale 2.5; 6 of 6 control points fit within ' in capsys.readouterr().out
    mesh = load_mesh(tmp_path / 'out.obj')
    assert np.abs(mesh.origin - utm).max() < 20
    found = (mesh.vertices + (mesh.origin - utm))[mesh.faces].reshape(-1, 3)
    room = small_room_mesh()
    wanted = REAL(room.vertices[room.faces].reshape(-1, 3).astype(float))
    np.testing.assert_allclose(np.sort(found, axis=0), np.sort(wanted, axis=0), atol=2e-3)


@pytest.mark.parametrize('heading', ['', 'x,y,z,X,Y,Z\n', '# measured in May\n'])
def test_control_points_put_the_mesh_into_its_place(tmp_path, heading):
    placement, said = align(control_points(tmp_path / 'points.csv', heading=heading))
    is_the_real_one(placement)
    assert 'aligned: scale 2.5; 6 of 6 control points fit within ' in said


def test_the_errors_are_said_and_a_wrong_point_does_not_count(tmp_path):
    rng = np.random.default_rng(0)
    places = REAL(CORNERS) + rng.normal(size=CORNERS.shape) * 1e-4
    places[3, 0] += 0.7
    placement, said = align(control_points(tmp_path / 'points.csv', places=places))
    is_the_real_one(placement, 1e-3)
    assert '5 of 6 control points fit within 0.0' in said
    assert 'largest errors: line 4 70 cm, ' in said
    assert '1 control points do not agree with the others and are left out' in said


def known_poses(poses, placement=REAL):
    known = np.tile(np.eye(4), (len(poses), 1, 1))
    known[:, :3, :3] = placement.rotation @ poses[:, :3, :3]
    known[:, :3, 3] = placement(poses[:, :3, 3])
    return known


def tum(path, poses, stamps=STAMPS):
    write_tum(path, Trajectory(stamps[: len(poses)], poses))
    return path


def images_txt(folder, names, poses=POSES):
    lines = []
    for number, (name, pose) in enumerate(zip(names, poses, strict=True)):
        tx, ty, tz, qx, qy, qz, qw = pose_to_numbers(np.linalg.inv(pose))
        lines += [f'{number} {qw} {qx} {qy} {qz} {tx} {ty} {tz} 1 {name}', '']
    (folder / 'images.txt').write_text('\n'.join(lines) + '\n')
    return folder / 'images.txt'


def test_two_trajectories_are_brought_together(tmp_path):
    # The known ones begin later, at stamps that differ a little.
    known = tum(tmp_path / 'known.tum', known_poses(POSES[2:]), STAMPS[2:] + 5_000_000)
    placement, said = align(tum(tmp_path / 'slam.tum', POSES), known)
    is_the_real_one(placement)
    assert f'{len(POSES) - 2} of {len(POSES) - 2} cameras fit' in said
    assert re.search(r'orientations differ by [\d.e-]+ deg in the median$', said)


def test_orientations_of_another_frame_do_not_matter(tmp_path):
    body = known_poses(POSES)
    body[:, :3, :3] = body[:, :3, :3] @ Rotation.from_rotvec((0, 2, 0)).as_matrix()
    placement, said = align(tum(tmp_path / 'slam.tum', POSES), tum(tmp_path / 'known.tum', body))
    is_the_real_one(placement)
    assert 'the known poses are not of the optical frame, and only positions were used' in said


def test_cameras_on_a_line_need_orientations(tmp_path):
    known = known_poses(LINE)
    placement, _ = align(tum(tmp_path / 'slam.tum', LINE), tum(tmp_path / 'known.tum', known))
    is_the_real_one(placement)
    names = [f'{number}.jpg' for number in range(len(LINE))]
    rows = [f'{name} {x} {y} {z}' for name, (x, y, z) in zip(names, known[:, :3, 3], strict=True)]
    (tmp_path / 'positions.txt').write_text('\n'.join(rows))
    model = images_txt(tmp_path, names, LINE)
    with pytest.raises(InputError, match='are on one line'):
        align(model, tmp_path / 'positions.txt')


def test_a_model_of_colmap_goes_with_positions_by_name(tmp_path):
    names = [f'photo {number}.jpg' for number in range(len(POSES))]
    model = images_txt(tmp_path, names)
    places = REAL(POSES[:, :3, 3])
    rows = [f'{name} {x} {y} {z}' for name, (x, y, z) in zip(names[::2], places[::2], strict=True)]
    (tmp_path / 'positions.txt').write_text('\n'.join(rows))
    placement, said = align(model, tmp_path / 'positions.txt')
    is_the_real_one(placement)
    assert f'{len(rows)} of {len(rows)} cameras fit' in said


@pytest.mark.parametrize('unit', [1, 1_000, 1_000_000, 1_000_000_000])
def test_images_that_are_named_by_their_stamp_go_with_a_trajectory(tmp_path, unit):
    digits = [stamp // (10**9 // unit) for stamp in STAMPS.tolist()]
    if unit == 1:
        digits = [f'{stamp * 1e-9:.3f}' for stamp in STAMPS.tolist()]
    model = images_txt(tmp_path, [f'cam0/frame_{number}.png' for number in digits])
    placement, _ = align(model, tum(tmp_path / 'known.tum', known_poses(POSES)))
    is_the_real_one(placement)


def test_points_almost_on_a_line_are_said_to_be_uncertain(tmp_path):
    points = np.array([(x, 0.02 * (-1) ** x, 0.01 * (x // 2)) for x in range(4)], float)
    places = REAL(points) + np.random.default_rng(1).normal(size=(4, 3)) * 0.01
    _, said = align(control_points(tmp_path / 'points.csv', points, places))
    assert 'the control points are almost on one line: the rotation about it is uncertain' in said


def test_wrong_points_are_found_among_noisy_ones():
    rng = np.random.default_rng(0)
    for _ in range(8):
        points = rng.uniform(-2, 2, (9, 3))
        places = REAL(points) + rng.normal(size=points.shape) * 0.01
        places[:2] += rng.normal(size=(2, 3))
        fit = fit_of(points, places, 'points')
        assert not fit.fits[:2].any()
        assert fit.fits.sum() >= 6
        assert np.linalg.norm(fit.placement.rotation - REAL.rotation) < 0.05


MIRRORED = REAL(CORNERS) * (1, 1, -1)


@pytest.mark.parametrize(
    ('points', 'places', 'message'),
    [
        (CORNERS[:2], None, '2 control points: give three or more'),
        (
            CORNERS[[0, 1, 1]] + [[0, 0, 0], [0, 0, 0], [1, 0, 0]],
            None,
            'are on one line in the mesh',
        ),
        (CORNERS, np.outer(np.arange(6), (1, 2, 3)), 'are on one line in metres'),
        (CORNERS, np.ones((6, 3)), 'are on one line in metres'),
        (CORNERS, MIRRORED, 'fit only mirrored'),
        (CORNERS[1:], MIRRORED[1:], 'fit only mirrored'),
    ],
)
def test_points_that_determine_nothing_are_refused(points, places, message):
    places = REAL(points) if places is None else places
    with pytest.raises(InputError, match=message):
        fit_of(np.asarray(points, float), places, 'control points')


@pytest.mark.parametrize(
    ('files', 'message'),
    [
        ({'a.csv': '1 2 3 4 5 6\n1 2 3\n'}, 'a.csv, line 2: expected "x y z X Y Z"'),
        ({'a.csv': '1 2 3 4 5 nan\n'}, '0 control points'),
        ({'a.csv': ''}, '0 control points'),
        ({}, 'cannot be read'),
        ({'a.csv': '0 0 0 0 0 0 0 1\n', 'b.csv': '5 0 0 0 0 0 0 1\n'}, '0 of the 1 cameras'),
        ({'a.csv': '0 0 0 0 0 0 0 1\n', 'b.csv': 'x.jpg 0 0 0\n'}, 'so give a model of COLMAP'),
        ({'a.csv': '0 0 0 0 0 0 0 1\n', 'b.csv': '1 2\n'}, 'b.csv, line 1: expected "image.jpg'),
        ({'a.csv': '', 'b.csv': '', 'c.csv': ''}, 'one file of control points, or two of cameras'),
    ],
)
def test_unusable_files_are_refused_in_one_line(tmp_path, capsys, files, message):
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    write_obj(tmp_path / 'in.obj', small_room_mesh())
    given = ['prepare', str(tmp_path / 'in.obj'), str(tmp_path / 'out.obj'), '--align']
    assert main([*given, *(str(tmp_path / name) for name in files or ('a.csv',))]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert not (tmp_path / 'out.obj').exists()


def test_other_options_for_the_place_are_refused(tmp_path, capsys):
    write_obj(tmp_path / 'in.obj', small_room_mesh())
    given = ['prepare', str(tmp_path / 'in.obj'), str(tmp_path / 'out.obj')]
    points = str(control_points(tmp_path / 'points.csv'))
    for option in (('--up=y',), ('--origin', '0', '0', '0')):
        assert main([*given, '--align', points, *option]) == 2
        assert 'leave out --up and --origin' in capsys.readouterr().err


def test_a_point_of_the_mesh_becomes_zero(tmp_path, capsys):
    far = np.array([500_000.0, 4_000_000.0, 300.0])
    write_obj(tmp_path / 'in.obj', replace(small_room_mesh(), origin=far))
    given = ['prepare', str(tmp_path / 'in.obj'), str(tmp_path / 'out.glb')]
    assert main([*given, '--origin', *map(str, far), '--scale', '2']) == 0
    mesh = load_mesh(tmp_path / 'out.glb')
    assert not mesh.origin.any()
    np.testing.assert_allclose(mesh.vertices.min(0), (-4, -4, 0), atol=1e-5)

"""`mesh_reloc view`: pictures of a mesh, from a pose, beside an image, and as a whole."""

import re
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from mesh_reloc_evaluation.bag_writer import camera_info, raw, write_bag
from mesh_reloc_evaluation.obj_file import write_obj
from mesh_reloc_tools.drawing import drawn, opened
from mesh_reloc_tools.viewpoints import standing_views, up_vector
from support.footage import write_camera, write_video
from support.meshes import joined, quad
from support.small_room import CAMERA, clouds, error, perturbed, photographed, pose_at, turned

from mesh_reloc_ros.cli.main import main
from mesh_reloc_ros.recordings.tum import write_tum
from mesh_reloc_ros.render.scene import Scene
from mesh_reloc_ros.types.pose import pose_from_text, pose_to_numbers
from mesh_reloc_ros.types.trajectory import Trajectory

STEPS = 0, 8, 16
BEGIN_NS, PERIOD_NS = 1_700_000_000_000_000_000, 100_000_000
NUMBER = r'(-?\d+\.\d{4})'
POSE = re.compile('pose ' + ' '.join([NUMBER] * 7))


@pytest.fixture(scope='module')
def shots(room):
    """Return what the camera sees at each step."""
    return [photographed(room.view(pose_at(step)), step) for step in STEPS]


@pytest.fixture(scope='module')
def bag(shots, tmp_path_factory):
    messages = []
    for number, image in enumerate(shots):
        stamp = BEGIN_NS + number * PERIOD_NS
        messages.append(('/camera_info', stamp, camera_info(CAMERA, stamp)))
        messages.append(('/image_rect', stamp, raw(image, stamp)))
    return write_bag(tmp_path_factory.mktemp('view') / 'bag', messages)


@pytest.fixture
def view(room, tmp_path, capsys):
    """Return a function that makes a picture; its result has the picture and what was printed."""

    def make(*words, mesh=room.mesh):
        output = tmp_path / 'picture.png'
        assert main(['view', str(mesh), '-o', str(output), *map(str, words)]) == 0
        said = capsys.readouterr()
        assert said.err == ''
        return cv2.imread(str(output))[..., ::-1], said.out

    return make


def words(pose):
    return [f'{number:.6f}' for number in pose_to_numbers(pose)]


def poses_in(text):
    return [pose_from_text(' '.join(found.groups())) for found in POSE.finditer(text)]


def test_a_mesh_without_a_pose_is_shown_as_a_whole_and_from_inside(room, view):
    picture, said = view()
    assert picture.shape[1] > 1600
    poses = poses_in(said)
    assert len(poses) > 1
    for pose in poses:
        _, coverage = drawn(room.scene, pose, CAMERA)
        assert coverage > 0.4
        assert abs(pose[2, 2]) < 1e-3  # level


@pytest.mark.parametrize('axis', ['x', '-y'])
def test_views_are_level_about_the_axis_that_is_up(room, axis):
    up = up_vector(axis)
    poses = standing_views(room.scene, CAMERA, up, 3)
    # Down in the image is down in the place.
    np.testing.assert_allclose(poses[:, :3, 1], [-up] * len(poses), atol=1e-6)


def test_views_show_the_front_of_surfaces(room):
    for pose in standing_views(room.scene, CAMERA, up_vector('z'), 4):
        face = room.scene.render(torch.from_numpy(pose), CAMERA).face[0]
        normals = room.scene.face_normals[face].numpy()
        rays = CAMERA.rays().numpy() @ pose[:3, :3].T
        is_front = (normals * rays).sum(-1) < 0
        assert is_front[face.numpy() >= 0].mean() > 0.95


def test_one_looks_through_the_ceiling_into_a_room():
    corners = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    red, blue = (np.full((8, 8, 3), colour, np.uint8) for colour in ((255, 0, 0), (0, 0, 255)))
    floor = quad([(x, y, 0) for x, y in corners], red)
    ceiling = quad([(x, y, 2) for x, y in reversed(corners)], blue)
    mesh = joined(floor, ceiling)
    down = -up_vector('z')
    scene = Scene(mesh, 'cpu')
    assert opened(scene, down).mesh.face_materials.tolist() == [0, 0]
    assert opened(scene, -down).mesh.face_materials.tolist() == [1, 1]
    # Nothing is left out where the winding tells nothing.
    wild = Scene(turned(clouded_strip(), 2), 'cpu')
    assert opened(wild, down) is wild


def clouded_strip():
    """Return connected squares in a row, which face up."""
    squares = [
        quad([(n, 0, 0), (n + 1, 0, 0), (n + 1, 1, 0), (n, 1, 0)], clouds(0)) for n in range(6)
    ]
    return joined(*squares)


def test_a_pose_gives_what_a_camera_there_sees(room, view, tmp_path):
    camera = write_camera(tmp_path / 'camera.yaml', CAMERA)
    picture, said = view('--pose', *words(pose_at(4)), '--camera', camera)
    assert re.search(r'the mesh covers (9\d|100)%, at \d\.\d+ m in the median', said)
    # Below the caption.
    shown = picture[-CAMERA.height :, : CAMERA.width].astype(float)
    assert np.abs(shown - room.view(pose_at(4))).mean() < 4
    assert np.abs(shown - room.view(pose_at(30))).mean() > 8


def test_a_pose_from_which_the_mesh_is_not_seen_says_so(view):
    _, said = view('--pose', '0 0 50 0 0 0 1')
    assert 'the mesh covers 0%' in said


def test_an_image_is_shown_at_the_pose_as_given_and_aligned(bag, view):
    given = perturbed(pose_at(8), seed=1, metres=0.03, degrees=1.0)
    picture, said = view('--bag', bag, '--at', 0.1, '--pose', *words(given))
    assert 'the pose as it is given\n' in said
    assert re.search(
        r'aligned from it, [23]\.\d+ cm and (0\.9\d*|1(\.\d)?) deg away: score 0\.9', said
    )
    assert '; trusted; ' in said
    (found,) = poses_in(said)
    assert error(found, pose_at(8))[0] < 0.005
    # Two rows of image, render, blend and difference.
    assert picture.shape[1] > 4 * CAMERA.width
    assert picture.shape[0] > 2 * CAMERA.height


def test_an_image_that_does_not_fit_to_the_pose_is_not_trusted(bag, view):
    _, said = view('--bag', bag, '--pose', *words(perturbed(pose_at(0), 2, 0.8, 40.0)))
    assert 'not trusted: ' in said


def test_an_image_without_a_pose_is_searched(shots, view, tmp_path):
    video = write_video(tmp_path / 'walk.mp4', shots, 10.0)
    camera = write_camera(tmp_path / 'camera.yaml', CAMERA)
    _, said = view('--video', video, '--camera', camera, '--at', 0.2)
    assert 'the pose that the search found: score ' in said
    (found,) = poses_in(said)
    assert error(found, pose_at(16))[0] < 0.02


def test_where_an_image_is_not_found_the_whole_mesh_is_shown(view, tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / 'noise.png'), noise)
    picture, said = view('--image', tmp_path / 'noise.png', '--fov', 60)
    assert said.count('pose ') > 1
    assert 'not found: no place in the mesh looks like this image' in said
    assert picture.shape[0] > 1000


def trajectory(path, steps=STEPS, begin_ns=BEGIN_NS):
    stamps = np.array([begin_ns + number * PERIOD_NS for number in range(len(steps))])
    write_tum(path, Trajectory(stamps, np.array([pose_at(step) for step in steps])))
    return path


def test_the_pose_of_a_trajectory_is_that_at_the_stamp_of_the_image(bag, view, tmp_path):
    poses = trajectory(tmp_path / 'poses.tum')
    _, said = view('--bag', bag, '--at', 0.1, '--trajectory', poses)
    away = re.search(r'aligned from it, (\S+) cm', said)
    assert float(away[1]) < 0.3
    assert error(poses_in(said)[0], pose_at(8))[0] < 0.005


def test_images_are_chosen_by_their_number(shots, view, tmp_path):
    for number, image in enumerate(shots, start=1):
        cv2.imwrite(str(tmp_path / f'{number}.png'), image[..., ::-1])
    camera = write_camera(tmp_path / 'camera.yaml', CAMERA)
    for number, step in enumerate(STEPS, start=1):
        pose = words(pose_at(step))
        images = ('--images', tmp_path / '?.png', '--camera', camera, '--at', number)
        _, said = view(*images, '--pose', *pose)
        assert float(re.search(r'aligned from it, (\S+) cm', said)[1]) < 0.3


def test_a_mesh_far_from_zero_is_shown_as_elsewhere(bag, view, room, tmp_path):
    offset = np.array([500_000.0, 4_000_000.0, 300.0])
    write_obj(tmp_path / 'far.obj', replace(room.scene.mesh, origin=offset))
    pose = pose_at(0)
    pose[:3, 3] += offset
    _, said = view('--bag', bag, '--pose', *words(pose), mesh=tmp_path / 'far.obj')
    assert '; trusted; ' in said
    _, said = view('--pose', *words(pose), mesh=tmp_path / 'far.obj')
    assert re.search(r'covers (9\d|100)%', said)


@pytest.mark.parametrize(
    ('given', 'message'),
    [
        (('--pose', '1', '2'), 'expected 7 numbers'),
        (('--at', '3'), '--at is for --bag'),
        (('--bag', 'BAG', '--at', '60'), 'has no image at or after --at 60'),
        (('--bag', 'BAG', '--trajectory', 'LATE'), 'has no pose for the image of 1700000000.000 s'),
        (('--image', 'none.png', '--fov', '60'), 'no images there'),
        (('--image', 'none.png'), 'give the camera of the images'),
        (('-o', 'picture.gif'), 'give a name that ends in .png or .jpg'),
        (('-o', 'nowhere/picture.png'), 'the folder nowhere does not exist'),
    ],
)
def test_unusable_arguments_are_refused_in_one_line(room, bag, tmp_path, capsys, given, message):
    late = trajectory(tmp_path / 'late.tum', begin_ns=BEGIN_NS + 10**10)
    given = [{'BAG': str(bag), 'LATE': str(late)}.get(word, word) for word in given]
    output = tmp_path / 'picture.png'
    assert main(['view', str(room.mesh), '-o', str(output), *given]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert not output.exists()

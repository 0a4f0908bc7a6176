"""Calibration against the mesh, from images of a lens that is known."""

import re

import cv2
import numpy as np
import pytest
import torch
import yaml
from mesh_reloc_tools.calibrate.camera_yaml import camera_yaml
from mesh_reloc_tools.calibrate.lens import COEFFICIENTS, FOCAL_AND_CENTRE, Lens
from mesh_reloc_tools.calibrate.solve import View, solve
from support.footage import write_camera
from support.small_room import CAMERA, SmallRoom, photographed, pose_at, write_small_room

from mesh_reloc_ros.align.intrinsics import corrected
from mesh_reloc_ros.cli.main import main
from mesh_reloc_ros.config.alignment import AlignmentSettings
from mesh_reloc_ros.recordings.camera_file import read_camera_file
from mesh_reloc_ros.types.camera import Camera

DISTORTIONS = {
    'plumb_bob': (-0.18, 0.06, 0.001, -0.0015, 0.0),
    'rational_polynomial': (-0.18, 0.06, 0.001, -0.0015, 0.0, 0.0, 0.0, 0.0),
    'equidistant': (-0.02, 0.004, 0.0, 0.0),
}
TRUE = Camera(320, 240, 251.0, 251.0, 163.0, 116.0)
STEPS = (0, 8, 16, 24, 32, 40, 48)
# Shows all that the lens sees.
WIDE = Camera(640, 480, 250.0, 250.0, 319.5, 239.5)


def photograph(room: SmallRoom, lens: Lens, step: int) -> np.ndarray:
    """Return a raw image of a lens [240, 320, 3]."""
    render = room.scene.render(torch.from_numpy(pose_at(step))[None], WIDE)
    seen = (255 * render.colour[0].numpy()).clip(0, 255).astype(np.uint8)
    camera, distortion = lens.camera, np.array(lens.distortion)
    pixels = np.stack(np.meshgrid(np.arange(320.0), np.arange(240.0)), -1).reshape(-1, 1, 2)
    undistort = cv2.fisheye.undistortPoints if lens.model == 'equidistant' else cv2.undistortPoints
    rays = undistort(pixels, camera.matrix, distortion).reshape(240, 320, 2)
    places = (WIDE.fx * rays + (WIDE.cx, WIDE.cy)).astype(np.float32)
    return photographed(cv2.remap(seen, places, None, cv2.INTER_LINEAR), seed=step)


@pytest.fixture(scope='module')
def room(tmp_path_factory) -> SmallRoom:
    return write_small_room(tmp_path_factory.mktemp('room'))


@pytest.mark.parametrize('model', COEFFICIENTS)
def test_the_lens_is_found(room, model):
    truth = Lens(TRUE, model, DISTORTIONS[model])
    views = [View(photograph(room, truth, step), pose_at(step), False) for step in STEPS]
    start = Lens.without_distortion(corrected(TRUE, np.array([0.03, 0.02, -0.02])), model)
    found = solve(room.scene, views, start, AlignmentSettings())
    camera = found.lens.camera
    assert (camera.fx, camera.fy) == pytest.approx((TRUE.fx, TRUE.fy), rel=5e-3)
    assert (camera.cx, camera.cy) == pytest.approx((TRUE.cx, TRUE.cy), abs=1.5)
    assert found.after.agreement > found.before.agreement
    assert found.after.views == len(STEPS)
    assert (found.deviations[:FOCAL_AND_CENTRE] < 0.01).all()
    # Coefficients make up for each other; what counts is where they put a pixel.
    corners = np.array([[0.0, 0], [319, 0], [0, 239], [160, 0], [319, 120]]).reshape(-1, 1, 2)
    undistort = cv2.fisheye.undistortPoints if model == 'equidistant' else cv2.undistortPoints
    rays = [
        undistort(corners, lens.camera.matrix, np.array(lens.distortion))
        for lens in (truth, found.lens)
    ]
    assert np.abs(TRUE.fx * (rays[1] - rays[0])).max() < 2.0


@pytest.mark.parametrize('model', COEFFICIENTS)
def test_jacobians_are_how_the_image_is_displaced(model):
    lens = Lens(TRUE, model, DISTORTIONS[model])
    rays = np.array([[0.3, -0.4, 0.1, 0.0], [0.2, 0.1, -0.3, 0.05]])
    points = np.vstack((rays, np.ones(4))).T[:, None].copy()
    still = np.zeros(3)

    def raw(lens, points):
        project = cv2.fisheye.projectPoints if model == 'equidistant' else cv2.projectPoints
        args = points, still, still, lens.camera.matrix, np.array(lens.distortion)
        return project(*args)[0].reshape(-1, 2)

    jacobians = lens.jacobians(rays)
    undistort = cv2.fisheye.undistortPoints if model == 'equidistant' else cv2.undistortPoints
    for number in range(jacobians.shape[2]):
        step = np.zeros(jacobians.shape[2])
        step[number] = 1e-4
        pixels = raw(lens.changed(step), points).reshape(-1, 1, 2)
        seen = undistort(pixels, lens.camera.matrix, np.array(lens.distortion)).reshape(-1, 2)
        np.testing.assert_allclose(seen - rays.T, 1e-4 * jacobians[:, :, number], atol=2e-7)


def test_the_file_is_read_as_it_was_written(tmp_path):
    lens = Lens(TRUE, 'plumb_bob', DISTORTIONS['plumb_bob'])
    path = tmp_path / 'camera.yaml'
    path.write_text(camera_yaml(lens, 'front'))
    (info,) = read_camera_file(path)
    assert (info.width, info.height, info.distortion_model) == (320, 240, 'plumb_bob')
    assert tuple(info.d) == lens.distortion
    np.testing.assert_allclose(np.reshape(info.k, (3, 3)), TRUE.matrix)
    assert yaml.safe_load(path.read_text())['camera_name'] == 'front'


@pytest.fixture(scope='module')
def photos(room, tmp_path_factory):
    folder = tmp_path_factory.mktemp('photos')
    lens = Lens.without_distortion(CAMERA, 'plumb_bob')
    for step in STEPS:
        image = photograph(room, lens, step)
        cv2.imwrite(str(folder / f'{step:03}.png'), image[..., ::-1])
    return folder


@pytest.fixture
def few_views(tmp_path):
    path = tmp_path / 'few_views.yaml'
    path.write_text(
        '/**: {ros__parameters: {relocalization: {viewpoint_spacing: 0.4, candidates: 40}}}'
    )
    return path


def test_the_command_finds_a_camera_from_a_start_that_is_off(
    room, photos, tmp_path, few_views, capsys
):
    start = corrected(CAMERA, np.array([0.08, 0.04, -0.04]))
    camera = write_camera(tmp_path / 'start.yaml', start)
    output, picture = tmp_path / 'camera.yaml', tmp_path / 'shifts.png'
    arguments = ['calibrate', '--mesh', str(room.mesh), '--images', str(photos), '--rate', '2']
    arguments += ['--camera', str(camera), '--output', str(output), '--picture', str(picture)]
    arguments += ['--params', str(few_views)]
    assert main(arguments) == 0
    (info,) = read_camera_file(output)
    k = np.reshape(info.k, (3, 3))
    assert k[0, 0] == pytest.approx(CAMERA.fx, rel=5e-3)
    assert (k[0, 2], k[1, 2]) == pytest.approx((CAMERA.cx, CAMERA.cy), abs=1.5)
    text = capsys.readouterr().out
    assert float(re.search(r'fx +(\S+) \+-', text)[1]) == pytest.approx(k[0, 0], abs=0.01)
    assert cv2.imread(str(picture)).shape[1] > 1000


def test_what_cannot_be_used_is_said_before_the_work(room, photos, tmp_path, capsys):
    arguments = ['calibrate', '--mesh', str(room.mesh), '--images', str(photos), '--fov', '60']
    no_search = tmp_path / 'no_search.yaml'
    no_search.write_text('/**: {ros__parameters: {relocalization: {enabled: false}}}')
    for extra, reason in (
        (['--output', str(tmp_path / 'none' / 'camera.yaml')], 'does not exist'),
        (['--output', str(tmp_path / 'camera.yaml'), '--count', '2'], 'at least 3'),
        (['--output', str(tmp_path / 'camera.yaml'), '--rectify'], 'raw'),
        (['--output', str(tmp_path / 'camera.yaml'), '--params', str(no_search)], 'enabled'),
    ):
        assert main([*arguments, *extra]) == 2
        assert reason in capsys.readouterr().err


def test_images_of_something_else_end_in_one_line(room, tmp_path, few_views, capsys):
    for number in range(3):
        noise = np.random.default_rng(number).integers(0, 256, (240, 320, 3), dtype=np.uint8)
        cv2.imwrite(str(tmp_path / f'{number}.png'), noise)
    arguments = ['calibrate', '--mesh', str(room.mesh), '--images', str(tmp_path), '--fov', '60']
    arguments += ['--params', str(few_views), '--output', str(tmp_path / 'camera.yaml')]
    assert main(arguments) == 2
    assert 'no image is found in the mesh' in capsys.readouterr().err
    assert not (tmp_path / 'camera.yaml').exists()

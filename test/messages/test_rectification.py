"""Rectified images show points of the scene where the camera that goes with them projects them."""

import cv2
import numpy as np
import pytest
from support.camera_info import camera_info, region

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.messages.rectification import rectification_from_info
from mesh_reloc_ros.types.camera import Camera

WIDTH, HEIGHT = 640, 480
K = np.array([[400.0, 0, 310.3], [0, 405, 244.6], [0, 0, 1]])
P = np.array([[380.0, 0, 322.2, -40], [0, 390, 236.9, 0], [0, 0, 1, 0]])
BLUR = 1.5
"""Size of a point in the raw image, in pixels."""
DISTORTIONS = [
    ('plumb_bob', [-0.28, 0.07, 0.001, -0.0008]),
    ('plumb_bob', [0.1, -0.2, 0.001, -0.0008, 0.05]),
    ('rational_polynomial', [0.3, -0.1, 0.0005, -0.0003, 0.02, 0.6, -0.05, 0.01]),
    (
        'rational_polynomial',
        [0.3, -0.1, 0.0005, -0.0003, 0.02, 0.6, -0.05, 0.01, 0.002, 0.001, -0.001, 0.002],
    ),
    (
        'rational_polynomial',
        [-0.2, 0.05, 0, 0, 0, 0, 0, 0, 0.002, 0.001, -0.001, 0.002, 0.02, -0.03],
    ),
    ('equidistant', [0.05, -0.01, 0.003, -0.001]),
    ('equidistant', [0.0, 0.0, 0.0, 0.0]),
    ('plumb_bob', [0.3, -0.1, 0.0005, -0.0003, 0.02, 0.6, -0.05, 0.01]),
]
TURNED = cv2.Rodrigues(np.array([0.03, -0.05, 0.02]))[0]
SENT = [
    {},
    {'binning_x': 2, 'binning_y': 2},
    {'roi': region(120, 80, 400, 320)},
    {'roi': region(120, 80, 400, 320), 'binning_x': 2, 'binning_y': 4},
]


def calibrated(model='plumb_bob', distortion=(), rotation=None, p=P, **sent):
    rotation = np.eye(3) if rotation is None else rotation
    return camera_info(
        distortion_model=model,
        d=np.array(distortion, dtype=np.float64),
        k=K.ravel(),
        r=rotation.ravel(),
        p=np.asarray(p, dtype=np.float64).ravel(),
        **sent,
    )


def scene_points(sent):
    """Return points [N, 3] of the rectified camera's frame that are well inside the image."""
    roi = sent.get('roi', region(0, 0, WIDTH, HEIGHT))
    v, u = np.meshgrid(
        roi.y_offset + np.linspace(0.2, 0.8, 4) * roi.height,
        roi.x_offset + np.linspace(0.2, 0.8, 5) * roi.width,
        indexing='ij',
    )
    rays = np.stack(((u - P[0, 2]) / P[0, 0], (v - P[1, 2]) / P[1, 1], np.ones_like(u)), axis=-1)
    return rays.reshape(-1, 3) * np.linspace(1, 3, 20)[:, None]


def seen_raw(points, model, distortion, rotation):
    """Return where the lens shows points of the rectified frame, [N, 2] in the full image."""
    points = (points @ rotation)[:, None]
    none = np.zeros(3)
    if model == 'equidistant':
        pixels = cv2.fisheye.projectPoints(points, none, none, K, np.array(distortion))[0]
    else:
        pixels = cv2.projectPoints(points, none, none, K, np.array(distortion, dtype=float))[0]
    return pixels[:, 0]


def raw_image(pixels, sent):
    """Return an image of bright points as it is sent: cropped, and averaged by binning."""
    across, down = (
        np.exp(-((np.arange(length) - at[:, None]) ** 2) / (2 * BLUR**2))
        for length, at in zip((WIDTH, HEIGHT), pixels.T, strict=True)
    )
    image = 250 * down.T @ across
    roi = sent.get('roi', region(0, 0, WIDTH, HEIGHT))
    image = image[roi.y_offset :, roi.x_offset :][: roi.height, : roi.width]
    by, bx = sent.get('binning_y', 1), sent.get('binning_x', 1)
    image = image.reshape(roi.height // by, by, roi.width // bx, bx).mean(axis=(1, 3))
    return np.dstack([np.rint(image).clip(0, 255).astype(np.uint8)] * 3)


def centre_near(image, expected, radius=7):
    """Return the centre of brightness around a pixel."""
    left, top = np.rint(expected).astype(int) - radius
    window = image[top : top + 2 * radius + 1, left : left + 2 * radius + 1, 0].astype(float)
    v, u = np.mgrid[: window.shape[0], : window.shape[1]]
    total = window.sum()
    assert total > 100
    return np.array([left + (window * u).sum() / total, top + (window * v).sum() / total])


@pytest.mark.parametrize('sent', SENT, ids=['full', 'binned', 'region', 'binned region'])
@pytest.mark.parametrize('rotation', [np.eye(3), TURNED], ids=['level', 'turned'])
@pytest.mark.parametrize(('model', 'distortion'), DISTORTIONS)
def test_points_are_where_p_projects_them(model, distortion, rotation, sent):
    points = scene_points(sent)
    raw = raw_image(seen_raw(points, model, distortion, rotation), sent)
    rectification = rectification_from_info(calibrated(model, distortion, rotation, **sent))
    image, camera = rectification.apply(raw), rectification.camera
    assert image.shape == raw.shape == (camera.height, camera.width, 3)
    roi = sent.get('roi', region(0, 0, WIDTH, HEIGHT))
    binning = np.array([sent.get('binning_x', 1), sent.get('binning_y', 1)])
    full = (points @ P[:, :3].T)[:, :2] / points[:, 2:]
    expected = (full - (roi.x_offset, roi.y_offset) + 0.5) / binning - 0.5
    # Binned blobs are as small as a pixel: their centres are less exact.
    found = np.array([centre_near(image, pixel, radius=7 // binning.min()) for pixel in expected])
    assert np.abs(found - expected).max() < 0.1
    x, y = points[:, 0] / points[:, 2], points[:, 1] / points[:, 2]
    np.testing.assert_allclose(camera.fx * x + camera.cx, expected[:, 0])
    np.testing.assert_allclose(camera.fy * y + camera.cy, expected[:, 1])


@pytest.mark.parametrize(('model', 'distortion'), [DISTORTIONS[0], DISTORTIONS[5]])
def test_without_p_the_camera_is_that_of_k(model, distortion):
    rectification = rectification_from_info(calibrated(model, distortion, p=np.zeros(12)))
    assert rectification.camera == Camera(WIDTH, HEIGHT, 400.0, 405.0, 310.3, 244.6)
    pixel = np.array([150.0, 120.0])
    ray = np.array([[(pixel[0] - 310.3) / 400, (pixel[1] - 244.6) / 405, 1.0]])
    raw = raw_image(seen_raw(ray, model, distortion, np.eye(3)), {})
    found = centre_near(rectification.apply(raw), pixel)
    assert np.abs(found - pixel).max() < 0.1


def test_without_r_the_camera_is_not_turned():
    unset = rectification_from_info(calibrated(*DISTORTIONS[0], rotation=np.zeros(9)))
    level = rectification_from_info(calibrated(*DISTORTIONS[0]))
    assert unset == level


def test_what_the_raw_image_does_not_show_is_filled_from_its_border():
    wide = P * np.array([[0.5], [0.5], [1]])
    wide[:, 2] = P[:, 2]
    rectification = rectification_from_info(calibrated(*DISTORTIONS[0], p=wide))
    raw = np.full((HEIGHT, WIDTH, 3), 100, np.uint8)
    raw[:, :20] = 50
    image = rectification.apply(raw)
    assert (image[200:280, :10] == 50).all()
    assert (image[200:280, 280:360] == 100).all()
    assert (image[200:280, -10:] == 100).all()


@pytest.mark.parametrize(
    ('model', 'distortion', 'same_as'),
    [
        ('plumb_bob', [0.1, -0.2, 0.01, 0.02, 0.05, 0, 0, 0], ('plumb_bob', 8)),
        ('plumb_bob', [0.1, -0.2, 0.01, 0.02, 0.05, 0], ('plumb_bob', 5)),
        ('plumb_bob', [0.1, -0.2, 0.01, 0.02, 0.05, 0, 0], ('plumb_bob', 5)),
        ('rational_polynomial', [0.1, -0.2, 0, 0, 0, 0, 0.1, 0, 0, 0], ('rational_polynomial', 8)),
        ('equidistant', [0.1, -0.2, 0.01, 0.02, 0, 0, 0, 0], ('equidistant', 4)),
        ('fisheye', [0.1, -0.2, 0.01, 0.02], ('equidistant', 4)),
        ('kannala_brandt4', [0.1, -0.2, 0.01, 0.02], ('equidistant', 4)),
        ('KANNALA_BRANDT', [0.1, -0.2, 0.01, 0.02], ('equidistant', 4)),
        ('radtan', [0.1, -0.2, 0.01, 0.02], ('plumb_bob', 4)),
        ('Plumb_Bob', [0.1, -0.2, 0.01, 0.02], ('plumb_bob', 4)),
    ],
)
def test_cameras_are_taken_as_drivers_write_them(model, distortion, same_as):
    found = rectification_from_info(calibrated(model, distortion))
    name, count = same_as
    assert (found.model, found.distortion) == (name, tuple(distortion[:count]))
    expected = rectification_from_info(calibrated(name, distortion[:count]))
    image = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    np.testing.assert_array_equal(found.apply(image), expected.apply(image))


def test_nothing_is_done_where_there_is_nothing_to_do():
    same = np.hstack([K, [[-40], [0], [0]]])
    assert rectification_from_info(calibrated(distortion=[0.0] * 5, p=same)) is None
    assert rectification_from_info(calibrated('', p=np.zeros(12), rotation=np.zeros(9))) is None
    assert rectification_from_info(calibrated(distortion=[0.0] * 5)) is not None
    assert rectification_from_info(calibrated(rotation=TURNED, p=same)) is not None
    assert rectification_from_info(calibrated('equidistant', [0.0] * 4, p=same)) is not None


@pytest.mark.parametrize(
    ('model', 'distortion', 'rotation', 'words'),
    [
        ('thin_air', [0.1] * 5, np.eye(3), "'thin_air', which is not known"),
        ('', [0.1] * 5, np.eye(3), "'', which is not known"),
        (
            'plumb_bob',
            [0.1] * 6,
            np.eye(3),
            'has 6 distortion coefficients, but plumb_bob has 4 or',
        ),
        ('equidistant', [0.1] * 5, np.eye(3), 'equidistant has 4'),
        ('rational_polynomial', [0.1] * 5, np.eye(3), 'has 8 or 12 or 14'),
        ('plumb_bob', [0.1] * 5, np.eye(3) * 1.1, 'R is not a rotation'),
        ('plumb_bob', [0.1] * 5, np.diag([1, 1, -1.0]), 'R is not a rotation'),
        ('plumb_bob', [0.1] * 5, np.eye(3) * np.nan, 'not finite'),
    ],
)
def test_what_cannot_be_rectified_is_refused_in_one_line(model, distortion, rotation, words):
    with pytest.raises(InputError, match=words) as refusal:
        rectification_from_info(calibrated(model, distortion, rotation))
    assert '\n' not in str(refusal.value)

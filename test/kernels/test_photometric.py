"""The parts of the photometric model: projection, sampling, loss and exposure."""

import numpy as np
import pytest
import torch

from mesh_reloc_ros.kernels.exposure import (
    NEUTRAL,
    contrast,
    expose,
    exposed,
)
from mesh_reloc_ros.kernels.layout import CHANNELS, EXPOSURE_PARAMETERS, POSE_SIZE
from mesh_reloc_ros.kernels.photometric import (
    LiveImage,
    Template,
    block_count,
    block_of,
    pixel_jacobian,
    project,
    render_of,
    robust_loss,
    sample,
)
from mesh_reloc_ros.kernels.se3 import exp
from mesh_reloc_ros.types.camera import Camera

CAMERA = Camera(width=60, height=44, fx=50.0, fy=57.0, cx=24.3, cy=25.8)


def live_image(pixels=None):
    if pixels is None:
        pixels = np.zeros((CAMERA.height, CAMERA.width, 3), dtype=np.uint8)
    usable = np.ones(pixels.shape[:2], dtype=np.uint8)
    return LiveImage(pixels, usable, CAMERA.fx, CAMERA.fy, CAMERA.cx, CAMERA.cy)


def test_a_point_is_seen_where_the_camera_projects_it():
    rng = np.random.default_rng(1)
    live_T_keyframe = exp(0.03 * rng.normal(size=6))
    points = rng.uniform((-0.2, -0.2, 1), (0.2, 0.2, 2), (50, 3)).astype(np.float32)
    moved = points @ live_T_keyframe[:3, :3].T + live_T_keyframe[:3, 3]
    expected = CAMERA.project(torch.from_numpy(moved)).numpy()
    for n, (x, y, z) in enumerate(moved):
        seen, *place = project(points, n, live_T_keyframe, live_image())
        assert seen
        np.testing.assert_allclose(place, [x / z, y / z, 1 / z, *expected[n]], rtol=1e-12)


def test_a_point_behind_the_camera_or_outside_the_image_is_not_seen():
    behind = [(0, 0, -1), (0, 0, 0), (0, 0, 1e-9)]
    # Also beyond the centres of the last pixels, where there is nothing to interpolate with.
    outside = [(-0.6, 0, 1), (0.698, 0, 1), (0, -0.5, 1), (0, 0.307, 1)]
    unknown = [(np.nan, 0, 1), (0, 0, np.nan)]
    points = np.array([(0, 0, 1), *behind, *outside, *unknown], dtype=np.float32)
    seen = [project(points, n, np.eye(4), live_image())[0] for n in range(len(points))]
    assert seen == [True] + [False] * 9


def test_the_pixel_jacobian_is_the_derivative_of_the_projection():
    points = np.array([(0.2, -0.1, 1.3)])
    _, x, y, inverse_z, _, _ = project(points, 0, np.eye(4), live_image())
    along = np.array(pixel_jacobian(x, y, inverse_z, CAMERA.fx, CAMERA.fy))
    step = 1e-6
    for j, twist in enumerate(step * np.eye(POSE_SIZE)):
        after, before = (
            np.array(project(points, 0, exp(sign * twist), live_image())[-2:]) for sign in (1, -1)
        )
        np.testing.assert_allclose(along[:, j], (after - before) / (2 * step), atol=1e-6)


def test_an_image_is_sampled_between_its_pixels_with_its_slopes():
    """Also where it falls from bright to dark, as pixels are unsigned."""
    v, u = np.mgrid[:44, :60]
    slopes = np.array([[4.0, 1.0], [-4.0, 0.0], [1.0, -5.0]])
    base = np.array([0, 240, 220])
    pixels = (base + np.stack((u, v), -1) @ slopes.T).clip(0, 255)[:40, :35].astype(np.uint8)
    for u, v in ((0.0, 0.0), (7.25, 3.5), (20.9, 2.1)):
        for c in range(CHANNELS):
            expected = (base[c] + slopes[c] @ (u, v)) / 255
            np.testing.assert_allclose(sample(pixels, u, v, c), (expected, *slopes[c] / 255))


def test_the_derivatives_of_the_loss_are_those_of_its_values():
    step = 1e-5
    for squared in (0.1, 1.0, 7.0):
        _, weight, steepness = robust_loss(squared)
        above, below = robust_loss(squared + step), robust_loss(squared - step)
        assert weight == pytest.approx((above[0] - below[0]) / (2 * step), rel=1e-6)
        change = (np.log(above[1]) - np.log(below[1])) / (2 * step)
        assert steepness == pytest.approx(change, rel=1e-6)
    assert robust_loss(0.0)[:2] == (0.0, 1.0)


def test_a_neutral_exposure_changes_no_colour():
    for c in range(CHANNELS):
        assert exposed(NEUTRAL, 0.37, c) == pytest.approx(0.37)


def test_the_derivatives_of_the_exposure_are_those_of_its_values():
    exposure = np.array([1.2, 0.8, 1.1, 0.05, -0.1, 0.02])
    step, colour = 1e-6, 0.4
    for c in range(CHANNELS):
        change = exposed(exposure, colour + step, c) - exposed(exposure, colour - step, c)
        assert contrast(exposure, colour, c) == pytest.approx(change / (2 * step))
        for p in range(EXPOSURE_PARAMETERS):
            off = np.zeros_like(exposure)
            off[p * CHANNELS + c] = step
            change = exposed(exposure + off, colour, c) - exposed(exposure - off, colour, c)
            assert change / (2 * step) == pytest.approx((colour, 1.0)[p])


def test_tensors_are_exposed_as_compiled_code_does_it():
    exposure = torch.tensor([1.2, 0.8, 1.1, 0.05, -0.1, 0.02], dtype=torch.float64)
    colours = torch.linspace(0, 1, 5, dtype=torch.float64)
    for c in range(CHANNELS):
        expected = [exposed(exposure.numpy(), float(colour), c) for colour in colours]
        np.testing.assert_allclose(expose(exposure, colours, c), expected)


def test_blocks_are_consecutive_parts_of_a_render():
    rng = np.random.default_rng(2)
    shapes = ((2, 10, 3), (2, 10, 3), (2, 10, 3, 2), (2, 10))
    batch = Template(*(rng.random(shape, dtype=np.float32) for shape in shapes), block_size=4)
    render = render_of(batch, 1)
    assert block_count(render) == 3
    blocks = [block_of(render, number) for number in range(3)]
    for values, parts in zip(batch[:4], list(zip(*blocks, strict=True))[:4], strict=True):
        np.testing.assert_array_equal(np.concatenate(parts), values[1])

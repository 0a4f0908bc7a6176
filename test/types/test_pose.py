"""Poses as users write them."""

import math

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mesh_reloc_ros.errors import InputError
from mesh_reloc_ros.types.pose import (
    about_map_axes,
    distance,
    looking_at,
    pose_from_numbers,
    pose_from_text,
    pose_to_numbers,
    rounded,
)


def test_numbers_are_position_then_quaternion_with_w_last():
    half = math.sqrt(0.5)
    pose = pose_from_text('1 2 3 0 0 0.70710678118 0.70710678118')
    np.testing.assert_allclose(pose @ [1, 0, 0, 1], [1, 3, 3, 1], atol=1e-9)
    np.testing.assert_allclose(pose_to_numbers(pose), [1, 2, 3, 0, 0, half, half], atol=1e-9)


def test_a_pose_survives_being_written_and_read():
    rng = np.random.default_rng(5)
    for rotation in Rotation.random(20, rng):
        pose = np.eye(4)
        pose[:3, :3], pose[:3, 3] = rotation.as_matrix(), rng.normal(size=3)
        numbers = pose_to_numbers(pose)
        assert numbers[6] >= 0
        assert np.linalg.norm(numbers[3:]) == pytest.approx(1)
        np.testing.assert_allclose(pose_from_numbers(numbers), pose, atol=1e-12)


def test_a_quaternion_of_any_length_and_commas_will_do():
    expected = pose_from_text('0.5 -1 2 0.1 0.2 0.3 0.4')
    np.testing.assert_allclose(pose_from_text('0.5, -1, 2, -1, -2, -3, -4'), expected)
    rotation = expected[:3, :3]
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)


@pytest.mark.parametrize(
    ('text', 'words'),
    [
        ('', 'expected 7 numbers .* got 0'),
        ('1 2 3', 'expected 7 numbers .* got 3'),
        ('1 2 3 0 0 0 1 9', 'got 8'),
        ('1 2 3 0 0 0 one', "'one'"),
        ('nan 2 3 0 0 0 1', 'finite'),
        ('1 2 3 0 0 0 inf', 'finite'),
        ('1 2 3 0 0 0 0', 'quaternion is zero'),
        ('1 2 3 0 0 0 1e-9', 'quaternion is zero'),
    ],
)
def test_what_is_not_a_pose_is_refused_in_one_line(text, words):
    with pytest.raises(InputError, match=words) as refusal:
        pose_from_text(text)
    assert '\n' not in str(refusal.value)


def test_the_distance_of_two_poses_is_in_metres_and_radians():
    a = pose_from_text('1 2 3 0 0 0 1')
    b = pose_from_numbers([1, 2, 5, math.sin(0.2), 0, 0, math.cos(0.2)])
    assert distance(a, b) == pytest.approx((2.0, 0.4))
    assert distance(b, b) == pytest.approx((0.0, 0.0), abs=1e-7)


def test_poses_that_are_not_finite_are_infinitely_far_apart():
    assert distance(np.eye(4), np.full((4, 4), np.nan)) == (np.inf, np.inf)


def test_a_camera_looks_at_its_target_with_up_upright():
    pose = looking_at((1, 2, 3), target=(4, 2, 3), up=(0, 0, 1))
    # Right, down and forward of a camera that looks along x with z up.
    np.testing.assert_allclose(pose[:3, :3], [[0, 0, 1], [-1, 0, 0], [0, -1, 0]], atol=1e-12)
    np.testing.assert_allclose(pose[:, 3], [1, 2, 3, 1])
    tilted = looking_at((0, 0, 2), target=(3, 1, 0), up=(0, 0, 5))
    assert np.linalg.det(tilted[:3, :3]) == pytest.approx(1)
    assert tilted[2, 0] == pytest.approx(0, abs=1e-12)
    assert tilted[2, 1] < 0


def test_a_covariance_turns_with_the_pose():
    rng = np.random.default_rng(2)
    pose = np.eye(4)
    pose[:3, :3] = Rotation.random(random_state=3).as_matrix()
    pose[:3, 3] = (5, -3, 2)
    mixing = rng.normal(size=(6, 6))
    covariance = mixing @ mixing.T
    turned = about_map_axes(covariance, pose)
    direction = rng.normal(size=3)
    in_map = pose[:3, :3] @ direction
    for block in (slice(0, 3), slice(3, 6)):
        assert in_map @ turned[block, block] @ in_map == pytest.approx(
            direction @ covariance[block, block] @ direction
        )
    np.testing.assert_allclose(turned[:3, 3:], pose[:3, :3] @ covariance[:3, 3:] @ pose[:3, :3].T)


def test_a_rounded_pose_is_near_and_the_same_for_its_neighbours():
    rng = np.random.default_rng(6)
    cell_m, cell_rad = 0.25, 0.05
    for rotation in Rotation.random(50, rng):
        pose = np.eye(4)
        pose[:3, :3], pose[:3, 3] = rotation.as_matrix(), rng.normal(size=3)
        on_grid = rounded(pose, cell_m, cell_rad)
        np.testing.assert_allclose(on_grid[:3, :3] @ on_grid[:3, :3].T, np.eye(3), atol=1e-12)
        assert np.abs(on_grid[:3, 3] - pose[:3, 3]).max() <= cell_m / 2
        turned = Rotation.from_matrix(on_grid[:3, :3].T @ pose[:3, :3]).magnitude()
        assert turned <= math.sqrt(3) * cell_rad / 2
        np.testing.assert_allclose(rounded(on_grid, cell_m, cell_rad), on_grid, atol=1e-12)
        pose[:3, 3] += 1e-9
        np.testing.assert_array_equal(rounded(pose, cell_m, cell_rad), on_grid)

"""The motion filter: constant velocity, frames of its covariances, and their size."""

import numpy as np
import pytest
import torch

from mesh_reloc_ros.config.tracking import TrackingSettings
from mesh_reloc_ros.kernels.se3 import log
from mesh_reloc_ros.track._motion_filter import MotionFilter
from mesh_reloc_ros.types import se3

START_NS = 1_700_000_000_123_456_789
UNEVEN_MS = (33, 5, 210, 0, 70, 1, 400, 33)
# How long the filter takes an acceleration to last: with its size, the density of white noise.
LASTS_S = 0.1
TURNING = np.array([0.3, -0.2, 0.5, 0.4, -0.9, 0.6])


def accelerations(linear: float, angular: float) -> TrackingSettings:
    return TrackingSettings(linear_acceleration_noise=linear, angular_acceleration_noise=angular)


SETTINGS = accelerations(4.0, 15.0)


def exp(twist):
    return se3.exp(torch.from_numpy(np.asarray(twist, dtype=np.float64))).numpy()


def somewhere():
    return exp([1.0, -2.0, 0.5, 0.8, -1.1, 2.0])


def test_constant_velocity_is_predicted_exactly_at_uneven_intervals():
    motion = MotionFilter(somewhere(), START_NS)
    motion.velocity = TURNING.copy()
    stamp_ns = START_NS
    for interval_ms in UNEVEN_MS:
        stamp_ns += interval_ms * 1_000_000
        motion.predict(stamp_ns, SETTINGS)
        expected = somewhere() @ exp(TURNING * (stamp_ns - START_NS) * 1e-9)
        np.testing.assert_allclose(motion.map_T_camera, expected, atol=1e-12)
        assert motion.stamp_ns == stamp_ns
    np.testing.assert_array_equal(motion.velocity, TURNING)


def test_it_looks_ahead_without_going_there():
    motion = MotionFilter(somewhere(), START_NS)
    motion.velocity = TURNING.copy()
    covariance = motion.covariance.copy()
    for interval_s in (0.0, 0.033, 0.2):
        expected = somewhere() @ exp(TURNING * interval_s)
        np.testing.assert_allclose(motion.extrapolated(interval_s), expected, atol=1e-12)
    np.testing.assert_array_equal(motion.map_T_camera, somewhere())
    np.testing.assert_array_equal(motion.covariance, covariance)
    assert motion.stamp_ns == START_NS


def test_the_velocity_is_learnt_from_poses():
    motion = MotionFilter(somewhere(), START_NS)
    stamp_ns = START_NS
    for interval_ms in (33, 40, 20, 66, 33, 100, 15, 33):
        stamp_ns += interval_ms * 1_000_000
        motion.predict(stamp_ns, SETTINGS)
        pose = somewhere() @ exp(TURNING * (stamp_ns - START_NS) * 1e-9)
        motion.update(pose, 1e-10 * np.eye(6))
        np.testing.assert_allclose(motion.map_T_camera, pose, atol=1e-4)
    np.testing.assert_allclose(motion.velocity, TURNING, atol=5e-3)
    motion.predict(stamp_ns + 250_000_000, SETTINGS)
    expected = somewhere() @ exp(TURNING * ((stamp_ns - START_NS) * 1e-9 + 0.25))
    np.testing.assert_allclose(motion.map_T_camera, expected, atol=3e-3)


@pytest.mark.parametrize('axis', range(6))
def test_a_pose_known_along_one_axis_of_the_camera_moves_the_filter_along_it(axis):
    """Covariances belong to the camera's axes, wherever those point in the map."""
    motion = MotionFilter(somewhere(), START_NS)
    variances = np.full(6, 1e6)
    variances[axis] = 1e-8
    motion.update(somewhere() @ exp(np.full(6, 0.02)), np.diag(variances))
    moved = log(np.linalg.inv(somewhere()) @ motion.map_T_camera)
    expected = np.zeros(6)
    expected[axis] = 0.02
    # Rotations and translations mix a little in a twist.
    np.testing.assert_allclose(moved, expected, atol=1e-3)
    spread = np.sqrt(np.diag(motion.covariance))
    assert spread[axis] < 2e-4
    assert (np.delete(spread, axis) > 0.1).all()


def test_what_is_known_turns_with_the_camera():
    """Known along its z, the camera turns x to y, y to z, z to x: then it is known along its y."""
    motion = MotionFilter(np.eye(4), START_NS)
    variances = np.array([0.01, 0.02, 1e-8, 1e-8, 1e-8, 1e-8])
    motion.update(np.eye(4), np.diag(variances))
    before = np.diag(motion.covariance).copy()
    axis = np.ones(3) / np.sqrt(3)
    motion.velocity = np.array([0, 0, 0, *(2 * np.pi / 3 * axis)]) * 1e3
    motion.predict(START_NS + 1_000_000, accelerations(1e-3, 1e-3))
    np.testing.assert_allclose(motion.map_T_camera[:3, :3], np.eye(3)[[2, 0, 1]], atol=1e-9)
    assert before[2] == pytest.approx(1e-8, rel=1e-3)
    # The millisecond adds what a metre a second adds.
    expected = before[[1, 2, 0]] + 1e-6
    np.testing.assert_allclose(np.diag(motion.covariance)[:3], expected, rtol=0.02)


def test_uncertainty_grows_with_the_interval():
    spreads = []
    for interval_ms in (0, 10, 50, 200, 1000):
        motion = MotionFilter(somewhere(), START_NS)
        motion.update(somewhere(), 1e-6 * np.eye(6))
        motion.predict(START_NS + interval_ms * 1_000_000, SETTINGS)
        spreads.append(np.sqrt(np.diag(motion.covariance)))
    assert (np.diff(spreads, axis=0) > 0).all()
    # Over a second: the velocity's 1 m/s and 1.5 rad/s, and white accelerations.
    expected = np.repeat([1 + 4**2 * LASTS_S / 3, 1.5**2 + 15**2 * LASTS_S / 3], 3)
    np.testing.assert_allclose(spreads[-1] ** 2, expected, rtol=0.01)


def test_an_interval_may_be_predicted_in_parts():
    at_once = MotionFilter(somewhere(), START_NS)
    in_parts = MotionFilter(somewhere(), START_NS)
    at_once.predict(START_NS + 300_000_000, SETTINGS)
    for interval_ms in (20, 150, 1, 0, 129):
        in_parts.predict(in_parts.stamp_ns + interval_ms * 1_000_000, SETTINGS)
    np.testing.assert_allclose(in_parts.map_T_camera, at_once.map_T_camera, atol=1e-12)
    np.testing.assert_allclose(in_parts.covariance, at_once.covariance, rtol=1e-9)


def simulated_distances(runs, steps):
    """Return squared distances: of innovations, and of poses from the truth, per dimension."""
    rng = np.random.default_rng(7)
    start_sigma = np.repeat([0.3, 0.15, 1.0, 1.5], 3)
    density = np.repeat([2.0, 3.0], 3) ** 2 * LASTS_S
    innovations, errors = [], []
    for _ in range(runs):
        motion = MotionFilter(somewhere(), START_NS)
        # The start is known better than the filter assumes of one that a user gives.
        motion.update(somewhere(), 1e-4 * np.eye(6))
        off = np.concatenate((rng.normal(scale=0.01, size=6), rng.normal(size=6) * start_sigma[6:]))
        true, velocity, stamp_ns = somewhere() @ exp(off[:6]), off[6:], START_NS
        for _ in range(steps):
            dt = rng.uniform(0.01, 0.1)
            stamp_ns += round(dt * 1e9)
            # What white acceleration does to position and velocity within the interval.
            both = np.array([[dt**3 / 3, dt**2 / 2], [dt**2 / 2, dt]])
            pushed, sped_up = np.sqrt(density) * rng.multivariate_normal(np.zeros(2), both, 6).T
            true = true @ exp(velocity * dt + pushed)
            velocity = velocity + sped_up
            mixing = 0.004 * rng.normal(size=(6, 6)) * rng.uniform(0.1, 3, size=(6, 1))
            covariance = mixing @ mixing.T + 1e-6 * np.eye(6)
            measured = true @ exp(rng.multivariate_normal(np.zeros(6), covariance))
            motion.predict(stamp_ns, accelerations(2.0, 3.0))
            innovations.append(motion.innovation_distance(measured, covariance) ** 2)
            motion.update(measured, covariance)
            error = log(np.linalg.inv(motion.map_T_camera) @ true)
            errors.append(error @ np.linalg.solve(motion.covariance, error) / 6)
    return np.array(innovations), np.array(errors)


def test_innovations_and_errors_are_as_large_as_the_filter_expects():
    innovations, errors = simulated_distances(runs=25, steps=20)
    assert np.mean(innovations) == pytest.approx(1.0, abs=0.12)
    assert np.mean(errors) == pytest.approx(1.0, abs=0.12)


def test_the_distance_of_an_innovation_is_in_standard_deviations():
    motion = MotionFilter(somewhere(), START_NS)
    covariance = np.diag([0.02, 0.03, 0.04, 0.001, 0.002, 0.003]) ** 2
    total = motion.covariance + covariance
    for axis in range(6):
        twist = np.zeros(6)
        twist[axis] = 3 * np.sqrt(total[axis, axis])
        distance = motion.innovation_distance(somewhere() @ exp(twist), covariance)
        assert distance == pytest.approx(3 / np.sqrt(6), rel=1e-6)
    assert motion.innovation_distance(somewhere(), covariance) == pytest.approx(0, abs=1e-9)


def test_at_rest_the_velocity_is_forgotten_and_the_pose_is_not():
    motion = MotionFilter(somewhere(), START_NS)
    for step in range(1, 6):
        motion.predict(START_NS + step * 33_000_000, SETTINGS)
        motion.update(somewhere() @ exp(0.033 * step * TURNING), 1e-6 * np.eye(6))
    assert np.abs(motion.velocity).max() > 0.1
    pose, covariance = motion.map_T_camera.copy(), motion.covariance.copy()
    motion.rest()
    np.testing.assert_array_equal(motion.velocity, 0)
    np.testing.assert_array_equal(motion.map_T_camera, pose)
    np.testing.assert_array_equal(motion.covariance, covariance)
    motion.predict(motion.stamp_ns + 1_000_000_000, SETTINGS)
    np.testing.assert_allclose(motion.map_T_camera, pose, atol=1e-12)
    # It may have gone at a metre a second, and have been pushed, in any direction.
    np.testing.assert_allclose(
        np.diag(motion.covariance - covariance)[:3], 1 + 4**2 * LASTS_S / 3, rtol=1e-9
    )

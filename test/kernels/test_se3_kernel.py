"""The compiled exponential is that of `types.se3`, and the logarithm undoes it, at every angle."""

import math

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from mesh_reloc_ros.kernels import se3 as se3_cpu
from mesh_reloc_ros.types.se3 import exp

ANGLES = (0.0, 1e-9, 1e-4, 9.9e-4, 1.1e-3, 0.3, 3.0, math.pi - 1e-6)


@pytest.mark.parametrize('angle', ANGLES)
def test_exp_is_that_of_tensors_and_log_undoes_it(angle):
    rng = np.random.default_rng(6)
    for _ in range(8):
        axis = rng.normal(size=3)
        twist = np.concatenate((rng.normal(size=3), angle * axis / np.linalg.norm(axis)))
        motion = exp(torch.from_numpy(twist)).numpy()
        np.testing.assert_allclose(se3_cpu.exp(twist), motion, atol=1e-9)
        np.testing.assert_allclose(se3_cpu.log(motion), twist, atol=1e-7)


@pytest.mark.parametrize('angle', [*ANGLES, math.pi])
def test_the_rotation_of_log_agrees_with_scipy(angle):
    rng = np.random.default_rng(7)
    axes = [*np.eye(3), *(rng.normal(size=(5, 3)))]
    for axis in axes:
        motion = np.eye(4)
        turn = Rotation.from_rotvec(angle * axis / np.linalg.norm(axis))
        motion[:3, :3] = turn.as_matrix()
        rotation = se3_cpu.log(motion)[3:]
        assert np.linalg.norm(rotation) <= math.pi + 1e-9
        difference = Rotation.from_rotvec(rotation) * turn.inv()
        assert difference.magnitude() < 1e-7


def _motions(seed: int) -> np.ndarray:
    twists = torch.from_numpy(np.random.default_rng(seed).normal(size=(20, 6)))
    return exp(twists).numpy()


def test_the_inverse_undoes_motions():
    motions = _motions(1)
    np.testing.assert_allclose(se3_cpu.inverse(motions), np.linalg.inv(motions), atol=1e-12)


def test_rounding_errors_are_taken_out():
    motions, rng = _motions(2), np.random.default_rng(8)
    rounded = motions.copy()
    rounded[:, :3, :3] += 1e-5 * rng.normal(size=(20, 3, 3))
    result = se3_cpu.normalized(rounded)
    turns = result[:, :3, :3]
    identities = np.broadcast_to(np.eye(3), turns.shape)
    np.testing.assert_allclose(turns @ turns.transpose(0, 2, 1), identities, atol=1e-8)
    np.testing.assert_allclose(result, motions, atol=1e-4)
    np.testing.assert_array_equal(result[:, :, 3], motions[:, :, 3])


def test_the_adjoint_moves_twists_between_frames():
    twists = 0.3 * np.random.default_rng(3).normal(size=(20, 6))
    for motion, twist in zip(_motions(3), twists, strict=True):
        moved = motion @ se3_cpu.exp(twist) @ np.linalg.inv(motion)
        np.testing.assert_allclose(se3_cpu.exp(se3_cpu.adjoint(motion) @ twist), moved, atol=1e-10)

"""The compiled exponential and logarithm are those of `se3`, at every angle."""

import math

import numpy as np
import pytest
import torch

from mesh_reloc_ros.kernels import se3 as se3_cpu
from mesh_reloc_ros.types.se3 import exp, log

ANGLES = (0.0, 1e-9, 1e-4, 9.9e-4, 1.1e-3, 0.3, 3.0, math.pi - 1e-6)


@pytest.mark.parametrize('angle', ANGLES)
def test_they_are_those_of_se3(angle):
    rng = np.random.default_rng(6)
    for _ in range(8):
        axis = rng.normal(size=3)
        twist = np.concatenate((rng.normal(size=3), angle * axis / np.linalg.norm(axis)))
        motion = exp(torch.from_numpy(twist)).numpy()
        np.testing.assert_allclose(se3_cpu.exp(twist), motion, atol=1e-9)
        expected = log(torch.from_numpy(motion)).numpy()
        np.testing.assert_allclose(se3_cpu.log(motion), expected, atol=1e-8)
        np.testing.assert_allclose(se3_cpu.log(motion), twist, atol=1e-7)

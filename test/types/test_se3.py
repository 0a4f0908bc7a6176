"""SE(3): properties that hold at every angle, small ones and those near pi included."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mesh_reloc_ros.types import se3

ANGLES = st.one_of(
    st.floats(0, 3.1),
    st.floats(1e-9, 1e-2),
    st.floats(math.pi - 1e-3, math.pi - 1e-9),
)
COMPONENT = st.floats(-1, 1)


def twist_of(angle: float, axis: tuple[float, ...], translation: tuple[float, ...]) -> torch.Tensor:
    direction = torch.tensor(axis, dtype=torch.float64)
    if direction.norm() < 1e-3:
        direction = torch.tensor((0.0, 0.0, 1.0), dtype=torch.float64)
    rotation = direction / direction.norm() * angle
    return torch.cat((5 * torch.tensor(translation, dtype=torch.float64), rotation))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(ANGLES, st.tuples(*[COMPONENT] * 3), st.tuples(*[COMPONENT] * 3))
def test_exp_is_the_matrix_exponential(angle, axis, translation):
    twist = twist_of(angle, axis, translation)
    generator = torch.zeros(4, 4, dtype=torch.float64)
    generator[:3, :3] = se3.hat(twist[3:])
    generator[:3, 3] = twist[:3]
    assert torch.allclose(se3.exp(twist), torch.linalg.matrix_exp(generator), atol=1e-10)


def test_gradients_are_finite_at_no_motion():
    twist = torch.zeros(6, dtype=torch.float64, requires_grad=True)
    se3.exp(twist)[:3].sum().backward()
    assert twist.grad is not None
    assert torch.isfinite(twist.grad).all()
    assert torch.allclose(twist.grad[:3], torch.ones(3, dtype=torch.float64))


def test_transform_moves_points_batchwise():
    generator = torch.Generator().manual_seed(4)
    motions = se3.exp(torch.randn(5, 6, generator=generator, dtype=torch.float64))
    points = torch.randn(5, 7, 3, generator=generator, dtype=torch.float64)
    homogeneous = torch.cat((points, torch.ones(5, 7, 1, dtype=torch.float64)), dim=-1)
    expected = (homogeneous @ motions.transpose(-1, -2))[..., :3]
    assert torch.allclose(se3.transform(motions, points), expected, atol=1e-12)


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
def test_types_are_kept(dtype):
    twist = torch.full((2, 6), 0.1, dtype=dtype)
    assert se3.inverse(se3.exp(twist)).dtype == dtype
